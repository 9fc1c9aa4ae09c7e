"""Energy of the matrix products of a network, on the core of each layer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rnscli.analysis.networks.layer_cores import LayerCore, place_of
from rnscli.analysis.networks.priced_flow import PricedFlow
from rnscli.hardware import Workload
from rnscli.matrix import ProductCounts


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
    flows = {
        place: PricedFlow(cores[place].flow, cores[place].bits, cores[place].technology)
        for place in used
    }
    technologies = tuple(dict.fromkeys(one.array.name for one in flows.values()))
    rows = []
    for place, priced in flows.items():
        row = priced.products(of_core[place], counts[place].mean_attempts)
        if row is None:
            where = priced.name
            if place < len(cores) - 1:
                where = f"{cores[place].pattern} on {where}"
            return NetworkEnergy(technologies, unpriced=f"{where}: {priced.unpriced}")
        rows.append(row)
    total = math.fsum(row.energy_j for row in rows)
    return NetworkEnergy(technologies, total, any(row.extrapolated for row in rows))
