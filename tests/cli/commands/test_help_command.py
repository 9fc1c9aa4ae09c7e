"""``rnscli help``, ``examples``, ``glossary`` and ``cite``; and the groups of options."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from rnscli.base import OptionGroup
from rnscli.cli.citation import citation_file, parsed
from rnscli.cli.help_page import grouped
from rnscli.cli.main import COMMANDS, cli
from rnscli.runtime import processes
from rnscli.runtime.processes import available_cores

Run = Callable[..., Any]

ROOT = Path(__file__).parents[3]
LONG = ("error-sim", "fault-prob", "energy", "chip", "accuracy", "train", "design")


def command_of(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def flags_of(text: str) -> list[str]:
    """The options that sections of a help begin lines with."""
    return re.findall(r"^  (?:-\w, )?(--[a-z][\w-]*)", text, re.MULTILINE)


# Groups


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_is_in_one_group_and_help_comes_last(name: str) -> None:
    command = command_of(name)
    with click.Context(command, info_name=name) as context:
        groups = grouped(command.get_params(context))
    listed = [one.opts[-1] for of_group in groups.values() for one in of_group]
    named = [one.opts[-1] for one in command.params if isinstance(one, click.Option)]
    assert sorted(listed) == sorted([*named, "--help"])
    assert listed[-1] == "--help"
    ordered = [group for group in OptionGroup if group in groups]
    assert list(groups) == (ordered or [None])


@pytest.mark.parametrize("name", LONG)
def test_groups_are_short_enough_to_be_read(name: str) -> None:
    command = command_of(name)
    groups = grouped(command.params)
    assert len(groups) >= 6
    assert max(map(len, groups.values())) <= 18  # of devices, of which a command has all or none
    # Nothing that others share is said to be what this command is asked.
    asked = {one.name for one in groups.get(OptionGroup.ASKED, ())}
    assert not asked & {"core", "bits", "technology", "seed", "jobs", "format", "p", "moduli"}


def test_the_help_shows_the_groups_and_what_cores_are(
    rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = rnscli("energy", "--help").out
    headings = re.findall(r"^(\S.*):$", out, re.MULTILINE)
    assert headings == [
        "What is asked", "Network", "Dot product and cores", "Moduli and code", "Noise",
        "Devices", "Hardware", "Constants of the hardware", "Run", "Output",
        "Names that --core takes", "Names that --adc-model takes", "Names that --decoder takes",
        "Examples",
        "Formulas and their sources", "See also",
    ]  # fmt: skip
    assert re.search(r"^  fixed-lp +one array; an ADC of b bits keeps", out, re.MULTILINE)
    assert "arXiv:2309.10759" in out and str(ROOT / "docs" / "energy.md") in out
    # Names are not cut at hyphens: they can be searched for.
    assert "bert-large-pretraining," in out
    cut = [line.split()[-1] for line in out.splitlines() if line.endswith("-")]
    assert all("," in word for word in cut)  # lists that are longer than the column
    # Texts begin in one column in all groups.
    starts = {found.end() for found in re.finditer(r"(?m)^  --[a-z-]+ \S+  +(?=\S)", out)}
    columns = {place - out.rfind("\n", 0, place) for place in starts}
    assert len(columns - {min(columns)}) <= 1 and len(flags_of(out)) > 60


# help


def test_help_of_a_command_names_its_options(rnscli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = rnscli("help", "train")
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) < 100 < len(rnscli("train", "--help").out.splitlines()) / 3
    named = set(re.findall(r"--[a-z][a-z-]*", ran.out.partition("\nExamples:")[0]))
    params = command_of("train").params
    first = {next(name for name in one.opts if name.startswith("--")) for one in params}
    assert named == first | {"--weights"}
    assert max(len(line) for line in ran.out.splitlines() if not line.endswith(".md")) <= 80
    assert rnscli("help").out == rnscli("--help").out


def test_help_of_groups_and_options(rnscli: Run) -> None:
    noise = rnscli("help", "error-sim", "noise").out
    assert noise.startswith("Noise:\n")
    assert flags_of(noise) == ["--noise", "--p", "--sigma", "--snr-db", "--static-share"]
    assert noise in rnscli("error-sim", "--help").out + "\n"
    one = rnscli("help", "energy", "--adc-k1", "core").out
    assert flags_of(one)[-1] == "--adc-k1" and "Names that --core takes:" in one
    assert flags_of(rnscli("help", "moduli", "--show").out) == ["--show"]
    assert "--columns" not in rnscli("help", "moduli").out
    twice = rnscli("help", "energy", "core", "--core").out
    assert twice == rnscli("help", "energy", "core").out
    assert rnscli("help", "energy", "adc_k1").out == rnscli("help", "energy", "--adc-k1").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("help nope", "COMMAND: 'nope' is not accepted; it must be one of moduli,"),
        ("help energy nose", "did you mean noise?"),
        ("help energy --adc-modle", "did you mean --adc-model?"),
        ("help energy xyzzy", "the groups are asked, network, core,"),
        ("examples nope", "COMMAND: 'nope' is not accepted"),
        ("glossary enbo", "did you mean enob?"),
        ("glossary xyzzy", "no term 'xyzzy'; rnscli glossary lists all of them"),
        ("cite --format apa", "--format"),
    ],
)
def test_what_there_is_not(arguments: str, words: str, rnscli: Run) -> None:
    ran = rnscli(*arguments.split())
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert words in ran.err


# examples


def test_examples_are_those_of_the_help(rnscli: Run) -> None:
    every = rnscli("examples").out
    for name in ("moduli", "design", "help"):
        ran = rnscli("examples", name)
        assert (ran.code, ran.err) == (0, "")
        shown = "".join(f"  {line}\n" for line in ran.out.splitlines())
        assert f"\nExamples:\n{shown}" in rnscli(name, "--help").out
        assert f"# rnscli {name}\n\n{ran.out}" in every
    assert [line for line in every.splitlines() if line.startswith("# rnscli ")] == [
        f"# rnscli {name}" for name in COMMANDS
    ]


# glossary


def test_glossary(rnscli: Run) -> None:
    every = rnscli("glossary").out
    for term in (
        "residue", "modulus", "dynamic range", "legitimate range", "ENOB", "LSB", "attempts",
        "tile", "unit", "p_err", "sigma", "SNR",
    ):  # fmt: skip
        said = rnscli("glossary", term).out
        assert said.startswith(term) and said in every
    for other, term in (
        ("M", "dynamic range"),
        ("m", "modulus"),
        ("--legitimate-range", ""),
        ("Legitimate_Range", "legitimate range"),
        ("mean R", "attempts"),
    ):
        assert rnscli("glossary", "--", other).out.startswith(term)


def test_glossary_has_names_and_columns(rnscli: Run) -> None:
    assert rnscli("glossary", "fixed-lp").out.startswith("fixed-lp (--core)\n  one array;")
    assert "(--decoder)" in rnscli("glossary", "bounded-distance").out
    found = rnscli("glossary", "sigma_fresh", "tile").out
    assert found.startswith("sigma_fresh (column of noise)\n") and "\n\ntile (" in found


# cite


def test_the_reader_reads_the_citation_as_yaml_does() -> None:
    text = citation_file().read_text()
    assert citation_file() == ROOT / "CITATION.cff"
    plain = yaml.safe_load(text)
    assert parsed(text) == as_texts(plain)


def as_texts(value: Any) -> Any:
    """YAML with numbers as they are written."""
    if isinstance(value, dict):
        return {key: as_texts(one) for key, one in value.items()}
    return [as_texts(one) for one in value] if isinstance(value, list) else str(value)


def test_cite(rnscli: Run, tmp_path: Path) -> None:
    text = rnscli("cite", "--format", "text").out
    assert 'A. Joshi, "A Blueprint for Precise and Fault-Tolerant Analog' in text
    bibtex = rnscli("cite", "--format", "bibtex").out
    assert rnscli("cite").out == f"{text}\n{bibtex}"
    assert "@misc{rnscli,\n  author = {{The rnscli developers}},\n" in bibtex
    assert "@article{demirkiran2024blueprint,\n  author = {Demirkiran, C. and Nair, L." in bibtex
    assert bibtex.count("{") == bibtex.count("}") and "doi = {10.1038/s41467-024-4" in bibtex
    assert f"```bibtex\n{bibtex}```\n" in (ROOT / "docs" / "citing.md").read_text()
    assert rnscli("cite", "--format", "cff").out == (ROOT / "CITATION.cff").read_text()
    for output in (tmp_path / "a.bib", "-"):
        ran = rnscli("cite", "--format", "bibtex", "--output", output)
        assert (ran.code, ran.out) == (0, bibtex if output == "-" else "")
    assert (tmp_path / "a.bib").read_text() == bibtex


# Run and output


def test_jobs_of_all_cores(rnscli: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(6), raising=False)
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(processes, "_QUOTA", quota)
    assert available_cores() == 6
    for text, cores in (("max 100000", 6), ("150000 100000", 2), ("900000 100000", 6), ("", 6)):
        quota.write_text(text)
        assert available_cores() == cores
    quota.write_text("50000 100000")  # one process, which starts no other
    command = ("error-sim", "--bits", 4, "--pairs", 10, "--core", "rns", "--format", "csv")
    one = rnscli(*command, "--jobs", 1)
    assert rnscli(*command, "--jobs", 0) == rnscli(*command, "--jobs", "auto") == one
    assert one.code == 0
    ran = rnscli(*command, "--jobs", "all")
    assert ran.code == 2 and "from 0 to 1024, or auto, where 0 and auto are all cores" in ran.err


def test_output_to_standard_output(rnscli: Run) -> None:
    for name, more in (("moduli", ("--bits", 4)), ("schema", ("moduli",)), ("cite", ())):
        assert rnscli(name, *more, "--output", "-") == rnscli(name, *more)
        assert "standard output" in rnscli("help", name, "--output").out
