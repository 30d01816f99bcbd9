"""A text that is no YAML is told in plain words where people go wrong: tabs, columns, colons and commas."""

from __future__ import annotations

import pytest

from rules_engine.errors import PolicyError
from rules_engine.policy.reader import read_document

TAB = "YAML_SYNTAX a tab stands where only spaces may indent (indent with spaces)"
GLUED = "(put a space after the colon on line {})"
ALIGN = "(keys of one mapping, and entries of one list, begin in the same column)"


@pytest.mark.parametrize(
    ("text", "place", "end"),
    [
        ("a:\n\tb: 1\n", "2:1", TAB),
        ("a: 1\n\tb: 2\n", "2:1", TAB),
        ("a: 1\n \tb: 2\n", "2:2", TAB),
        ("\ta: 1\n", "1:1", TAB),
        ("policy:mine\nversion: 1\n", "2:8", GLUED.format(1)),
        ("a: 1\npolicy:mine\n", "3:1", GLUED.format(2)),
        ("a:\n  - policy:mine\n    b: 1\n", "3:6", GLUED.format(2)),
        ("policy:mine\n", "1:1", "(put a space after the colon)"),
        ("mine\n", "1:1", "(policies and cases begin with `schema:`)"),
        ("- mine\n", "1:1", "(policies and cases begin with `schema:`)"),
        ("a:\n  b: 1\n c: 2\n", "3:2", ALIGN),
        ("a:\n  - {a: 1}\n - {a: 2}\n", "3:2", ALIGN),
        (
            "a: 1\n\n  b: 2\n",
            "3:4",
            "(indent this line as line 1, which has its value already, and put text with a colon in quotes)",
        ),
        ("a: b: 1\n", "1:5", "(check the indentation, and put text with a colon in quotes)"),
        ("a: 1\nb\n", "3:1", "(every line of a mapping is `key: value`)"),
        ("a: @b\n", "1:4", "(put text that begins with % @ or ` in quotes)"),
        ("a: [1\n", "2:1", "(close the bracket)"),
    ],
)
def test_syntax__is_told_with_its_place_and_what_to_do(text: str, place: str, end: str) -> None:
    with pytest.raises(PolicyError) as raised:
        read_document(text.encode(), "p.yaml")
    (problem,) = raised.value.problems
    assert str(problem).startswith(f"p.yaml:{place}: ")
    assert str(problem).endswith(end)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: 1_000_000\n", "write 1000000; write it in quotes if it is text"),
        ("a: 0,004\n", "write 0.004"),
        ("a: 1,000\n", "write 1000 or 1.000, as is meant"),
        ("a: 1,000,000.5\n", "write 1000000.5"),
        ("a: {b: 0,004}\n", 'write "004" in quotes; if it follows a decimal comma, write a point instead'),
        ("a: {b: 0,4}\n", 'write "4" in quotes; if it follows a decimal comma, write a point instead'),
    ],
)
def test_number__written_with_separators_is_told_how_to_write_it(text: str, hint: str) -> None:
    with pytest.raises(PolicyError) as raised:
        read_document(text.encode(), "p.yaml")
    assert [problem.hint for problem in raised.value.problems] == [hint]
