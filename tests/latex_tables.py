r"""Reads the tables that rnscli writes for LaTeX, and refuses what LaTeX would not take.

It knows the part of LaTeX that is enough for a table, and nothing else: what else there is, a mark
that is not escaped, or mathematics that does not end, is an error.
"""

import re
import shutil
import subprocess
from pathlib import Path

WORDS = {"ldots", "textbackslash", "textasciitilde", "textasciicircum", "textbar", "textless",
         "textgreater"}  # fmt: skip
IN_MATHS = {"pm", "times", "infty", "log", "mu"}
WITH_GROUP = {"texttt", "mathrm", "num", "unit"}
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}$^_&%#~]|[^\\{}$^_&%#~]+", re.DOTALL)
_TABULAR = re.compile(
    r"\\begin\{tabular\}\{(.*)\}\n\\toprule\n(.*)\n\\midrule\n((?:.*\n)*?)\\bottomrule\n\\end\{tabular\}"
)
_KIND = re.compile(r"[lr]|S\[table-format=-?\d+\.\d+(?:e-?\d+)?\]")


def latex_tables(text: str) -> list[list[list[str]]]:
    """Rows of cells of each table, the titles first."""
    tables = []
    for found in _TABULAR.finditer(text):
        kinds = _KIND.findall(found[1])
        assert "".join(kinds) == found[1], found[1]
        rows = []
        for line in (found[2], *found[3].splitlines()):
            assert line.endswith(r" \\"), line
            cells = re.split(r"(?<!\\)&", line.removesuffix(r" \\"))
            assert len(cells) == len(kinds), line
            rows.append([cell.strip() for cell in cells])
            for cell, kind in zip(rows[-1], kinds, strict=True):
                check(cell)
                if kind.startswith("S"):  # else siunitx stops
                    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?|\{.*\}", cell), cell
        tables.append(rows)
    rest = _TABULAR.sub("", text)
    assert all(line.startswith("%") or not line for line in rest.splitlines()), rest
    assert all(ord(one) < 128 for one in text), [one for one in text if ord(one) > 127]
    return tables


def check(cell: str) -> None:
    """Refuse a cell whose groups or mathematics do not end, or with a mark that means something."""
    tokens = _TOKEN.findall(cell)
    assert "".join(tokens) == cell
    depth, maths = 0, False
    for place, token in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else ""
        if token == "$":
            maths = not maths
        elif token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            assert depth >= 0, cell
        elif token in ("^", "_"):
            assert maths and following, cell
        elif len(token) > 2 and token.startswith("\\"):
            name = token[1:]
            if name in WITH_GROUP:
                assert following == "{", cell
            elif name == "qty":
                assert re.search(r"\\qty\{[-\d.e+]+\}\{(\\[a-z]+)+\}", cell), cell
            elif not name.isascii() or ("\\unit{" not in cell and "\\qty{" not in cell):
                assert name in WORDS or (maths and name in IN_MATHS), cell
        elif token.startswith("\\"):
            assert token[1] in "&%$#_{}, ", cell
        else:
            assert token not in "&%#~", cell
            # These are other letters in the fonts that text has.
            assert maths or not set("|<>") & set(token), cell
    assert depth == 0 and not maths, cell


def compiled(texts: list[str], folder: Path) -> str | None:
    """What a LaTeX says of a document of these tables; ``None`` if there is none here."""
    program = next(filter(None, map(shutil.which, ("pdflatex", "tectonic"))), None)
    if program is None:
        return None
    packages = {one for text in texts for one in re.findall(r"\\usepackage\{(.*)\}", text)}
    names = sorted({name for one in packages for name in one.split(", ")})
    loaded = "".join(f"\\usepackage{{{name}}}\n" for name in names)
    body = "\n\n\\clearpage\n".join(texts)
    source = f"\\documentclass{{article}}\n{loaded}\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (folder / "tables.tex").write_text(source)
    stop = ["-halt-on-error", "-interaction=nonstopmode"] if "pdflatex" in program else []
    ran = subprocess.run(
        [program, *stop, "tables.tex"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    return "" if ran.returncode == 0 else ran.stdout[-3000:] + ran.stderr
