"""Files at the root that other programs read."""

import re
import tomllib
from pathlib import Path

import yaml

import rnscli

ROOT = Path(__file__).resolve().parent.parent


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert str(citation["version"]) == rnscli.__version__
    assert citation["license"] == project["license"]
    assert citation["keywords"] == project["keywords"]


def test_extras_are_there_and_say_what_they_cost() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|(?:[^|]*\|){2} (\d+) MB", page, re.MULTILINE)
    assert {name for name, _ in rows} == extras - {"dev"}
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("rnscli/**/*.py")]
    texts = [file.read_text(encoding="utf-8") for file in files]
    named = {one for text in texts for one in re.findall(r"\brnscli\[(\w+)\]", text)}
    assert {"plot", "torch"} <= named <= extras


def test_hooks_run_what_lint_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (local,) = hooks["repos"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(BIN)", ".venv/bin")
    lint = makefile.partition("\nlint:")[2].partition("\n\n")[0]
    for hook in local["hooks"]:
        command = " ".join(hook["entry"].split(" --")[0].split())
        assert command in lint, hook["id"]
