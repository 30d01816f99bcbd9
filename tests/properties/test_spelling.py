"""What documents say counts, not how they say it."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules_engine import Evaluation
from tests.oracle.numbers import GRAMMAR
from tests.properties.accounts import documents
from tests.properties.documents import Document, Documents
from tests.properties.laws import examples
from tests.properties.product import engine_of

TEXTS = ("account", "id", "instrument", "mode", "position", "group", "as_of", "time", "expires_at")


def content(evaluation: Evaluation) -> Document:
    """What an evaluation says, without the order in which it says it, its words and the policy's digest."""
    document = evaluation.to_dict()
    rows: list[Document] = [*document["positions"], *document["pools"], document]
    for row in rows:
        row["evidence"] = sorted({each["code"] for each in row.get("evidence", ())})
        for key in ("notes", "reasons"):
            row[key] = sorted(row.get(key, ()))
    positions, pools = document["positions"], document["pools"]
    del document["policy"]
    document["positions"], document["pools"] = (
        {each["id"]: each for each in positions},
        {each["pool"]: each for each in pools},
    )
    return document


def answer(drawn: Documents) -> Document:
    """The product's answer, by content."""
    return content(engine_of(drawn.policy).evaluate(drawn.account, drawn.market))


@st.composite
def shuffled(draw: st.DrawFn, account: Document) -> Document:
    """The account with positions, orders and assets in another order."""
    lists = {key: draw(st.permutations(account[key])) for key in ("positions", "orders")}
    assets = {key: dict(draw(st.permutations(list(account[key].items())))) for key in ("collateral", "group_margins")}
    return account | lists | assets


@st.composite
def respelled(draw: st.DrawFn, value: Any, key: str = "") -> Any:
    """The document with other spellings of its numbers, some as JSON numbers."""
    if isinstance(value, dict):
        return {name: draw(respelled(member, name)) for name, member in value.items()}
    if isinstance(value, list):
        return [draw(respelled(member)) for member in value]
    if not isinstance(value, str) or key in TEXTS or not GRAMMAR.fullmatch(value):
        return value
    zeros = "0" if "." in value else ".0"
    sign, digits = "-" if value[0] == "-" else "", value.replace(".", "").lstrip("-0") or "0"
    scientific = f"{sign}{digits}e-{len(value.partition('.')[2])}"
    return draw(st.sampled_from((value, value + zeros, scientific)))


SMALL = st.booleans().flatmap(lambda doubts: documents(4, 3, 5, 3, doubts))


@examples(60)
@given(st.data(), SMALL)
def test_evaluate__whatever_the_order_of_the_documents(data: st.DataObject, drawn: Documents) -> None:
    """The order of positions, orders and collateral changes nothing."""
    other = Documents(drawn.policy, data.draw(shuffled(drawn.account)), drawn.market)
    assert answer(drawn) == answer(other)


@examples(60)
@given(st.data(), SMALL)
def test_evaluate__whatever_the_spelling_of_numbers(data: st.DataObject, drawn: Documents) -> None:
    """1.5, 1.50 and 15e-1 are one number, in accounts, markets and policies, in dicts and in JSON text."""
    account, market = data.draw(respelled(drawn.account)), data.draw(respelled(drawn.market))
    engine = engine_of(drawn.policy)
    assert answer(drawn) == content(engine.evaluate(account, market))
    assert answer(drawn) == content(engine.evaluate(json.dumps(account), json.dumps(market)))


@examples(40)
@given(st.data(), SMALL)
def test_policy__has_one_digest_whatever_the_spelling_of_numbers(data: st.DataObject, drawn: Documents) -> None:
    """A policy's digest names its content."""
    policy = drawn.policy | {key: data.draw(respelled(drawn.policy[key])) for key in ("tables", "liquidation")}
    assert engine_of(policy).policy.digest == engine_of(drawn.policy).policy.digest


@examples(40)
@given(SMALL)
def test_evaluate__whether_instruments_are_named_or_matched(drawn: Documents) -> None:
    """An instrument listed by its name is the one that a glob matches."""
    policy = copy.deepcopy(drawn.policy)
    policy["instruments"] = {
        key.removesuffix("*") if key.endswith("*") else key + "*": document
        for key, document in policy["instruments"].items()
    }
    assert answer(drawn) == answer(Documents(policy, drawn.account, drawn.market))
