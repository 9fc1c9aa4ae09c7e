"""Noise laws: what an analog channel does to a residue, and a conventional ADC to its code."""

from collections.abc import Mapping
from types import MappingProxyType

from rnscli.base import Registry
from rnscli.core.noise.gaussian import Gaussian
from rnscli.core.noise.law import Adc, NoiseLaw, wrong_word
from rnscli.core.noise.setting import NoiseSetting
from rnscli.core.noise.tabulated import Tabulated
from rnscli.core.noise.uniform import Uniform

__all__ = [
    "NOISE_LAWS",
    "Adc",
    "Gaussian",
    "NoiseLaw",
    "NoiseSetting",
    "Tabulated",
    "Uniform",
    "law_at",
    "law_named",
    "wrong_word",
]

# `Tabulated` has no name there: a table belongs to one modulus, and no level says what is in it.
NOISE_LAWS: Registry[type[NoiseLaw]] = Registry("noise", "noise", NoiseLaw, [Uniform, Gaussian])


def law_at(
    name: str | None,
    level: str,
    value: float,
    modulus: int,
    constants: Mapping[str, float] = MappingProxyType({}),
) -> NoiseLaw:
    """A law by its name and the level of the noise.

    Parameters
    ----------
    name
        Name in `NOISE_LAWS`; ``None`` for the one whose own level is given.
    level, value
        ``p``, the probability that a residue is wrong; ``sigma``, a standard deviation in steps of
        a residue; or ``snr_db``, the ratio of the full scale of m steps to it,
        ``20 log10(m / sigma)``.
    modulus
        Number m of values of the residue, or of codes of a conventional converter.
    constants
        Those of the law that differ from their defaults.

    Raises
    ------
    InputError
        If there is no such law, or it cannot have that level or constants.

    Examples
    --------
    >>> law_at(None, "sigma", 0.1, 63), round(law_at("uniform", "sigma", 0.2, 63).p, 6)
    (Gaussian(sigma=0.1), 0.012419)
    """
    if level == "snr_db":
        level, value = "sigma", modulus * 10.0 ** (-value / 20)
    law = law_named(name, level)
    return law.of_level(level, value, modulus, law.all_constants(constants))


def law_named(name: str | None, level: str) -> type[NoiseLaw]:
    """The law of a name; without one, that which the level is a parameter of.

    Raises
    ------
    InputError
        If there is no such law.
    """
    if name is not None:
        return NOISE_LAWS.named(name)
    own = "sigma" if level == "snr_db" else level
    return next(law for law in NOISE_LAWS.values() if law.level == own)
