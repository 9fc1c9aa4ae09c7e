"""Accuracy of a network on each family of codes, at the noise at which they are compared."""

import math
from dataclasses import replace
from typing import Any

from rnscli import networks
from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.design.rows import FamilyRow
from rnscli.analysis.design.space import DesignSpace
from rnscli.analysis.networks.accuracy import AccuracyParameters, accuracies
from rnscli.analysis.networks.metrics import Accuracy
from rnscli.analysis.networks.plan import CalibrationPlan
from rnscli.base import InputError
from rnscli.core import CALIBRATED
from rnscli.matrix import Dataflow
from rnscli.runtime import Runner


def with_accuracy(
    row: FamilyRow,
    space: DesignSpace,
    opened: networks.OpenedNetwork,
    samples: int | None = None,
    seed: int = 0,
    runner: Runner | None = None,
) -> FamilyRow:
    """The row with the accuracy of a network on its core; without, where attempts do not end.

    Parameters
    ----------
    row, space
        Of `compare_families`, and what it was made from.
    opened, samples, seed
        A network, how many of its test samples, all if not given, and the seed of the noise.
    runner
        As of `rnscli.analysis.accuracies`.
    """
    row = replace(row, model=opened.network.name)
    point = AccuracyParameters(
        opened=opened,
        flow=flow_of(row, space),
        bits=row.bits,
        plan=CalibrationPlan(space.calibration, space.percentile),
        samples=samples,
        seed=seed,
        metric=Accuracy.name,
    )
    try:
        (found,) = accuracies([point], runner)
    except InputError:
        if row.attempts != math.inf:
            raise
        return row
    return replace(
        row,
        samples=found.samples,
        accuracy=found.accuracy,
        relative_accuracy=found.relative_accuracy,
        relative_accuracy_ci95=found.relative_accuracy_ci95,
    )


def flow_of(row: FamilyRow, space: DesignSpace) -> Dataflow:
    """The core of a row, under its noise."""
    coded: dict[str, Any] = {}
    if row.moduli is not None:
        redundant = row.redundant_moduli or ()
        coded = {
            "moduli": (*redundant, *row.moduli),
            "redundant": len(redundant),
            "factor": row.factor if row.factor != 1 else None,
            "decoder": row.decoder,
            "attempts": row.attempts or 1,
            "legitimate_range": "operands",
        }
    core = analog_core(
        row.core,
        bits=row.bits,
        vector_size=row.vector_size,
        input_bits=space.input_bits,
        weight_bits=space.weight_bits,
        sigma=row.sigma,
        adc_range=CALIBRATED,
        calibration=space.calibration,
        percentile=space.percentile,
        **coded,
    )
    return Dataflow(core)
