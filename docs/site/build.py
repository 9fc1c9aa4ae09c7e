"""Builds the documentation as a site: ``python docs/site/build.py FOLDER``.

Its pages are those of the repository. They are laid out beside one another, with links between them
mended, in FOLDER/source; pictures of the gallery and pages of the library, which are made from
commands and docstrings, join them there. Sphinx makes FOLDER/html of that; a warning is an error.
"""

import argparse
import importlib
import importlib.util
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rnscli.base import install_command

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONTENTS = tomllib.loads((HERE / "contents.toml").read_text(encoding="utf-8"))
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
# What code shows is no link.
_LINK = re.compile(
    r"(?P<code>```.*?```|`[^`]+`)|\[(?P<text>[^\]]*)\]\((?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)",
    re.DOTALL,
)


def pages() -> dict[Path, str]:
    """Name in the site of each page of the repository."""
    own = {path: path.stem for path in sorted((ROOT / "docs").glob("*.md"))}
    return own | {ROOT / path: name for name, path in CONTENTS["elsewhere"].items()}


def mended(text: str, page: Path, names: dict[Path, str], source: Path) -> str:
    """The text of a page with links to pages of the site, and to copies of files."""

    def link(found: re.Match[str]) -> str:
        if found["code"] or "://" in found["path"]:
            return found[0]
        path = (page.parent / found["path"]).resolve()
        for inner in ("README.md", "__init__.py"):
            if (path / inner).is_file():
                path /= inner
        if path in names:
            return f"[{found['text']}]({names[path]}.md{found['anchor'] or ''})"
        if path in NOTEBOOKS:
            return f"[{found['text']}]({path.name})"
        if path.is_dir():
            return found["text"]
        copy = source / "files" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        return f"[{found['text']}]({copy.relative_to(source)})"

    return _LINK.sub(link, text)


def parts() -> dict[str, list[str]]:
    """Pages of each part of the site; a page that no part names is in the one named "rest"."""
    found = {part["title"]: list(part["pages"]) for part in CONTENTS["part"]}
    named = {entry.rpartition("<")[2].rstrip(">") for some in found.values() for entry in some}
    found[CONTENTS["rest"]] += [name for name in pages().values() if name not in {*named, "index"}]
    return found


def lay_out_pages(source: Path) -> None:
    """Write the pages of the repository, and below the first of them the table of contents."""
    names = pages()
    for path, name in names.items():
        text = mended(path.read_text(encoding="utf-8"), path, names, source)
        if name == "index":
            text += "".join(
                f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n" + "\n".join(some) + "\n```\n"
                for title, some in parts().items()
            )
        (source / f"{name}.md").write_text(text, encoding="utf-8")


def lay_out_notebooks(source: Path) -> None:
    """Copy the notebooks, which Sphinx runs."""
    for notebook in NOTEBOOKS:
        shutil.copyfile(notebook, source / notebook.name)


def lay_out_gallery(source: Path) -> None:
    """Draw every picture by its command, and write the page that shows them."""
    pictures = tomllib.loads((HERE / "gallery.toml").read_text(encoding="utf-8"))["picture"]
    lines = ["# Gallery", "", "Every kind of picture, drawn by the command above it.", ""]
    commands = []
    for picture in pictures:
        title, name = picture["title"], re.sub(r"\W+", "-", picture["title"].lower()) + ".svg"
        command = f"rnscli {picture['command']} --plot {name}"
        commands.append(shlex.split(command)[1:])
        lines += [f"## {title}", "", picture["text"], "", f"```sh\n{command}\n```", ""]
        lines += [f"![{title}]({name})", ""]

    def draw(command: list[str]) -> None:
        whole = [sys.executable, "-m", "rnscli", *command, "--quiet"]
        subprocess.run(whole, cwd=source, check=True, stdout=subprocess.DEVNULL)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(draw, commands))
    (source / "gallery.md").write_text("\n".join(lines), encoding="utf-8")


def lay_out_library(source: Path) -> None:
    """Write a page of directives for each part of the library; Sphinx reads the docstrings."""
    lines = ["# The library", "", "Every public name, with what its docstring says.", ""]
    listed = []
    for name, part in CONTENTS["library"].items():
        package = importlib.import_module(part["package"])
        body = [part["title"], "=" * len(part["title"]), "", part["text"], ""]
        for one in names_of(part):
            body += _directive(f"{part['package']}.{one}", getattr(package, one))
        (source / f"{name}.rst").write_text("\n".join(body) + "\n", encoding="utf-8")
        listed.append(f"* [{part['title']}]({name}.rst): {part['text']}")
    lines += [*listed, "", "```{toctree}\n:hidden:\n", *CONTENTS["library"], "```", ""]
    (source / "library.md").write_text("\n".join(lines), encoding="utf-8")


def names_of(part: dict[str, Any]) -> list[str]:
    """The public names of a part of the library: the stub says from which module each is."""
    stub = ROOT / part["package"].replace(".", "/") / "__init__.pyi"
    text = stub.read_text(encoding="utf-8")
    found = re.findall(r"^from (\S+) import \w+ as (\w+)$", text, re.MULTILINE)
    return sorted(name for home, name in found if home.startswith(tuple(part["modules"])))


def _directive(path: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        yield from (f".. autoclass:: {path}", "")
    elif callable(value):
        yield from (f".. autofunction:: {path}", "")
    else:
        yield from (f".. py:data:: {path}", f"   :value: {value!r}", "")


def main() -> int:
    """Build the site; the exit code is that of Sphinx."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    if importlib.util.find_spec("sphinx") is None:
        sys.exit(f"the site needs Sphinx; install it with: {install_command('rnscli[docs]')}")
    source = folder / "source"
    shutil.rmtree(folder, ignore_errors=True)
    source.mkdir(parents=True)
    lay_out_pages(source)
    lay_out_notebooks(source)
    lay_out_library(source)
    lay_out_gallery(source)
    options = ["-W", "--keep-going", "-q", "-c", str(HERE), str(source), str(folder / "html")]
    return subprocess.run([sys.executable, "-m", "sphinx", *options], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
