"""What docs/python.md and the notebooks show works."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.thorough
def test_the_examples_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("pandas")
    names: dict[str, Any] = {}
    page = (DOCS / "python.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    assert capsys.readouterr().out.startswith("9.157")
    assert (tmp_path / "faults.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "roofline.png").read_bytes().startswith(b"\x89PNG")


def shown_by(notebook: Path) -> Iterator[Any]:
    """What each code cell ends with, computed as a notebook does."""
    names: dict[str, Any] = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == [] and cell["execution_count"] is None
        *before, last = ast.parse("".join(cell["source"])).body
        is_shown = isinstance(last, ast.Expr)
        exec(compile(ast.Module([*before, *([] if is_shown else [last])], []), "", "exec"), names)
        if isinstance(last, ast.Expr):
            yield eval(compile(ast.Expression(last.value), "", "eval"), names)


@pytest.mark.thorough
def test_the_notebooks_run_and_show_tables_and_pictures() -> None:
    pytest.importorskip("pandas")
    for notebook in (DOCS / "notebooks").glob("*.ipynb"):
        kinds = {
            name
            for value in shown_by(notebook)
            for name in ("_repr_html_", "_repr_svg_")
            if hasattr(value, name) and getattr(value, name)()
        }
        assert kinds == {"_repr_html_", "_repr_svg_"}
