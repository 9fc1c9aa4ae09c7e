"""Architectures for AccelForge: what its model makes of them, and what must be in them."""

import re

import pytest

from rnscli.analysis import EnergyParameters, ModuliRequest
from rnscli.core import DotProduct
from rnscli.report import accelforge_architecture

DESIGNS = {
    "fixed-lp": EnergyParameters(core="fixed-lp", dot_product=DotProduct(128, 8, 8), bits=8),
    "rns": EnergyParameters(
        core="rns",
        dot_product=DotProduct(32, 6, 6),
        bits=6,
        moduli=ModuliRequest(bits=6, vector_size=32).choose()[0],
    ),
    "digital-int8": EnergyParameters(core="digital-int8", dot_product=DotProduct(64, 8, 8), bits=8),
}
# What AccelForge 1.0.467 finds for 10 inputs of 2 h values and c outputs, which are 20 passes:
# energy in J, latency in s, area in m^2. It counts in single precision.
FOUND = {
    "fixed-lp": (5.155917843578416e-08, 7.679999725951348e-06, 1.1348914e-08),
    "rns": (9.993140428189108e-08, 3.999999886872274e-09, 1.828319213959466e-05),
    "digital-int8": (2.5300314814849172e-08, 1.999999987845058e-08, 7.7345152e-07),
}


def numbers(text: str, key: str) -> list[float]:
    return [float(found) for found in re.findall(rf"\b{key}: ([-+.e\d]+)\b", text)]


@pytest.mark.parametrize("core", DESIGNS)
def test_accelforge_finds_the_bill(core: str) -> None:
    design = DESIGNS[core].design
    energy, latency, area = FOUND[core]
    assert 20 * design.energies.total * design.width == pytest.approx(energy, rel=1e-6)
    assert 20 * design.timing.interval == pytest.approx(latency, rel=1e-6)
    assert design.area == pytest.approx(area, rel=1e-6)


@pytest.mark.parametrize("core", DESIGNS)
def test_the_nodes_add_up_to_the_bill(core: str) -> None:
    """Tolls are paid for each input or output of a pass, cells for each MAC."""
    design, text = DESIGNS[core].design, accelforge_architecture(DESIGNS[core])
    rows, columns = design.dot_product.vector_size, design.width
    nodes = text.split("\n  - ")[1:]
    times = {"input": rows, "output": columns}
    energy = area = 0.0
    for node in nodes:
        toll = re.search(r"tensors: \{keep: (\w+)\}", node)
        count = times[toll[1]] if toll else rows * columns
        energy += count * sum(numbers(node, "energy"))
        area += (1 if toll else rows * columns) * sum(numbers(node, "area"))
    assert energy == pytest.approx(design.energies.total * columns, rel=1e-12)
    assert area == pytest.approx(design.area, rel=1e-12)
    assert numbers(text, "fanout") == [columns, rows]
    assert 1 / design.timing.interval == pytest.approx(numbers(nodes[-1], "throughput")[0])


def test_names_are_names_and_each_is_there_once() -> None:
    for parameters in DESIGNS.values():
        names = re.findall(r"^    name: (.*)$", accelforge_architecture(parameters), re.M)
        assert len(set(names)) == len(names)
        assert all(name.isidentifier() for name in names)
