"""Energy of the matrix products of a network, on the core of each layer."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rnscli import analysis
from rnscli.analysis.networks.layer_cores import LayerCore, place_of
from rnscli.base import NoSolutionError
from rnscli.core import CORES
from rnscli.hardware import Workload
from rnscli.matrix import ProductCounts

# What the energy of a core depends on, besides its dot product.
_PRICED = ("moduli", "legitimate_range", "decoder", "slice_bits", "adc_bits", "adc_range")


@dataclass(frozen=True)
class NetworkEnergy:
    """Energy of one inference in J, or why there is none.

    ``technologies`` are those of the cores, each once; ``extrapolated`` says whether a part of it
    is beyond what a model holds for.
    """

    technologies: tuple[str, ...]
    energy_j: float | None = None
    extrapolated: bool = False
    unpriced: str | None = None


def network_energy(
    workload: Workload,
    cores: Sequence[LayerCore],
    counts: Sequence[ProductCounts],
) -> NetworkEnergy:
    """The energy of one inference: the sum over layers, each by the core that computes it.

    Parameters
    ----------
    workload
        The products of one inference, by layer.
    cores
        Of layers, the first that fits (`place_of`), and last that of all others.
    counts
        What each of them has computed, for the attempts that it took.
    """
    of_core = [
        tuple(g for g in workload.gemms if place_of(cores[:-1], g.layer) == place)
        for place in range(len(cores))
    ]
    used = [place for place, gemms in enumerate(of_core) if gemms]
    technologies = tuple(dict.fromkeys(_technology_name(cores[place]) for place in used))
    rows = []
    for place in used:
        core, attempts = cores[place], counts[place].mean_attempts
        try:
            rows.append(_energy(core, Workload(workload.name, of_core[place]), attempts))
        except NoSolutionError as error:
            assert core.flow is not None
            of = core.pattern if len(cores) > 1 and place < len(cores) - 1 else ""
            where = f"{of} on {core.flow.core.name}" if of else core.flow.core.name
            # In a column, so without marks of arguments; what to give instead is for `energy`.
            reason = str(error).partition(";")[0].replace("`", "")
            return NetworkEnergy(technologies, unpriced=f"{where}: {reason}")
    total = math.fsum(row.energy_j for row in rows)
    return NetworkEnergy(technologies, total, any(row.extrapolated for row in rows))


def _technology_name(one: LayerCore) -> str:
    if one.technology is not None:
        return one.technology.name
    assert one.flow is not None
    return CORES[one.flow.core.name].default_technology


def _energy(one: LayerCore, workload: Workload, attempts: float) -> analysis.WorkloadRow:
    """The energy of products on one core, with the attempts that were measured.

    Raises
    ------
    NoSolutionError
        Where the technology has no light for so many bits, or where attempts at a pass are not
        independent, as their energy is computed: the accuracy is known even so.
    """
    flow = one.flow
    assert flow is not None and one.bits is not None
    core = flow.core
    most, code, searched = core.settings.get("attempts", 1), core.code, 0.0
    if most > 2 and any(law.has_static_errors for law in core.laws):
        raise NoSolutionError(
            "more than two attempts at what is wrong in the same way each time are not "
            "independent, as a price of them would take them to be"
        )
    if code is not None and core.laws:
        searched = analysis.search_probability(code.decoder, code.moduli, core.laws)
    rejected = analysis.rejected_of(attempts, most) if attempts > 1 else 0.0
    in_pass = analysis.attempts_of_pass(rejected, most, core.dot_product.vector_size)
    with warnings.catch_warnings():
        # Rows say whether they are extrapolated.
        warnings.simplefilter("ignore", RuntimeWarning)
        make = partial(
            analysis.EnergyParameters,
            core=core.name,
            dot_product=core.dot_product,
            bits=one.bits,
            technology=one.technology,
            extrapolate=True,
            expected_attempts=attempts,
            pass_attempts=max(attempts, in_pass),
            search_probability=searched,
            scales=flow.scales,
            devices=core.devices,
            input_scale=flow.scale_name,
            **{name: value for name, value in core.settings.items() if name in _PRICED},
        )
        return analysis.workload_energy(make(), workload)[-1]
