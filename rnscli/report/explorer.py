"""The web page of a search: designs to be looked through, with limits that can be moved."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rnscli import __version__
from rnscli.base import is_number
from rnscli.core import CORES
from rnscli.report.page import page_environment
from rnscli.report.plots.figure import COLOURS
from rnscli.report.plots.series import distinguishing, label
from rnscli.report.table import Columns, Row

_FIRST = ("core", "bits", "vector_size", "redundant", "attempts")  # what a designer calls a design


@dataclass(frozen=True)
class MovedLimit:
    """A limit that a reader moves: an option of the search, and the column that it is about."""

    flag: str
    key: str
    upper: bool
    unit: str


@dataclass(frozen=True, eq=False)
class ExplorerPage:
    """What a page of a search says.

    Parameters
    ----------
    title, lead
        What was looked for, and what the page has of it.
    command
        The command line that gives it again.
    rows, columns
        The designs, those on the front first: the first one is the choice.
    parameters, results
        Keys of what a design is, and of its numbers.
    objectives, ranks
        What designs on the front are not beaten in, and the place of each design in each of these:
        the lower, the better.
    measures
        Of the numbers that are compared the name, the unit, and whether less or more is better.
    limits
        What can be limited.
    plots
        Keys on the axes of the plots, horizontal and vertical.
    shown
        Keys of the numbers that the table has.
    commands
        Command lines of each design, that give its numbers.
    neighbours
        What differs in a neighbour of the choice, and what is against it.
    notes
        Sentences that belong to the numbers, by what they are.
    documents
        The rows for machines, by names of files.
    """

    title: str
    lead: str
    command: str
    rows: Sequence[Row]
    columns: Columns
    parameters: Sequence[str]
    results: Sequence[str]
    objectives: Sequence[str]
    ranks: Sequence[Sequence[int]]
    measures: Mapping[str, tuple[str, str, str]]
    limits: Sequence[MovedLimit]
    plots: Sequence[tuple[str, str]]
    shown: Sequence[str]
    commands: Sequence[Sequence[str]]
    neighbours: Sequence[tuple[str, str]]
    notes: Mapping[str, Sequence[str]]
    documents: Mapping[str, str]

    @cached_property
    def varied(self) -> list[str]:
        """Keys of what differs from design to design."""
        return [key for key in self.parameters if self._differs(key) and not self._doubles(key)]

    @property
    def fixed(self) -> list[tuple[str, str]]:
        """Names and values of what is the same in all designs."""
        row = self.rows[0]
        return [
            (self.columns[key].title, self.columns[key].shown(row[key], row))
            for key in self.parameters
            if row[key] is not None and not self._differs(key) and not self._doubles(key)
        ]

    @cached_property
    def numbers(self) -> list[str]:
        """Keys of numbers that any design has."""
        return [k for k in self.results if any(row[k] not in (None, False) for row in self.rows)]

    @property
    def labels(self) -> list[str]:
        """What each design is, in a line, without what is usual."""
        keys = [key for key in self.varied if not self.columns[key].is_list]
        keys = [key for key in dict.fromkeys((*_FIRST, *keys)) if key in keys]
        # Sizes of chips are no parameters of a design.
        counted = [k for k in self.numbers if self.columns[k].kinds == (int,)]
        keys = distinguishing(self.rows, [*keys, *counted])
        found = []
        for row in self.rows:
            told = [key for key in keys if row[key] != self.columns[key].usual]
            found.append(label(row, told or ["core"], self.columns))
        return found

    @cached_property
    def table_keys(self) -> list[str]:
        """Keys of the columns of the table, beside the core."""
        first = [key for key in _FIRST if key in self.varied]
        numbers = [key for key in self.numbers if key in self.shown and self._differs(key)]
        more = [k for k in self.varied if k not in first and not self.columns[k].is_list]
        return [key for key in (*first, *numbers, *more) if key != "core"]

    @cached_property
    def rest(self) -> list[str]:
        """Of these, what a card on a phone has no room for."""
        told = (*_FIRST, *(one.key for one in self.limits))
        return [key for key in self.table_keys if key not in told]

    def name(self, key: str) -> str:
        """What a column is called where there is room for it."""
        return self.measures[key][0] if key in self.measures else self.columns[key].title or key

    @property
    def data(self) -> dict[str, Any]:
        """All that the script of the page reads."""
        lines = list(dict.fromkeys(line for several in self.commands for line in several))
        place = {line: number for number, line in enumerate(lines)}
        cores = list(dict.fromkeys(str(row["core"]) for row in self.rows))
        first = [key for key in _FIRST if key in self.varied]
        return {
            "columns": [
                self._column(key) for key in dict.fromkeys((*self.numbers, *first, *self.varied))
            ],
            "labels": self.labels,
            "cores": [str(row["core"]) for row in self.rows],
            "series": {core: list(CORES).index(core) % len(COLOURS) for core in cores},
            "objectives": list(self.objectives),
            "ranks": [list(ranks) for ranks in self.ranks],
            "table": self.table_keys,
            "rest": self.rest,
            "limits": [vars(one) for one in self.limits if one.key in self.numbers],
            "plots": [list(pair) for pair in self.plots],
            "lines": lines,
            "commands": [[place[line] for line in several] for several in self.commands],
            "command": self.command,
        }

    def _doubles(self, key: str) -> bool:
        """Whether a column only repeats another one."""
        other = self.columns[key].same_as
        return other is not None and all(row[key] in (None, row[other]) for row in self.rows)

    def _differs(self, key: str) -> bool:
        return any(row[key] != self.rows[0][key] for row in self.rows)

    def _column(self, key: str) -> dict[str, Any]:
        """A column with its values, for the script, and as a table shows them."""
        column = self.columns[key]
        values = [row[key] for row in self.rows]
        shown = [column.shown(value, row) for value, row in zip(values, self.rows, strict=True)]
        texts = list(dict.fromkeys(shown))
        place = {text: number for number, text in enumerate(texts)}
        numeric = any(map(is_number, values)) and all(
            value is None or is_number(value) for value in values
        )
        return {
            "key": key,
            "title": self.name(key),
            "meaning": column.meaning,
            "measure": numeric and key in self.measures and self._differs(key),
            "unit": self.measures[key][1] if key in self.measures else "",
            "better": self.measures[key][2] if key in self.measures else None,
            "values": list(map(_plain, values)) if numeric else None,
            "texts": texts,
            "shown": [place[text] for text in shown],
        }


def explorer_html(page: ExplorerPage) -> str:
    """The page as one file; the same search gives the same bytes."""
    environment = page_environment()
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
    return environment.get_template("explorer.html").render(
        page=page, title=page.title, sentence=page.lead, version=__version__
    )


def _plain(value: Any) -> Any:
    """A number as JSON has it, which knows none that is infinite."""
    return str(value).replace("inf", "Infinity") if value and math.isinf(value) else value
