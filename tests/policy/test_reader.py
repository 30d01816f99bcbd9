"""The reader takes what can be read in one way only, exactly, and refuses all else with its place."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.errors import Mark, PolicyError, Problem
from rules_engine.policy import tree
from rules_engine.policy.document import Document
from rules_engine.policy.reader import read_document
from tests.policy.hostile_documents import HOSTILE


def read(text: str) -> Document:
    return read_document(text.encode(), "p.yaml")


def refused(data: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(PolicyError) as caught:
        read_document(data.encode() if isinstance(data, str) else data, "p.yaml")
    return caught.value.problems


def marked(text: str) -> tuple[str, Mark]:
    """The text without its `¦`, and the place at which that stood."""
    before, after = text.split("¦")
    line_start = before.rfind("\n") + 1
    return before + after, Mark("p.yaml", before.count("\n") + 1, len(before) - line_start + 1)


@pytest.mark.parametrize("name", HOSTILE)
def test_reader__refuses_hostile_documents_at_the_place(name: str) -> None:
    code, text = HOSTILE[name]
    document, mark = marked(text)
    first = next(problem for problem in refused(document) if problem.code == code)
    assert first.mark == mark
    assert first.message.isprintable()
    assert len(str(first)) < 300


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", Decimal(0)),
        ("-0", Decimal(0)),
        ("-1.50", Decimal("-1.5")),
        ("1e-8", Decimal("0.00000001")),
        ("1e30", Decimal("1e30")),
        ("1e-30", Decimal("1e-30")),
        ("0.1", Decimal("0.1")),
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("unlimited", "unlimited"),
        ("1.2.0", "1.2.0"),
        ("10s", "10s"),
        ("2026-12-01", "2026-12-01"),
        ("2026-12-01T08:00:00Z", "2026-12-01T08:00:00Z"),
        ("1INCH", "1INCH"),
        ("-", [None]),
        ("'010'", "010"),
        ('"yes"', "yes"),
        ("'1'", "1"),
        ("|\n  1\n", "1\n"),
        ("caf\u0065\u0301", "caf\u00e9"),
        ("'cafe\u0301 " + "x" * 200 + "'", "cafe\u0301 " + "x" * 200),
        ("[1, [a, {}]]", [Decimal(1), ["a", {}]]),
    ],
)
def test_reader__reads_values_exactly(text: str, value: Any) -> None:
    document = read(f"a: {text}\n" if text != "-" else "a:\n-\n")
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


def test_reader__knows_the_place_of_every_value_and_key() -> None:
    document = read("a: 1\nb:\n  - {c: x,  d: [z]}\n")
    places = {path: (mark.line, mark.column) for path, mark in document.marks.items()}
    assert places == {
        (): (1, 1),
        ("a",): (1, 4),
        ("b",): (3, 3),
        ("b", 0): (3, 5),
        ("b", 0, "c"): (3, 9),
        ("b", 0, "d"): (3, 16),
        ("b", 0, "d", 0): (3, 17),
    }
    keys = {path: (mark.line, mark.column) for path, mark in document.key_marks.items()}
    assert keys == {("a",): (1, 1), ("b",): (2, 1), ("b", 0, "c"): (3, 6), ("b", 0, "d"): (3, 13)}
    assert (len(document.marks), len(document.key_marks)) == (7, 4)


def test_document__answers_with_the_nearest_mark_where_there_is_none() -> None:
    document = read("a: {b: 1}\n")
    assert document.mark(("a", "c", 3)) == Mark("p.yaml", 1, 4)
    assert document.key_mark(("a", "b")) == Mark("p.yaml", 1, 5)
    assert document.key_mark(("a", "c")) == Mark("p.yaml", 1, 4)
    assert Document("p.yaml", {}, {}, {}).mark(("a",)) == Mark("p.yaml", 1, 1)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_reader__counts_lines_alike_for_every_line_break(line_break: str) -> None:
    (problem,) = refused(line_break.join(["a: 1", "b: caf\u00e9", "c: {d: yes}"]))
    assert problem.mark == Mark("p.yaml", 3, 8)


def test_reader__finds_all_problems_in_one_pass_in_the_order_of_the_text() -> None:
    problems = refused("a: yes\nb: &x 010\n1: !y {a: 1, a: 2}\nc: [*x\n# \u202e\n")
    assert [(problem.code, str(problem.mark)) for problem in problems] == [
        ("YAML_AMBIGUOUS", "p.yaml:1:4"),
        ("YAML_ANCHOR", "p.yaml:2:4"),
        ("YAML_KEY", "p.yaml:3:1"),
        ("YAML_TAG", "p.yaml:3:4"),
        ("YAML_DUPLICATE_KEY", "p.yaml:3:14"),
        ("YAML_ALIAS", "p.yaml:4:5"),
        ("YAML_INVISIBLE", "p.yaml:5:3"),
        ("YAML_SYNTAX", "p.yaml:6:1"),
    ]


def test_reader__reads_on_behind_a_key_that_is_a_list() -> None:
    problems = refused("? [a, {b: c}]\n: 1\nb: yes\n")
    assert [problem.code for problem in problems] == ["YAML_KEY", "YAML_AMBIGUOUS"]


def test_reader__names_the_line_of_the_first_of_two_equal_keys() -> None:
    (problem,) = refused("a: 1\nb: 2\na: 3\n")
    assert problem.message == "the key 'a' stands here a second time; the first is on line 1"


def test_reader__tells_what_to_write_instead() -> None:
    (problem,) = refused("a: 010\n")
    assert problem.message == "'010' is a number of base 8 to some readers"
    assert problem.hint == "remove the leading zero"


def test_reader__counts_problems_beyond_the_first_hundred() -> None:
    problems = refused("a:\n" + "- yes\n" * 150)
    assert len(problems) == 101
    assert str(problems[-1]) == "p.yaml:101:3: MORE_PROBLEMS and 50 more problems"


def test_reader__stops_at_a_thousand_problems() -> None:
    problems = refused("a:\n" + "- yes\n" * 2000)
    assert problems[-1].message == "and 900 more problems; reading stopped there"


def test_reader__refuses_a_byte_too_many() -> None:
    good = b"a: " + b"x" * 4_999_997
    assert len(read_document(good, "p.yaml").value["a"]) == 4_999_997
    assert refused(good + b"x")[0].code == "YAML_SIZE"


def test_reader__refuses_a_value_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_VALUES", 4)
    assert read("a: [b, c]\n").value == {"a": ["b", "c"]}
    assert [str(problem.mark) for problem in refused("a: [b, c, d]\n")] == ["p.yaml:1:11"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_reader__refuses_other_encodings(encoding: str) -> None:
    data = "a: 1\n".encode(encoding)
    assert refused(data)[0].code == ("YAML_INVISIBLE" if encoding == "utf-16-be" else "YAML_ENCODING")


def test_reader__names_the_place_of_a_byte_that_is_no_utf8() -> None:
    (problem,) = refused(b"a: 1\r\ncaf\xc3\xa9: \xff\n")
    assert (problem.code, problem.mark) == ("YAML_ENCODING", Mark("p.yaml", 2, 7))


def test_reader__survives_a_nesting_that_crashes_recursive_readers() -> None:
    code = "import sys; from rules_engine.policy.reader import read_document; read_document(b'[' * 4_000_000, 'p')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "YAML_DEPTH" in done.stderr


def test_reader__reads_where_yaml_was_imported_twice() -> None:
    code = (
        "import sys, yaml\n"
        "for name in [name for name in sys.modules if name.split('.')[0] == 'yaml']: del sys.modules[name]\n"
        "from rules_engine.policy.reader import read_document\n"
        "print(read_document(b'a: b', 'p').value)\n"
        "read_document(b'a: [\\n', 'p')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "{'a': 'b'}\n"
    assert "PolicyError: p:2:1: YAML_SYNTAX" in done.stderr


YAML_CHARACTERS = "a1:-?,[]{}#&*!|>'\"%@`<~=.e+_ \n\t\\\u2028\u00e9"


@given(st.one_of(st.binary(), st.one_of(st.text(), st.text(alphabet=YAML_CHARACTERS)).map(str.encode)))
def test_reader__answers_any_bytes_with_a_document_or_its_problems(data: bytes) -> None:
    try:
        document = read_document(data, "p.yaml")
    except PolicyError as error:
        assert all(problem.mark is not None and problem.mark.line >= 1 for problem in error.problems)
    else:
        assert isinstance(document.value, dict)
        assert set(document.key_marks) <= set(document.marks)
