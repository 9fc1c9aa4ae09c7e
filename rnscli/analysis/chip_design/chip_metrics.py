"""Numbers of a chip that runs networks, by which a search compares designs, and their limits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rnscli.analysis.chip.chip_run import ChipFigures
from rnscli.analysis.design.limits import (
    LIMITS,
    MORE_OBJECTIVES,
    NOISE_OBJECTIVES,
    OBJECTIVES,
    SHOWN,
    UNITS,
    Measures,
    decibels_of,
)
from rnscli.base import Files, Flags, InputError, Names, Option, OptionGroup, Quantities
from rnscli.hardware import Workload

SUM, WORST = "sum", "worst"
# How numbers of several networks become one.
TOGETHER = {
    SUM: "one inference of each in turn: energies and times are added",
    WORST: "each number is that of the network where it is worst",
}


@dataclass(frozen=True)
class ChipMetrics:
    """Numbers of a chip, in base SI units; all but throughputs and SNR are better when smaller.

    ``time_per_inference_s`` is the inverse of the throughput, which pipelining makes shorter than
    the latency; ``edp_js`` is the energy of an inference times its latency. Of several networks
    each is one number, as `TOGETHER` says. ``given_area_m2`` is what the chip may take, if that is
    given: those that use it up to a last array differ in nothing.
    """

    energy_per_inference_j: float
    latency_s: float
    time_per_inference_s: float
    area_m2: float
    given_area_m2: float
    mean_abs_error: float
    output_error: float
    output_snr_db: float
    p_err: float
    throughput_per_s: float
    throughput_macs_per_s: float
    power_w: float
    edp_js: float
    area_per_throughput: float
    arrays: float


METRICS_OF_CHIPS = tuple(ChipMetrics.__dataclass_fields__)
# What designs on the front are not beaten in, with the number it stands for.
OBJECTIVES_OF_CHIPS = {
    "energy": "energy_per_inference_j",
    "latency": "latency_s",
    "time": "time_per_inference_s",
    "area": "area_m2",
    **{name: OBJECTIVES[name] for name in ("error", "p-err")},
}
OF_CHIPS = Measures(
    METRICS_OF_CHIPS,
    LIMITS
    | {
        "max_energy": ("energy_per_inference_j", True),
        "min_inferences": ("throughput_per_s", False),
    },
    OBJECTIVES_OF_CHIPS | NOISE_OBJECTIVES | MORE_OBJECTIVES,
    UNITS | {"energy_per_inference_j": "J", "time_per_inference_s": "s", "throughput_per_s": "/s"},
    SHOWN
    | {
        "energy_per_inference_j": "{} per inference",
        "throughput_per_s": "inferences {}",
    },
)


class NetworkFigures(NamedTuple):
    """A network on a chip."""

    workload: Workload
    figures: ChipFigures

    @property
    def energy(self) -> float:
        """Of an inference, in J."""
        return self.figures.energy / self.workload.batch

    @property
    def time(self) -> float:
        """Of an inference where others follow, in s."""
        return self.figures.time / self.workload.batch

    @property
    def macs(self) -> float:
        """Of an inference."""
        return self.workload.macs / self.workload.batch


class Errors(NamedTuple):
    """What the outputs of a design lose."""

    mean: float
    share: float
    p_err: float


def chip_metrics(
    networks: Sequence[NetworkFigures],
    errors: Errors,
    together: str,
    given_area: float | None = None,
) -> ChipMetrics:
    """The numbers of networks on one chip.

    Parameters
    ----------
    networks
        The networks, each with its figures.
    errors
        Mean magnitude of the errors of outputs, their root mean square as a share of that of the
        outputs, and how often one is wrong.
    together
        ``sum`` or ``worst``, as in `TOGETHER`.
    given_area
        What the chip may take, in m^2, if that is given.

    Raises
    ------
    InputError
        If ``together`` is neither.
    """
    if together not in TOGETHER:
        raise InputError.of("together", together, f"one of {', '.join(TOGETHER)}")
    energies = [one.energy for one in networks]
    times = [one.time for one in networks]
    latencies = [one.figures.latency for one in networks]
    area = max(one.figures.area for one in networks)
    if together == SUM:
        energy, time, latency = map(math.fsum, (energies, times, latencies))
        power = energy / time
        macs = math.fsum(one.macs for one in networks) / time
        edp = energy * latency
    else:
        energy, time, latency = map(max, (energies, times, latencies))
        power = max(e / t for e, t in zip(energies, times, strict=True))
        macs = min(one.macs / one.time for one in networks)
        edp = max(e * t for e, t in zip(energies, latencies, strict=True))
    return ChipMetrics(
        energy_per_inference_j=energy,
        latency_s=latency,
        time_per_inference_s=time,
        area_m2=area,
        given_area_m2=given_area or area,
        mean_abs_error=errors.mean,
        output_error=errors.share,
        output_snr_db=decibels_of(errors.share),
        p_err=errors.p_err,
        throughput_per_s=1 / time,
        throughput_macs_per_s=macs,
        power_w=power,
        edp_js=edp,
        area_per_throughput=area * time,
        arrays=float(networks[0].figures.arrays),
    )


class ChipSearchOptions:
    """What a user chooses of a search for networks."""

    group = OptionGroup.ASKED
    together = Option(
        Names(tuple(TOGETHER)),
        "With several networks: sum, one inference of each in turn, or worst, each number from "
        "the network where it is worst.",
        usual=SUM,
    )
    min_inferences = Option(
        Quantities(0.0, 1e300, "a number of at least 0", "/s", "1k/s"),
        "With --workload: least inferences in a second.",
    )
    layer_bits = Option(
        Flags(),
        "With --workload: instead of the best chip, a design of arrays for each layer, such as its "
        "bits: the least energy, latency or area of --minimise for --min-snr-db of all layers "
        "together.",
        name="layer_bits",
    )
    layer_noise = Option(
        Files(),
        "With --layer-bits: noise of the layers in CSV, as rnscli accuracy measures it for each; "
        "or a table of layer and sensitivity, a factor of the noise of the model.",
    )
