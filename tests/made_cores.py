"""Cores by their names, built from what a test gives."""

from typing import Any

from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.cores import CORES, analog_core_named, analog_cores
from rnscli.core.cores.core import Core
from rnscli.core.cores.kind import ConventionalKind, Converters, CoreSettings
from rnscli.core.noise import NoiseLaw

ANALOG = analog_cores()
CONVENTIONAL = tuple(name for name, kind in CORES.items() if isinstance(kind, ConventionalKind))


def made(
    name: str,
    dot_product: DotProduct,
    bits: int,
    code: RedundantCode | None = None,
    noise: NoiseLaw | tuple[NoiseLaw, ...] | None = None,
    attempts: float = 1,
    **settings: Any,
) -> Core:
    """A core as it is simulated."""
    given = CoreSettings(dot_product=dot_product, bits=bits, **settings)
    return analog_core_named(name).build(given, code, noise, attempts)


def converters(name: str, dot_product: DotProduct, bits: int, **settings: Any) -> Converters:
    """The converters of an analog core."""
    found = CORES[name].converters(CoreSettings(dot_product=dot_product, bits=bits, **settings))
    assert found is not None
    return found


def reading_error(
    name: str, dot_product: DotProduct, bits: int, law: NoiseLaw, **settings: Any
) -> float:
    """Probability that noise changes what a conventional core reads."""
    given = CoreSettings(dot_product=dot_product, bits=bits, **settings)
    return analog_core_named(name).reading_error(given, law)
