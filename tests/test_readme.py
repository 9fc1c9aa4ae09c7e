"""What the README and docs/ show is what the tool prints."""

import re
import shlex
from pathlib import Path

import pytest
from console_blocks import BLOCK

from rnscli.cli.main import run
from rnscli.hardware.profile import load_technology

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCS = {
    path.name: path.read_text()
    for path in sorted((ROOT / "docs").glob("*.md"))
    if path.name != "reference.md"  # whose examples are those of --help
}
CONSOLE = [block for page in (README, *DOCS.values()) for block in BLOCK.findall(page)]
# What no test has: a cluster, files of a reader, data to fetch; and trainings of minutes, which
# have tests of their own.
_OF_OTHERS = (
    "--scheduler", "mine:", "./gpt", "--torchvision", "squad:", "perceptron:", "--model mnist-cnn",
    "text-bert", "text-mlp", "--only accuracy-h",
)  # fmt: skip
SHELL = [
    line.removeprefix("rnscli ").split(" | ")[0]
    for page in (README, *DOCS.values())
    for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("rnscli ") and not any(one in line for one in _OF_OTHERS)
]


_LONG = ("design", "fault-prob --solve", "noise --solve")  # searches, which take seconds


@pytest.mark.parametrize(
    ("command", "output"),
    [
        pytest.param(*one, marks=[pytest.mark.thorough] if one[0].startswith(_LONG) else [])
        for one in CONSOLE
    ],
)
def test_console_blocks(command: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shlex.split(command)) == 0
    assert capsys.readouterr().out == output


@pytest.mark.thorough
@pytest.mark.usefixtures("small_study", "few_words", "few_digits")
def test_shell_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one folder and in order: some read what others have written."""
    monkeypatch.chdir(tmp_path)
    for command in SHELL:
        assert run(shlex.split(command)) == 0


SAME_ROWS = "fault-prob --bits 5,6 --redundant 2 --p 1e-3,1e-2 --attempts 2"


_BY_KEY = "by their keys, as in rows['bits']"  # Python shows columns so that a table leaves out


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        (README, "9.15730191352244e-07\n{table}[-123456       7]\n"),
        (DOCS["monte-carlo.md"], "65536 True True\n"),
    ],
)
def test_python_examples(page: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert run(shlex.split(SAME_ROWS)) == 0
    table = capsys.readouterr().out.replace("with --wide or --show", _BY_KEY)
    exec(source, {})
    assert capsys.readouterr().out == printed.format(table=table)


def test_the_profile_of_a_technology(tmp_path: Path) -> None:
    (profile,) = re.findall(r"```toml\n(.*?)```", DOCS["energy.md"], re.DOTALL)
    path = tmp_path / "mine.toml"
    path.write_text(profile)
    technology = load_technology(str(path))
    technology.check_units()
    assert (technology.name, technology.modulo) == ("my-array", "circuit")
    assert technology.value_of("cell_area") == 5e-14
    ends = dict(technology.uncertain)
    assert ends["cell_capacitance"].high == pytest.approx(0.56e-15, rel=1e-12, abs=0)
    assert (ends["supply"].low, ends["supply"].high) == (0.7, 0.9)


@pytest.mark.parametrize("page", [README, DOCS["batch.md"], DOCS["tutorial.md"]])
def test_plans_hold(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (plan,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("plan.toml").write_text(plan)
    assert run(["batch", "plan.toml", "--junit", "results.xml"]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_said_of_a_wrong_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (plan,) = re.findall(r"```toml\n(.*?)```", DOCS["batch.md"], re.DOTALL)
    (sentences,) = re.findall(r"```\n(rnscli: .*?)```", DOCS["batch.md"], re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("plan.toml").write_text(
        plan.replace("bits = 6\n", "bits = 6.5\n").replace("\ndecoder", "\ndecodre")
    )
    assert run(["batch", "plan.toml"]) == 2
    assert capsys.readouterr() == ("", sentences)
    assert list(tmp_path.iterdir()) == [tmp_path / "plan.toml"]


def test_every_kind_of_example_was_found() -> None:
    assert len(CONSOLE) == 50
    assert len(SHELL) == 54
