"""Builds what would be released, twice, and uses it as one who has just installed it.

    python tests/release.py DIST

What has passed lies in the folder DIST, to be uploaded as it is. See RELEASING.md.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "docs" / "recipes"
DATA = "rnscli-{version}.data/data/share"


def check(holds: object, problem: str) -> None:
    if not holds:
        sys.exit(f"release: {problem}")


def main(dist: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        with timed("build"):
            sdist, wheel = built_twice(folder, dist)
        version = wheel.name.split("-")[1]
        check_contents(sdist, wheel, version)
        project = folder / "project"
        (project / "wheels").mkdir(parents=True)
        shutil.copy(wheel, project / "wheels")
        with timed("install"):
            python = installed(project, folder / "environment")
        with timed("use"):
            check_use(python, version, project)
    for file in (sdist, wheel):
        print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}")


@contextmanager
def timed(what: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - start:.1f} s", file=sys.stderr)


def built_twice(folder: Path, dist: Path) -> tuple[Path, Path]:
    """Source archive and wheel, of which the source archive, elsewhere, yields the same bytes."""
    # Here, as pytest looks for examples in this file, also where that package is not.
    from build import ProjectBuilder
    from build.env import DefaultIsolatedEnv

    again = folder / "another folder"
    with DefaultIsolatedEnv() as environment:
        environment.install(ProjectBuilder(ROOT).build_system_requires)

        def build(source: Path, kind: str, into: Path) -> Path:
            return Path(ProjectBuilder.from_isolated_env(environment, source).build(kind, into))

        sdist = build(ROOT, "sdist", dist)
        wheel = build(ROOT, "wheel", dist)
        umask = os.umask(0o077)
        try:
            with tarfile.open(sdist) as archive:
                # Python before 3.11.4 knows no filters; the archive is our own.
                known = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
                archive.extractall(again, **known)
            (source,) = again.iterdir()
            (source / "PKG-INFO").unlink()  # which is made, and would be there twice
            for file in source.rglob("*"):
                os.utime(file, (1e9, 1e9))
            others = [build(source, kind, folder / kind) for kind in ("sdist", "wheel")]
        finally:
            os.umask(umask)
    for first, second in zip((sdist, wheel), others, strict=True):
        same = first.read_bytes() == second.read_bytes()
        check(same, f"{first.name} has other bytes if it is built from the source archive")
    return sdist, wheel


def check_contents(sdist: Path, wheel: Path, version: str) -> None:
    """The source archive is the repository, and the wheel has the package and its pages."""
    with tarfile.open(sdist) as archive:
        listed = {name.partition("/")[2] for name in archive.getnames()}
    kept = git_files() or listed
    none_of(listed - kept - {"PKG-INFO"}, f"{sdist.name} has files that the repository lacks")
    none_of(kept - listed, f"{sdist.name} lacks files of the repository")
    data, info = DATA.format(version=version), f"rnscli-{version}.dist-info"
    share = {name: f"{data}/doc/rnscli/{name.removeprefix('docs/')}" for name in listed}
    wanted = {name for name in listed if name.startswith("rnscli/")}
    wanted |= {share[name] for name in listed if name.startswith("docs/")}
    wanted |= {share["CITATION.cff"], f"{data}/man/man1/rnscli.1", f"{info}/licenses/LICENSE"}
    wanted |= {f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")}
    with zipfile.ZipFile(wheel) as opened:
        there = set(opened.namelist())
    none_of(there - wanted, f"{wheel.name} has")
    none_of(wanted - there, f"{wheel.name} lacks")


def none_of(names: set[str], problem: str) -> None:
    first = ", ".join(sorted(names)[:5])
    check(not names, f"{problem}: {first}{', ..' if len(names) > 5 else ''}")


def git_files() -> set[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        print(f"what is released is not compared: {listed.stderr.strip()}", file=sys.stderr)
    return set(listed.stdout.split("\n")) - {""}


def installed(project: Path, environment: Path) -> Path:
    """The interpreter of a new environment, after what the recipes say has been typed there."""
    job = yaml.safe_load((RECIPES / "github-actions.yml").read_text())["jobs"]["design"]
    (line,) = (step["run"] for step in job["steps"] if step.get("name") == "Install")
    other = yaml.safe_load((RECIPES / "gitlab-ci.yml").read_text())["design"]["before_script"]
    check(other == [line], f"the recipes install by {line}, and by {other}")
    python, pip = environment / "bin" / "python", "python -m pip install "
    check(line.startswith(pip), f"the recipes install by {line}, and not by {pip}")
    venv.create(environment, symlinks=True)  # without pip, which takes long: that of this one does
    # Of the libraries little is imported, so that compiling all of them would take longer.
    options = f"-m pip -qq --disable-pip-version-check --python {python} install --no-compile"
    subprocess.run(
        f"{sys.executable} {options} {line.removeprefix(pip)}", shell=True, cwd=project, check=True
    )
    return python


def check_use(python: Path, version: str, project: Path) -> None:
    """The first lines that one types, the pages, and what is said where an extra is missing."""
    environment = {"PATH": str(python.parent), "HOME": str(project)}

    def run(line: str, code: int = 0) -> str:
        ran = subprocess.run(
            [python.parent / "rnscli", *line.split()],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = ran.stdout + ran.stderr
        check(ran.returncode == code, f"rnscli {line} ends with {ran.returncode}: {said}")
        return said

    share = python.parent.parent / "share"
    wanted: dict[str, Callable[[str], bool]] = {
        "--version": lambda said: said.split()[-1] == version,
        "moduli --bits 6": lambda said: "63 62 61 59" in said,
        "error-sim --pairs 100": lambda said: "fixed-hp" in said,  # by NumPy and SciPy
        "help energy": lambda said: "--technology" in said,
        "energy --help": lambda said: str(share / "doc" / "rnscli" / "energy.md") in said,
        "glossary CRT": lambda said: "Chinese remainder theorem" in said,
        "examples moduli": lambda said: "rnscli moduli" in said,
        "cite": lambda said: f"version {version}" in said.lower() and "Demirkiran" in said,
        "man": lambda said: said == (share / "man" / "man1" / "rnscli.1").read_text(),
    }
    for line, holds in wanted.items():
        said = run(line)
        check(holds(said), f"rnscli {line} prints: {said}")
    for line, extra in {
        "fault-prob --p 1e-3 --plot curve.svg": "plot",
        "accuracy": "torch",
        "error-sim --scheduler tcp://127.0.0.1:9": "distributed",
    }.items():
        said = run(line, code=2)
        hint = f"{python} -m pip install 'rnscli[{extra}]'"
        check(hint in said, f"rnscli {line} does not say {hint}: {said}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
