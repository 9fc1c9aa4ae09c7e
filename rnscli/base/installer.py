"""The command that adds a package, or an extra of this one, to where this runs."""

import os
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

_OWN = "rnscli"


def install_command(requirement: str) -> str:
    """A line for the shell, of the installer that has made this environment.

    Parameters
    ----------
    requirement
        What pip would be told: ``pandas``, or an extra as in ``rnscli[plot]``.

    Examples
    --------
    >>> install_command("rnscli[plot]")  # doctest: +ELLIPSIS
    "...pip install 'rnscli[plot]'"
    """
    name, _, extra = requirement.partition("[")
    wanted = _Wanted(name, extra.rstrip("]"), requirement)
    ways = (_pipx, _uv_tool, _uv, _pip)
    return shlex.join(next(line for way in ways if (line := way(wanted)) is not None))


class _Wanted(NamedTuple):
    name: str
    extra: str  # empty if it is a package
    requirement: str

    def made_again(self, option: str) -> list[str]:
        """What a command that makes an environment anew is told about it."""
        source = _Installed(_OWN).source([self.extra] if self.extra else [])
        return [option, source or _OWN, *([] if self.extra else ["--with", self.name])]


def _pipx(wanted: _Wanted) -> list[str] | None:
    prefix = Path(sys.prefix)
    if not (prefix / "pipx_metadata.json").is_file():
        return None
    if prefix.parent.name != "venvs":  # of `pipx run`
        return ["pipx", "run", *wanted.made_again("--spec"), _OWN]
    # Not the extra by its name: pipx 1.7 refuses to inject a package that is there already.
    needed = _Installed(_OWN).requirements(wanted.extra) if wanted.extra else [wanted.name]
    return ["pipx", "inject", prefix.name, *needed]


def _uv_tool(wanted: _Wanted) -> list[str] | None:
    """The tool with what it has already, too: uv removes what it is not told again."""
    import tomllib

    prefix = Path(sys.prefix)
    try:
        tool = tomllib.loads((prefix / "uv-receipt.toml").read_text(encoding="utf-8"))["tool"]
        listed = {one["name"]: one for one in tool["requirements"]}
        main = listed.pop(prefix.name)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    listed = {prefix.name: main, **listed}
    line = ["uv", "tool", "install"]
    for name in dict.fromkeys((*listed, wanted.name)):
        installed, one = _Installed(name), listed.get(name, {})
        more = [wanted.extra] if name == wanted.name and wanted.extra else []
        extras = list(dict.fromkeys((*one.get("extras", ()), *more)))
        source = installed.source(extras, one.get("specifier", ""))
        if source is None:
            return None
        option = "" if name == prefix.name else "--with"
        if installed.editable:
            option = f"{option}-editable" if option else "--editable"
        line += [option, source] if option else [source]
    return [*line, "--python", str(tool["python"])] if "python" in tool else line


def _uv(wanted: _Wanted) -> list[str] | None:
    if _Installed(_OWN).installer != "uv":
        return None
    prefix = Path(sys.prefix)
    # Environments in uv's cache are thrown away.
    if any(re.fullmatch(r"archive-v\d+", one) for one in prefix.parts):
        return ["uvx", *wanted.made_again("--from"), _OWN]
    if any(re.fullmatch(r"(builds|environments)-v\d+", one) for one in prefix.parts):
        return ["uv", "run", *wanted.made_again("--with")]
    project = prefix.parent
    if (project / "uv.lock").is_file() and not (project / _OWN / "__init__.py").is_file():
        return ["uv", "add", wanted.requirement]
    active = os.environ.get("VIRTUAL_ENV") == sys.prefix
    where = [] if active else ["--python", sys.executable]
    return ["uv", "pip", "install", *where, wanted.requirement]


def _pip(wanted: _Wanted) -> list[str]:
    import shutil

    # An rnscli that is installed is what pip takes for one that is asked for, wherever it is from.
    own = _Installed(_OWN)
    missing = wanted.extra and not own.is_there
    source = own.source([wanted.extra]) if missing else None
    # The `pip` of a shell may be that of another environment.
    found = shutil.which("pip")
    in_use = found is not None and Path(found).parent == Path(sys.executable).parent
    pip = ["pip"] if in_use else [sys.executable, "-m", "pip"]
    return [*pip, "install", source or wanted.requirement]


class _Installed:
    """A package of this environment, as its installer has noted it."""

    def __init__(self, name: str) -> None:
        import json
        from importlib.metadata import PackageNotFoundError, distribution

        self._name = name
        self._requires: Sequence[str] = ()
        self._origin: dict[str, Any] = {}  # https://peps.python.org/pep-0610
        self.is_there, self.installer = True, ""
        try:
            found = distribution(name)
        except PackageNotFoundError:  # as where a checkout is on the path
            self.is_there = False
            checkout = Path(__file__).parents[2]
            if name == _OWN and (checkout / "pyproject.toml").is_file():
                self._origin = {"url": checkout.as_uri()}
            return
        self._requires = found.requires or ()
        self.installer = (found.read_text("INSTALLER") or "").strip()
        with suppress(ValueError):
            self._origin = dict(json.loads(found.read_text("direct_url.json") or "{}"))

    @property
    def editable(self) -> bool:
        return bool(self._origin.get("dir_info", {}).get("editable"))

    def requirements(self, extra: str) -> list[str]:
        """What an extra consists of."""
        of_extra = re.compile(rf"""(.+?)\s*;\s*extra\s*==\s*['"]{re.escape(extra)}['"]""")
        return [found[1] for one in self._requires if (found := of_extra.fullmatch(one))]

    def source(self, extras: Sequence[str], versions: str = "") -> str | None:
        """What to install it from again; nothing if that was a file that is there no more."""
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        named = f"[{','.join(extras)}]" if extras else ""
        url, vcs = str(self._origin.get("url", "")), self._origin.get("vcs_info")
        if vcs:
            revision = vcs.get("requested_revision") or vcs["commit_id"]
            return f"{self._name}{named} @ {vcs['vcs']}+{url}@{revision}"
        if url.startswith("file:"):
            path = Path(url2pathname(urlsplit(url).path))
            return f"{path}{named}" if path.exists() else None
        return f"{self._name}{named}" + (f" @ {url}" if url else versions)
