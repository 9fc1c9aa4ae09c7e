"""The documentation as a site: its pages, links and gallery. `make docs` runs Sphinx itself."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import click
import pytest

import rnscli
from rnscli.cli.main import COMMANDS, cli

SITE = Path(__file__).parent.parent / "docs" / "site"


@pytest.fixture
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", SITE / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_of_the_site_lead_to_its_pages_and_files(build: ModuleType, tmp_path: Path) -> None:
    """Which the pages are in the repository, too, but elsewhere: test_links looks at those."""
    build.lay_out_pages(tmp_path)
    build.lay_out_notebooks(tmp_path)
    made = {path.stem for path in (*tmp_path.glob("*.md"), *tmp_path.glob("*.ipynb"))}
    for page in tmp_path.glob("*.md"):
        text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#]+)", text):
            assert "://" in target or (tmp_path / target).is_file(), (page.name, target)
    listed = [
        entry.rpartition("<")[2].rstrip(">") for some in build.parts().values() for entry in some
    ]
    assert sorted(listed) == sorted({*listed})
    assert made - {"index"} <= set(listed)
    assert set(listed) - made == {"gallery", "library"}  # which are made from the code


def test_the_gallery_has_a_picture_of_every_command_that_draws() -> None:
    pictures = tomllib.loads((SITE / "gallery.toml").read_text(encoding="utf-8"))["picture"]
    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in COMMANDS}
    drawing = {
        name
        for name, command in commands.items()
        if command and any(one.name == "plot" for one in command.params)
    }
    assert {picture["command"].split()[0] for picture in pictures} == drawing


def test_every_public_name_is_on_a_page_of_the_library(build: ModuleType) -> None:
    parts = [one for one in build.CONTENTS["library"].values() if one["package"] == "rnscli"]
    named = [name for part in parts for name in build.names_of(part)]
    assert sorted(named) == sorted(rnscli.__all__)
