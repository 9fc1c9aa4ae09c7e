"""What a store holds, as rows: its tasks with what is known from their blocks, or every block."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rnscli.analysis.error import DISTRIBUTIONS, ErrorStatistics
from rnscli.analysis.stored_rows import StoredRecord, StoredTask
from rnscli.base import InputError
from rnscli.runtime import Store, StoredBlock, digest, kind_of

_KEY_DIGITS = 12
_OF_A_STRATUM = ("wrong", "attempt", "round", "pool")  # of which one validation has many
_SOURCES = {kind_of(type(source)): name for name, source in DISTRIBUTIONS.items()}


def stored_tasks(store: Store) -> list[StoredTask]:
    """All that a store holds anything of, like beside like.

    Raises
    ------
    InputError
        If something in it is damaged.
    """
    series: dict[str, _Series] = {}
    for task in store.tasks():
        common = {k: v for k, v in task.description.items() if k not in _OF_A_STRATUM}
        key = digest(common)
        found = series.setdefault(key, _Series(key, common, task.created))
        for number, blocks in groupby(store.blocks(task), lambda block: block.block):
            del number
            *_, largest = blocks  # the last one, as they come by their samples
            found.add(largest, store)
    return sorted((_row(one, store) for one in series.values() if one.blocks), key=_order)


def _order(row: StoredTask) -> tuple[object, ...]:
    sizes = row.vector_size, row.bits, row.input_bits, row.weight_bits, row.redundant
    return (row.what, *(size or 0 for size in sizes), row.description)


@dataclass
class _Series:
    """Blocks that one row tells of, added up as they are read."""

    key: str
    description: dict[str, Any]
    created: str
    blocks: int = 0
    samples: int = 0
    finished: str = ""
    errors: ErrorStatistics | None = None

    def add(self, block: StoredBlock, store: Store) -> None:
        self.blocks += 1
        self.samples += block.samples
        self.finished = max(self.finished, block.finished)
        if self.description.get("what") != "dot-error":
            return
        try:
            errors = ErrorStatistics.of_record(block.record)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise _damaged(self.key, store, error) from None
        self.errors = errors if self.errors is None else self.errors + errors


def _damaged(key: str, store: Store, error: Exception) -> InputError:
    return InputError(
        f"store {store.path} is damaged (in {key[:_KEY_DIGITS]}: {error!r}); move it away and "
        "start a new one"
    )


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


def _row(series: _Series, store: Store) -> StoredTask:
    described, errors = series.description, series.errors
    try:
        core: Mapping[str, Any] = described.get("core") or {}
        dot: Mapping[str, Any] = described.get("dot_product") or {}
        code: Mapping[str, Any] | None = described.get("code") or core.get("code")
        moduli = tuple(code["moduli"]["moduli"]) if code else None
        laws = described.get("laws") or [core.get("noise")]
        law: dict[str, Any] | None = laws[0]
        if any(other != law for other in laws):
            law = {"kind": "for each"}
        return StoredTask(
            key=series.key[:_KEY_DIGITS],
            what=described["what"],
            model=described.get("model"),
            core=described.get("core_name"),
            bits=core.get("bits") or ((moduli[0] - 1).bit_length() if moduli else None),
            input_bits=dot.get("input_bits"),
            weight_bits=dot.get("weight_bits"),
            vector_size=dot.get("vector_size"),
            operands=_operands(described),
            moduli=moduli,
            redundant=code["moduli"]["redundant"] if code else None,
            decoder=code["decoder"] if code else None,
            legitimate_range=code["legitimate_range"] if code else None,
            noise=law["kind"].lower() if law else None,
            p=law.get("p") if law else None,
            sigma=law.get("sigma") if law else None,
            attempts=float(core["attempts"]) if "attempts" in core and law else None,
            slice_bits=core.get("slice_bits"),
            adc_bits=core.get("adc_bits"),
            seed=described.get("seed"),
            blocks=series.blocks,
            samples=series.samples,
            mean_abs_error=errors.absolute.mean if errors else None,
            mean_abs_error_ci95=_interval(errors) if errors else None,
            output_error_rate=errors.wrong / errors.signed.count if errors and law else None,
            created=series.created,
            finished=series.finished,
            description=json.dumps(described),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _damaged(series.key, store, error) from None


def _operands(described: Mapping[str, Any]) -> str | None:
    if "operands" not in described:
        return None
    operands = described["operands"]
    if operands["kind"] == "given":
        return f"given {operands['begin'][:_KEY_DIGITS]}"
    inner = operands.get("dense", operands)
    name = _SOURCES.get(inner["kind"], inner["kind"])
    more = [f"{key} {value:g}" for key, value in (operands | inner).items() if _is_number(value)]
    return " ".join([name, *more])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _interval(errors: ErrorStatistics) -> tuple[float, float] | None:
    return errors.absolute.mean_interval() if errors.absolute.count > 1 else None
