"""``rnscli energy --workload``: layers, totals, and files."""

import contextlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rnscli.hardware.workloads.networks import WORKLOADS, load_workload

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]

NET = "layer,M,K,N,count\nfirst,10,200,100,1\nsecond,1,128,128,3\n"
PARTS = ("converter_energy_j", "array_energy_j", "digital_energy_j", "accumulation_energy_j")
RNS = ("energy", "--bits", 6, "--core", "rns")


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.csv"
    path.write_text(NET)
    return path


def test_a_file(net: Path, rows: Rows) -> None:
    first, second, total = rows(*RNS, "--workload", net)
    assert (first["layer"], second["layer"], total["layer"]) == ("first", "second", "total")
    assert {row["workload"] for row in (first, second, total)} == {"net.csv"}
    assert (first["macs"], second["macs"]) == (10 * 200 * 100, 3 * 128 * 128)
    assert (first["passes"], second["passes"]) == (2 * 10, 3)  # two tiles of 128 rows
    assert first["utilisation"] == pytest.approx(200 * 100 / (2 * 128 * 128))
    assert second["utilisation"] == 1
    assert (total["m"], total["k"], total["n"], total["times"]) == (None,) * 4
    for key in ("macs", "passes", "energy_j", *PARTS):
        assert total[key] == pytest.approx(first[key] + second[key], rel=1e-12), key
    assert total["energy_per_mac_j"] == pytest.approx(total["energy_j"] / total["macs"])


def test_a_full_layer_costs_its_dot_products(net: Path, rows: Rows) -> None:
    (dot,) = rows(*RNS)
    second = rows(*RNS, "--workload", net)[1]
    outputs = 3 * 128
    assert second["energy_j"] == pytest.approx(outputs * dot["energy_per_dot_product_j"])
    assert second["accumulation_energy_j"] == 0
    assert second["converter_energy_j"] == pytest.approx(outputs * dot["converter_energy_j"])


def test_the_parts_add_up(net: Path, rows: Rows) -> None:
    found = rows("energy", "--bits", 6, "--core", "rns,bit-sliced,digital-int8", "--workload", net,
                 "--redundant", 1, "--p", "0.01")  # fmt: skip
    assert len(found) == 9
    for row in found:
        assert math.fsum(row[part] for part in PARTS) == pytest.approx(row["energy_j"], rel=1e-12)


def test_networks_by_name_and_file(net: Path, rows: Rows) -> None:
    found = rows("energy", "--bits", 6, "--core", "rns,digital-int8", "--workload",
                 f"mnist-cnn,{net}")  # fmt: skip
    totals = [row for row in found if row["layer"] == "total"]
    assert [(row["workload"], row["core"]) for row in totals] == [
        ("mnist-cnn", "rns"),
        ("net.csv", "rns"),
        ("mnist-cnn", "digital-int8"),
        ("net.csv", "digital-int8"),
    ]
    assert totals[0]["macs"] == totals[2]["macs"] == 11992448


def many(folder: Path, count: int) -> Path:
    """Layers of different sizes, the smallest first."""
    path = folder / "many.csv"
    lines = (f"layer{one},1,128,{128 * one}\n" for one in range(1, count + 1))
    path.write_text("layer,M,K,N\n" + "".join(lines))
    return path


def test_people_are_shown_the_largest_of_many_layers(tmp_path: Path, rnscli: Run) -> None:
    asked = (*RNS, "--workload", many(tmp_path, 200))
    said = rnscli(*asked).out
    layers = [line.split()[0] for line in said.splitlines() if line.startswith("layer")][1:]
    assert layers == [f"layer{one}" for one in range(81, 201)]
    share = sum(range(81, 201)) / sum(range(1, 201))
    assert "80 of 200 layers are left out (all in --format csv and json)" in said
    assert f"{math.floor(1000 * share) / 10:g} % of its energy" in " ".join(said.split())
    for style in ("csv", "markdown"):
        assert rnscli(*asked, "--format", style).out.count("layer") == 201
    small = rnscli(*RNS, "--workload", many(tmp_path, 120)).out
    assert "left out" not in small and "layer1 " in small


def test_progress_by_layers(tmp_path: Path, rnscli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, str, list[float], bool]] = []

    @contextlib.contextmanager
    def bar(total: float, what: str, quiet: bool) -> Iterator[Callable[..., None]]:
        done: list[float] = []
        seen.append((total, what, done, quiet))
        yield lambda number, *_, **__: done.append(number)

    monkeypatch.setattr("rnscli.cli.command.progress_bar", bar)
    rnscli("energy", "--bits", "5,6", "--core", "fixed-lp", "--workload", many(tmp_path, 600))
    rnscli(*RNS, "--quiet")
    assert seen[0] == (1200, "layers", [500, 600, 1100, 1200], False)
    assert seen[1] == (1, "designs", [1], True)


def test_every_network(rows: Rows) -> None:
    found = rows(
        "energy", "--bits", 6, "--core", "fixed-lp", "--workload", ",".join(WORKLOADS),
        "--pass", "inference,training",
    )  # fmt: skip
    by_network: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in found:
        by_network.setdefault((row["workload"], row["pass"]), []).append(row)
    assert {name for name, _ in by_network} == set(WORKLOADS)
    for (name, step), (*layers, total) in by_network.items():
        assert len(layers) >= 3 and "total" not in {row["layer"] for row in layers}
        assert total["macs"] == sum(row["macs"] for row in layers), (name, step)
        assert total["energy_j"] == pytest.approx(math.fsum(row["energy_j"] for row in layers))
        assert all(0 < row["utilisation"] <= 1 for row in layers)
        assert {row["optimiser"] for row in layers} == {"sgd" if step == "training" else None}


def totals(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in found if row["layer"] == "total"]


def test_sizes_are_swept(rows: Rows) -> None:
    found = totals(rows(*RNS, "--workload", "resnet50", "--batch", "1,4", "--image-size", "64,224"))
    assert [(row["batch"], row["image_size"]) for row in found] == [
        (1, 64), (1, 224), (4, 64), (4, 224)
    ]  # fmt: skip
    assert [row["macs"] for row in found] == [
        load_workload("resnet50", {"batch": batch, "image_size": size}).macs
        for batch in (1, 4) for size in (64, 224)
    ]  # fmt: skip


def test_sizes_by_name(rows: Rows) -> None:
    (found,) = totals(rows(*RNS, "--workload", "llama-2-7b", "--sequence", 1, "--size", "cache=99",
                           "--size", "kv-heads=8"))  # fmt: skip
    sizes = {"sequence": 1, "cache": 99, "kv_heads": 8}
    assert found["macs"] == load_workload("llama-2-7b", sizes).macs
    assert (found["sequence"], found["batch"], found["pass"]) == (1, None, "inference")


def test_inference_and_each_optimiser_once(net: Path, rows: Rows) -> None:
    found = rows(*RNS, "--workload", net, "--pass", "inference,training",
                 "--optimiser", "sgd,adam")  # fmt: skip
    assert [(row["pass"], row["optimiser"], row["macs"]) for row in totals(found)] == [
        ("inference", None, 249152),
        ("training", "sgd", 3 * 249152 - 200000),
        ("training", "adam", 3 * 249152 - 200000),
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--workload", "resnet50,bert-large", "--sequence", 64), "resnet50 has no --sequence"),
        (("--workload", "gcn-ppi", "--batch", 2), "gcn-ppi has no --batch, only nodes, edges"),
        (("--workload", "bert-large", "--sequence", 513), "--sequence is 513; it must be a whole"),
        (("--workload", "mnist-cnn", "--batch", 0), "--batch: '0' is not accepted"),
        (("--workload", "resnet50", "--image-size", 8193), "--image-size: '8193' is not accepted"),
        (("--workload", "3d-unet", "--image-size", 100), "--image-size is 100; it must be a multi"),
        (("--workload", "3d-unet", "--image-size", 1024, "--batch", 65536), "is too large, as"),
        (("--workload", "llama-2-7b", "--size", "heads=33"), "--size heads is 33; it must be a"),
        (("--workload", "llama-2-7b", "--size", "cach=3"), "has no --size cach=3, only batch"),
        (("--workload", "llama-2-7b", "--size", "cache=-1"), "--size is cache=-1; it must be"),
        (("--workload", "llama-2-7b", "--size", "batch=3"), "give --batch 3 instead"),
        (("--workload", "llama-2-7b", "--size", "heads=8", "--size", "heads=4"), "several times"),
        (("--batch", 3), "--batch 3 is about --workload; give that"),
        (("--pass", "training"), "--pass training is about --workload; give"),
        (("--workload", "mnist-cnn", "--pass", "both"), "--pass: 'both' is not accepted"),
    ],
)
def test_refused_sizes(given: tuple[Any, ...], says: str, refusal: Refusal) -> None:
    assert says in refusal(*RNS, *given)


def test_sizes_of_a_file_are_in_the_file(net: Path, refusal: Refusal) -> None:
    assert "holds its sizes; leave it out" in refusal(*RNS, "--workload", net, "--batch", 2)


def test_ranges_of_a_network(net: Path, rows: Rows) -> None:
    found = rows(*RNS, "--workload", net, "--adc-k1", "100fJ±30%")
    for row in found:
        assert row["energy_range_j"][0] < row["energy_j"] < row["energy_range_j"][1]
    for end in (0, 1):
        layers = [row["energy_range_j"][end] for row in found[:-1]]
        assert found[-1]["energy_range_j"][end] == pytest.approx(math.fsum(layers), rel=1e-12)


def test_extrapolated_layers_are_marked(net: Path, rnscli: Run) -> None:
    ran = rnscli(*RNS, "--workload", net, "--adc-model", "murmann", "--adc-rate", "5GHz",
                 "--extrapolate")  # fmt: skip
    assert ran.code == 0
    assert ran.err.count("warning") == ran.err.count("\n") == 1
    assert ran.out.count("extrapolated") == 1 and ran.out.count("  yes") == 3


@pytest.mark.parametrize("style", ["table", "csv", "markdown", "latex"])
def test_every_form(style: str, net: Path, rnscli: Run) -> None:
    ran = rnscli(*RNS, "--workload", net, "--format", style)
    assert (ran.code, ran.err) == (0, "")
    lines = [line for line in ran.out.splitlines() if "20480" not in line and "total" in line]
    assert all(name in ran.out for name in ("first", "second", "total")) and lines


def test_requirements_on_layers(net: Path, rnscli: Run, refusal: Refusal) -> None:
    ran = rnscli(*RNS, "--workload", net, "--require", "utilisation >= 0.7")
    assert ran.code == 1
    lines = ran.err.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["row 1", "row 3"]
    assert rnscli(*RNS, "--workload", net, "--require", "energy_j < 1").code == 0
    assert "latency_s" in refusal(*RNS, "--workload", net, "--require", "latency_s < 1")


def test_a_file_that_is_read_is_not_written_over(net: Path, tmp_path: Path, rnscli: Run) -> None:
    ran = rnscli(*RNS, "--workload", net, "--output", net)
    assert (ran.code, ran.out) == (2, "") and "net.csv" in ran.err
    assert net.read_text() == NET


def test_two_files_of_one_name_are_refused(net: Path, tmp_path: Path, rnscli: Run) -> None:
    (tmp_path / "more").mkdir()
    other = tmp_path / "more" / "net.csv"
    other.write_text(NET.replace("200", "300"))
    ran = rnscli(*RNS, "--workload", f"{net},{other}", "--format", "csv")
    assert (ran.code, ran.out) == (2, "")
    assert "same name" in ran.err
