"""The recipes for systems of continuous integration do what they say, step by step."""

import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

Run = Callable[..., Any]

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
HOLDS = "mean_abs_error <= 0.07"
BROKEN = "mean_abs_error <= 0.06"
INSTALL = "python -m pip install"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(RECIPES / "plan.toml", tmp_path)
    return tmp_path


def break_plan(folder: Path) -> None:
    plan = folder / "plan.toml"
    assert HOLDS in plan.read_text()
    plan.write_text(plan.read_text().replace(HOLDS, BROKEN))


def shell(line: str, folder: Path, environment: dict[str, str], **more: str) -> int:
    """Exit code of a line, run as both systems run theirs."""
    command = ["bash", "-e", "-o", "pipefail", "-c", line]
    return subprocess.run(command, cwd=folder, env=environment | more, timeout=120).returncode


def failures(folder: Path) -> list[str]:
    """Names of the test cases that failed."""
    root = ElementTree.parse(folder / "results.xml").getroot()
    cases = list(root.iter("testcase"))
    assert len(cases) == int(root.get("tests", "0")) == 5
    return [str(case.get("name")) for case in cases if case.find("failure") is not None]


@pytest.mark.parametrize("broken", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_github_actions(broken: bool, folder: Path, shell_environment: dict[str, str]) -> None:
    if broken:
        break_plan(folder)
    job = yaml.safe_load((RECIPES / "github-actions.yml").read_text())["jobs"]["design"]
    summary = folder / "summary-of-the-job.md"
    code, ran = 0, []
    for step in job["steps"]:
        line = step.get("run", "")
        if not line or line.startswith(INSTALL) or (code and step.get("if") != "always()"):
            continue
        ran.append(line.split()[0])
        code = shell(line, folder, shell_environment, GITHUB_STEP_SUMMARY=str(summary)) or code
    assert ran == ["rnscli", "cat"]
    assert code == (1 if broken else 0)
    assert failures(folder) == ([BROKEN] if broken else [])
    assert summary.read_text() == (folder / "results" / "summary.md").read_text()
    # What is handed on is what there is, and the cache names the store.
    (upload,) = (step for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    assert all((folder / name).exists() for name in upload["with"]["path"].split())
    (cache,) = (step for step in job["steps"] if "actions/cache" in step.get("uses", ""))
    assert (folder / cache["with"]["path"]).exists()


@pytest.mark.parametrize("broken", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_gitlab(broken: bool, folder: Path, shell_environment: dict[str, str]) -> None:
    if broken:
        break_plan(folder)
    job = yaml.safe_load((RECIPES / "gitlab-ci.yml").read_text())["design"]
    assert all(line.startswith(INSTALL) for line in job["before_script"])
    code = shell("\n".join(job["script"]), folder, shell_environment)
    assert code == (1 if broken else 0)
    assert failures(folder) == ([BROKEN] if broken else [])
    artifacts = job["artifacts"]
    for name in (*artifacts["paths"], artifacts["reports"]["junit"], *job["cache"]["paths"]):
        assert (folder / name).exists()


@pytest.mark.thorough
def test_the_script(folder: Path, shell_environment: dict[str, str]) -> None:
    """Again and again in the same folder, as cron does."""
    line = f"sh {RECIPES / 'gate.sh'} plan.toml"
    assert shell(line, folder, shell_environment) == 0
    kept = (folder / "plan-results" / "table.json").read_bytes()
    assert shell(f"sh {RECIPES / 'gate.sh'}", folder, shell_environment) == 0
    break_plan(folder)
    assert shell(line, folder, shell_environment) == 1
    assert (folder / "plan-results" / "table.json").read_bytes() == kept
    assert BROKEN in (folder / "plan-results.xml").read_text().replace("&lt;", "<")
    (folder / "plan.toml").write_text("[run.table]\ncommand = 'modulii'\n")
    assert shell(line, folder, shell_environment) == 2


@pytest.mark.thorough
def test_the_published_design_points(tmp_path: Path, shell_environment: dict[str, str]) -> None:
    plan = RECIPES / "published.toml"
    (command,) = (
        text.removeprefix("#").strip()
        for text in plan.read_text().splitlines()
        if text.startswith("#     rnscli")
    )
    shutil.copy(plan, tmp_path)
    assert shell(command, tmp_path, shell_environment) == 0
    asked = [run.get("require", []) for run in tomllib.loads(plan.read_text())["run"].values()]
    wanted = sum(1 if isinstance(one, str) else len(one) for one in asked)
    root = ElementTree.parse(tmp_path / "published.xml").getroot()
    assert int(root.get("tests", "0")) == wanted == 14


@pytest.mark.parametrize(
    ("holds", "broken"),
    [
        ("dynamic_range == 14057694", "dynamic_range == 238266"),  # without the fourth modulus
        ("relative_to_rns <= 16.5", "relative_to_rns <= 15"),
        ("adc_relative_to_rns >= 168", "adc_relative_to_rns >= 168.6"),
        ("energy_per_mac_j < 9.5e-15", "energy_per_mac_j < 8.7e-15"),
    ],
)
def test_a_published_point_that_is_missed(
    holds: str, broken: str, tmp_path: Path, rnscli: Run
) -> None:
    text = (RECIPES / "published.toml").read_text()
    assert text.count(f'"{holds}"') == 1
    plan = tmp_path / "plan.toml"
    plan.write_text(text.replace(f'"{holds}"', f'"{broken}"'))
    ran = rnscli("batch", plan, "--output", tmp_path / "results")
    assert ran.code == 1 and broken in ran.err
