"""Comparisons of codes that ``rnscli design`` makes instead of a search.

What each saves of the light (``--coding-gain``), and families of them side by side
(``--families``).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from rnscli import analysis, cli, core, report
from rnscli.base import InputError
from rnscli.cli import options

_Asked = TypeVar("_Asked")

GAIN_LAYOUT = report.Layout(
    parameters=(
        "core", "bits", "vector_size", "technology", "columns", "rate_hz", "max_p_err",
        "max_output_error", "segments", "redundant", "attempts", "decoder", "legitimate_range",
        "moduli", "redundant_moduli",
    ),
    results=(
        "laser_power_w", "link_sigma", "static_share", "p_err", "output_error", "gain_db",
        "best_segments", "best_laser_power_w", "light_per_mac_j", "energy_per_mac_j", "gain_j",
    ),
    optional=(
        "redundant_moduli", "moduli", "p_err", "output_error", "static_share", "columns", "rate_hz",
        "link_sigma", "light_per_mac_j", "legitimate_range",
    ),
    essential=("laser_power_w", "gain_db", "energy_per_mac_j", "gain_j"),
)  # fmt: skip
FAMILY_LAYOUT = report.Layout(
    parameters=(
        "vector_size", "bits", "spare", "model", "samples", "sigma", "tolerance", "technology",
        "family",
    ),
    results=(
        "factor", "moduli", "redundant_moduli", "decoder", "attempts", "p_err", "p_gross",
        "output_error", "accuracy", "relative_accuracy", "relative_accuracy_ci95",
        "expected_attempts", "conversions", "energy_per_mac_j", "best",
    ),
    optional=(
        "accuracy", "relative_accuracy_ci95", "redundant_moduli", "moduli", "decoder",
        "expected_attempts", "technology", "core", "factor",
    ),
    essential=("family", "output_error", "relative_accuracy", "energy_per_mac_j", "best"),
)  # fmt: skip
_COMPARED = (
    "each family has as many channels as the coprime set with k redundant moduli (a common factor "
    "may leave one out), the range of the operands, and the same noise in steps of its converters; "
    "outputs are sums of uniform operands. Best is the least error of outputs, and within one per "
    "cent of that the least energy. Arrays of light are as long as that noise allows: no energy is "
    "given where not even a single row is as quiet. The conventional core has one ADC of as many "
    "bits, calibrated, on its own technology, at no price of that noise."
)
_ASSUMED = (
    "gain: light that is saved on the arrays of the reference, the first row; saved: energy of a "
    "MAC, each code with the light and the arrays that are best for it. What is static of the "
    "noise meets a second attempt again, and is taken to be the same in all arrays of a residue."
)


def of_gain(given: Mapping[str, Any], default: bool) -> dict[str, Any]:
    """The options of a coding gain, without what it looks for itself."""
    for name in (
        "laser_power",
        "max_link_sigma",
        *core.LEVELS,
        *analysis.LIMITS,
        "throughput",
        "area",
    ):
        if given[name] is not None and name not in analysis.TARGETS:
            raise InputError(
                f"`{name}` is not for --coding-gain, which looks for the least light that reaches "
                "a target; leave one of them out"
            )
    if given["noise"] not in (None, (core.DEVICE,)):
        raise InputError(
            f"--coding-gain is about the noise of light; give --noise {core.DEVICE}, or none"
        )
    if sum(given[name] is not None for name in analysis.TARGETS) != 1:
        raise InputError("--coding-gain needs `max_p_err` or `max_output_error`, one of them")
    if not default and not all(core.CORES[name].coded for name in given["core"]):
        raise InputError(
            f"--coding-gain is of cores with a code; give --core {core.RNS.name}, or leave it out"
        )
    coded = tuple(name for name in given["core"] if core.CORES[name].coded)
    usual = {"columns_per_adc": given["columns_per_adc"] or (None,)}
    return {**given, **usual, "core": coded, "noise": (core.DEVICE,)}


def of_families(given: Mapping[str, Any]) -> tuple[float, ...]:
    """The levels of noise at which families are compared."""
    for name in (*analysis.LIMITS, "throughput", "area", "p", "snr_db"):
        if given[name] is not None:
            raise InputError(f"`{name}` is not for --families; leave one of them out")
    if given["noise"] not in (None, ("gaussian",)):
        raise InputError("--families are compared under Gaussian noise; leave `noise` out")
    sigmas = given["sigma"] or ()
    if not sigmas or any(isinstance(one, tuple) for one in sigmas):
        raise InputError("--families needs a `sigma`, or several, the same for all moduli")
    if 0 in sigmas:
        raise InputError("`sigma` is 0, and no array of light is as quiet; give a number above 0")
    return tuple(sigmas)


def families(
    given: Mapping[str, Any], space: analysis.DesignSpace, sigmas: Sequence[float]
) -> cli.Question:
    """Families of codes, and a conventional core, at each number of bits, length and level."""
    (tolerance,) = given["tolerance"] or (core.TOLERANCE,)
    asked = [
        (
            {"bits": bits, "vector_size": size, "sigma": sigma},
            (replace(space, bits=(bits,), vector_size=(size,)), (sigma,)),
        )
        for size in space.vector_size
        for bits in space.bits
        for sigma in sigmas
    ]

    models, samples = given["model"] or (None,), given["samples"]
    if len(models) > 1:
        raise InputError(f"--families simulate one network, and --model names {len(models)}")
    (name,) = models
    if name is not None:
        options.check_torch(f"--model {name}", {"data": None})

    def compared(
        one: tuple[analysis.DesignSpace, Sequence[float]], runner: cli.Runner | None
    ) -> tuple[analysis.FamilyRow, ...]:
        rows = analysis.compare_families(*one, tolerance, runner)
        if name is None:
            return rows
        from rnscli.networks import open_network  # which loads PyTorch

        opened = open_network(name)
        if opened.drawn:
            raise InputError(
                f"--model {name} comes with weights that are drawn at random, so that it has no "
                "accuracy to lose; name another one"
            )
        more = one[0], opened, samples, given["seed"], runner
        return tuple(analysis.with_accuracy(row, *more) for row in rows)

    given = {**given, "sigma": sigmas}
    return _of_several(
        given,
        asked,
        "levels",
        compared,
        lambda *of: report.plot_families(*of),
        "gaussian",
        _COMPARED,
    )


def gain(given: Mapping[str, Any], space: analysis.DesignSpace) -> cli.Question:
    """What codes save of the light, at each target, number of bits and length."""
    (name,) = (one for one in analysis.TARGETS if given[one] is not None)
    targets = given[name]
    # A target that no light reaches is told, and the others have their rows.
    asked = [
        (
            {"bits": bits, "vector_size": size, name: target},
            (replace(space, bits=(bits,), vector_size=(size,)), {name: target}),
        )
        for target in targets
        for size in space.vector_size
        for bits in space.bits
    ]

    def gained(
        one: tuple[analysis.DesignSpace, Mapping[str, float]], runner: cli.Runner | None
    ) -> tuple[analysis.GainRow, ...]:
        return tuple(analysis.coding_gain(*one, runner))

    return _of_several(
        given, asked, "targets", gained, lambda *of: report.plot_gain(*of), core.DEVICE, _ASSUMED
    )


def _of_several(
    given: Mapping[str, Any],
    asked: Sequence[tuple[dict[str, Any], _Asked]],
    what: str,
    rows_of: Callable[[_Asked, cli.Runner | None], Sequence[Any]],
    plot: Callable[[Sequence[report.Row], report.Canvas], bytes],
    noise: str,
    said: str,
) -> cli.Question:
    """A table of the rows of all that is asked, with the values that differ; ``said`` is below."""
    point = dict.fromkeys(options.NOISE_AXES) | {"noise": noise, "seed": given["seed"]}

    def compute(runner: cli.Runner | None, bar: cli.Bar) -> cli.Answer:
        with bar(len(asked), what) as advance:
            done = itertools.count(1)

            def rows(one: _Asked) -> Sequence[Any]:
                try:
                    return rows_of(one, runner)
                finally:
                    advance(next(done))

            found, problems = cli.answered(asked, rows)
        return cli.Answer(
            [(point, row) for _, rows in found for row in rows],
            plot,
            problems,
            footer=["", *cli.hanging("", said)],
        )

    stated = options.with_model_defaults(given)
    return cli.Question(stated, compute, in_blocks=True, picture=plot)
