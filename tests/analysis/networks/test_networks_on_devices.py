"""What is published of cells, wires and ADCs, on the shipped networks (docs/devices.md).

Accuracies are over those in FP32 of the same 256 images, so that one image is 0.4 points. Weights
differ between machines, and with them what errors do: bounds are far from what was measured, by 5
times the deviation between chips and networks or more, so that no order is left to chance.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from rnscli.cli.main import run

pytestmark = pytest.mark.thorough
Accuracies = dict[object, list[float]]


def measured(folder: Path, by: str, line: str) -> Accuracies:
    """Per cent of FP32 of each chip, by the values of a column."""
    written = folder / "accuracy.json"
    asked = f"accuracy {line} --granularity tensor --samples 256 --quiet --output {written}"
    assert run(asked.split()) == 0
    found: Accuracies = defaultdict(list)
    for row in json.loads(written.read_text())["rows"]:
        found[row[by]].append(100 * row["relative_accuracy"])
    written.unlink()
    return found


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("model", ["digits-cnn", "digits-resnet", "digits-transformer"])
def test_two_cells_stand_more_than_an_offset(model: str, tmp_path: Path) -> None:
    """Most of all if errors are in proportion, and wires have a resistance."""
    exact = f"--model {model} --core fixed-hp --bits 8 --mapping differential,offset"
    chips = f"{exact} --chip-seed 0..2"
    fixed = measured(tmp_path, "mapping", f"{chips} --cell-error 0.4")
    assert mean(fixed["differential"]) > mean(fixed["offset"]) + 5
    shared = measured(tmp_path, "mapping", f"{chips} --cell-error-proportional 0.4")
    assert mean(shared["differential"]) > mean(shared["offset"]) + 15
    assert mean(shared["differential"]) > mean(fixed["differential"]) + 1
    wires = measured(tmp_path, "mapping", f"{exact} --vector-size 1152 --wire-resistance 1e-4")
    assert wires["differential"][0] > wires["offset"][0] + 5


def test_what_is_harmless(tmp_path: Path) -> None:
    """Errors of 5 % in proportion, wires of 1e-5, and a cell in a thousand, on two cells."""
    exact = "--model digits-resnet --core fixed-hp --bits 8"
    ratios = measured(
        tmp_path, "on_off_ratio",
        f"{exact} --cell-error-proportional 0.05 --on-off-ratio 100,1000,1e12 --chip-seed 0..1",
    )  # fmt: skip
    assert len(ratios) == 3
    assert min(map(min, ratios.values())) > 97
    for broken in ("--wire-resistance 1e-5 --vector-size 1152", "--stuck-off 1e-3"):
        (kept,) = measured(tmp_path, "core", f"{exact} {broken}").values()
        assert kept[0] > 97


def test_calibrated_ranges_need_fewer_bits_and_two_cells_the_fewest(tmp_path: Path) -> None:
    line = "--model digits-resnet --core fixed-lp --bits 8 --adc-range full,calibrated"
    six = measured(tmp_path, "adc_range", f"{line} --adc-bits 6")
    assert six["calibrated"][0] > 97 and six["full"][0] < 50
    four = measured(
        tmp_path,
        "mapping",
        f"{line.replace('full,', '')} --adc-bits 4 --mapping differential,offset",
    )
    assert four["differential"][0] > 95 and four["offset"][0] < 70


def test_slices_help_only_if_they_fill_their_cells(tmp_path: Path) -> None:
    line = "--model digits-resnet --bits 8 --core bit-sliced,fixed-hp --slice-bits 2 --adc-bits 16"
    line = f"{line} --adc-range full --cell-error 0.3 --chip-seed 0..2"
    filled = measured(tmp_path, "core", f"{line} --weight-bits 9")
    assert mean(filled["bit-sliced"]) > mean(filled["fixed-hp"]) + 3
    loose = measured(tmp_path, "core", line)
    assert mean(loose["bit-sliced"]) < mean(loose["fixed-hp"]) - 10


def test_residues_need_cells_a_thousand_times_as_exact(tmp_path: Path) -> None:
    """All or nothing; those around zero stand more, and conventional cells far more."""
    line = "--model digits-cnn --bits 6 --chip-seed 0..1"
    for residues, held, lost in (("plain", "1e-5", "5e-5"), ("symmetric", "3e-5", "1e-4")):
        for cells, (least, most) in ((held, (97, 103)), (lost, (0, 50))):
            (found,) = measured(
                tmp_path, "core", f"{line} --core rns --residues {residues} --cell-error {cells}"
            ).values()
            assert all(least <= one <= most for one in found), (residues, cells, found)
    calibrated = f"{line} --core fixed-lp --adc-range calibrated --cell-error 0.1"
    (kept,) = measured(tmp_path, "core", calibrated).values()
    assert min(kept) > 97
