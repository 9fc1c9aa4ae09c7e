"""What is kept of a finished run of a batch: its files, and the verdict on each requirement."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rnscli.report.requirements import Requirement, failures
from rnscli.report.table import Row

_KEPT = (
    "name", "command", "command_line", "digest", "rows", "required", "problems", "remarks",
    "disagreements", "error",
)  # fmt: skip
_TUPLES = ("problems", "remarks")


@dataclass(frozen=True)
class Case:
    """A requirement, with a line for each row that does not meet it."""

    requirement: str
    failures: tuple[str, ...]


@dataclass(frozen=True)
class FinishedRun:
    """A run that has been computed, or has ended with an error.

    Parameters
    ----------
    name, command, command_line
        Its name in the plan, its subcommand, and what a shell runs to get the same.
    digest
        Hash of all that decides over its files: with another one it must be computed again.
    rows
        Number of its rows.
    required
        Requirements are about so many of them, the first ones; about all if not given.
    cases
        Its requirements; no part of what is kept, as a plan may change them.
    problems
        A sentence for each point of its sweep that has no answer.
    remarks
        Sentences that only inform.
    disagreements
        Sentences that fail like a requirement; ``None`` if nothing was compared.
    error
        Why it has no rows, if so.
    files
        Contents by name.
    seconds
        What it took; no part of what is kept.
    """

    name: str
    command: str
    command_line: str
    digest: str
    rows: int = 0
    required: int | None = None
    cases: tuple[Case, ...] = ()
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    disagreements: tuple[str, ...] | None = None
    error: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    seconds: float = field(default=0.0, compare=False)

    @property
    def failed(self) -> int:
        """Number of requirements that do not hold."""
        return sum(bool(case.failures) for case in self.cases)

    @property
    def verdict(self) -> str:
        """``error`` without rows or with points without an answer, ``failed``, or ``passed``."""
        if self.error is not None or self.problems:
            return "error"
        return "failed" if self.failed else "passed"

    @property
    def reason(self) -> str | None:
        """The first sentence that speaks against it."""
        if self.error is not None:
            return self.error
        said = [f"no answer {problem}" for problem in self.problems]
        said += [line for case in self.cases for line in case.failures]
        more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
        return said[0] + more if said else None

    @property
    def table(self) -> list[dict[str, Any]]:
        """Its rows, as the JSON document has them."""
        rows: list[dict[str, Any]] = json.loads(self.files[f"{self.name}.json"])["rows"]
        return rows

    def judged(self, requirements: Sequence[Requirement]) -> "FinishedRun":
        """The run with a verdict on each of these requirements."""
        known = bool(requirements) and self.error is None
        rows = [_values(row) for row in self.table] if known else []
        cases = [
            Case(str(one), tuple(failures([one], rows[: self.required]))) for one in requirements
        ]
        if self.disagreements is not None:
            cases.append(Case("validation", self.disagreements))
        return replace(self, cases=tuple(cases))

    def record(self) -> dict[str, Any]:
        """All but the contents, of which there are hashes, as JSON values."""
        return {
            **{name: getattr(self, name) for name in _KEPT},
            "files": {name: _hash(content) for name, content in self.files.items()},
        }

    @classmethod
    def of_record(
        cls, record: Mapping[str, Any], read: Callable[[str], bytes]
    ) -> "FinishedRun | None":
        """What a record says; ``None`` if a file is not as it was written.

        ``read`` gives the content of a file by name.
        """
        try:
            # Names that lead out of the folder are none of a batch.
            if any(Path(name).name != name for name in record["files"]):
                return None
            files = {name: read(name) for name in record["files"]}
            if any(_hash(content) != record["files"][name] for name, content in files.items()):
                return None
            kept = {name: record[name] for name in _KEPT}
            kept |= {name: tuple(record[name]) for name in _TUPLES}
            compared = record["disagreements"]
            kept["disagreements"] = None if compared is None else tuple(compared)
            return cls(**kept, files=files)
        except (OSError, KeyError, TypeError, ValueError, AttributeError):
            return None


def records_text(runs: "list[FinishedRun]") -> bytes:
    """Records of runs, to go on from."""
    return (json.dumps([run.record() for run in runs], indent=1) + "\n").encode()


def _values(row: dict[str, Any]) -> Row:
    """A row of the JSON document as the command has it."""
    return {
        key: tuple(value) if isinstance(value, list) else math.inf if value == "inf" else value
        for key, value in row.items()
    }


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
