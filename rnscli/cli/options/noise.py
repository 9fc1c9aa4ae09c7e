"""Options of the noise on residues: its law and its level, the same in every command."""

from collections.abc import Mapping
from typing import Any

import click

from rnscli.analysis import Noise, P, Sigma, SnrDb
from rnscli.base import MAX_SIGMA
from rnscli.cli.options import shared
from rnscli.cli.options.types import ChoiceSweep, FloatSweep, PerModulusSweep, Point
from rnscli.core import LEVELS, NOISE_LAWS, NoiseSetting

AXES = ("noise", *LEVELS)
COLUMNS = {"noise": Noise, "p": P, "sigma": Sigma, "snr_db": SnrDb}


def noise_options(default: str) -> shared.Decorator[Any]:
    """``--noise --p --sigma --snr-db``; ``default`` is what the command takes without any level."""
    laws = "; ".join(f"{name}, {law.summary}" for name, law in NOISE_LAWS.items())
    return shared.stacked(
        click.option(
            "--noise",
            type=ChoiceSweep(NOISE_LAWS),
            help=f"Law of the errors: {laws}. A level given for another law is converted to the "
            "same probability of an error.  [default: uniform with --p, gaussian with --sigma or "
            "--snr-db]",
        ),
        click.option(
            "--p",
            type=PerModulusSweep(0.0, 1.0, "a probability from 0 to 1"),
            help="Probability that a residue is wrong; [p,p,..] or a file gives one for each "
            f"modulus, largest first.  [default: {default}]",
        ),
        click.option(
            "--sigma",
            type=PerModulusSweep(
                0.0, MAX_SIGMA, f"a number of residue steps from 0 to {MAX_SIGMA:g}"
            ),
            help="Standard deviation of Gaussian noise, in steps of a residue; for each modulus as "
            "--p.",
        ),
        click.option(
            "--snr-db",
            type=FloatSweep(-40.0, 400.0, "a ratio from -40 to 400 dB"),
            help="Gaussian noise by its distance from full scale: a modulus m has a full scale of "
            "m steps, so that SNR = 20 log10(m / sigma) dB.",
        ),
    )


def check_one_level(options: Mapping[str, Any]) -> None:
    """Refuse two kinds of level at once, or a law without one.

    Raises
    ------
    InputError
        Naming both options.
    """
    NoiseSetting.of({name: options[name] and options[name][0] for name in AXES})


def noise_of(point: Point) -> NoiseSetting | None:
    """The noise at a point of a sweep; ``None`` without a level."""
    return NoiseSetting.of(point)
