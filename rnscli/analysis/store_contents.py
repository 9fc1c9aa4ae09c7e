"""What a store holds, as rows: its tasks with what is known from their blocks, or every block."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from rnscli.analysis.error_statistics import ErrorStatistics
from rnscli.analysis.operands import DISTRIBUTIONS
from rnscli.analysis.stratum import StratumCounts
from rnscli.core.errors import RnscliError
from rnscli.runtime.store import Store, StoredBlock, Task
from rnscli.runtime.work import Result

_KEY_DIGITS = 12
_SOURCES = {type(source).__name__: name for name, source in DISTRIBUTIONS.items()}


@dataclass(frozen=True)
class StoredTask:
    """A task: what determines it, and the statistics of its blocks together.

    ``samples`` are pairs of operands, or words. Of a block that is there with fewer and with more
    samples, as runs of different lengths leave it, only the larger one counts. ``description`` is
    the JSON text of all that determines the task; ``key`` begins its SHA-256.
    """

    key: str
    what: str
    core: str | None
    bits: int | None
    vector_size: int | None
    operands: str | None
    moduli: tuple[int, ...] | None
    redundant: int | None
    decoder: str | None
    legitimate_range: int | None
    noise: str | None
    p: float | None
    sigma: float | None
    attempts: float | None
    wrong_residues: int | None
    seed: int
    blocks: int
    samples: int
    mean_abs_error: float | None
    mean_abs_error_ci95: tuple[float, float] | None
    output_error_rate: float | None
    detected: int | None
    undetected: int | None
    created: str
    finished: str
    description: str


@dataclass(frozen=True)
class StoredRecord:
    """A block as it was recorded; ``record`` is the JSON text of its statistics."""

    key: str
    what: str
    core: str | None
    block: int
    samples: int
    content: str
    finished: str
    record: str


def stored_tasks(store: Store) -> Iterator[StoredTask]:
    """All tasks of a store that hold anything, the oldest first.

    Raises
    ------
    RnscliError
        If something in it is damaged.
    """
    for task in store.tasks():
        largest: dict[tuple[int, str], StoredBlock] = {}
        finished = ""
        for block in store.blocks(task):  # by number, then by samples
            largest[block.block, block.content] = block
            finished = max(finished, block.finished)
        if largest:
            yield _task_row(task, list(largest.values()), finished, store)


def stored_records(store: Store) -> Iterator[StoredRecord]:
    """All blocks of a store, by task and number."""
    for task in store.tasks():
        for block in store.blocks(task):
            yield StoredRecord(
                key=task.key[:_KEY_DIGITS],
                what=str(task.description.get("what")),
                core=task.description.get("core_name"),
                block=block.block,
                samples=block.samples,
                content=block.content,
                finished=block.finished,
                record=json.dumps(block.record),
            )


def _task_row(task: Task, blocks: list[StoredBlock], finished: str, store: Store) -> StoredTask:
    described = task.description
    try:
        errors = counts = None
        if described["what"] == "dot-error":
            errors = _total(ErrorStatistics.of_record(block.record) for block in blocks)
        else:
            counts = _total(StratumCounts.of_record(block.record) for block in blocks)
        core: Mapping[str, Any] = described.get("core") or {}
        code: Mapping[str, Any] | None = described.get("code") or core.get("code")
        law = described["laws"][0] if "laws" in described else core.get("noise")
        return StoredTask(
            key=task.key[:_KEY_DIGITS],
            what=described["what"],
            core=described.get("core_name"),
            bits=core.get("bits"),
            vector_size=described.get("dot_product", {}).get("vector_size"),
            operands=_operands(described),
            moduli=tuple(code["moduli"]["moduli"]) if code else None,
            redundant=code["moduli"]["redundant"] if code else None,
            decoder=code["decoder"] if code else None,
            legitimate_range=code["legitimate_range"] if code else None,
            noise=law["kind"].lower() if law else None,
            p=law.get("p") if law else None,
            sigma=law.get("sigma") if law else None,
            attempts=float(core["attempts"]) if "attempts" in core and law else None,
            wrong_residues=described.get("wrong"),
            seed=described["seed"],
            blocks=len(blocks),
            samples=sum(block.samples for block in blocks),
            mean_abs_error=errors.absolute.mean if errors else None,
            mean_abs_error_ci95=_interval(errors) if errors else None,
            output_error_rate=errors.wrong / errors.signed.count if errors and law else None,
            detected=counts.detected if counts else None,
            undetected=counts.undetected if counts else None,
            created=task.created,
            finished=finished,
            description=json.dumps(described),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise RnscliError(
            f"store {store.path}: the task {task.key[:_KEY_DIGITS]} is damaged ({error!r})"
        ) from None


def _operands(described: Mapping[str, Any]) -> str | None:
    if "operands" not in described:
        return None
    operands = described["operands"]
    if operands is None:
        return "given"
    inner = operands.get("dense", operands)
    name = _SOURCES.get(inner["kind"], inner["kind"])
    more = [f"{key} {value:g}" for key, value in (operands | inner).items() if _is_number(value)]
    return " ".join([name, *more])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _interval(errors: ErrorStatistics) -> tuple[float, float] | None:
    return errors.absolute.mean_interval() if errors.absolute.count > 1 else None


def _total(parts: Iterator[Result]) -> Result:
    return reduce(add, parts)
