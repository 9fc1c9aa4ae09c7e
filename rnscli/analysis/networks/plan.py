"""How a network is calibrated, and on which samples; torch need not be there."""

from dataclasses import asdict, dataclass
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
        if data.train is None:
            raise InputError(
                f"`data` {data.name} has no samples to calibrate with: `adc_range` calibrated and "
                "`input_scale` static need some that the network is not tested with, as arrays "
                "x_train and y_train; give these, or take `adc_range` full and `input_scale` "
                "dynamic"
            )
        return data.train[: self.samples]


def plan_columns(plan: CalibrationPlan, flow: Dataflow, data: networks.Dataset) -> dict[str, Any]:
    """Values of the columns that describe a calibration, where there is one."""
    if not needs_calibration(flow):
        return dict.fromkeys(("calibration", "percentile", "calibration_samples"))
    return {
        "calibration": plan.method,
        "percentile": plan.percentile,
        "calibration_samples": len(plan.samples_of(data)),
    }


def described_plan(plan: CalibrationPlan, flow: Dataflow | None, data: networks.Dataset) -> Any:
    """What a result depends on for its calibration, if it has one."""
    if flow is None or not needs_calibration(flow):
        return None
    return {**asdict(plan), "data": plan.samples_of(data).digest()}
