"""How the package is built, in numbers: ``python -m benchmarks.structure [FOLDER]``.

Files are Python modules. The stub of a package, ``__init__.pyi``, is its door: it says in which
module each name lives that other rooms import from the package, and is counted apart. Lines of
code are those that are neither empty nor a comment nor part of a docstring. An edge is a pair of a
module and another module of the package that it imports, once, wherever the import stands: also
inside a function, or for type checkers only. Imports of names that a door lists are edges to the
door; how many edges there are to the modules behind doors stands below.
"""

import ast
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[1] / "rnscli"
_BLANK = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_IMPORTS = (ast.Import, ast.ImportFrom)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """A module, or the stub of a package."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @property
    def code_lines(self) -> int:
        with_tokens, _ = self._token_lines
        return len(with_tokens - self._docstring_lines)

    @property
    def comment_lines(self) -> int:
        with_tokens, with_comments = self._token_lines
        return len(with_comments - with_tokens)

    @property
    def import_lines(self) -> int:
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, _IMPORTS))
        return len({line for node in nodes for line in _span(node)})

    @property
    def _token_lines(self) -> tuple[set[int], set[int]]:
        """Lines with tokens, and lines with comments."""
        tokens: set[int] = set()
        comments: set[int] = set()
        for one in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if one.type == tokenize.COMMENT:
                comments.add(one.start[0])
            if one.type not in _BLANK:
                tokens.update(range(one.start[0], one.end[0] + 1))
        return tokens, comments

    @property
    def _docstring_lines(self) -> set[int]:
        return {
            line
            for node in ast.walk(self.tree)
            if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None
            for line in _span(node.body[0])
        }

    def imported(self) -> Iterator[tuple[str, str]]:
        """Module and name of each import; no name where a module is imported whole."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = self._above(node.level) if node.level else ""
                source = ".".join(part for part in (above, node.module) if part)
                yield from ((source, alias.name) for alias in node.names)

    def _above(self, level: int) -> str:
        parts = self.name.split(".")
        if self.path.stem == "__init__":
            level -= 1
        return ".".join(parts[: len(parts) - level])


def _span(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


class Measure(NamedTuple):
    """A number, as it is printed, beside the largest that is wanted."""

    what: str
    value: float
    most: float | None = None
    form: str = ",.0f"
    remark: str = ""

    @property
    def text(self) -> str:
        target = "" if self.most is None else f"<= {format(self.most, self.form)}"
        marked = " !" if self.most is not None and self.value > self.most else ""
        value = format(self.value, self.form)
        return f"{self.what:<58}{value:>9}  {target:<10}{self.remark}{marked}".rstrip()


def modules_of(package: Path, suffix: str) -> dict[str, Module]:
    """The modules of a package, or its stubs, by their dotted names."""
    modules = {}
    for path in sorted(package.rglob(f"*{suffix}")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        modules[name] = Module(name, path, text, ast.parse(text))
    return modules


def edges_of(modules: dict[str, Module], names: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    """Pairs of importing and imported module; ``names`` says where a name of a door is from."""
    edges = set()
    for module in modules.values():
        for source, name in module.imported():
            whole = f"{source}.{name}"
            target = whole if whole in modules else names.get((source, name), source)
            if target in modules and target != module.name:
                edges.add((module.name, target))
    return edges


def measured(package: Path) -> list[Measure]:
    """All measures of a package."""
    modules, doors = modules_of(package, ".py"), modules_of(package, ".pyi")
    behind = {
        (door.name, name): source for door in doors.values() for source, name in door.imported()
    }
    edges, followed = edges_of(modules, {}), edges_of(modules, behind)
    lines = sum(module.lines for module in modules.values())
    thousands = sum(module.code_lines for module in modules.values()) / 1000
    folder, files = Counter(module.path.parent for module in modules.values()).most_common(1)[0]
    longest = max(modules.values(), key=lambda module: module.lines)
    imports = sum(module.import_lines for module in modules.values())
    comments = sum(module.comment_lines for module in modules.values())
    importers = Counter(target for _, target in followed)
    single = sum(count == 1 for count in importers.values())

    def place(path: Path) -> str:
        return path.relative_to(package.parent).as_posix()

    return [
        Measure("files", len(modules), 165),
        Measure("lines", lines, 28_000),
        Measure("lines of code", 1000 * thousands),
        Measure("files of a folder, at most", files, 14, remark=place(folder)),
        Measure("lines of a file, at most", longest.lines, 700, remark=place(longest.path)),
        Measure("share of import lines", imports / lines, 0.05, ".2%"),
        Measure("share of comment lines", comments / lines, form=".2%"),
        Measure("edges of imports", len(edges)),
        Measure("edges for 1000 lines of code", len(edges) / thousands, 25, ".1f"),
        Measure("doors (stubs, not counted above)", len(doors)),
        Measure("lines of doors", sum(door.lines for door in doors.values())),
        Measure("edges to the modules behind doors", len(followed)),
        Measure(
            "edges for 1000 lines of code, behind doors", len(followed) / thousands, None, ".1f"
        ),
        Measure("modules that exactly one other imports, behind doors", single),
    ]


if __name__ == "__main__":
    for measure in measured(Path(sys.argv[1]) if sys.argv[1:] else PACKAGE):
        print(measure.text)
