"""The results folder of a batch, its summary, and the folder of what is finished so far."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree

from rnscli import base
from rnscli.base import Column, InputError, write_atomically, write_folder
from rnscli.report.layout import Layout, Row, View
from rnscli.report.requirements import Requirement, failures
from rnscli.report.saved import saved_value
from rnscli.report.schema import csv_text, json_text
from rnscli.report.table import table_text

_KEPT = (
    "name", "command", "command_line", "digest", "rows", "identity", "required", "problems",
    "remarks", "disagreements", "error",
)  # fmt: skip
_TUPLES = ("identity", "problems", "remarks")


@dataclass(frozen=True)
class Case:
    """A requirement, with a line for each row that does not meet it."""

    requirement: str
    failures: tuple[str, ...]


@dataclass(frozen=True)
class FinishedRun:
    """A run that has been computed, or has ended with an error."""

    name: str
    command: str
    command_line: str  # what a shell runs to get the same
    digest: str  # of all that decides over its files: with another one it must be computed again
    rows: int = 0
    identity: tuple[str, ...] = ()  # keys of the values that tell one of its rows from others
    required: int | None = None  # requirements are about so many of its rows, the first ones
    cases: tuple[Case, ...] = ()  # its requirements; not kept, as a plan may change them
    problems: tuple[str, ...] = ()  # a sentence for each point of its sweep without an answer
    remarks: tuple[str, ...] = ()  # sentences that only inform
    # Sentences that fail like a requirement; ``None`` if nothing was compared.
    disagreements: tuple[str, ...] | None = None
    error: str | None = None  # why it has no rows, if so
    files: Mapping[str, bytes] = field(default_factory=dict)  # by name
    seconds: float = field(default=0.0, compare=False)  # what it took; not kept

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

    @property
    def required_rows(self) -> list[dict[str, Any]]:
        """Those that requirements and other runs are about: of a design, the chosen one."""
        return self.table[: self.required]

    def judged(self, requirements: Sequence[Requirement]) -> "FinishedRun":
        """The run with a verdict on each of these requirements."""
        table = self.required_rows if requirements and self.error is None else []
        rows = [{key: saved_value(value) for key, value in row.items()} for row in table]
        cases = [
            Case(str(one), tuple(failures([one], rows, self.identity))) for one in requirements
        ]
        if self.disagreements is not None:
            cases.append(Case("validation", self.disagreements))
        return replace(self, cases=tuple(cases))

    def record(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _KEPT} | {"files": _hashes(self.files)}

    @classmethod
    def of_record(
        cls, record: Mapping[str, Any], read: Callable[[str], bytes]
    ) -> "FinishedRun | None":
        """What a record says; ``None`` if a file, which ``read`` gives, is not as written."""
        try:
            # Names that lead out of the folder are none of a batch.
            if any(Path(name).name != name for name in record["files"]):
                return None
            files = {name: read(name) for name in record["files"]}
            if _hashes(files) != record["files"]:
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


def _hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


RECORDS = ".rnscli-batch.json"  # in a results folder, to go on from; it shows that it is one
OF_THE_BATCH = ("plan.toml", "summary.json", "summary.csv", "summary.md")
_ENDING = ".partial"


class ResultsFolder:
    """A folder of results that is written whole, at the end of a batch.

    Until then each finished run is kept in a folder beside it, whose name ends in ``.partial``, so
    that nothing is lost if the batch is killed. One can ``resume`` from the runs that either folder
    holds, or replace them by ``force``.
    """

    def __init__(self, path: Path, resume: bool = False, force: bool = False) -> None:
        """Check what is there; nothing is written yet."""
        self._path = Path(os.path.realpath(path))
        self._partial = partial_of(path)
        self._resume = resume
        base.check_name(self._partial, "--output", path)
        self.given = path
        self._may_replace = resume or force
        self._check_target()
        if self._partial.exists():
            if not (self._partial.is_dir() and self._is_partial()):
                raise InputError(
                    f"--output {path}: {self._partial} is in the way; move it, or give another name"
                )
            if not self._may_replace:
                count = len({run.name for run in self._kept_in_parts()})
                raise InputError(
                    f"--output {path}: {self._partial.name} holds {count} finished runs of a batch "
                    "that was interrupted; give --resume to go on, or --force to begin again"
                )

    def _check_target(self) -> None:
        """Refuse a folder that may not be replaced."""
        base.check_folder(
            self.given,
            "--output",
            self._may_replace,
            "give --resume to keep what is up to date in it, --force to replace it, or another "
            "name",
            (RECORDS, *OF_THE_BATCH, *_recorded_names(self._path / RECORDS)),
        )

    def _is_partial(self) -> bool:
        """Whether the folder beside it is of a batch, which may have been killed as it made it."""
        begun = (item.name.startswith(f".{RECORDS}.") for item in self._partial.iterdir())
        return (self._partial / RECORDS).is_file() or all(begun)

    @property
    def plan(self) -> str | None:
        """File name of the plan whose results the folder holds, if it does."""
        try:
            name = _json_of(self._path / "summary.json")["parameters"]["plan"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return str(name)

    def kept(self) -> dict[str, FinishedRun]:
        """The finished runs that either folder holds, by name."""
        whole = _read_records(self._path / RECORDS, self._path)
        return {run.name: run for run in (*whole, *self._kept_in_parts())}

    def _kept_in_parts(self) -> list[FinishedRun]:
        if not self._partial.is_dir():
            return []
        folders = sorted(item for item in self._partial.iterdir() if item.is_dir())
        return [run for folder in folders for run in _read_records(folder / RECORDS, folder)]

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the folder beside it, alone, and take it away if it is empty in the end."""
        self._partial.mkdir(exist_ok=True)
        with _held(self._partial):
            try:
                self._check_target()  # another batch may have finished meanwhile
                if not self._resume:
                    self._clear()
                write_atomically(self._partial / RECORDS, records_text([]))
                yield
            finally:
                if not self._kept_in_parts():
                    self._clear()
                    for file in self._partial.glob(f"*{RECORDS}*"):
                        file.unlink()
                    with suppress(OSError):  # there is something else in it
                        self._partial.rmdir()

    def _clear(self) -> None:
        """Take away the runs that are kept, and what a kill has left of them."""
        for item in self._partial.iterdir():
            if item.is_dir() and (item.name.startswith(".") or (item / RECORDS).is_file()):
                shutil.rmtree(item)

    def keep(self, run: FinishedRun) -> None:
        """Keep a finished run, whatever happens to the others."""
        files = {**run.files, RECORDS: records_text([run])}
        write_folder(self._partial / run.name, files, durable=False)  # hashes tell if it is whole

    def finish(self, runs: Sequence[FinishedRun], files: Mapping[str, bytes]) -> None:
        """Put the folder in its place, with the files of all runs and those of the batch."""
        every = {name: content for run in runs for name, content in run.files.items()}
        good = [run for run in runs if run.error is None]  # an error may be tried again
        assert set(files) == set(OF_THE_BATCH)
        content = {**files, **every, RECORDS: records_text(good)}
        self._check_target()  # it may have come, or got other files, meanwhile
        write_folder(self._path, content, within=self._partial)  # what a kill leaves is there, too
        self._clear()


def partial_of(path: Path) -> Path:
    """The folder beside a results folder that holds what is finished so far."""
    target = Path(os.path.realpath(path))
    return target.parent / (target.name + _ENDING)


def _read_records(path: Path, folder: Path) -> list[FinishedRun]:
    """The runs of a file of records whose files are as they were written."""

    def read(name: str) -> bytes:
        return (folder / name).read_bytes()

    found = (FinishedRun.of_record(one, read) for one in _records(path))
    return [run for run in found if run is not None]


def _recorded_names(path: Path) -> list[str]:
    """The files of all runs in a file of records."""
    found = [one.get("files") for one in _records(path) if isinstance(one, dict)]
    return [name for files in found if isinstance(files, dict) for name in files]


def _records(path: Path) -> list[Any]:
    try:
        records = _json_of(path)
    except (OSError, ValueError):
        return []
    return records if isinstance(records, list) else []


def _json_of(path: Path) -> Any:
    return base.read_nested(json.loads, path.read_text("utf-8"))


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a lock, which ends with this process whatever ends it."""
    try:
        import fcntl
    except ImportError:  # Windows has other locks; two batches on one folder are a mistake there
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"--output: another batch is at work in {folder}; wait for it, or give another name"
            ) from None
        yield
    finally:
        os.close(descriptor)


LAYOUT = Layout(
    parameters=(),
    results=("run", "command", "rows", "requirements", "failed", "verdict", "reason"),
    optional=("reason",),
    essential=("verdict",),
)
DRY_LAYOUT = Layout(parameters=(), results=("run", "state"))

RunName = Annotated[str, Column("Name of the run in the plan.", identity=True)]
CommandLine = Annotated[str, Column("Command line that gives the same rows in a shell.")]


@dataclass(frozen=True)
class BatchRow:
    """A run of a plan, as `rnscli batch` reports it."""

    run: RunName
    command: Annotated[str, Column("The command of the run.")]
    rows: Annotated[int, Column("Number of rows that the run found.")]
    requirements: Annotated[int, Column("Number of requirements on the run.")]
    failed: Annotated[int, Column("Number of requirements that do not hold.")]
    verdict: Annotated[
        str,
        Column(
            "passed, failed (a requirement does not hold) or error (rows are missing).",
            tones={"passed": "good", "failed": "bad", "error": "bad"},
        ),
    ]
    reason: Annotated[str | None, Column("Why the run has not passed.", "against it")]
    command_line: CommandLine


@dataclass(frozen=True)
class DryRow:
    """A run of a plan that would be computed, or is kept from before."""

    run: RunName
    state: Annotated[str, Column("Whether the run would be computed, or is kept from before.")]
    command_line: CommandLine


def batch_rows(runs: Sequence[FinishedRun]) -> list[Row]:
    """A row for each run."""
    return [
        asdict(BatchRow(
            run=run.name, command=run.command, rows=run.rows, requirements=len(run.cases),
            failed=run.failed, verdict=run.verdict, reason=run.reason,
            command_line=run.command_line,
        ))
        for run in runs
    ]  # fmt: skip


def summary_files(
    rows: Sequence[Row], parameters: Mapping[str, object], plan: str
) -> dict[str, bytes]:
    """Files of the batch as a whole, beside those of its runs; ``plan`` is the text of it."""
    return {
        "plan.toml": plan.encode(),
        "summary.json": json_text("batch", parameters, rows).encode(),
        "summary.csv": csv_text(list(rows[0]), rows).encode(),
        "summary.md": table_text(
            rows, base.columns_of(BatchRow), LAYOUT, "markdown", View(wide=True)
        ).encode(),
    }


# What XML 1.0 has no way to write.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(title: str, runs: Sequence[FinishedRun]) -> bytes:
    """A suite for each run, in it a test case for each requirement.

    A run without rows is an error in each of its cases, or in one of its own if it has none; points
    without an answer are an error in a case of their own. Runs that were kept took no time.
    """
    suites = [_suite(title, run) for run in runs]
    whole = ElementTree.Element("testsuites", name=_clean(title))
    for name in ("tests", "failures", "errors"):
        whole.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    whole.set("time", f"{sum(run.seconds for run in runs):.3f}")
    whole.extend(suites)
    ElementTree.indent(whole)
    text: bytes = ElementTree.tostring(whole, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(title: str, run: FinishedRun) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=run.name)
    cases = [(case.requirement, "failure", case.failures) for case in run.cases]
    if run.error is not None:
        names = [case.requirement for case in run.cases] or ["has rows"]
        cases = [(name, "error", (run.error,)) for name in names]
    elif run.problems:
        cases.append(("has an answer at every point", "error", run.problems))
    for name, kind, lines in cases:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_clean(f"{title}.{run.name}"), name=_clean(name),
            time=f"{run.seconds / len(cases):.3f}",
        )  # fmt: skip
        if lines:
            found = ElementTree.SubElement(case, kind, message=_clean(lines[0]), type=kind)
            found.text = _clean("\n".join([*lines, "", run.command_line]))
    suite.set("tests", str(len(cases)))
    for kind in ("failure", "error"):
        suite.set(f"{kind}s", str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("time", f"{run.seconds:.3f}")
    return suite


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text.replace("`", ""))
