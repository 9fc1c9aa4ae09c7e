"""Tables for LaTeX, with the lines of booktabs, numbers as mathematics, and units."""

import re
from collections.abc import Sequence

from rnscli.report.arranged import Arranged, left_out

_NUMBER = r"([+-]?)(\d+)(\.\d+)?(?:e([+-]\d+))?"
_QUANTITY = re.compile(rf"(± )?{_NUMBER}(%| [^\s\d(]\S*)?")
_FROM_ONE = re.compile(rf"1 - {_NUMBER}")
_INTEGERS = re.compile(r"\d+(?: \d+)+")
_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "|": r"\textbar{}", "<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$",
    **{one: f"\\{one}" for one in "&%$#_{}"},
}  # fmt: skip
_PREFIXES = {
    "f": r"\femto", "p": r"\pico", "n": r"\nano", "u": r"\micro", "m": r"\milli", "k": r"\kilo",
    "M": r"\mega", "G": r"\giga", "T": r"\tera", "P": r"\peta", "": "",
}  # fmt: skip
_UNITS = {
    "J": r"\joule", "s": r"\second", "W": r"\watt", "Hz": r"\hertz", "V": r"\volt",
    "F": r"\farad", "m": r"\metre", "m2": r"\metre\squared", "dB": r"\decibel",
    "min": r"\minute", "h": r"\hour", "days": r"\day", "%": r"\percent",
}  # fmt: skip


def latex_text(tables: Sequence[Arranged], siunitx: bool = False) -> str:
    r"""Tables for ``\input``, each a ``tabular``; what is not of them stands in comments.

    With ``siunitx`` numbers and units are those of that package, and the numbers of a column are
    aligned at their points.
    """
    packages = "booktabs, siunitx" if siunitx else "booktabs"
    lines = [rf"% needs \usepackage{{{packages}}}"]
    if tables[0].common:
        pairs = (f"{_title(title)} = {_cell(value, siunitx)}" for title, value in tables[0].common)
        lines.append(f"% {', '.join(pairs)}")
    bodies = [_tabular(one, siunitx) for one in tables]
    text = left_out(tables)
    more = [f"% {text}"] if text else []
    return "\n".join([*lines, "\n\n".join(bodies), *more]) + "\n"


def _tabular(table: Arranged, siunitx: bool) -> str:
    columns = list(zip(*table.cells, strict=True))
    kinds, titles, cells = [], [], []
    for title, values, left in zip(table.titles, columns, table.left, strict=True):
        heading, given = _title(title), [_cell(value, siunitx) for value in values]
        aligned = _aligned(values) if siunitx and not left else None
        if aligned is not None:
            kind, unit, given = aligned
            heading = f"{{{heading}{f' ({unit})' if unit else ''}}}"
            kinds.append(kind)
        else:
            kinds.append("l" if left else "r")
        titles.append(heading)
        cells.append(given)
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{''.join(kinds)}}}",
            r"\toprule",
            rf"{' & '.join(titles)} \\",
            r"\midrule",
            *(rf"{' & '.join(row)} \\" for row in zip(*cells, strict=True)),
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _aligned(values: Sequence[str]) -> tuple[str, str, list[str]] | None:
    """A column of siunitx: its kind, the unit of all, and the cells; if they are such numbers."""
    found = [_QUANTITY.fullmatch(value) for value in values]
    matches = [one for one in found if one is not None and one[1] is None]
    others = [value for value, one in zip(values, found, strict=True) if one is None]
    units = {(one[6] or "").strip() for one in matches}
    if not matches or len(units) != 1 or any(one not in ("-", "inf", "") for one in others):
        return None
    if len(matches) + len(others) < len(values):
        return None  # plus or minus something
    whole, behind, power = (max(len(one[n] or "") for one in matches) for n in (3, 4, 5))
    form = f"{'-' if any(one[2] == '-' for one in matches) else ''}{whole}.{max(0, behind - 1)}"
    form += f"e-{power - 1}" if power else ""
    cells = [
        f"{{{_cell(value, False)}}}" if one is None else value.removesuffix(one[6] or "")
        for value, one in zip(values, found, strict=True)
    ]
    (unit,) = units
    return f"S[table-format={form}]", _unit(unit, True) if unit else "", cells


def _cell(text: str, siunitx: bool) -> str:
    """A value of a table."""
    match = _QUANTITY.fullmatch(text)
    if match is not None:
        return _quantity(match, siunitx)
    if text == "-":
        return "--"
    if text == "inf":
        return r"$\infty$"
    if " .. " in text:
        low, high = (_cell(one, siunitx) for one in text.split(" .. ", 1))
        return rf"{low} \ldots\ {high}"
    match = _FROM_ONE.fullmatch(text)
    if match is not None:
        return f"$1 - {_number(*match.groups())}$"
    if _INTEGERS.fullmatch(text):
        return f"${', '.join(text.split())}$"
    return _escaped(text)


def _quantity(match: re.Match[str], siunitx: bool) -> str:
    spread, sign, whole, behind, power, unit = match.groups()
    unit = (unit or "").strip()
    if siunitx and not spread:
        digits = f"{sign}{whole}{behind or ''}{f'e{power}' if power else ''}"
        known = _si_unit(unit)
        if unit and known:
            return rf"\qty{{{digits}}}{{{known}}}"
        number = rf"\num{{{digits}}}"
    else:
        about = r"\pm " if spread else ""
        number = f"${about}{_number(sign, whole, behind, power)}$"
    return rf"{number}\,{_unit(unit, siunitx)}" if unit else number


def _number(sign: str, whole: str, behind: str | None, power: str | None) -> str:
    digits = f"{sign}{whole}{behind or ''}"
    return rf"{digits} \times 10^{{{int(power)}}}" if power else digits


def _si_unit(unit: str) -> str:
    """A unit in the words of siunitx, if it has them."""
    for prefix, word in _PREFIXES.items():
        base = _UNITS.get(unit.removeprefix(prefix)) if unit.startswith(prefix) else None
        if base is not None and (not prefix or unit not in _UNITS):
            return word + base
    return _UNITS.get(unit, "")


def _unit(unit: str, siunitx: bool) -> str:
    if siunitx and (known := _si_unit(unit)):
        return rf"\unit{{{known}}}"
    text = re.sub(r"^u(?=[A-Z]|m)", "µ", unit)
    return _escaped(text).replace("µ", r"$\mu$").replace("m2", "m$^2$")


def _title(text: str) -> str:
    """A heading: symbols are mathematics, words are not; keys are as they are typed."""
    if re.fullmatch(r"[a-z]\w*_\w{2,}\w*", text) and not re.fullmatch(r"[a-z]_\w+", text):
        return rf"\texttt{{{_escaped(text)}}}"
    return " ".join(map(_word, text.split(" ")))


def _word(word: str) -> str:
    if word == "x":
        return r"$\times$"
    if match := re.fullmatch(r"\|(\w)\|", word):
        return f"$|{match[1]}|$"
    if re.fullmatch(r"[A-Za-z]", word):
        return f"${word}$"
    if match := re.fullmatch(r"([A-Za-z])_(\w+)", word):
        return rf"${match[1]}_\mathrm{{{match[2]}}}$"
    if match := re.fullmatch(r"([A-Za-z])\^(\d)", word):
        return f"${match[1]}^{match[2]}$"
    if word == "log2":
        return r"$\log_2$"
    return _escaped(word).replace("mm2", "mm$^2$")


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(one, one) for one in text)
