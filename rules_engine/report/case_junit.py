"""What cases say of policies in the XML that CI systems read (JUnit's): a suite a policy, a test a case or law."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rules_engine.errors import Mark, Problem
from rules_engine.life.cases.judging import Judgement
from rules_engine.report.case_coverage import too_little_text, touches_enough, untouched_lines
from rules_engine.report.cases import case_lines, law_lines

MOST_LINES: Final = 100
"""Lines of a failure; beyond these people are told a number."""
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, escaped or not."""


class Outcome(NamedTuple):
    """A policy that was tested: what its cases say, None where there are none, or why they could not be run."""

    policy: str
    cases_file: str
    judgement: Judgement | None
    problems: Sequence[Problem] = ()
    nanoseconds: int = 0


def junit_document(tested: Sequence[Outcome], wanted: Decimal | None) -> bytes:
    """The document; `wanted` is the coverage that is asked for, in percent."""
    root = Element("testsuites", name="rules-engine test")
    for one in tested:
        _suite(root, one, wanted)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(root: Element, tested: Outcome, wanted: Decimal | None) -> None:
    judgement = tested.judgement
    name = tested.policy if judgement is None else f"{judgement.policy.name}@{judgement.policy.version}"
    suite = SubElement(root, "testsuite", name=_text(name), time=_seconds(tested.nanoseconds))
    if tested.problems:
        place = tested.problems[0].mark or Mark(tested.policy, 1, 1)
        _test(suite, name, "can be run", place, "error", [str(problem) for problem in tested.problems])
    elif judgement is None:
        place = Mark(tested.cases_file, 1, 1)
        what = "skipped" if wanted is None else "failure"
        _test(suite, name, "has cases", place, what, [f"no cases stand beside it ({tested.cases_file})"])
    else:
        for case in judgement.cases:
            _test(suite, name, case.case.name, case.case.mark, "failure", list(case_lines(case)))
        for law in judgement.laws:
            _test(suite, name, law.law, law.mark, "failure", list(law_lines(law)))
        if wanted is not None:
            lines = list(_missing(tested.policy, judgement, wanted))
            _test(suite, name, "coverage", Mark(judgement.file, 1, 1), "failure", lines)
    suite.set("tests", str(len(suite)))
    for kind, what in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f"testcase/{what}"))))


def _missing(policy: str, judgement: Judgement, wanted: Decimal) -> Iterator[str]:
    if not touches_enough(judgement.coverage, wanted):
        yield too_little_text(judgement.coverage, wanted)
        yield from untouched_lines(judgement.coverage, policy)


def _test(suite: Element, group: str, name: str, mark: Mark, what: str, lines: Sequence[str]) -> None:
    """A test, with what there is to say of it: nothing where it passed."""
    place = {"classname": _text(group), "name": _text(name), "file": _text(mark.file), "line": str(mark.line)}
    test = SubElement(suite, "testcase", place)
    if lines:
        more = [f"and {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else []
        found = SubElement(test, what, message=_text(lines[0]))
        found.text = _text("\n".join([*lines[:MOST_LINES], *more]))


def _text(text: str) -> str:
    return _NO_XML.sub(lambda match: ascii(match[0])[1:-1], text)


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9}.{nanoseconds // 10**6 % 1000:03d}"
