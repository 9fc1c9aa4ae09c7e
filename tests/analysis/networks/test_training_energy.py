"""Energy of trainings: operations as PyTorch counts them, prices from the tables they stand in."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_networks
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.energy.bill import energy
from rnscli.analysis.networks import training, training_energy
from rnscli.analysis.networks.priced_flow import PricedFlow
from rnscli.analysis.networks.training import (
    Training,
    TrainingParameters,
    TrainingRecord,
    training_row,
    trainings,
)
from rnscli.analysis.networks.training_energy import epoch_energy, epoch_products
from rnscli.core import CellUpdates
from rnscli.core.updates.linear import Linear
from rnscli.hardware import Gemm
from rnscli.matrix import Dataflow, GradientFlows
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.outputs import training_loss
from rnscli.networks.portable import OpenedNetwork, PortableNetwork, open_untrained
from rnscli.networks.recipe import Recipe

SGD = Recipe(epochs=1, batch_size=16, optimiser="sgd", weight_decay=0.0)
# 0.9 and 3.7 pJ at 45 nm, by the powers of the node that go through 7 nm (Jouppi et al. 2021).
ADD = 0.9e-12 * (14 / 45) ** (math.log(0.38 / 0.9) / math.log(7 / 45))
PRODUCT = 3.7e-12 * (14 / 45) ** (math.log(1.31 / 3.7) / math.log(7 / 45))
COMPARISON = 0.1e-12 * (14 / 45) ** (math.log(0.030 / 0.1) / math.log(7 / 45))
BIT = 20e-12 / 64 * 14 / 45  # of 32 KB


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedNetwork:
    """A convolution, attention and a linear layer; 100 images to train with."""
    folder = tmp_path_factory.mktemp("data")
    return open_untrained(tiny_networks.CNN, tiny_networks.write_images(folder / "images.npz"))


def priced(core: str, bits: int = 6, **options: Any) -> PricedFlow:
    return PricedFlow(Dataflow(analog_core(core, bits=bits, **options)), bits)


def test_as_many_products_as_pytorch_counts(opened: OpenedNetwork) -> None:
    recipe = Recipe(batch_size=30)  # 4 steps of 25
    made = epoch_products(opened.network, opened.data, recipe)
    model, train = opened.network.made().train(), opened.data.train
    assert train is not None and train.labels is not None
    images, labels = torch.from_numpy(train.inputs[:25]), torch.from_numpy(train.labels[:25])
    with FlopCounterMode(display=False) as counter:
        torch.autograd.backward(training_loss(model(images), labels))
    assert made.macs == 4 * counter.get_total_flops() // 2
    assert made.steps == 4 and made.samples == 100
    assert made.parameters == sum(one.numel() for one in model.parameters())
    # The images have no gradient; the operands of attention are written anew for every image.
    assert {one.layer for one in made.transposed} == {"linear"}
    assert {(one.layer, one.k, one.n) for one in made.trained} == {
        ("convolution", 9, 4), ("linear", 4, 3)
    }  # fmt: skip
    assert sum(one.count for one in made.forward if not one.stationary) == 2 * 100


def frozen() -> nn.Module:
    """Two layers of 6, 8 and 3, of which the first is not trained."""
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    model[0].requires_grad_(False)
    return model


def linear(name: str, samples: int = 40) -> Any:
    rng = np.random.default_rng(0)
    part = LabelledData(rng.normal(size=(samples, 6)), rng.integers(0, 3, samples))
    network = PortableNetwork(f"test_training_energy:{name}", (6,))
    return epoch_products(network, Dataset("drawn", part, part), SGD)


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def test_steps_of_two_sizes_and_layers_that_are_not_trained() -> None:
    made = linear("two_layers")  # 14 + 13 + 13 of 40 samples
    assert made.macs == 40 * ((6 * 8 + 8 * 3) + 8 * 3 + (6 * 8 + 8 * 3))
    assert made.steps == 3 and made.parameters == 83
    assert sorted((one.k, one.count) for one in made.weights if one.n == 3) == [(13, 2), (14, 1)]
    assert sum(one.k * one.n * one.count for one in made.trained) == 3 * (6 * 8 + 8 * 3)
    part = linear("frozen")
    assert part.macs == 40 * ((6 * 8 + 8 * 3) + 8 * 3) and part.parameters == 27
    assert {(one.k, one.n) for one in part.trained} == {(8, 3)} and part.transposed == ()


class Mixed(nn.Module):
    """Two parameters of one shape, of which the first is not trained, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.ones(6, 6), requires_grad=False)
        self.b = nn.Parameter(torch.ones(6, 6))
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head((x @ self.a).relu() @ self.b)
        return found


def mixed() -> nn.Module:
    return Mixed()


def test_products_of_one_shape_are_trained_each_by_itself() -> None:
    made = linear("mixed")  # 3 steps
    name = "Mixed"
    assert [(one.layer, one.k, one.n, one.m) for one in made.trained] == [
        (name, 6, 6, 14), ("head", 6, 3, 14), (name, 6, 6, 13), ("head", 6, 3, 13),
    ]  # fmt: skip
    # Of what is before b nothing is trained.
    assert [(one.layer, one.k, one.n) for one in made.transposed] == [("head", 3, 6)] * 2
    assert [one.count for one in made.forward if one.layer == name] == [1, 1, 2, 2]


def test_what_is_trained_is_looked_for_once_for_each_size_of_a_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = []
    found = training_energy._Step.trained.fget
    assert found is not None
    monkeypatch.setattr(
        training_energy._Step, "trained", property(lambda step: looked.append(step) or found(step))
    )
    linear("two_layers")
    assert len(looked) == 2


def test_energies_of_a_training_are_computed_once(
    opened: OpenedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epochs without noise are alike, and rows ask for the same energies several times."""
    asked: list[str] = []

    def counted(function: Any) -> Any:
        return lambda *given: asked.append(function.__name__) or function(*given)

    for function in (epoch_products, epoch_energy):
        monkeypatch.setattr(training, function.__name__, counted(function))
    several = [
        Training(
            TrainingParameters(
                network=opened.network, data=opened.data, recipe=replace(SGD, epochs=20, seed=seed)
            ),
            TrainingRecord(((1.0, 1.0, 0.5),) * 20),
        )
        for seed in (0, 1)
    ]
    row = training_row(several, several)
    assert len({one.energy_j for each in several for one in each.epochs}) == 1
    assert row.energy_j == pytest.approx(20 * several[0].epochs[0].energy_j)  # type: ignore[operator]
    assert all(one.assumptions and one.not_counted is None for one in several)
    assert sorted(asked) == ["epoch_energy"] * 2 + ["epoch_products"] * 2


def test_a_training_in_fp32_by_hand() -> None:
    made, one = linear("two_layers"), PricedFlow(None)
    found = epoch_energy(made, (one, one, one), SGD)
    # sgd: a product, a sum, and the weight read and written, with its gradient read.
    changed = 83 * 3 * (PRODUCT + ADD + 3 * 32 * BIT)
    # Both matrices, and the transpose of the second, after each step.
    written = 3 * (6 * 8 + 2 * 8 * 3) * 32 * BIT
    assert found.update == pytest.approx(changed + written, rel=1e-12)
    # A column of 128 products: all 40 samples pass one array for each product.
    column = energy(one.parameters()).energy_per_dot_product_j
    assert found.forward == pytest.approx(2 * 40 * 128 * column, rel=1e-12)
    assert found.input_gradient == pytest.approx(40 * 128 * column, rel=1e-12)
    # Rows of x^T: 6 and 8 in each of 3 steps; gradients of the outputs are written.
    operands = 40 * (8 + 3) * 32 * BIT
    expected = 3 * (6 + 8) * 128 * column + operands
    assert found.weight_gradient == pytest.approx(expected, rel=1e-12)
    assert found.outer_product is None
    total = found.total
    assert total == pytest.approx(changed + written + 3 * 40 * 128 * column + expected, rel=1e-12)


def test_what_an_update_takes_by_hand() -> None:
    """Adam's 19 products, 8 sums and 2 comparisons, with both running means read and written."""
    made, one = linear("two_layers"), PricedFlow(None)
    flows = (one, one, one)
    written = 3 * (6 * 8 + 2 * 8 * 3) * 32 * BIT
    adam = 19 * PRODUCT + 8 * ADD + 2 * COMPARISON + 7 * 32 * BIT
    for name, decay, taken in (
        ("adam", 0.0, adam), ("adam", 0.1, adam + PRODUCT + ADD),
        ("adamw", 0.0, adam), ("adamw", 0.1, adam + PRODUCT),
    ):  # fmt: skip
        recipe = replace(SGD, optimiser=name, weight_decay=decay)
        found = epoch_energy(made, flows, recipe)
        assert found.update == pytest.approx(83 * 3 * taken + written, rel=1e-12)
    said = training_energy.energy_assumptions(flows, recipe)
    assert any(
        one.startswith("adamw takes 20 products, 8 sums, 2 integer operations and 7 words")
        for one in said
    )


def test_weights_in_cells_have_no_price_of_an_update() -> None:
    """Pulses have none; what the products take does not depend on them."""
    made, one = linear("two_layers"), PricedFlow(None)
    found = epoch_energy(made, (one, one, one), SGD)
    in_cells = epoch_energy(made, (one, one, one), SGD, updates=CellUpdates(law=Linear()))
    assert in_cells == replace(found, update=None)
    assert found.total is not None and in_cells.total is None


def test_rows_of_resistive_cells_by_the_equations_of_the_block() -> None:
    """Table I and section IV of arXiv:1707.09952, at 6 bits: one row of 128 columns."""
    one, b, columns = priced("fixed-lp"), 6, 128
    assert one.transposes and one.programs
    edges = 3 / 9 + 1 / 2 + 1 / 18 + (b - 2) * (1 / 18 + 2 / 9)
    charging = columns * (200e-12 * 64e-9 + 35e-18) * 1.8**2 * edges
    current = columns * 0.5 * 10.3e-9 * 1.8 * 31e-9
    row = 2 * (b * 15e-15 + 35e-12 / 1024 * b / 8)
    column = columns * (4 * 15e-15 + 2 * 10e-12 / 1024 * b / 8)
    area = one.parameters(kernel="update").design.parts[0][1].area
    wires = (128 + columns) * 200e-12 * math.sqrt(area) * 0.8**2
    of_row = charging + current + row + column + wires
    # 200 x 150 weights are 200 rows of two arrays beside each other.
    assert one.writing([Gemm("w", 1, 200, 150)]) == pytest.approx(400 * of_row, rel=1e-9)
    rounded = 200 * 150 * (PRODUCT + ADD + COMPARISON)
    found = one.writing([Gemm("w", 1, 200, 150)], rounded=True)
    assert found == pytest.approx(400 * of_row + rounded, rel=1e-9)
    # Of a rank-one update all 128 rows are driven.
    update = charging + current + row
    passes = 32 * 2 * 2
    expected = passes * (128 * update + column + wires)
    assert one.outer_product([Gemm("w", 32, 200, 150)]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("redundant", "bits"), [(0, 24), (2, 36)])
def test_residues_of_every_channel_are_written(redundant: int, bits: int) -> None:
    one = priced("rns", redundant=redundant)
    assert not one.transposes and not one.programs
    assert one.flow is not None and one.flow.core.code is not None
    moduli = one.flow.core.code.moduli
    assert (
        sum((m - 1).bit_length() for m in (*moduli.information, *moduli.redundant_moduli)) == bits
    )
    bill = energy(one.parameters())  # of 128 inputs for 128 columns: one for each
    value = bits * BIT + bill.forward_energy_j
    assert one.writing([Gemm("w", 1, 200, 150)]) == pytest.approx(200 * 150 * value, rel=1e-9)


def test_gradients_on_other_cores() -> None:
    """The transpose is read in the arrays of the forward pass, unless they hold other weights."""
    made, forward, fp32 = linear("two_layers"), priced("fixed-lp"), PricedFlow(None)
    same = epoch_energy(made, (forward, forward, forward), SGD)
    assert same.input_gradient == forward.products(made.inputs, kernel="mvm").energy_j  # type: ignore[union-attr]
    alone = forward.writing(made.trained, rounded=True)
    changed = 83 * 3 * (PRODUCT + ADD + 3 * 32 * BIT)
    assert alone is not None and same.update == pytest.approx(changed + alone, rel=1e-12)
    other = epoch_energy(made, (forward, fp32, priced("fixed-lp", 8)), SGD)
    assert other.forward == same.forward and other.weight_gradient > same.weight_gradient  # type: ignore[operator]
    copied = fp32.writing(made.transposed)
    assert copied is not None and other.update == pytest.approx(changed + alone + copied, rel=1e-12)


def test_attempts_that_the_steps_took(opened: OpenedNetwork, tmp_path: Path) -> None:
    """One of three words in ten is rejected, and computed once more: 1.1 attempts, or so."""

    def asked(**options: Any) -> TrainingParameters:
        flow = Dataflow(analog_core("rns", bits=6, redundant=1, **options))
        quiet = GradientFlows(Dataflow(analog_core("rns", bits=6)), None)
        recipe = Recipe(epochs=2, batch_size=50)
        return TrainingParameters(
            network=opened.network, data=opened.data, recipe=recipe, flow=flow, gradients=quiet,
            bits=6, checkpoint=tmp_path,
        )  # fmt: skip

    noisy = asked(p=0.02, attempts=2)
    (first,), (again,), (calm,) = (trainings([one]) for one in (noisy, noisy, asked()))
    assert first.record == again.record  # which comes from its checkpoint
    # Of 5 residues one is wrong with 1 - 0.98^5 = 9.6 %, of which few are not detected.
    assert all(1.08 < one < 1.1 and two == three == 1 for one, two, three in first.record.attempts)
    assert calm.record.attempts == ((1.0, 1.0, 1.0),) * 2
    for more, less in zip(first.energies, calm.energies, strict=True):
        assert more is not None and less is not None
        assert more.forward > 1.05 * less.forward  # type: ignore[operator]
        assert (more.input_gradient, more.update) == (less.input_gradient, less.update)
    row = first.epochs[1]
    assert row.energy_j == first.energies[1].total  # type: ignore[union-attr]
    assert row.energy_per_sample_j == pytest.approx(row.energy_j / 100)  # type: ignore[operator]
