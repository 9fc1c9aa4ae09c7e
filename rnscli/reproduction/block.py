"""The numbers of ``reram-block.toml``: what is printed, and how each is computed from the parts."""

import math
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from typing import Any

from rnscli.base import parse_quantity, prefixed
from rnscli.hardware import CYCLE, KERNELS, Expression, Parts, Pass, load_technology, of_kernel

_FILE: dict[str, Any] = tomllib.loads(
    (files(__package__) / "reram-block.toml").read_text(encoding="utf-8")
)
SIZE: int = _FILE["size"]
_UNITS = {"area": "m2", "time": "s", "energy": "J"}  # of quantities
_MEASURES: dict[str, Callable[[Parts], float]] = {
    "area": lambda parts: parts.area,
    "time": lambda parts: math.fsum(parts.stages()),
    "energy": lambda parts: math.fsum(one.count * one.energy for one in parts),
}


@dataclass(frozen=True, kw_only=True)
class BlockRow:
    """A printed number, and from what it is computed; the file explains its keys.

    ``unit`` is a base unit, ``published`` what `rnscli.reproduction.verdicts.Published` takes.
    """

    name: str
    case: str
    unit: str
    published: dict[str, Any]
    bits: int
    remark: str
    technology: str
    quantity: str
    parts: list[str] = field(default_factory=list)
    kernel: str = CYCLE
    over: str = ""
    per_mac: bool = False
    formula: str = ""

    def computed(self) -> tuple[float, str]:
        """The number in its base unit, with a remark."""
        amount = self._amount(self.technology)
        if self.over:
            below, shown = self._amount(self.over), prefixed(_UNITS[self.quantity])
            ratio = f"{shown(amount)} over {shown(below)}"
            return amount / below, "; ".join(filter(None, (ratio, self.remark)))
        return amount / (len(KERNELS) * SIZE**2 if self.per_mac else 1), self.remark

    def _amount(self, name: str) -> float:
        technology, measure = load_technology(name), _MEASURES[self.quantity]
        done = Pass(SIZE, SIZE, self.bits, self.bits, _FILE["weight_bits"])
        if self.formula:
            return Expression(self.formula)(technology.numbers | vars(done))
        parts = technology.priced(done)
        if self.parts:
            by_name = {one.part.name: one for one in parts}
            return measure(Parts(by_name[name] for name in self.parts))
        if self.quantity == "area":  # all kernels have the same parts
            return measure(parts)
        kernels = KERNELS if self.kernel == CYCLE else (self.kernel,)
        return math.fsum(measure(of_kernel(parts, kernel)) for kernel in kernels)


def _rows() -> Iterator[BlockRow]:
    for title, table in _FILE.items():
        if not isinstance(table, dict):
            continue
        for key, line in table["rows"].items():
            printed = line["printed"]
            if isinstance(printed, str):
                yield _row(title, table, key, printed)
            else:
                for bits, text in zip(_FILE["bits"], printed, strict=True):
                    yield _row(title, table, key, text, bits)


def _row(
    title: str, table: dict[str, Any], key: str, printed: str, bits: int | None = None
) -> BlockRow:
    """A number of a row of a table; without bits it is the only one of the row."""
    name, case = (key, "") if bits is None else (f"{key}-{bits}", f", {bits} bits")
    line = table | table["rows"][key]
    remarks = (table.get("remarks", {}).get(one) for one in dict.fromkeys((key, name)))
    more = {
        one: line[one] for one in ("parts", "kernel", "over", "per_mac", "formula") if one in line
    }
    return BlockRow(
        name=f"reram-block-{title}-{name}", case=f"{line['where']}: {line['case']}{case}",
        unit=line["unit"][1:], published=_published(table, line, name, printed),
        bits=bits or _FILE["bits"][0], remark="; ".join(filter(None, remarks)),
        technology=line["of"], quantity=line["quantity"], **more,
    )  # fmt: skip


def _published(
    table: dict[str, Any], line: dict[str, Any], name: str, printed: str
) -> dict[str, Any]:
    unit = line["unit"]  # with a prefix, or none
    factor = Decimal(str(parse_quantity(f"1{unit}", unit[1:]))) if unit else Decimal(1)
    value = significant(printed.removeprefix("<")) * factor
    found = {"text": f"{printed} {unit}".strip(), "paper": _FILE["paper"], "where": line["where"]}
    if printed.startswith("<"):
        return found | {"kind": "below", "high": float(value)}
    if name in table.get("given", []):
        return found | {"kind": "given", "value": str(value)}
    explained = table.get("explained", {}).get(name, 0.0)
    tolerance = _FILE["tolerance"]
    return found | {
        "kind": "rounded", "value": str(value), "tolerance": tolerance, "explained": explained
    }  # fmt: skip


def significant(text: str) -> Decimal:
    """A printed number with the digits that count.

    Of zeros at the end of a whole number only those among the first two digits do.

    Examples
    --------
    >>> [str(significant(text)) for text in ("0.080", "8 600", "800 000", "4", "10 150")]
    ['0.080', '8.6E+3', '8.0E+5', '4', '1.015E+4']
    """
    value = Decimal(text.replace(" ", ""))
    _, digits, exponent = value.as_tuple()
    zeros = 0 if exponent else len(digits) - max(2, len(str(value).rstrip("0")))
    return Decimal((0, digits[: len(digits) - zeros], zeros)) if zeros > 0 else value


BLOCK = tuple(_rows())
