"""What a shell is told to install, in environments as the installers make them.

Layouts, receipts and notes are those of pip 23.2, pipx 1.4, 1.7 and 1.18, and uv 0.13.9.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from rnscli.base import install_command

Make = Callable[..., tuple[str, str]]

PIPX = {"pipx_metadata.json": "{}"}
RECEIPT = "uv-receipt.toml"
METADATA = """\
Metadata-Version: 2.4
Name: {name}
Version: 0.1.0
Requires-Dist: numpy>=2.0
Requires-Dist: jinja2>=3.1; extra == 'dev'
Requires-Dist: jinja2>=3.1; extra == 'plot'
Requires-Dist: matplotlib>=3.9; extra == 'plot'
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "my checkout"
    folder.mkdir()
    return folder


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Lines for an extra and for a package, from an environment of so many files."""

    def made(
        prefix: str,
        installer: str | None = "pip",
        origin: object = None,
        active: bool = False,
        files: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[str, str]:
        root = tmp_path / prefix
        site = root / "lib" / "site"
        executable = root / "bin" / "python"
        for path in (site, executable.parent):
            path.mkdir(parents=True)
        for name in ("python", "pip"):
            (executable.parent / name).touch(0o755)
        if installer is not None:
            info = site / "rnscli-0.1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(METADATA.format(name="rnscli"))
            (info / "INSTALLER").write_text(f"{installer}\n")
            if origin is not None:
                (info / "direct_url.json").write_text(json.dumps(origin))
        for name, text in files.items():
            (root / name).write_text(text)
        monkeypatch.setattr(sys, "prefix", str(root))
        monkeypatch.setattr(sys, "executable", str(executable))
        others = [one for one in sys.path if "site-packages" not in one]
        monkeypatch.setattr(sys, "path", [str(site), *others])
        monkeypatch.delenv("VIRTUAL_ENV", raising=False)
        if active:
            monkeypatch.setenv("VIRTUAL_ENV", str(root))
            monkeypatch.setenv("PATH", str(executable.parent))
        else:
            monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
        lines = (install_command(one) for one in ("rnscli[plot]", "pandas"))
        extra, package = (line.replace(str(tmp_path), "/home") for line in lines)
        return extra, package

    return made


def at(folder: Path, **more: object) -> dict[str, object]:
    """What an installer notes of a folder or file of this machine."""
    return {"url": folder.as_uri(), **more}


def test_pip(make: Make, checkout: Path) -> None:
    # Wherever it is from, pip takes the rnscli that is installed.
    assert make("env", origin=at(checkout, dir_info={"editable": True}), active=True) == (
        "pip install 'rnscli[plot]'",
        "pip install pandas",
    )


def test_pip_where_the_environment_is_not_in_use(make: Make) -> None:
    assert make("env") == (
        "/home/env/bin/python -m pip install 'rnscli[plot]'",
        "/home/env/bin/python -m pip install pandas",
    )


def test_a_package_that_is_not_installed(make: Make) -> None:
    """As where PYTHONPATH names a checkout."""
    extra, package = make("env", installer=None, active=True)
    assert extra == f"pip install '{Path(__file__).parents[2]}[plot]'"
    assert package == "pip install pandas"


@pytest.mark.parametrize("installer", ["pip", "uv"])  # pipx uses uv where it is there
def test_pipx(installer: str, make: Make, checkout: Path) -> None:
    assert make("venvs/rnscli", installer, at(checkout, dir_info={}), files=PIPX) == (
        "pipx inject rnscli 'jinja2>=3.1' 'matplotlib>=3.9'",
        "pipx inject rnscli pandas",
    )


def test_pipx_with_a_suffix(make: Make) -> None:
    extra, _ = make("venvs/rnscli@old", files=PIPX)
    assert extra.startswith("pipx inject rnscli@old ")


def test_pipx_run(make: Make, checkout: Path) -> None:
    origin = at(checkout, dir_info={})
    assert make(".cache/a88f41a406fe01b", origin=origin, files=PIPX) == (
        "pipx run --spec '/home/my checkout[plot]' rnscli",
        "pipx run --spec '/home/my checkout' --with pandas rnscli",
    )


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        (None, "'rnscli[{}]'"),
        ({"dir_info": {}}, "'/home/my checkout[{}]'"),
        ({"dir_info": {"editable": True}}, "--editable '/home/my checkout[{}]'"),
        (
            {
                "url": "https://example.org/rnscli.git",
                "vcs_info": {"vcs": "git", "commit_id": "0b5f", "requested_revision": "main"},
            },
            "'rnscli[{}] @ git+https://example.org/rnscli.git@main'",
        ),
        (
            {"url": "https://example.org/rnscli-0.1.0-py3-none-any.whl", "archive_info": {}},
            "'rnscli[{}] @ https://example.org/rnscli-0.1.0-py3-none-any.whl'",
        ),
    ],
)
def test_uv_tool(origin: dict[str, object] | None, source: str, make: Make, checkout: Path) -> None:
    """What the tool has had so far is there again."""
    own, other = '{ name = "rnscli", extras = ["onnx"] }', '{ name = "polars", specifier = ">=1" }'
    receipt = f"[tool]\nrequirements = [{own}, {other}]\n"
    noted = at(checkout) | origin if origin else None
    assert make("tools/rnscli", "uv", noted, files={RECEIPT: receipt}) == (
        f"uv tool install {source.format('onnx,plot')} --with 'polars>=1'",
        f"uv tool install {source.format('onnx')} --with 'polars>=1' --with pandas",
    )


def test_uv_tool_of_another_package(make: Make) -> None:
    receipt = (
        '[tool]\nrequirements = [{ name = "jupyter" }, { name = "rnscli" }]\npython = "3.12"\n'
    )
    extra, _ = make("tools/jupyter", "uv", files={RECEIPT: receipt})
    assert extra == "uv tool install jupyter --with 'rnscli[plot]' --python 3.12"


@pytest.mark.parametrize(
    "receipt",
    [
        '[tool]\nrequirements = [{ name = "rnscli" }]\n',
        "nonsense",
        "tool = 1\n",
        "[tool]\nrequirements = []\n",
    ],
)
def test_uv_tool_whose_source_is_gone(receipt: str, make: Make, checkout: Path) -> None:
    """Or whose receipt is of another kind: what adds to the environment as it is, works always."""
    origin = at(checkout / "removed", dir_info={})
    extra, _ = make("tools/rnscli", "uv", origin, files={RECEIPT: receipt})
    assert extra == "uv pip install --python /home/tools/rnscli/bin/python 'rnscli[plot]'"


def test_uv(make: Make) -> None:
    assert make("env", "uv", active=True) == (
        "uv pip install 'rnscli[plot]'",
        "uv pip install pandas",
    )


def test_a_project_of_uv(make: Make, checkout: Path) -> None:
    (checkout / "uv.lock").touch()
    assert make("my checkout/.venv", "uv") == ("uv add 'rnscli[plot]'", "uv add pandas")


def test_the_project_of_this_package(make: Make, checkout: Path) -> None:
    """A project cannot be added to itself."""
    (checkout / "uv.lock").touch()
    (checkout / "rnscli").mkdir()
    (checkout / "rnscli" / "__init__.py").touch()
    extra, _ = make("my checkout/.venv", "uv", active=True)
    assert extra == "uv pip install 'rnscli[plot]'"


def test_environments_that_uv_throws_away(make: Make, checkout: Path) -> None:
    origin = at(checkout, dir_info={})
    assert make("uv/archive-v0/aBB6hU7HcSdSf6Sc", "uv", origin) == (
        "uvx --from '/home/my checkout[plot]' rnscli",
        "uvx --from '/home/my checkout' --with pandas rnscli",
    )
    assert make("uv/builds-v0/.tmpA9saXm", "uv", origin, active=True) == (
        "uv run --with '/home/my checkout[plot]'",
        "uv run --with '/home/my checkout' --with pandas",
    )


def test_notes_that_cannot_be_read(make: Make) -> None:
    assert make("tools/rnscli", "uv", "nonsense")[1].endswith(" pandas")
