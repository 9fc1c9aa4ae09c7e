"""``rnscli schema``: what the schemas say and accept."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_origin

import click
import jsonschema
import pytest
import tiny_networks
from schemas import check_document, command_named

from rnscli.analysis import columns as columns_module
from rnscli.analysis.columns import Bits
from rnscli.base.columns import column_of
from rnscli.cli.command import AnswerCommand, SummaryCommand
from rnscli.cli.commands.schema import Answering, document_schema
from rnscli.cli.main import ANSWERING, cli
from rnscli.cli.options.sweeps import ModelSweep, NameSweep, value_schema
from rnscli.cli.options.types import Assignment, PathName, ShapeType
from rnscli.report.table import Layout

Run = Callable[..., Any]
Document = Callable[..., dict[str, Any]]
Refusal = Callable[..., str]

each_command = pytest.mark.parametrize("name", ANSWERING)


each_answer = pytest.mark.parametrize(
    "name", [name for name in ANSWERING if name not in ("batch", "compare")]
)


def answer_command(name: str) -> AnswerCommand:
    found = command_named(name)
    assert isinstance(found, AnswerCommand)
    return found


# The commands and their keys


def test_the_table_of_commands_is_complete() -> None:
    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    answering = [name for name, found in commands.items() if isinstance(found, Answering)]
    assert answering == list(ANSWERING)


@each_command
def test_every_key_has_a_meaning(name: str) -> None:
    for columns in command_named(name).columns_by_type.values():
        for key, column in columns.items():
            text = column.meaning
            assert text[-1] == "." and text.strip() == text, key
            # What it names of its row is there.
            named = [column.same_as, column.interval, column.unit]
            assert {one for one in named if one is not None} <= set(columns), key


def test_a_field_without_a_column_is_an_error() -> None:
    @dataclass(frozen=True)
    class Lacking:
        bits: Bits
        more: int | None

    lacking = AnswerCommand(
        name="lacking",
        callback=lambda options, drawn: None,
        params=[],
        row_type=Lacking,
        layout=Layout((), ("bits",)),
        plot=None,
    )
    with pytest.raises(TypeError, match="Lacking: more has no Column"):
        lacking.columns({})
    with pytest.raises(TypeError, match="Lacking: more"):
        SummaryCommand(name="lacking", row_types={None: Lacking}, parameters={})


def test_no_shared_column_is_unused() -> None:
    used = {
        column.meaning
        for name in ANSWERING
        for columns in command_named(name).columns_by_type.values()
        for column in columns.values()
    }
    shared = {
        name: column_of(hint, name).meaning
        for name, hint in vars(columns_module).items()
        if get_origin(hint) is Annotated
    }
    assert len(shared) > 30
    assert [name for name, meaning in shared.items() if meaning not in used] == []


@each_command
def test_layouts_name_columns(name: str) -> None:
    command = command_named(name)
    if isinstance(command, AnswerCommand):
        for option in command.row_types:
            row_type, layout = command.rows({option: True})
            assert {*layout.keys, *layout.optional} <= set(command.columns_by_type[row_type])


@each_answer
def test_every_axis_is_an_option(name: str) -> None:
    command = answer_command(name)
    options = {option.name for option in command.stated}
    for row_type in command.row_types.values():
        axes = command.axes(row_type)
        of_each = {column.of_each for column in axes.values()}  # of a list that an option gives
        assert set(axes) - of_each <= options


@each_answer
def test_only_names_and_files_are_any_text(name: str) -> None:
    """A type of options that `value_schema` does not know would be one."""
    for option in answer_command(name).stated:
        if value_schema(option.type) == {"type": "string"}:
            known = NameSweep | ModelSweep | PathName | Assignment | ShapeType
            known |= click.types.StringParamType
            assert isinstance(option.type, known), option.name


# The schemas


@each_command
def test_it_prints_a_schema_of_draft_2020_12(name: str, rnscli: Run, tmp_path: Path) -> None:
    ran = rnscli("schema", name)
    assert (ran.code, ran.err) == (0, "")
    schema = json.loads(ran.out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema == document_schema(command_named(name))
    assert rnscli("schema", name, "--output", tmp_path / "it.json") == (0, "", "")
    assert (tmp_path / "it.json").read_text() == ran.out


def objects_in(schema: Any) -> list[dict[str, Any]]:
    """All parts of a schema that describe objects."""
    if isinstance(schema, list):
        return [found for part in schema for found in objects_in(part)]
    if not isinstance(schema, dict):
        return []
    here = [schema] if schema.get("type") == "object" else []
    return here + [found for part in schema.values() for found in objects_in(part)]


@each_command
def test_it_is_strict_and_says_what_everything_means(name: str) -> None:
    schema = document_schema(command_named(name))
    for described in objects_in(schema):
        assert described["additionalProperties"] is False
        assert set(described["required"]) <= set(described["properties"])
    rows = schema["properties"]["rows"]
    for kind in rows.get("anyOf", [rows]):
        assert all("description" in key for key in kind["items"]["properties"].values())
    options = schema["properties"]["parameters"]["properties"]
    assert all(option["description"] for option in options.values())
    # Every definition is used, and every reference defined.
    text = json.dumps(schema)
    assert all(f'"#/$defs/{key}"' in text for key in schema.get("$defs", {}))


# What they accept: every document of the other tests, and these


def test_every_document_of_the_tests_is_compared(
    rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnscli.report.schema.SCHEMA", 3)
    with pytest.raises(AssertionError, match="2 was expected"):
        rnscli("moduli", "--bits", 6, "--format", "json")


SWEEPS = (
    "moduli --bits 6..8 --redundant 0,1 --rule exact,bits",
    "moduli --bits 8 --precision-bits 20,30 --redundant 2 --top 3",
    "moduli --bits 8 --family any,special --input-bits 4,5",
    "moduli --moduli 61,59,55,53+63,62 --moduli 15,14,13",
    "error-sim --bits 4 --pairs 50,60 --seed 1,2 --vector-size 8,16 --max-modulus 14,15",
    "error-sim --bits 6 --pairs 50 --redundant 0,2 --p 0,1e-2 --attempts 1,inf --decoder majority",
    "error-sim --bits 6 --pairs 50 --sigma 0.1,0.2 --legitimate-range operands,300000",
    "error-sim --bits 4 --rel-precision 0.3,0.5 --max-pairs 100,200 "
    "--precision-of mean_abs_error,output_error_rate --p 0.01",
    "error-sim --bits 4 --pairs 2 --operands uniform,student-t --degrees-of-freedom 3,4",
    "error-sim --bits 4 --pairs 50 --sparsity 0,1 --core bit-sliced --slice-bits 1,2 --adc-bits 9",
    "fault-prob --bits 5,6 --redundant 1,2 --rule exact,bits --max-modulus 30,31",
    "fault-prob --redundant 1 --noise uniform,gaussian --snr-db 30,40",
    "fault-prob --bits 4 --redundant 1 --p [0.1,0.2,0,0,0,1],0.1 --attempts inf --erased 0",
    "fault-prob --bits 4 --redundant 1 --sigma [0.1,0.2,0.1,0.1,0.1,0.1] --erased 0 --erased 2",
    "fault-prob --target 1e-6,1e-9 --p 1e-3,1e-2 --legitimate-range product,operands",
    "fault-prob --redundant 2 --p 1e-3 --validate 1000 --rel-precision 0.5",
    "energy --bits 6 --core rns,digital-fp32 --adc-k1 100fJ±30%,50fJ --clock 1GHz,2GHz",
    "energy --bits 6 --core rns --constant shifter_loss=0.1dB±50% --constant efficiency=0.2 "
    "--rate 1GHz,5GHz",
    "energy --bits 6 --breakdown --memory none,dram --scales none,fp32",
    "energy --bits 6 --core fixed-lp,digital-int8 --kernel vmm,mvm,update,cycle",
    "energy --bits 6 --core bit-sliced --workload mnist-cnn --kernel vmm,mvm --adc-bits 6,8",
    "energy --bits 6 --core bit-sliced --sensitivity --kernel vmm,update --memory none,dram",
    "energy --bits 6 --core bit-sliced --breakdown --slice-bits 1,2 --adc-bits 6,8",
    "energy --bits 6 --core rns --redundant 2 --p 1e-3,[0,0,0,0,0,0.1] --attempts 2,inf",
    "energy --bits 6 --columns 64,128 --columns-per-adc 1,8 --reverse crt,mixed-radix",
    "energy --bits 6 --adc-model survey,murmann --technology photonic-phase,reram-analog "
    "--extrapolate",
    "energy --bits 6 --core bit-sliced --slice-bits 1,2 --adc-bits 6,8 "
    "--legitimate-range 300000,product",
    "energy --bits 6 --workload mnist-cnn,bert-large --batch 1,2 --supply-voltage 1V±10%",
    "chip --workload mnist-cnn --arrays 60,300 --schedule sequential --dram dram,hbm2",
    "energy --bits 5,6 --sensitivity --supply-voltage 1V±10% --walden-fom 1fJ,1fJ±20% "
    "--adc-model walden --columns 64,128 --input-bits 5,6 --core rns",
    "energy --bits 6 --core rns --sensitivity --node 14nm±10% --moduli 61,59,55,53+63 "
    "--moduli 63,62,61,59",
    "accuracy --model tiny_networks:cnn,tiny_networks:digital --data images.npz "
    "--core rns,fixed-lp,fixed-hp,bit-sliced --slice-bits 1,2 --granularity vector,tensor "
    "--scales fp32,power-of-two "
    "--samples 2 --seed 0,1 --bits 6",
    "accuracy --model tiny_networks:cnn --data images.npz --samples 20 --redundant 1,2 --p 0,1e-2 "
    "--attempts 1,inf --decoder majority,detect --legitimate-range operands,product --core rns",
    "accuracy --model tiny_networks:cnn --data images.npz --samples 20 --sigma 0.1,0.2 "
    "--rule exact,bits --max-modulus 62,63 --technology photonic-phase,reram-analog",
    "accuracy --model tiny_networks:digital --data images.npz --samples 20 --moduli 61,59,55,53+63 "
    "--moduli 63,62,61,59",
    "train --model tiny_networks:cnn --data images.npz --bits 4 --epochs 1,2 --batch-size 20,30 "
    "--learning-rate 1e-2 --seed 0,1 --core rns,bit-sliced --adc-bits 6,8",
    "train --model tiny_networks:cnn --data images.npz --p 0,1e-4 --epochs 2 --curves "
    "--rule exact,bits --moduli 61,59,55,53+63 --moduli 63,62,61,59 --granularity tile,channel "
    "--scales fp32,power-of-two",
    "design --pairs 200 --max-error 0.5 --core rns,bit-sliced,digital-int8",
    "design --pairs 200 --p 1e-3 --max-p-err 1e-6 --bits 5,6 --legitimate-range operands,product",
)  # fmt: skip

LONG = ("design", "fault-prob --target", "train --model tiny_networks:cnn --data images.npz --p")


@pytest.mark.parametrize(
    "arguments",
    [
        # A search takes seconds, and its schema is that of all.
        pytest.param(one, marks=[pytest.mark.thorough] if one.startswith(LONG) else [])
        for one in SWEEPS
    ],
)
def test_it_accepts_every_kind_of_sweep(
    arguments: str, rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if "images.npz" in arguments:
        tiny_networks.write_images(tmp_path / "images.npz", samples=60)
    ran = rnscli(*arguments.split(), "--format", "json")
    assert ran.code == 0, ran.err
    check_sweep(json.loads(ran.out), arguments.split())


def check_sweep(document: dict[str, Any], arguments: list[str]) -> None:
    """Fail where rows of a sweep cannot be told apart by a column for everything that is swept."""
    command = answer_command(document["command"])
    asked = {name: f"--{name.replace('_', '-')}" in arguments for name in command.row_types if name}
    row_type, _ = command.rows(asked)
    keys = {name: column.key for name, column in command.axes(row_type).items()}
    swept = {name for name, value in document["parameters"].items() if isinstance(value, list)}
    swept.discard("constant")  # several of them hold together
    if "seeds" in document["rows"][0]:
        swept.discard("seed")  # rows are means over them
    assert {keys.get(name, name) for name in swept} <= set(document["rows"][0])


@pytest.mark.parametrize("blocks", [(), ("--blocks",)])
def test_it_accepts_what_a_store_holds(
    blocks: tuple[str, ...], rnscli: Run, document: Document, tmp_path: Path
) -> None:
    store = tmp_path / "runs.db"
    simulated = ("error-sim", "--bits", 4, "--pairs", 50, "--redundant", 1)
    images = tiny_networks.write_images(tmp_path / "images.npz", samples=30)
    network = ("--model", tiny_networks.CNN, "--data", images, "--p", 1e-3)
    for recorded in (
        ("accuracy", *network, "--core", "rns,bit-sliced", "--attempts", "inf"),
        ("train", *network, "--epochs", 1, "--seed", "0,1"),
        (*simulated, "--p", 0.1, "--attempts", "inf"),
        (*simulated, "--sigma", 0.1, "--core", "rns,bit-sliced", "--operands", "student-t"),
        ("fault-prob", "--redundant", 1, "--p", "[0,0,0,0.1,0.2]", "--validate", 1000),
    ):
        assert rnscli(*recorded, "--store", store).code == 0
    rows = document("store", store, *blocks)["rows"]
    cores = {(row["what"], row["core"]) for row in rows}
    assert {("accuracy", "rns"), ("accuracy", "bit-sliced"), ("training", "fp32")} <= cores
    if not blocks:
        networks = [row for row in rows if row["what"] in ("accuracy", "training")]
        assert {row["model"] for row in networks} == {tiny_networks.CNN}
        assert {row["seed"] for row in networks if row["what"] == "training"} == {0, 1}
        assert {row["p"] for row in networks} == {1e-3, None}


def test_it_accepts_both_answers_of_a_batch(document: Document, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        '[run.all]\ncommand = "moduli"\n[run.more]\ncommand = "moduli"\nmoduli = "@all.moduli"\n'
    )
    batch = ("batch", plan, "--output", tmp_path / "results")
    states = [row["state"] for row in document(*batch, "--dry-run")["rows"]]
    assert states == ["to compute"] * 2
    assert [row["verdict"] for row in document(*batch)["rows"]] == ["passed"] * 2
    check_document(json.loads((tmp_path / "results" / "summary.json").read_text()))
    check_document(json.loads((tmp_path / "results" / "more.json").read_text()))


# Bad input


@pytest.mark.parametrize("name", ["foo", "", " ", "schema", "MODULI", "9" * 5000])
def test_another_command_is_refused(name: str, refusal: Refusal) -> None:
    sentence = refusal("schema", name)
    assert "COMMAND" in sentence and repr(name[:40])[:-1] in sentence
    assert all(known in sentence for known in ANSWERING)
    assert len(sentence) < 300


def test_no_command_is_refused(refusal: Refusal) -> None:
    sentence = refusal("schema")
    assert "COMMAND" in sentence
    assert all(known in sentence for known in ANSWERING)


def test_two_commands_are_refused(refusal: Refusal) -> None:
    assert "energy" in refusal("schema", "moduli", "energy")


def test_a_file_that_cannot_be_written_is_named(refusal: Refusal, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "schema.json", "/dev/null", "/dev/null/a"):
        assert f"--output {path}" in refusal("schema", "moduli", "--output", path)
    assert "--format" in refusal("schema", "moduli", "--format", "json")


def test_the_old_file_stays_where_the_new_one_cannot_be_written(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "schema.json"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", full)
    ran = rnscli("schema", "moduli", "--output", path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"rnscli: No space left on device: {path}\n"
    assert {found.name: found.read_text() for found in tmp_path.iterdir()} == {path.name: "old"}
