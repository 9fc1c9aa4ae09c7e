"""JUnit XML against what systems of continuous integration read of it."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.report.batch import Case, FinishedRun, junit_text

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
PLAIN = FinishedRun("run", "moduli", "rnscli moduli --bits 6", "digest", seconds=1.5)

# Attributes that the common schema (that of Jenkins' plug-in) has, those that it demands first.
SCHEMA = {
    "testsuites": ((), ("name", "time", "tests", "failures", "errors", "disabled")),
    "testsuite": (
        ("name", "tests"),
        ("failures", "errors", "time", "skipped", "timestamp", "hostname", "id", "package"),
    ),
    "testcase": (("name", "classname"), ("time", "status", "assertions")),
    "failure": ((), ("message", "type")),
    "error": ((), ("message", "type")),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "error"},
    "failure": set(),
    "error": set(),
}


def parsed(title: str, runs: list[FinishedRun]) -> ElementTree.Element:
    """The document, whose structure and counts are checked."""
    text = junit_text(title, runs)
    assert text.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n") and text.endswith(b"\n")
    text.decode()
    whole = ElementTree.fromstring(text)
    assert whole.tag == "testsuites"
    for element in whole.iter():
        demanded, others = SCHEMA[element.tag]
        assert set(demanded) <= set(element.attrib) <= {*demanded, *others}
        assert {child.tag for child in element} <= CHILDREN[element.tag]
    for suite in (whole, *whole):
        counts = {
            "tests": len(list(suite.iter("testcase"))),
            "failures": len(list(suite.iter("failure"))),
            "errors": len(list(suite.iter("error"))),
        }
        assert {name: int(suite.attrib[name]) for name in counts} == counts
        assert float(suite.attrib["time"]) >= 0
    for case in whole.iter("testcase"):
        assert len(case) <= 1
        assert float(case.attrib["time"]) >= 0
    return whole


def test_a_test_case_for_each_requirement() -> None:
    failing = Case("p_err <= 1e-9", ("row 1: it is 2", "row 2: it is 3"))
    runs = [
        replace(PLAIN, name="a", cases=(Case("bits <= 8", ()), failing, Case("bits > 1", ()))),
        replace(PLAIN, name="b"),
        replace(PLAIN, name="c", cases=(Case("bits <= 8", ()),)),
    ]
    whole = parsed("the plan", runs)
    assert whole.attrib["name"] == "the plan"
    assert [suite.attrib["name"] for suite in whole] == ["a", "b", "c"]
    assert [[case.attrib["name"] for case in suite] for suite in whole] == [
        ["bits <= 8", "p_err <= 1e-9", "bits > 1"], [], ["bits <= 8"],
    ]  # fmt: skip
    assert {case.attrib["classname"] for case in whole.iter("testcase")} == {
        "the plan.a", "the plan.c",
    }  # fmt: skip
    (failure,) = whole.iter("failure")
    assert failure.attrib == {"message": "row 1: it is 2", "type": "failure"}
    assert failure.text is not None
    assert failure.text.splitlines() == [*failing.failures, "", PLAIN.command_line]
    assert float(whole.attrib["time"]) == 4.5


@pytest.mark.parametrize("requirements", [0, 1, 3])
def test_a_run_without_rows_is_an_error_in_each_case(requirements: int) -> None:
    cases = tuple(Case(f"bits <= {number}", ()) for number in range(requirements))
    whole = parsed("plan", [replace(PLAIN, cases=cases, error="`bits` is too small")])
    errors = list(whole.iter("error"))
    assert len(errors) == len(list(whole.iter("testcase"))) == max(requirements, 1)
    assert {error.attrib["message"] for error in errors} == {"bits is too small"}


def test_points_without_an_answer_are_an_error_beside_the_rows_that_fail() -> None:
    run = replace(
        PLAIN,
        rows=2,
        cases=(Case("bits <= 8", ("row 1",)), Case("bits > 1", ())),
        problems=("for bits 2: no set", "for bits 3: no set"),
    )
    whole = parsed("plan", [run])
    assert [len(list(whole.iter(kind))) for kind in ("error", "failure")] == [1, 1]
    assert len(list(whole.iter("testcase"))) == 3
    for error in whole.iter("error"):
        assert error.text is not None and error.text.splitlines()[:2] == list(run.problems)


def test_no_runs() -> None:
    assert len(parsed("plan", [])) == 0


NASTY = st.text(
    st.one_of(
        st.sampled_from("<>&\"'`\n\t\r\0\x01\x1b\x7f\x85\u2028\ufeff\ufffe\uffff]"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=20,
)


@QUICK
@given(
    NASTY,
    st.lists(
        st.tuples(
            st.lists(st.tuples(NASTY, st.lists(NASTY, max_size=3)), max_size=3),
            st.lists(NASTY, max_size=2),
            st.one_of(st.none(), NASTY),
            NASTY,
        ),
        max_size=3,
    ),
)
def test_any_text(
    title: str,
    runs: list[tuple[list[tuple[str, list[str]]], list[str], str | None, str]],
) -> None:
    """Whatever is in the names and sentences, it is XML that adds up."""
    finished = [
        replace(
            PLAIN,
            cases=tuple(Case(name, tuple(lines)) for name, lines in cases),
            problems=tuple(problems),
            error=error,
            command_line=line,
        )
        for cases, problems, error, line in runs
    ]
    whole = parsed(title, finished)
    for suite, run in zip(whole, finished, strict=True):
        without_rows = run.error is not None
        errors = int(suite.attrib["tests"]) if without_rows else int(bool(run.problems))
        assert int(suite.attrib["errors"]) == errors
        assert int(suite.attrib["failures"]) == (0 if without_rows else run.failed)


def test_text_is_what_it_was() -> None:
    text = "a <b> & \"c\" 'd' ]]> ü 漢 \U0001f600 ±"
    whole = parsed(text, [replace(PLAIN, cases=(Case(text, (text,)),))])
    (case,), (failure,) = whole.iter("testcase"), whole.iter("failure")
    assert whole.attrib["name"] == case.attrib["name"] == failure.attrib["message"] == text
    whole = parsed("a\x00b\x1bc\ufffe", [])
    assert whole.attrib["name"] == "a\ufffdb\ufffdc\ufffd"


def test_a_surrogate_of_a_file_name() -> None:
    """What Python makes of bytes in a path that are no UTF-8."""
    whole = parsed("plan\udcff", [replace(PLAIN, command_line="rnscli moduli '\udcff'")])
    assert whole.attrib["name"] == "plan\ufffd"
