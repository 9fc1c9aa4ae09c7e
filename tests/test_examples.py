"""The examples of docs/examples run, and their results are what the page beside them says."""

import importlib.util
import re
import runpy
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnscli.cli.main import run

Example = Callable[[str], list[str]]
FOLDER = Path(__file__).parent.parent / "docs" / "examples"
PAGE = (FOLDER / "README.md").read_text()
PRINTED = dict(re.findall(r"^\[(\w+)\.py\]\(.*?```text\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE))


def words(text: str) -> str:
    """Without numbers, which differ between machines, and the blanks before them."""
    return re.sub(r" *-?\d+(\.\d+)?", "#", text)


def numbers(line: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?\d+\.\d+", line)]


@pytest.fixture
def ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Example]:
    """Runs an example in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setenv("MPLBACKEND", "agg")

    def example(name: str) -> list[str]:
        try:
            runpy.run_path(str(FOLDER / f"{name}.py"))
        except SystemExit as left:
            assert not left.code
        return capsys.readouterr().out.splitlines()

    yield example
    sys.modules.pop("classifier", None)


def as_shown(name: str, lines: list[str]) -> list[str]:
    shown = PRINTED[name].splitlines()
    assert [words(one) for one in lines] == [words(one) for one in shown]
    return lines


def test_all_examples_are_on_the_page() -> None:
    scripts = {path.stem for path in FOLDER.glob("*.py")} - {"classifier"}
    assert scripts == set(PRINTED)


@pytest.mark.thorough
def test_own_model(ran: Example) -> None:
    fp32, *rows = as_shown("own_model", ran("own_model"))
    (share,) = numbers(fp32)
    assert share > 85
    for rns, full, calibrated in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        assert numbers(full)[1] < numbers(calibrated)[1] < numbers(rns)[1]
    four, six, eight = (numbers(row)[1] for row in rows[::3])
    assert 10 < six - four < 14  # two bits, at 6.02 dB
    assert 10 < eight - six < 14
    assert abs(numbers(rows[5])[0] - share) < 3


def test_hugging_face(ran: Example) -> None:
    lines = ran("hugging_face")
    if importlib.util.find_spec("transformers") is None:
        assert lines == ["skipped: pip install transformers"]
        pytest.skip("transformers is not installed")
    as_shown("hugging_face", lines)
    coarse, medium, fine = (numbers(line)[0] for line in lines[1::3])
    assert medium - coarse > 9
    assert fine - medium > 9


@pytest.mark.thorough
def test_fine_tuning(ran: Example) -> None:
    found = [numbers(line) for line in as_shown("fine_tuning", ran("fine_tuning"))]
    (_, before), (longer_fp32, longer), (_, after) = found
    assert longer_fp32 > 90
    assert after > max(before, longer)


def test_per_layer(ran: Example, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    lines = as_shown("per_layer", ran("per_layer"))
    assert (tmp_path / "per_layer.svg").read_text().lstrip().startswith("<?xml")
    coarse, fine, ends, middle = (numbers(line)[0] for line in lines if "logits" in line)
    assert coarse < middle < ends < fine
    in_place = [numbers(line)[1] for line in lines if "in place" in line]
    assert in_place[0] == in_place[9]  # conv1 with 4 bits, by a core for all and by a function
    assert in_place[3] == in_place[6]  # and with 8, by a mapping


@pytest.mark.thorough
@pytest.mark.usefixtures("few_digits")
def test_layers_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    (command,) = re.findall(r"^rnscli (.*)$", PAGE, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    Path("layers.toml").write_text((FOLDER / "layers.toml").read_text())
    assert run(shlex.split(command)) == 0
    (shown,) = re.findall(r"```text\n(layer .*?)```", PAGE, re.DOTALL)
    printed = [line for line in capsys.readouterr().out.splitlines() if line[:1].isalpha()]
    assert [words(line) for line in printed[1:6]] == [
        words(line) for line in shown.splitlines() if line[:1].isalpha()
    ]
    assert (tmp_path / "layers.svg").exists()
