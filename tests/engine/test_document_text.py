"""JSON text: every problem has its place, and no text is too hostile to be refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.engine import json_text
from rules_engine.engine.documents import decode_account, decode_market
from rules_engine.errors import DocumentError, Mark
from tests.engine.document_examples import (
    ACCOUNT_TEXT,
    AS_OF,
    MARKET_TEXT,
    POSITION,
    account_with,
    problems_of,
)


def test_problems__are_all_reported_in_the_order_of_the_text_with_marks() -> None:
    text = (
        '{"colateral": {},\n'
        ' "positions": [\n'
        '  {"id": "p1", "instrument": "X", "mode": "cross", "quantity": "1_0", "entry_price": "0x",\n'
        '   "note": {"deep": [1, {"quantity": 2}], "s": "}\\"]"}, "leverage": true}],\n'
        ' "orders": {}}'
    )
    assert [(p.code, p.path, str(p.mark)) for p in problems_of(decode_account, text, "a.json")] == [
        ("KEY_MISSING", "account", "a.json:1:1"),
        ("KEY_UNKNOWN", "colateral", "a.json:1:2"),
        ("NUMBER_INVALID", "positions[0].quantity", "a.json:3:64"),
        ("NUMBER_INVALID", "positions[0].entry_price", "a.json:3:86"),
        ("KEY_UNKNOWN", "positions[0].note", "a.json:4:4"),
        ("TYPE_WRONG", "positions[0].leverage", "a.json:4:69"),
        ("TYPE_WRONG", "orders", "a.json:5:12"),
    ]


def test_problems__of_a_dict_have_a_path_and_no_mark() -> None:
    (problem,) = problems_of(decode_account, account_with(quantity="x"))
    assert (problem.path, problem.mark) == ("positions[0].quantity", None)


def test_problems__are_found_where_the_list_is_long() -> None:
    positions = [{**POSITION, "id": f"p{index}"} for index in range(12)]
    positions[11]["quantity"] = "x"
    text = json.dumps({"account": "A", "positions": positions}, indent=0)
    (problem,) = problems_of(decode_account, text)
    assert problem.path == "positions[11].quantity"
    assert problem.mark is not None
    assert text.splitlines()[problem.mark.line - 1] == '"quantity": "x",'


@pytest.mark.parametrize(
    ("data", "code", "mark"),
    [
        ('{"account":\n  nul}', "JSON_SYNTAX", Mark("account", 2, 3)),
        ("", "JSON_SYNTAX", Mark("account", 1, 1)),
        ('{"account": "A"} {}', "JSON_SYNTAX", Mark("account", 1, 18)),
        ('{"account": "A\n"}', "JSON_SYNTAX", Mark("account", 1, 15)),
        (b'{"account":\n "\xff"}', "JSON_ENCODING", Mark("account", 2, 3)),
        ('{"account": "A"}'.encode("utf-16"), "JSON_ENCODING", Mark("account", 1, 1)),
        (b'\xef\xbb\xbf{"account": "A"}', "JSON_ENCODING", Mark("account", 1, 1)),
        ("\ufeff{}", "JSON_ENCODING", Mark("account", 1, 1)),
        ("[" * 100_000, "JSON_DEPTH", Mark("account", 1, 1)),
        ('{"account":' * 100_000, "JSON_DEPTH", Mark("account", 1, 1)),
    ],
)
def test_text__that_is_not_json_is_one_problem_at_its_place(data: bytes | str, code: str, mark: Mark) -> None:
    assert [(problem.code, problem.mark) for problem in problems_of(decode_account, data)] == [(code, mark)]


def test_text__larger_than_the_limit_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "LARGEST_DOCUMENT", 16)
    assert decode_account('{"account": "A"}').account == "A"
    assert [problem.code for problem in problems_of(decode_account, '{"account": "AB"}')] == ["JSON_SIZE"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["1", AS_OF, "p1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*POSITION, "value", "time", "measures", "expires_at", "USDT"]), inner)
    ),
    max_leaves=8,
)


@st.composite
def documents(draw: st.DrawFn) -> Mapping[str, Any]:
    """The published account or market with one node replaced by anything."""
    root = json.loads(draw(st.sampled_from([ACCOUNT_TEXT, MARKET_TEXT])))
    node = root
    while True:
        key = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or draw(st.booleans()):
            node[key] = draw(VALUES)
            return dict(root)
        node = node[key]


@given(documents())
def test_document__whatever_is_in_it_is_read_or_refused_with_reasons(document: Mapping[str, Any]) -> None:
    decode: Any = decode_account if "account" in document else decode_market
    text = json.dumps(document)
    for source in (document, text):
        try:
            decode(source)
        except DocumentError as error:
            assert error.problems
            assert all(problem.path for problem in error.problems)
            assert all((problem.mark is None) is (source is document) for problem in error.problems)


@given(st.binary() | st.text())
def test_text__whatever_it_says_is_read_or_refused(data: bytes | str) -> None:
    assert problems_of(decode_account, data)
