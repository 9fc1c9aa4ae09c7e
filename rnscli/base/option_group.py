"""Groups of options: the headings that a help puts them under."""

from enum import Enum


class OptionGroup(Enum):
    """What options are about, in the order in which every help lists them.

    The name of a member, in lower case, is what a shell calls the group; the value is its heading.

    Examples
    --------
    >>> OptionGroup.CODE.key, OptionGroup.CODE.value
    ('code', 'Moduli and code')
    """

    ASKED = "What is asked"
    NETWORK = "Network"
    CHIP = "Chip"
    CORE = "Dot product and cores"
    CODE = "Moduli and code"
    NOISE = "Noise"
    DEVICES = "Devices"
    TRAINING = "Training"
    UPDATES = "Training in cells"
    HARDWARE = "Hardware"
    CONSTANTS = "Constants of the hardware"
    SIMULATION = "Simulation"
    RUN = "Run"
    OUTPUT = "Output"

    @property
    def key(self) -> str:
        return self.name.lower()
