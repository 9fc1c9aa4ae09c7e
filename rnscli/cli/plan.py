"""Plans: runs by name, some of which refer to the rows of others."""

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rnscli.cli.plan_file import PlanFile
from rnscli.cli.planned_run import PlannedRun
from rnscli.core.errors import InputError
from rnscli.core.suggestion import nearest, option_name


@dataclass(frozen=True)
class Plan:
    """Checked runs, in the order of the file."""

    file: PlanFile
    title: str
    runs: tuple[PlannedRun, ...]

    def ordered(self) -> list[PlannedRun]:
        """The runs, each after those that it refers to, and otherwise as in the file."""
        named = {run.name: run for run in self.runs}
        order: dict[str, None] = {}

        waiting = list(reversed(named))  # a chain may be longer than calls can be nested
        while waiting:
            name = waiting.pop()
            missing = [need for need in named[name].needs if need not in order]
            if missing:
                waiting += [name, *reversed(missing)]
            else:
                order[name] = None
        return [named[name] for name in order]

    def with_needs(self, names: Iterable[str]) -> set[str]:
        """Runs of these names or patterns, and those that they refer to.

        Raises
        ------
        InputError
            If there is no run of a name.
        """
        named = {run.name: run for run in self.runs}
        wanted: set[str] = set()
        waiting: list[str] = []
        for pattern in names:
            found = fnmatch.filter(named, pattern)
            if not found:
                raise InputError(
                    f"`only`: {self.file.path} has no run {pattern!r}"
                    + (nearest(pattern, named) or f"; it has {', '.join(named)}")
                )
            waiting += found
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting.extend(named[name].needs)
        return wanted

    def sentence(self, run: PlannedRun, message: str) -> str:
        """What is wrong with a run, with the line of the option that is named first, or its own."""
        named = re.findall(r"--([a-z][a-z0-9-]*)|`([a-z]\w*)`", message)
        words = [dashed or quoted for dashed, quoted in named]
        words += re.findall(r"[a-z]\w*", message)  # as in: moduli 63 and 60 are not coprime
        places = [run.places.get(option_name(word)) for word in words]
        keys = next((place for place in places if place is not None), ("run", run.name))
        return f"{self.file.at(*keys)}: run {run.name}: {message}"
