"""Options of the noise on residues: its law and its level, the same in every command."""

from collections.abc import Mapping
from typing import Any

from rnscli.analysis import Noise, P, Sigma, SnrDb
from rnscli.cli.options import shared
from rnscli.cli.options.types import Point
from rnscli.core import LEVELS, NoiseOptions, NoiseSetting

NOISE_AXES = ("noise", *LEVELS)
NOISE_COLUMNS = {"noise": Noise, "p": P, "sigma": Sigma, "snr_db": SnrDb}


def noise_options(default: str) -> shared.Decorator[Any]:
    """``--noise --p --sigma --snr-db``; ``default`` is what the command takes without any level."""
    of = NoiseOptions
    return shared.stacked(of.noise, shared.take(of.p, usual=default), of.sigma, of.snr_db)


def check_one_level(options: Mapping[str, Any]) -> None:
    """Refuse two kinds of level at once, or a law without one.

    Raises
    ------
    InputError
        Naming both options.
    """
    NoiseSetting.of({name: options[name] and options[name][0] for name in NOISE_AXES})


def noise_of(point: Point) -> NoiseSetting | None:
    """The noise at a point of a sweep; ``None`` without a level."""
    return NoiseSetting.of(point)
