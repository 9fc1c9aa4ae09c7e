"""Layers of networks on cores beside FP32: ``rnscli accuracy --per-layer``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rnscli import analysis, cli, report
from rnscli.analysis import LOGITS
from rnscli.base import columns_of
from rnscli.cli import options

LAYER_LAYOUT = report.Layout(
    parameters=(
        "model", "weights", "samples", "layer", "kind", "shape", "macs_share",
        *options.CORE_COLUMNS,
    ),
    results=(
        "snr_in_place_db", "snr_accumulated_db", "unmatched", "top_class", "top_class_ci95",
    ),
    optional=(
        "calibration", "percentile", "calibration_samples", "adc_bits", "slice_bits",
        "redundant_moduli", "moduli", "decoder", "attempts", "redundant", "top_class_ci95",
        "shape", "kind", "adc_range", "top_class",
    ),
    essential=("snr_in_place_db", "snr_accumulated_db"),
)  # fmt: skip


def layer_answer(
    prepared: Sequence[tuple[options.Point, analysis.AccuracyParameters]],
    problems: Sequence[str],
    remarks: Sequence[str],
    layers: options.LayersFile | None,
    runner: cli.Runner | None,
    bar: cli.Bar,
) -> cli.Answer:
    """A row for each layer and core; those of a layer stand together."""
    points = [one for _, one in prepared]
    with bar(sum(one.count for one in points), "samples") as advance:
        watch = cli.watch_blocks(advance, partial(_note, len(points)))
        found = list(analysis.layer_agreements(points, runner, watch))
    places: dict[tuple[str, str, str], tuple[bool, int]] = {}
    for (point, _), rows in zip(prepared, found, strict=True):
        for row in rows:
            # As the first core has them; noise may make a network call other layers.
            last = row.kind == LOGITS
            places.setdefault((point["model"], row.layer, row.kind), (last, len(places)))
    models = list(dict.fromkeys(point["model"] for point, _ in prepared))
    results = [
        (point, row) for (point, _), rows in zip(prepared, found, strict=True) for row in rows
    ]
    results.sort(
        key=lambda one: (
            models.index(one[0]["model"]), places[one[0]["model"], one[1].layer, one[1].kind]
        )
    )  # fmt: skip
    told = options.said_of_digital((row for _, row in results), layers)
    zero = dict.fromkeys(
        f"{row.layer} of {row.model} gives nothing but zeros in FP32, so that it has no SNR"
        for _, row in results
        if row.is_zero
    )
    return cli.Answer(
        results,
        lambda rows, canvas: report.plot_layers(rows, canvas),
        problems,
        remarks=[*remarks, *told, *zero],
    )


def _note(count: int, update: cli.Progress[analysis.AgreementStatistics]) -> str:
    """How good the outputs of the network at hand are so far."""
    (statistics,) = update.total.values()
    snr = columns_of(analysis.LayerRow)["snr_accumulated_db"].shown(statistics.found.outputs.snr_db)
    return f"{update.index + 1} of {count}: SNR of the outputs {snr}"
