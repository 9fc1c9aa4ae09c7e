"""Verdicts of a batch in the XML of JUnit, which systems of continuous integration read."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from rnscli.report.finished_run import FinishedRun

# What XML 1.0 has no way to write.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(title: str, runs: Sequence[FinishedRun]) -> bytes:
    """A suite for each run, in it a test case for each requirement.

    A run that has no rows, or points without an answer, is an error in each of its cases; if it
    has no requirement, in a case of its own. Runs that were kept from before took no time.
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
    broken = run.verdict == "error"
    cases = [(case.requirement, case.failures) for case in run.cases]
    if broken and not cases:
        cases = [("has rows", ())]
    errors = failures = 0
    for name, lines in cases:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_clean(f"{title}.{run.name}"),
            name=_clean(name),
            time=f"{run.seconds / len(cases):.3f}",
        )
        if broken:
            errors += 1
            sentences = [run.error] if run.error is not None else list(run.problems)
            _explain(case, "error", sentences, run)
        elif lines:
            failures += 1
            _explain(case, "failure", lines, run)
    for attribute, count in (("tests", len(cases)), ("failures", failures), ("errors", errors)):
        suite.set(attribute, str(count))
    suite.set("time", f"{run.seconds:.3f}")
    return suite


def _explain(
    case: ElementTree.Element, kind: str, sentences: Sequence[str], run: FinishedRun
) -> None:
    found = ElementTree.SubElement(case, kind, message=_clean(sentences[0]), type=kind)
    found.text = _clean("\n".join([*sentences, "", run.command_line]))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text.replace("`", ""))
