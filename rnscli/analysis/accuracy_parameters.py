"""What is asked of a network on a core."""

from dataclasses import dataclass

from rnscli.core.checks import check_int
from rnscli.core.errors import InputError
from rnscli.hardware.technology import Technology
from rnscli.matrix.dataflow import Dataflow
from rnscli.networks.data import LabelledData
from rnscli.networks.portable import OpenedNetwork

BLOCK_SAMPLES = 128


@dataclass(frozen=True, kw_only=True)
class AccuracyParameters:
    """One point: a network, and the core on which its products are computed.

    Parameters
    ----------
    opened
        The network and its data (`rnscli.networks.portable.open_network`).
    flow
        The core, and how products are mapped to it.
    bits
        Bits b of the converters, for the energy.
    samples
        Test samples, the first ones; all if not given.
    strict
        Refuse a network with products that stay digital.
    technology
        Of the array, for the energy; ``reram-analog`` if not given.
    seed
        Of the noise.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    opened: OpenedNetwork
    flow: Dataflow
    bits: int
    samples: int | None = None
    strict: bool = False
    technology: Technology | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        check_int("bits", self.bits, 2, 256)
        check_int("seed", self.seed, 0, 2**128 - 1)
        there = len(self.opened.data.test)
        if self.samples is not None and check_int("samples", self.samples, 1) > there:
            raise InputError(
                f"`samples` is {self.samples}, but `data` {self.opened.data.name} has {there} "
                "samples to test with"
            )

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.opened.data.test) if self.samples is None else self.samples

    @property
    def blocks(self) -> int:
        """Number of blocks of samples; only the last may be smaller."""
        return -(-self.count // BLOCK_SAMPLES)

    def samples_of(self, block: int) -> int:
        """Samples in one of the blocks."""
        return min(BLOCK_SAMPLES, self.count - block * BLOCK_SAMPLES)

    def data_of(self, block: int) -> LabelledData:
        """The samples of a block."""
        start, test = block * BLOCK_SAMPLES, self.opened.data.test
        part = slice(start, start + self.samples_of(block))
        return LabelledData(test.inputs[part], test.labels[part])
