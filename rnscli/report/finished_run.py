"""What is kept of a finished run of a batch: its files, and the verdict on each requirement."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_KEPT = ("name", "command", "command_line", "digest", "rows", "problems", "remarks", "error")


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
    cases
        Its requirements.
    problems
        A sentence for each point of its sweep that has no answer.
    remarks
        Sentences that only inform.
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
    cases: tuple[Case, ...] = ()
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
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

    def record(self) -> dict[str, Any]:
        """All but the contents, of which there are hashes, as JSON values."""
        return {
            **{name: getattr(self, name) for name in _KEPT},
            "cases": [[case.requirement, case.failures] for case in self.cases],
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
            files = {name: read(name) for name in record["files"]}
            if any(_hash(content) != record["files"][name] for name, content in files.items()):
                return None
            kept = {name: record[name] for name in _KEPT}
            kept |= {name: tuple(record[name]) for name in ("problems", "remarks")}
            cases = tuple(Case(name, tuple(failures)) for name, failures in record["cases"])
            return cls(**kept, cases=cases, files=files)
        except (OSError, KeyError, TypeError, ValueError, AttributeError):
            return None


def records_text(runs: "list[FinishedRun]") -> bytes:
    """Records of runs, to go on from."""
    return (json.dumps([run.record() for run in runs], indent=1) + "\n").encode()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
