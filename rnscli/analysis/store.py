"""What a store holds, as rows: its tasks with what is known from their blocks, or every block."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any, TypeVar, cast

from rnscli.analysis import columns as c
from rnscli.analysis import error  # whose names are loaded when one is used
from rnscli.analysis.networks.metrics import METRICS
from rnscli.analysis.networks.rows import (
    MetricInFp32,
    MetricValue,
    MetricValueInterval,
    TestLoss,
)
from rnscli.base import (
    Column,
    RnscliError,
    columns_of,
    is_number,
    moment,
    probability,
    shown,
)
from rnscli.runtime import NOT_AS_RECORDED, Store, StoredBlock, digest, kind_of

_KEY_DIGITS = 12
_OF_A_STRATUM = ("wrong", "attempt", "round", "pool")  # of which one validation has many
Key = Annotated[str, Column("Beginning of the SHA-256 of all that determines the task.")]
What = Annotated[str, Column("What the blocks are of.", "task")]
StoredCore = Annotated[c.Core, Column("The core, or fp32.", identity=True)]
Samples = Annotated[
    int, Column("Pairs of operands, words, test samples, or epochs of a training.", low=1)
]


@dataclass(frozen=True)
class StoredTask:
    """What determines some blocks, and the statistics of these together.

    Of a block that is there with fewer and with more samples, as runs of different lengths leave
    it, only the larger one counts. The strata of a validation, which have different probabilities,
    are one row without statistics. ``bits`` of the core ``rns`` are of the widest residue. The
    ``metric`` of a network is that on the test samples; of a training that after its last epoch.
    """

    key: Key
    what: What
    model: Annotated[c.Model | None, Column("The network that was tested or trained.")]
    core: StoredCore | None
    bits: c.Bits | None
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    vector_size: c.VectorSize | None
    operands: Annotated[str | None, Column("Distribution of the operands, or their file.")]
    moduli: Annotated[
        tuple[int, ...] | None,
        Column("All moduli, largest first; the k largest are redundant.", low=2, identity=True),
    ]
    redundant: c.Redundant | None
    decoder: c.Decoder | None
    legitimate_range: Annotated[int | None, Column("Number L of legitimate values.", "L", low=1)]
    noise: c.Noise | None
    p: Annotated[
        float | None,
        Column("Probability that a residue is wrong.", form=probability, high=1, identity=True),
    ]
    sigma: c.Sigma | None
    attempts: c.Attempts | None
    slice_bits: c.SliceBits | None
    adc_bits: c.AdcBits | None
    adc_range: c.AdcRange | None
    seed: c.Seed | None
    blocks: Annotated[int, Column("Number of blocks that are recorded.", low=1)]
    samples: Samples
    mean_abs_error: c.MeanAbsError | None
    mean_abs_error_ci95: c.MeanAbsErrorInterval | None
    output_error_rate: c.OutputErrorRate | None
    metric: Annotated[str | None, Column("By what the outputs of a network are judged.")]
    value: MetricValue | None
    value_ci95: MetricValueInterval | None
    fp32_value: MetricInFp32 | None
    test_loss: TestLoss | None
    created: Annotated[str, Column("When the task was first recorded, in UTC.", form=moment)]
    finished: Annotated[
        str, Column("When the last block was recorded, in UTC.", "last block", moment)
    ]
    description: Annotated[str, Column("JSON text of all that determines the task.")]


@dataclass(frozen=True)
class StoredRecord:
    """A block as it was recorded."""

    key: Key
    what: What
    core: StoredCore | None
    block: Annotated[int, Column("Number of the block, from 0.")]
    samples: Samples
    content: Annotated[str, Column("Digest of what the block read from a file; empty if nothing.")]
    finished: Annotated[str, Column("When the block was recorded, in UTC.", "last block", moment)]
    record: Annotated[str, Column("JSON text of the block's statistics.")]


def stored_tasks(store: Store) -> list[StoredTask]:
    """All that a store holds anything of, like beside like."""
    series: dict[str, _Series] = {}
    for task in store.tasks():
        common = {k: v for k, v in task.description.items() if k not in _OF_A_STRATUM}
        with _intact(store, task.key):
            key = digest(common)
        found = series.setdefault(key, _Series(key, common, task.created))
        for _, blocks in groupby(store.blocks(task), lambda block: block.block):
            *_, largest = blocks  # the last one, as they come by their samples
            with _intact(store, task.key):
                found.add(largest)
    rows = []
    for one in series.values():
        if one.blocks:
            with _intact(store, one.key):
                rows.append(_checked(_row(one)))
    return sorted(rows, key=_order)


@contextmanager
def _intact(store: Store, key: str) -> Iterator[None]:
    """Refuse what does not hold what it should."""
    try:
        yield
    except RnscliError:  # of a package that registers something, and not of the store
        raise
    except (*NOT_AS_RECORDED, AttributeError) as problem:
        raise store.damaged(f"in {key[:_KEY_DIGITS]}", problem) from None


_Stored = TypeVar("_Stored")


def _checked(row: _Stored) -> _Stored:
    """The row, if each of its values is one that its column can have."""
    for name, column in columns_of(cast(type, type(row))).items():
        value = getattr(row, name)
        if not column.fits(value):
            raise ValueError(f"{name} is {shown(value)}")
    return row


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
    errors: "error.ErrorStatistics | None" = None
    metric: str | None = None
    judged: Any = None  # what the metric keeps of the samples
    epoch: "tuple[float, float, float | None] | None" = None  # the last one of a training

    def add(self, block: StoredBlock) -> None:
        self.blocks += 1
        self.samples += block.samples
        self.finished = max(self.finished, block.finished)
        what, record = self.description.get("what"), block.record
        if what == "dot-error":
            errors = error.ErrorStatistics.of_record(record)
            self.errors = errors if self.errors is None else self.errors + errors
        elif what == "accuracy":
            self.metric = str(record["metric"])
            judged = METRICS.named(self.metric).of_record(record["found"])
            self.judged = judged if self.judged is None else self.judged + judged
        elif what == "training" and record["epochs"]:
            *_, (train_loss, test_loss, accuracy) = record["epochs"]
            self.epoch = train_loss, test_loss, accuracy

    @property
    def metrics(self) -> dict[str, Any]:
        """What is known of a network, by the fields of a row."""
        found: dict[str, Any] = dict.fromkeys(
            ("metric", "value", "value_ci95", "fp32_value", "test_loss")
        )
        if self.metric is not None:
            compared = METRICS.named(self.metric).compared(self.judged)
            found |= {"metric": self.metric, "value": compared.value}
            found |= {"value_ci95": compared.interval, "fp32_value": compared.fp32}
        if self.epoch is not None:
            _, found["test_loss"], found["value"] = self.epoch
            found["metric"] = None if found["value"] is None else METRICS["accuracy"].name
        return found


def stored_records(store: Store) -> Iterator[StoredRecord]:
    """All blocks of a store, by task and number."""
    for task in store.tasks():
        for block in store.blocks(task):
            with _intact(store, task.key):
                row = StoredRecord(
                    key=task.key[:_KEY_DIGITS],
                    what=str(task.description.get("what")),
                    core=task.description.get("core_name"),
                    block=block.block,
                    samples=block.samples,
                    content=block.content,
                    finished=block.finished,
                    record=json.dumps(block.record),
                )
                _checked(row)
            yield row


def _row(series: _Series) -> StoredTask:
    described, errors = series.description, series.errors
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
        adc_range=core.get("adc_range"),
        seed=described.get("seed"),
        blocks=series.blocks,
        samples=series.samples,
        mean_abs_error=errors.absolute.mean if errors else None,
        mean_abs_error_ci95=_interval(errors, law) if errors else None,
        output_error_rate=errors.wrong / errors.signed.count if errors and law else None,
        **series.metrics,
        created=series.created,
        finished=series.finished,
        description=json.dumps(described),
    )


def _interval(
    errors: "error.ErrorStatistics", law: Mapping[str, Any] | None
) -> tuple[float, float] | None:
    noisy = law is not None and (law.get("p"), law.get("sigma")) not in ((0.0, None), (None, 0.0))
    return errors.interval(errors.absolute, noisy) if errors.absolute.count > 1 else None


def _operands(described: Mapping[str, Any]) -> str | None:
    if "operands" not in described:
        return None
    operands = described["operands"]
    if operands["kind"] == "given":
        return f"given {operands['begin'][:_KEY_DIGITS]}"
    inner = operands.get("dense", operands)
    names = {kind_of(type(source)): name for name, source in error.DISTRIBUTIONS.items()}
    more = [f"{key} {value:g}" for key, value in (operands | inner).items() if is_number(value)]
    return " ".join([names.get(inner["kind"], inner["kind"]), *more])
