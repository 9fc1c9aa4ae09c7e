"""How a network is calibrated, and on which samples; torch need not be there."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from rnscli import networks
from rnscli.analysis.networks.rows import NetworkOptions
from rnscli.base import InputError
from rnscli.core import CALIBRATIONS, PERCENTILE, CoreOptions
from rnscli.matrix import Dataflow, needs_calibration


@dataclass(frozen=True)
class CalibrationPlan:
    """How a network is calibrated.

    Parameters
    ----------
    method, percentile
        As of `rnscli.torch.calibrate`.
    samples
        So many of the samples to train with, the first ones; all if there are fewer.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    method: str = CALIBRATIONS[0]
    percentile: float = PERCENTILE
    samples: int = int(NetworkOptions.calibration_samples.default)

    def __post_init__(self) -> None:
        CoreOptions.calibration.check(self.method)
        CoreOptions.percentile.check(self.percentile)
        NetworkOptions.calibration_samples.check(self.samples)

    def samples_of(self, data: networks.Dataset) -> networks.LabelledData:
        """The samples of these data.

        Raises
        ------
        InputError
            If there are none to train with.
        """
        return self._train(data)[: self.samples]

    def count_of(self, data: networks.Dataset) -> int:
        """How many there are, which are not read for that; refused as by `samples_of`."""
        return min(self.samples, len(self._train(data)))

    def _train(self, data: networks.Dataset) -> networks.LabelledData:
        if data.train is None:
            raise InputError(
                f"`data` {data.name} has no samples to calibrate with: `adc_range` calibrated and "
                "`input_scale` static need some that the network is not tested with, as arrays "
                "x_train and y_train; give these, or take `adc_range` full and `input_scale` "
                "dynamic"
            )
        return data.train


def plan_columns(
    plan: CalibrationPlan, flows: Iterable[Dataflow | None], data: networks.Dataset
) -> dict[str, Any]:
    """Values of the columns that describe a calibration, where there is one."""
    if not any(one is not None and needs_calibration(one) for one in flows):
        return dict.fromkeys(("calibration", "percentile", "calibration_samples"))
    return {
        "calibration": plan.method,
        "percentile": plan.percentile,
        "calibration_samples": plan.count_of(data),
    }


def described_plan(
    plan: CalibrationPlan, flows: Iterable[Dataflow | None], data: networks.Dataset
) -> Any:
    """What a result depends on for its calibration, if it has one."""
    if not any(one is not None and needs_calibration(one) for one in flows):
        return None
    return {**asdict(plan), "data": _digest(plan, data)}


@lru_cache(maxsize=64)
def _digest(plan: CalibrationPlan, data: networks.Dataset) -> str:
    return plan.samples_of(data).digest()
