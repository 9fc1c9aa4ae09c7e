"""Files at the root that other programs read."""

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


def test_hooks_run_what_lint_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (local,) = hooks["repos"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(BIN)", ".venv/bin")
    lint = makefile.partition("\nlint:")[2].partition("\n\n")[0]
    for hook in local["hooks"]:
        command = " ".join(hook["entry"].split(" --")[0].split())
        assert command in lint, hook["id"]
