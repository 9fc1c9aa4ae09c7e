"""Accuracies against a plain loop, energies against products counted by hand, and cut otherwise."""

import copy
import dataclasses
import linecache
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_networks
import torch
from made_cores import ANALOG
from scipy import stats

import rnscli
from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.networks import accuracy as accuracy_block
from rnscli.analysis.networks.accuracy import AccuracyParameters, accuracies
from rnscli.analysis.networks.rows import AccuracyRow
from rnscli.analysis.statistics import PairedCounts
from rnscli.analysis.store import stored_tasks
from rnscli.base.errors import InputError, NotFiniteError
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Gaussian
from rnscli.hardware.workloads import Gemm, Workload
from rnscli.matrix.dataflow import GRANULARITIES, Dataflow
from rnscli.networks import portable
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.portable import OpenedNetwork, open_network
from rnscli.runtime.runner import Runner, runner
from rnscli.runtime.store import Store
from rnscli.torch import convert

EVERY_CORE = ANALOG


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedNetwork:
    """300 samples: three blocks, of which the last is smaller."""
    path = tiny_networks.write_images(tmp_path_factory.mktemp("data") / "images.npz")
    return open_network(tiny_networks.CNN, path)


def asked(
    opened: OpenedNetwork,
    core: str = "rns",
    granularity: str = "vector",
    scales: str = "fp32",
    **options: Any,
) -> AccuracyParameters:
    names = {field.name for field in dataclasses.fields(AccuracyParameters)}
    ours = {name: options.pop(name) for name in names & set(options) - {"bits"}}
    bits = options.setdefault("bits", 4)
    flow = Dataflow(analog_core(core, **options), granularity, scales=scales)
    return AccuracyParameters(opened=opened, flow=flow, bits=bits, **ours)


def row_of(parameters: AccuracyParameters, on: Runner | None = None) -> AccuracyRow:
    (row,) = accuracies([parameters], on)
    return row


def of_noise(row: AccuracyRow) -> dict[str, Any]:
    """A row without what it says of the noise."""
    columns = (
        "noise", "p", "sigma", "attempts", "output_error_rate", "output_error_rate_ci95",
        "gross_error_rate", "gross_error_rate_ci95", "mean_abs_output_error", "rms_output_error",
        "tolerance", "expected_attempts",
    )  # fmt: skip
    return {key: value for key, value in dataclasses.asdict(row).items() if key not in columns}


# Against a plain loop ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("core", "granularity", "scales"),
    [
        *((core, "vector", "fp32") for core in EVERY_CORE),
        *(("rns", kind, "fp32") for kind in GRANULARITIES[1:]),
        ("rns", "vector", "power-of-two"),
        ("fixed-lp", "tensor", "power-of-two"),
    ],
)
def test_a_plain_loop_counts_the_same(
    opened: OpenedNetwork, core: str, granularity: str, scales: str
) -> None:
    """By parts of 128, as what shares a scale may be all that is computed at once."""
    row = row_of(asked(opened, core, granularity, scales))
    model = opened.network.made().eval()
    analog = convert(model, Dataflow(analog_core(core, bits=4), granularity, scales=scales))
    right = []
    test = opened.data.test
    with torch.no_grad():
        for start in range(0, 300, 128):
            part = slice(start, start + 128)
            x, labels = torch.from_numpy(test.inputs[part]), torch.from_numpy(test.labels[part])
            answers = [(network(x).argmax(1) == labels).numpy() for network in (analog, model)]
            right.append(np.array(answers))
    ours, fp32 = np.concatenate(right, axis=1)
    assert (row.samples, row.accuracy, row.fp32_accuracy) == (300, ours.mean(), fp32.mean())
    exact = stats.binomtest(int(ours.sum()), 300).proportion_ci(0.95, method="exact")
    assert row.accuracy_ci95 == pytest.approx((exact.low, exact.high), rel=1e-9, abs=0)
    assert row.relative_accuracy == pytest.approx(ours.mean() / fp32.mean(), rel=1e-15)
    pairs = PairedCounts(
        300, int((ours & fp32).sum()), int((ours & ~fp32).sum()), int((fp32 & ~ours).sum())
    )
    assert row.relative_accuracy_ci95 == pairs.ratio_interval()
    assert (row.core, row.granularity, row.scales) == (core, granularity, scales)
    assert row.model == tiny_networks.CNN


def test_cores_that_lose_nothing_agree(opened: OpenedNetwork) -> None:
    exact, lossless = (row_of(asked(opened, core)) for core in ("fixed-hp", "rns"))
    assert (exact.accuracy, exact.relative_accuracy_ci95) == (
        lossless.accuracy,
        lossless.relative_accuracy_ci95,
    )
    assert row_of(asked(opened, bits=11)).relative_accuracy == 1


@pytest.mark.parametrize("core", EVERY_CORE)
@pytest.mark.parametrize("noise", ["p", "sigma"])
def test_noise_that_never_strikes_changes_nothing(
    opened: OpenedNetwork, core: str, noise: str
) -> None:
    quiet, zero = row_of(asked(opened, core)), row_of(asked(opened, core, **{noise: 0.0}))
    assert of_noise(quiet) == of_noise(zero)
    assert (zero.output_error_rate, zero.expected_attempts) == (0, 1)
    assert quiet.output_error_rate is quiet.output_error_rate_ci95 is None
    assert quiet.noise is quiet.expected_attempts is None


def test_noise_costs_accuracy_and_redundancy_saves_it(opened: OpenedNetwork) -> None:
    noisy = row_of(asked(opened, bits=6, p=0.05))
    saved = row_of(asked(opened, bits=6, p=0.05, redundant=2, attempts=4))
    quiet = row_of(asked(opened, bits=6))
    assert noisy.accuracy < 0.8 * quiet.accuracy
    assert saved.accuracy > 0.95 * quiet.accuracy
    assert noisy.expected_attempts == 1 < saved.expected_attempts < 2
    assert noisy.output_error_rate > 10 * saved.output_error_rate
    # Four residues are wrong as often as they are drawn; 1e-6 is asked of a normal law.
    expected, results = 1 - 0.95**4, 300 * (4 * 4 + 16 + 16 + 3)
    tolerance = 4.9 * math.sqrt(expected * (1 - expected) / results)
    assert noisy.output_error_rate == pytest.approx(expected, abs=tolerance)
    wrong = round(noisy.output_error_rate * results)
    exact = stats.binomtest(wrong, results).proportion_ci(0.95, method="exact")
    assert noisy.output_error_rate_ci95 == pytest.approx((exact.low, exact.high), rel=1e-8, abs=0)


def test_how_far_outputs_of_a_code_are_off(opened: OpenedNetwork) -> None:
    """Small errors in all residues of a common factor: as often wrong, and never by far."""
    moduli = ModuliSet([248, 232, 224, 216], factor=8)
    small = row_of(asked(opened, bits=8, moduli=moduli.moduli, factor=8, sigma=0.5))
    results = 300 * (4 * 4 + 16 + 16 + 3)
    exact = fault_probability(
        FaultParameters(moduli=moduli, noise=Gaussian(0.5), tolerance=small.tolerance)
    )
    deviation = math.sqrt(exact.p_err * (1 - exact.p_err) / results)
    assert small.output_error_rate == pytest.approx(exact.p_err, abs=4.9 * deviation)
    assert small.gross_error_rate == 0 and small.tolerance == 8
    # Nearly all are off by one.
    assert small.mean_abs_output_error == pytest.approx(small.output_error_rate, rel=0.02)
    assert small.rms_output_error == pytest.approx(math.sqrt(small.output_error_rate), rel=0.02)
    far = row_of(asked(opened, bits=6, p=0.05))
    assert far.gross_error_rate == pytest.approx(far.output_error_rate, rel=0.01)
    conventional = row_of(asked(opened, "fixed-lp", sigma=0.5))
    assert conventional.gross_error_rate is conventional.tolerance is None


def test_samples_that_noise_drives_beyond_all_bounds_are_wrong(tmp_path: Path) -> None:
    """Each layer magnifies a wrong residue of the one before, until a core refuses the operand."""
    deep = opened_with("deep", tmp_path)
    test = deep.data.test
    answers = deep.network.model()(torch.from_numpy(test.inputs)).argmax(1).numpy()
    own = OpenedNetwork(deep.network, Dataset("own", test=LabelledData(test.inputs, answers)))
    row = row_of(asked(own, bits=6, p=0.5))
    assert (row.samples, row.fp32_accuracy) == (20, 1)
    assert row.accuracy < 0.5


class Refusing(torch.nn.Module):
    """The class is the first number, and one above 9 is refused, as a core does."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if (x > 9).any():
            raise NotFiniteError("too large")
        return torch.nn.functional.one_hot(x[:, 0].long(), 10).float()


@pytest.mark.parametrize("refused", [(), (0,), (6,), (2, 3), (0, 1, 2, 3, 4, 5, 6)])
def test_what_is_refused_does_not_decide_over_what_is_beside_it(refused: tuple[int, ...]) -> None:
    labels = np.array([1, 2, 3, 4, 5, 6, 7])
    inputs = labels[:, None].astype(np.float32)
    inputs[5] = 0  # wrong
    inputs[list(refused)] = 10
    outputs = accuracy_block._outputs(Refusing(), inputs, (7, 10))
    right = np.isfinite(outputs).all(1) & (outputs.argmax(1) == labels)
    assert right.tolist() == [index != 5 and index not in refused for index in range(7)]


# Samples, seeds, processes, stores ---------------------------------------------------------------

NOISY = {"bits": 6, "p": 0.05, "redundant": 1, "attempts": 2}


@pytest.fixture(scope="module")
def two_jobs() -> Iterator[Runner]:
    with runner(jobs=2) as made:
        yield made


def test_the_first_samples_are_the_first(opened: OpenedNetwork) -> None:
    """Blocks are the same whatever follows them."""
    test = opened.data.test
    for samples in (1, 128, 129):
        part = LabelledData(test.inputs[:samples], test.labels[:samples])
        alone = OpenedNetwork(opened.network, Dataset("part", test=part), opened.weights)
        row = row_of(asked(opened, samples=samples, **NOISY))
        assert row == row_of(asked(alone, **NOISY))
        assert row.samples == samples
    with pytest.raises(InputError, match=r"`samples` is 301.* 300 samples"):
        asked(opened, samples=301)


def test_seeds(opened: OpenedNetwork) -> None:
    first, again, other = (row_of(asked(opened, seed=seed, **NOISY)) for seed in (3, 3, 4))
    assert first == again
    assert first.output_error_rate != other.output_error_rate


def test_blocks_draw_different_noise(opened: OpenedNetwork) -> None:
    test = opened.data.test
    twice = LabelledData(np.tile(test.inputs[:128], (2, 1, 1, 1)), np.tile(test.labels[:128], 2))
    doubled = OpenedNetwork(opened.network, Dataset("twice", test=twice))
    known: list[Any] = []
    list(accuracies([asked(doubled, **NOISY)], progress=known.append))
    one, both = (update.total["accuracy"] for update in known)
    assert both.products.wrong != 2 * one.products.wrong
    assert [update.samples for update in known] == [128, 256]


@pytest.mark.thorough
def test_any_number_of_processes_and_a_store_give_the_same_bytes(
    opened: OpenedNetwork, two_jobs: Runner, tmp_path: Path
) -> None:
    points = [asked(opened, core, **NOISY) for core in ("rns", "fixed-lp")]
    alone = list(accuracies(points))
    assert list(accuracies(points, two_jobs)) == alone
    begun = [dataclasses.replace(point, samples=128) for point in points]
    computed: list[int] = []
    with runner(store=tmp_path / "runs.db") as stored:
        list(accuracies(begun, stored))  # as if it had been killed after a block
        for _ in range(2):
            updates: list[Any] = []
            assert list(accuracies(points, stored, updates.append)) == alone
            computed += [update.computed for update in updates if update.finished]
    assert computed == [172, 172, 0, 0]


def test_a_store_keeps_scales_apart(opened: OpenedNetwork, tmp_path: Path) -> None:
    points = [
        asked(opened, scales=scales, samples=samples)
        for scales, samples in (("fp32", 140), ("power-of-two", 20))
    ]
    updates: list[Any] = []
    with runner(store=tmp_path / "runs.db") as stored:
        found = list(accuracies(points, stored, updates.append))
    assert [update.computed for update in updates if update.finished] == [140, 20]
    # And what it lists has the metric of all blocks together.
    with Store(tmp_path / "runs.db", read_only=True) as recorded:
        listed = {one.samples: one for one in stored_tasks(recorded)}
    for row in found:
        one = listed[row.samples]
        assert (one.metric, one.value) == (row.metric, row.value)
        assert (one.value_ci95, one.fp32_value) == (row.value_ci95, row.fp32_value)


def test_a_store_knows_what_a_network_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its forward and not only its weights; nor where the data come from."""
    monkeypatch.chdir(tmp_path)
    source = """
import torch
class Net(torch.nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1)){sign}
def make():
    return Net(16, 3)
"""
    data = tiny_networks.write_images(tmp_path / "images.npz", samples=30)
    same = tiny_networks.write_images(tmp_path / "same.npz", samples=30)
    found = []
    for name, sign, path in (
        ("net_one", "", data), ("net_one", "", same), ("net_two", "", data)
    ):  # fmt: skip
        (tmp_path / f"{name}.py").write_text(source.format(sign=sign))
        point = asked(open_network(f"{name}:make", path))
        with runner(store=tmp_path / "runs.db") as stored:
            updates: list[Any] = []
            (row,) = accuracies([point], stored, updates.append)
        found.append((updates[0].computed, row.accuracy))
    assert [computed for computed, _ in found] == [30, 0, 30]
    network = open_network("net_one:make", data).network
    before = network.digest()
    (tmp_path / "net_one.py").write_text(source.format(sign=" * -1"))
    monkeypatch.delitem(sys.modules, "net_one")
    changed = open_network("net_one:make", data).network
    assert changed.weights == network.weights
    clear_digests()
    assert changed.digest() != before


def clear_digests() -> None:
    """As a new process has none; the weights, by which they are kept, are the same."""
    portable._digest.cache_clear()
    portable._model.cache_clear()
    linecache.checkcache()


def test_a_runner_may_look_at_points_of_several_networks(opened: OpenedNetwork) -> None:
    other = OpenedNetwork(copy.copy(opened.network), opened.data)
    points = [asked(opened), asked(other, "fixed-lp"), asked(opened, bits=5)]
    together = list(accuracies(points))
    assert together == [row_of(point) for point in points]


# Energy ------------------------------------------------------------------------------------------

# Of images of 4 x 4 pixels: 4 positions of a kernel of 9, attention among them, and 3 outputs.
GEMMS = (
    Gemm("convolution", 4, 9, 4),
    Gemm("scores", 4, 4, 4, stationary=False),
    Gemm("context", 4, 4, 4, stationary=False),
    Gemm("linear", 1, 4, 3),
)


@pytest.mark.parametrize("scales", ["fp32", "power-of-two"])
@pytest.mark.parametrize("core", EVERY_CORE)
def test_energy_is_that_of_products_counted_by_hand(
    opened: OpenedNetwork, core: str, scales: str
) -> None:
    row = row_of(asked(opened, core, scales=scales, bits=6))
    simulated = analog_core(core, bits=6)
    more: dict[str, Any] = {"scales": scales}
    if core == "rns":
        more["moduli"] = simulated.code.moduli
    design = EnergyParameters(core=core, dot_product=simulated.dot_product, bits=6, **more)
    total = rnscli.workload_energy(design, Workload("by hand", GEMMS))[-1]
    assert row.macs == total.macs == 4 * 9 * 4 + 2 * 4 * 4 * 4 + 4 * 3
    assert row.gemms == 4
    assert row.energy_per_inference_j == pytest.approx(total.energy_j, rel=1e-12)
    assert row.energy_j == pytest.approx(300 * total.energy_j, rel=1e-12)
    assert (row.technology, row.digital) == (
        "photonic-phase" if core == "rns" else "reram-analog", None
    )  # fmt: skip


def test_energy_counts_the_attempts_that_were_taken(opened: OpenedNetwork) -> None:
    settings = {"bits": 6, "redundant": 2, "p": 0.05}
    once, often = (row_of(asked(opened, attempts=n, **settings)) for n in (1, 5))
    assert often.expected_attempts > once.expected_attempts == 1
    core = analog_core(bits=6, redundant=2)
    # A dot product takes 1 + p + p^2 + p^3 + p^4 attempts on average, and a pass of 128 columns as
    # many as the one of them that takes the most.
    (rejected,) = (
        root.real
        for root in np.roots([1, 1, 1, 1, 1 - often.expected_attempts])
        if abs(root.imag) < 1e-12 and root.real > 0
    )
    pass_attempts = 1 + sum(1 - (1 - rejected**i) ** 128 for i in range(1, 5))
    design = EnergyParameters(
        core="rns",
        dot_product=core.dot_product,
        bits=6,
        moduli=core.code.moduli,
        legitimate_range=core.code.size,
        expected_attempts=often.expected_attempts,
        pass_attempts=pass_attempts,
        search_probability=1 - 0.95**core.code.moduli.count,
    )
    total = rnscli.workload_energy(design, Workload("by hand", GEMMS))[-1]
    assert often.energy_per_inference_j == pytest.approx(total.energy_j, rel=1e-9, abs=0)
    ratio = often.energy_per_inference_j / once.energy_per_inference_j
    assert 1 < ratio <= pass_attempts < 5


def test_technologies_differ(opened: OpenedNetwork) -> None:
    energies = {
        name: row_of(asked(opened, "fixed-lp", technology=rnscli.load_technology(name)))
        for name in ("photonic-incoherent", "reram-analog")
    }
    assert {name: row.technology for name, row in energies.items()} == {
        name: name for name in energies
    }
    assert len({row.energy_j for row in energies.values()}) == 2


# Products that no core computes ------------------------------------------------------------------


def opened_with(name: str, folder: Path) -> OpenedNetwork:
    path = tiny_networks.write_images(folder / "images.npz", samples=20)
    return open_network(f"tiny_networks:{name}", path)


def test_digital_products_are_told_and_not_counted(tmp_path: Path) -> None:
    row = row_of(asked(opened_with("digital", tmp_path)))
    assert row.digital == "WithDistances: cdist"
    assert (row.gemms, row.macs) == (4, 284)
    row = row_of(asked(opened_with("with_kron", tmp_path)))
    assert row.digital == "WithKronecker: kron"


@pytest.mark.parametrize(("name", "said"), [("digital", "cdist"), ("with_kron", "kron")])
def test_strictly_they_are_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"`model` tiny_networks:{name} .*{said}"):
        row_of(asked(opened_with(name, tmp_path), strict=True))


def test_a_network_without_products_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no products"):
        row_of(asked(opened_with("only_means", tmp_path)))


def test_layers_that_infer_their_size_are_on_the_core(tmp_path: Path) -> None:
    row = row_of(asked(opened_with("lazy", tmp_path), strict=True, bits=11))
    assert (row.digital, row.gemms, row.macs) == (None, 1, 48)
    assert row.relative_accuracy == 1


def test_what_light_cannot_read_has_no_price(opened: OpenedNetwork) -> None:
    """Accuracies are simulated whatever the light."""
    row = row_of(asked(opened, bits=8))
    assert (row.technology, row.extrapolated) == ("photonic-phase", False)
    assert row.energy_per_inference_j is row.energy_j is None
    assert row.accuracy > 0
    six = row_of(asked(opened, bits=6))
    assert six.energy_per_inference_j is not None and not six.extrapolated


def test_a_layer_in_half_precision_is_tested_too(tmp_path: Path) -> None:
    """NumPy has no bfloat16, in which the digest must not be taken."""
    opened = opened_with("half", tmp_path)
    with runner(store=tmp_path / "runs.db") as stored:
        assert row_of(asked(opened), stored).samples == 20


# The published claim -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "digits-cnn",
        *(
            pytest.param(name, marks=pytest.mark.thorough)
            for name in ("digits-resnet", "digits-transformer")
        ),
    ],
)
def test_residues_of_6_bits_keep_99_percent_where_an_adc_of_6_bits_does_not(
    name: str, shipped_network: Callable[[str], Any]
) -> None:
    shipped_network(name)
    opened = open_network(name)
    rows = accuracies([asked(opened, core, bits=6, samples=128) for core in ("rns", "fixed-lp")])
    residues, conventional = rows
    assert residues.fp32_accuracy > 0.97
    assert residues.vector_size == conventional.vector_size == 128
    assert residues.relative_accuracy >= 0.99 > 0.95 > conventional.relative_accuracy
    assert conventional.relative_accuracy_ci95[1] < residues.relative_accuracy_ci95[0]
