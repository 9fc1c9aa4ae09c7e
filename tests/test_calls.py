"""Calls from Python, each beside the same line of the shell."""

import json
import shlex
import subprocess
import sys
import types
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnscli
from rnscli.cli.call import call
from rnscli.cli.main import run
from rnscli.cli.plan.plan import command_of
from rnscli.cli.terminal import with_options
from rnscli.report.rows import MAX_SHOWN, Rows
from rnscli.report.schema import json_text

Shell = Callable[[str], tuple[int, str, str]]

CALLS: dict[str, tuple[Callable[..., Any], Mapping[str, Any]]] = {
    "moduli": (rnscli.moduli, {}),
    "moduli --bits 6 --redundant 0..3": (rnscli.moduli, {"bits": 6, "redundant": range(4)}),
    "moduli --bits 6 --top 3": (rnscli.moduli, {"bits": 6, "top": 3}),
    "error-sim --bits 6 --pairs 1000": (rnscli.dot_error, {"bits": 6, "pairs": 1000}),
    "error-sim --bits 4,6 --pairs 500 --p 1e-2 --redundant 1 --core rns --jobs 2": (
        rnscli.dot_error,
        {
            "bits": np.array([4, 6]),
            "pairs": np.int64(500),
            "p": 1e-2,
            "redundant": 1,
            "core": ["rns"],
            "jobs": 2,
        },
    ),
    "fault-prob --moduli 63,62,61,59 --p 1e-3": (
        rnscli.fault_probability,
        {"moduli": [63, 62, 61, 59], "p": 1e-3},
    ),
    "fault-prob --moduli 15,14,13,11+29,17 --sigma 0.15 --attempts inf,2": (
        rnscli.fault_probability,
        {
            "moduli": rnscli.ModuliSet([15, 14, 13, 11, 29, 17], redundant=2),
            "sigma": 0.15,
            "attempts": (float("inf"), 2),
        },
    ),
    "fault-prob --moduli 7,5,3 --moduli 8,7,5 --p [1e-3,1e-2,1e-1]": (
        rnscli.fault_probability,
        {"moduli": [[7, 5, 3], rnscli.ModuliSet([8, 7, 5])], "p": [[1e-3, 1e-2, 1e-1]]},
    ),
    "fault-prob --redundant 2 --erased 0 --erased 0,1 --p 1e-6..1e-2:5": (
        rnscli.fault_probability,
        {"redundant": 2, "erased": [[0], [0, 1]], "p": "1e-6..1e-2:5"},
    ),
    "fault-prob --bits 6 --p 1e-2 --target 1e-9": (
        rnscli.fault_probability,
        {"bits": 6, "p": 1e-2, "target": 1e-9},
    ),
    "energy --bits 6": (rnscli.energy, {"bits": 6}),
    "energy --bits 6 --adc-k1 100fJ±30% --core rns,fixed-lp": (
        rnscli.energy,
        {"bits": 6, "adc_k1": "100fJ±30%", "core": ["rns", "fixed-lp"]},
    ),
    "energy --bits 6 --core rns --workload mnist-cnn": (
        rnscli.energy,
        {"bits": 6, "core": "rns", "workload": "mnist-cnn"},
    ),
    "design --max-error 0.1 --core rns --bits 6 --pairs 1000": (
        rnscli.design,
        {"max_error": 0.1, "core": "rns", "bits": 6, "pairs": 1000, "extrapolate": False},
    ),
}
_BY_OPTION, _BY_KEY = "with --wide or --show:", "by their keys, as in rows['bits']:"
ROWS = [pytest.param(line, *made, id=line) for line, made in CALLS.items()]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs a line of the shell: its exit code, and what it prints."""

    def ran(line: str) -> tuple[int, str, str]:
        with warnings.catch_warnings():
            code = run(shlex.split(line))
        return code, *capsys.readouterr()

    return ran


# Rows


@pytest.mark.parametrize(("line", "function", "options"), ROWS)
def test_the_rows_of_the_shell(
    line: str, function: Callable[..., Any], options: Mapping[str, Any], shell: Shell
) -> None:
    rows = function(**options)
    assert isinstance(rows, Rows)
    code, text, _ = shell(f"{line} --format json")
    assert code == 0
    document = json.loads(text)
    assert json.loads(json_text("", {}, rows.to_dicts()))["rows"] == document["rows"]
    assert list(rows.to_dicts()[0]) == list(document["rows"][0])
    text = shell(line)[1]
    table, found, _ = text.partition("also there, with --wide or --show: ")
    assert repr(rows).startswith(table if found else text.split("\n\n")[0])
    # Below it columns are seen by their keys, and options are arguments.
    assert with_options(repr(rows)).replace(_BY_KEY, _BY_OPTION).split() == text.split()


@pytest.mark.parametrize(
    ("function", "options", "kind"),
    [
        (rnscli.moduli, {"bits": 6}, rnscli.ModuliRow),
        (
            rnscli.fault_probability,
            {"bits": 6, "redundant": 2, "p": 1e-3, "attempts": 2},
            rnscli.FaultProbability,
        ),
        (
            rnscli.energy,
            {"bits": 6, "core": "rns", "technology": "photonic-phase"},
            rnscli.EnergyRow,
        ),
        (rnscli.dot_error, {"bits": 6, "core": "rns", "pairs": 100}, rnscli.DotErrorRow),
    ],
)
def test_one_row_where_every_option_has_one_value(
    function: Callable[..., Any], options: Mapping[str, Any], kind: type
) -> None:
    row = function(**options)
    assert type(row) is kind
    listed = function(**options | {"bits": [options["bits"]]})  # as a loop may leave it
    assert isinstance(listed, Rows) and list(listed) == [row]
    assert asdict(row).items() <= listed.to_dicts()[0].items()


def test_parameter_objects_stay() -> None:
    moduli = rnscli.ModuliSet([63, 62, 61, 59, 55, 53], redundant=2)
    parameters = rnscli.FaultParameters(moduli=moduli, p=1e-3, attempts=2)
    row = rnscli.fault_probability(moduli=moduli, p=1e-3, attempts=2)
    assert rnscli.fault_probability(parameters) == row
    design = rnscli.EnergyParameters(
        core="rns", dot_product=rnscli.DotProduct(128, 6, 6), bits=6, moduli=moduli
    )
    billed = rnscli.energy(design)
    assert billed == rnscli.energy(parameters=design, reference=design)
    # By options it has the ranges of the technology, besides.
    ranges = (
        "energy_range_j", "latency_range_s", "area_range_m2", "tops_per_w_range",
        "tops_per_mm2_range",
    )  # fmt: skip
    asked = rnscli.energy(bits=6, core="rns", moduli=moduli)
    assert asked.energy_range_j is not None
    assert billed == replace(asked, **dict.fromkeys(ranges))
    simulated = rnscli.dot_error(
        rnscli.DotErrorParameters(
            dot_product=rnscli.DotProduct(128, 6, 6),
            bits=6,
            pairs=100,
            code=rnscli.RedundantCode(rnscli.ModuliSet([63, 62, 61, 59])),
        )
    )
    assert list(simulated.rows) == list(rnscli.dot_error(bits=6, pairs=100, adc_range="full"))


def test_rows_are_a_sequence_with_columns() -> None:
    rows = rnscli.energy(bits=[5, 6], core="rns", adc_k1=["100fJ±30%", "1fJ"])
    assert (len(rows), rows[-1]) == (4, list(rows)[3])
    assert rows["bits"] == [5, 5, 6, 6] == [row.bits for row in rows]
    assert rows["energy_range_j_low"][0] == rows[0].energy_range_j[0]
    assert rows["adc_k1_j_high"][0] == pytest.approx(1.3e-13)
    part = rows[1:3]
    assert isinstance(part, Rows) and list(part) == list(rows)[1:3]
    assert part["adc_k1_j"] == [1e-15, 1e-13]
    assert repr(rows[:0]) == "no rows"
    with pytest.raises(rnscli.InputError, match="no column 'bit'; did you mean bits"):
        rows["bit"]


def test_long_rows_are_cut_where_they_are_shown() -> None:
    rows = rnscli.moduli(bits=6, vector_size=range(1, MAX_SHOWN + 2))
    assert len(rows) == MAX_SHOWN + 1
    assert repr(rows).splitlines()[-1] == f"... {MAX_SHOWN + 1} rows in all"
    assert len(repr(rows).splitlines()) == len(repr(rows[:MAX_SHOWN]).splitlines()) + 1


def test_a_data_frame_has_the_columns_of_csv(monkeypatch: pytest.MonkeyPatch, shell: Shell) -> None:
    made: dict[str, Any] = {}
    fake = types.ModuleType("pandas")
    fake.DataFrame = lambda rows, columns: made.update(rows=rows, columns=columns)
    monkeypatch.setitem(sys.modules, "pandas", fake)
    rnscli.dot_error(bits=6, pairs=100).to_pandas()
    header = shell("error-sim --bits 6 --pairs 100 --format csv")[1].splitlines()[0]
    assert made["columns"] == header.split(",") == list(made["rows"][0])
    assert made["rows"][0]["mean_abs_error_ci95_low"] < made["rows"][0]["mean_abs_error"]


def test_a_data_frame_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = rnscli.moduli(bits=[5, 6]).to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["lost_bits"].tolist() == [11, 12]


def test_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(rnscli.InputError, match="pip install pandas"):
        rnscli.moduli().to_pandas()


# What is refused


KNOWN = "--constant logic_energy_factor=1 --constant memory_energy_factor=1"


@pytest.mark.parametrize(
    ("line", "function", "options"),
    [
        ("moduli --bits 1", rnscli.moduli, {"bits": 1}),
        ("moduli --bits 6.5", rnscli.moduli, {"bits": 6.5}),
        ("moduli --bits -3", rnscli.moduli, {"bits": -3}),
        ("moduli --bits 2", rnscli.moduli, {"bits": 2}),
        ("moduli --moduli 6,9", rnscli.moduli, {"moduli": [6, 9]}),
        ("moduli --moduli 63,a", rnscli.moduli, {"moduli": "63,a"}),
        ("fault-prob --p 2", rnscli.fault_probability, {"p": 2}),
        ("fault-prob --p nan", rnscli.fault_probability, {"p": float("nan")}),
        ("fault-prob --p 1 --sigma 1", rnscli.fault_probability, {"p": 1, "sigma": 1}),
        ("fault-prob --decoder detct", rnscli.fault_probability, {"decoder": "detct"}),
        ("fault-prob --jobs 2", rnscli.fault_probability, {"jobs": 2}),
        ("energy --core rs", rnscli.energy, {"core": "rs"}),
        ("energy --adc-table nope.csv", rnscli.energy, {"adc_table": Path("nope.csv")}),
        (
            f"energy --core fixed-lp --technology switched-capacitor {KNOWN} --sensitivity",
            rnscli.energy,
            {
                "core": "fixed-lp",
                "technology": "switched-capacitor",
                "sensitivity": True,
                "constant": ["logic_energy_factor=1", "memory_energy_factor=1"],
            },
        ),
        ("error-sim --operands gaussian", rnscli.dot_error, {"operands": "gaussian"}),
        ("design --max-p-err 1e-9", rnscli.design, {"max_p_err": 1e-9}),
        ("accuracy --p 1 --sigma 1", rnscli.accuracy, {"p": 1, "sigma": 1}),
        ("train --epochs 0", rnscli.train, {"epochs": 0}),
    ],
)
def test_the_sentences_of_the_shell(
    line: str, function: Callable[..., Any], options: Mapping[str, Any], shell: Shell
) -> None:
    with pytest.raises(rnscli.RnscliError) as caught:
        function(**options)
    assert "--" not in str(caught.value)  # which Python has no use for
    assert shell(line) == (2, "", f"rnscli: {with_options(str(caught.value))}\n")


@pytest.mark.parametrize(
    ("function", "arguments", "options", "sentence"),
    [
        (rnscli.moduli, [], {"bit": 6}, "moduli has no option bit; did you mean bits?"),
        (rnscli.energy, [], {"plot": "a.svg"}, "rows.plot('a.svg')"),
        (rnscli.energy, [], {"keys": True}, "it has those of rnscli energy"),
        (rnscli.energy, [], {"format": "json"}, "energy has no option format"),
        (rnscli.dot_error, [], {"progress": print}, "it must be True, False or None"),
        (rnscli.energy, [], {"reference": 1}, "energy has no option reference"),
        (rnscli.moduli, [6], {}, "as in bits=6"),
        (rnscli.design, [6], {}, "as in bits=6"),
        (rnscli.energy, [6], {}, "`parameters` is 6; it must be of the type EnergyParameters"),
        (rnscli.fault_probability, [[7, 5]], {"p": 1}, "of the type FaultParameters"),
        (rnscli.fault_probability, [], {"p": []}, "`p`: an empty list is not accepted"),
        (rnscli.fault_probability, [], {"p": True}, "`p`: true is not accepted"),
        (rnscli.fault_probability, [], {"p": {}}, "`p`: a table is not accepted"),
        (rnscli.fault_probability, [], {"p": [[[1]]]}, "`p`: '[1]' is not accepted"),
        (rnscli.fault_probability, [], {"p": 1j}, "`p`: '1j' is not accepted"),
        (rnscli.fault_probability, [], {"moduli": []}, "`moduli`: an empty list"),
        (rnscli.moduli, [], {"bits": range(10**12)}, "`bits` has more than 100000 values"),
        (rnscli.energy, [], {"extrapolate": 1}, "`extrapolate`: '1' is not accepted"),
        (rnscli.moduli, [], {"bits": "@a.b"}, "`bits`: '@a.b' is not accepted"),
    ],
)
def test_what_only_python_can_say(
    function: Callable[..., Any], arguments: list[Any], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(rnscli.InputError) as caught:
        function(*arguments, **options)
    assert sentence in str(caught.value)


def test_an_object_and_options() -> None:
    parameters = rnscli.FaultParameters(moduli=rnscli.ModuliSet([7, 5]), p=0.1)
    with pytest.raises(rnscli.InputError, match="one or the other"):
        rnscli.fault_probability(parameters, attempts=2)


def test_points_without_an_answer_are_warnings() -> None:
    with pytest.warns(RuntimeWarning, match="no answer for bits 2: .*the smallest bits") as told:
        rows = rnscli.moduli(bits=[2, 6])
    assert [Path(one.filename) for one in told] == [Path(__file__)]
    assert rows["bits"] == [6]


@pytest.mark.parametrize(
    "use",
    [
        lambda: rnscli.FaultParameters(moduli=[63, 62, 61, 59], p=1e-3),
        lambda: rnscli.RedundantCode([7, 5]),
        lambda: rnscli.from_residues(np.array([[1], [2]]), (7, 5)),
        lambda: replace(
            rnscli.EnergyParameters(
                core="fixed-lp", dot_product=rnscli.DotProduct(128, 4, 4), bits=4
            ),
            moduli=[15, 14, 13, 11],
        ),
    ],
)
def test_a_list_in_the_place_of_a_set(use: Callable[[], object]) -> None:
    with pytest.raises(rnscli.InputError, match="a set such as ModuliSet"):
        use()


def test_residues_of_a_set() -> None:
    moduli, values = rnscli.ModuliSet([7, 5, 3], redundant=1), np.array([[-4, 3], [0, 7]])
    words = rnscli.to_residues(values, moduli)
    assert np.array_equal(words, rnscli.to_residues(values, (7, 5, 3)))
    for product in (rnscli.modular_dot, rnscli.modular_matmul):
        assert np.array_equal(product(words, words, moduli), product(words, words, (7, 5, 3)))


# The commands behind the calls


def test_a_call_has_every_option_that_changes_the_result() -> None:
    for command, function in {
        "moduli": "moduli", "error-sim": "dot_error", "fault-prob": "fault_probability",
        "energy": "energy", "design": "design", "accuracy": "accuracy", "train": "train",
        "noise": "noise",
    }.items():  # fmt: skip
        assert function in rnscli.__all__
        for option in command_of(command).stated:
            # An object is no value of any option: the sentence is about the value, not the name.
            with pytest.raises(rnscli.InputError, match=f"^`{option.name}`: "):
                call(function, command, {option.name or "": object()})


def test_only_a_call_with_options_loads_click() -> None:
    objects = (
        "import rnscli, sys; "
        "m = rnscli.ModuliSet([7, 5]); rnscli.fault_probability(rnscli.FaultParameters(moduli=m, "
        "p=0.1)); rnscli.moduli; print('click' in sys.modules, 'rich' in sys.modules); "
        "rnscli.moduli(bits=6); print('click' in sys.modules, 'rich' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", objects], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("False False\nTrue False\n", "")
