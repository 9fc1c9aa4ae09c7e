"""Options of the noise on residues: its law and its level, the same for all or for each modulus."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from rnscli.analysis.columns import Noise, P, Sigma, SnrDb
from rnscli.base.checks import MAX_SIGMA
from rnscli.base.errors import InputError
from rnscli.cli.options import shared
from rnscli.cli.options.types import ChoiceSweep, FloatSweep, PerModulusSweep
from rnscli.core.arithmetic.moduli import ModuliSet

if TYPE_CHECKING:
    from rnscli.core.noise.law import NoiseLaw

LEVELS = ("p", "sigma", "snr_db")
AXES = ("noise", *LEVELS)
COLUMNS = {"noise": Noise, "p": P, "sigma": Sigma, "snr_db": SnrDb}

noise = click.option(
    "--noise",
    type=ChoiceSweep(("uniform", "gaussian")),
    help="Law of the errors: any wrong value alike, or normal noise, rounded and wrapped. A level "
    "given for the other law is converted to the same probability of an error.  [default: uniform "
    "with --p, gaussian with --sigma or --snr-db]",
)
sigma = click.option(
    "--sigma",
    type=PerModulusSweep(0.0, MAX_SIGMA, f"a number of residue steps from 0 to {MAX_SIGMA:g}"),
    help="Standard deviation of Gaussian noise, in steps of a residue; for each modulus as --p.",
)
snr_db = click.option(
    "--snr-db",
    type=FloatSweep(-40.0, 400.0, "a ratio from -40 to 400 dB"),
    help="Gaussian noise by its distance from full scale: a modulus m has a full scale of m steps, "
    "so that SNR = 20 log10(m / sigma) dB.",
)


def p(default: str) -> shared.Decorator[shared.Command]:
    """``--p``; ``default`` is what the command takes without any level."""
    return click.option(
        "--p",
        type=PerModulusSweep(0.0, 1.0, "a probability from 0 to 1"),
        help="Probability that a residue is wrong; [p,p,..] or a file gives one for each modulus, "
        f"largest first.  [default: {default}]",
    )


def check_one_level(options: Mapping[str, Any], required: bool = True) -> None:
    """Refuse two kinds of level at once, or a law without one where there is no default.

    Raises
    ------
    InputError
        Naming both options.
    """
    given = [f"`{name}`" for name in LEVELS if options[name] is not None]
    if not given and required and options["noise"] is not None:
        raise InputError("`noise` has no level; give `p`, `sigma` or `snr_db`, too")
    if len(given) > 1:
        raise InputError(
            f"{given[0]} and {given[1]} both give the level of the noise; leave one of them out"
        )


def laws_of(point: Mapping[str, Any], moduli: ModuliSet) -> "NoiseLaw | tuple[NoiseLaw, ...]":
    """The law of every residue at a point of a sweep, or that of each.

    Raises
    ------
    InputError
        If there is not one value for each modulus.
    """
    level = next(name for name in LEVELS if point[name] is not None)
    value = point[level]
    law = law_name(point)
    values = value if isinstance(value, tuple) else (value,) * moduli.count
    if len(values) != moduli.count:
        raise InputError(
            f"`{level}` has {len(values)} values, but the set {','.join(map(str, moduli.moduli))} "
            f"has {moduli.count} moduli; give one for each"
        )
    return tuple(_law(law, level, v, m) for v, m in zip(values, moduli.moduli, strict=True))


def law_name(point: Mapping[str, Any]) -> str:
    """The law of a point that has a level: the one that it names, or that of the level."""
    return str(point["noise"] or ("gaussian" if point["p"] is None else "uniform"))


def _law(law: str, level: str, value: float, modulus: int) -> "NoiseLaw":
    """A law whose level is given for itself or for the other one."""
    from rnscli.core.noise.law import Gaussian, Uniform  # which load NumPy

    if level == "p":
        return Uniform(value) if law == "uniform" else Gaussian(_sigma_of(value))
    gaussian = Gaussian(value if level == "sigma" else modulus * 10.0 ** (-value / 20))
    return gaussian if law == "gaussian" else Uniform(gaussian.error_probability(modulus))


def _sigma_of(probability: float) -> float:
    """The sigma at which unwrapped noise is rounded to another value with this probability."""
    from scipy.special import ndtri

    if not probability:
        return 0.0
    if probability > 0.999:
        raise InputError(
            f"`p` is {probability:g}; Gaussian noise reaches an error probability of up to 0.999"
        )
    return float(-0.5 / ndtri(probability / 2))
