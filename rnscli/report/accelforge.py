"""The bill of an array as an architecture of AccelForge, which maps networks onto it."""

import math
import re
from collections.abc import Iterator

from rnscli.analysis import EnergyParameters

_HEAD = """\
# {core} on {technology}, {rows} x {columns}, {bits} bits: made by rnscli.
# Energies in J, areas in m^2, of all channels, slices and attempts of an array. Name the tensors of
# a workload input, weight and output; weights stay in the cells, whose writing is not counted.
arch:
  nodes:
  - !Memory
    name: Operands
    size: inf
    area: 0
    leak_power: 0
    tensors: {{keep: ~Intermediates, may_keep: All}}
    actions:
    - {{name: read, energy: 0, throughput: inf, latency: 0}}
    - {{name: write, energy: 0, throughput: inf, latency: 0}}
"""
_TOLL = """\
  - !Toll
    name: {name}
    area: {area!r}
    leak_power: 0
    tensors: {{keep: {tensor}}}
    direction: {direction}
    actions:
    - name: read
      energy: {energy!r}
      throughput: inf
      latency: 0
      values_per_action: {{{tensor}: 1}}
"""
_TAIL = """\
  - !Container
    name: Array
    spatial:
    - {{name: columns, fanout: {columns}, may_reuse: input}}
    - {{name: rows, fanout: {rows}, reuse: output}}
  - !Memory
    name: Weights
    size: weight.bits_per_value
    area: 0
    leak_power: 0
    tensors: {{keep: weight, no_refetch_from_above: weight, force_memory_hierarchy_order: False}}
    actions:
    - {{name: read, energy: 0, throughput: inf, latency: 0}}
    - {{name: write, energy: 0, throughput: inf, latency: 0}}
  - !Compute
    name: Cell
    area: {area!r}
    leak_power: 0
    actions:
    - {{name: compute, energy: {energy!r}, throughput: {rate!r}, latency: 0}}
"""


def accelforge_architecture(parameters: EnergyParameters) -> str:
    """The parts of a design as nodes of an AccelForge architecture, in YAML.

    What an array has for each row is a toll that inputs pay on their way in, what it has for each
    column, or once, one that outputs pay on their way out; what each cell has is the energy of a
    MAC. A node has the energy of all of its parts in a pass, retries included, over the h inputs,
    the c outputs or the h c cells, so that the tolls of full passes are those of the bill. A cell
    computes once in the interval between two inputs. What is on with the array, and the network
    that joins arrays, is AccelForge's to add.

    Parameters
    ----------
    parameters
        The design.

    References
    ----------
    https://github.com/Accelergy-Project/accelforge, ``examples/arches``; release 1.0.467.

    Examples
    --------
    >>> from rnscli.core import DotProduct
    >>> design = EnergyParameters(core="fixed-lp", dot_product=DotProduct(128, 8, 8), bits=8)
    >>> text = accelforge_architecture(design)
    >>> re.findall("name: (.*_.*)", text)[:4]
    ['array_charging_lines', 'row_drivers', 'row_logic', 'ramp_ADC']
    """
    design = parameters.design
    rows, columns = design.dot_product.vector_size, design.width
    cells = [one for one in design.items if one.per == "cell"]
    number = rows * columns
    head = _HEAD.format(
        core=parameters.core, technology=design.technology.name, rows=rows, columns=columns,
        bits=parameters.bits,
    )  # fmt: skip
    tail = _TAIL.format(
        rows=rows,
        columns=columns,
        area=math.fsum(one.units * one.area for one in cells if not one.over) / number,
        energy=math.fsum(one.total for one in cells) / number,
        rate=1.0 / design.timing.interval,
    )
    return "".join((head, *_tolls(parameters), tail))


def _tolls(parameters: EnergyParameters) -> Iterator[str]:
    """A node for each part that is not in each cell."""
    design = parameters.design
    values = {"row": ("input", "down", design.dot_product.vector_size)}
    output = ("output", "up", design.width)
    found: dict[str, int] = {}
    for one in design.items:
        area = 0.0 if one.over else one.units * one.area
        if one.per == "cell" or not (one.total or area):
            continue
        tensor, direction, count = values.get(one.per, output)
        name = re.sub(r"\W+", "_", one.part).strip("_")
        found[name] = found.get(name, 0) + 1
        yield _TOLL.format(
            name=name if found[name] == 1 else f"{name}_{found[name]}",
            area=area,
            energy=one.total / count,
            tensor=tensor,
            direction=direction,
        )
