"""The cores, compared on the same operands behind one interface.

A core has a `CoreKind`, registered here, which says all that anybody needs to know of it, and
which builds the `rnscli.core.cores.core.Core` that is simulated. Reduction modulo m is a ring
homomorphism: the residues of the exact sum S are what the channels compute. `Core.read` starts
from the exact sums and is fast; `Core.dot` runs every channel. Noise acts on the residues in both,
in the same order of draws, so the two agree bit for bit.
"""

from rnscli.base import Registry, check_choice
from rnscli.core.cores.conventional import (
    BitSliced,
    DigitalFp32,
    DigitalInt4,
    DigitalInt8,
    FixedHp,
    FixedLp,
)
from rnscli.core.cores.kind import AnalogKind, CoreKind, DigitalKind
from rnscli.core.cores.rns import Rns

RNS = Rns()  # which the others are compared with
CORES: Registry[CoreKind] = Registry(
    "core",
    "cores",
    CoreKind,
    [RNS, FixedLp(), FixedHp(), BitSliced(), DigitalInt8(), DigitalInt4(), DigitalFp32()],
)


def analog_cores() -> tuple[str, ...]:
    """Names of the cores with an analog array, which are simulated."""
    return tuple(name for name, kind in CORES.items() if isinstance(kind, AnalogKind))


def simulated_cores() -> tuple[str, ...]:
    """Names of those whose error is simulated: the analog ones, and digital ones of integers."""
    return tuple(
        name
        for name, kind in CORES.items()
        if isinstance(kind, AnalogKind)
        or (isinstance(kind, DigitalKind) and kind.simulated_bits is not None)
    )


def analog_core_named(name: object) -> AnalogKind:
    """The analog core of a name that a user gives."""
    known = isinstance(name, str) and CORES.get(name)
    if isinstance(known, AnalogKind):
        return known  # without asking for those of other packages
    kind = CORES[check_choice("core", name, analog_cores())]
    assert isinstance(kind, AnalogKind)  # as those are
    return kind
