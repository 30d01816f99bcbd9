"""Masking, searched for leaks: no name, nor any part of one, stands anywhere in what a masked log holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import pytest
import rules_engine_standard_modes
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import Engine
from rules_engine.engine.book_rows import book_of
from rules_engine.engine.documents import decode_account, decode_market, decode_order
from rules_engine.extension.registry import build_registry
from rules_engine.life.decisions.decision_documents import account_of, answer_document
from rules_engine.life.decisions.decision_masks import named_by_id
from rules_engine.life.decisions.decision_records import (
    Manner,
    Stamp,
    evaluation_entry,
    logged_market,
    order_entry,
    sweep_entry,
)
from rules_engine.plugin import (
    Backing,
    Exposure,
    Mode,
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolLabel,
    PositionLabels,
    Requirement,
    hookimpl,
    notional,
)
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from tests.builders import AS_OF, FLAT, FLAT_INSTRUMENTS, SECTIONS, position
from tests.life.decisions import MARKET, MASK, NOW, ORDER
from tests.properties.accounts import documents_with_order
from tests.properties.documents import Documents
from tests.properties.laws import examples
from tests.properties.product import engine_of as engine_under

NAMES: Final = st.text("Ωж✈", min_size=12, max_size=20)
"""Names of letters that stand nowhere else, so that any part of one in a record is a leak."""


def renamed(account: dict[str, Any], order: dict[str, Any], called: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The account and the order under other names, of ids too."""
    rows = [*account["positions"], *account["orders"], order]
    ids = {row["id"]: name for row, name in zip(rows, called[1:], strict=False)}

    def row(document: dict[str, Any]) -> dict[str, Any]:
        return document | {
            field: ids.get(document[field], called[-1]) for field in ("id", "position") if document.get(field)
        }

    renamed = account | {
        "account": called[0],
        "positions": [row(each) for each in account["positions"]],
        "orders": [row(each) for each in account["orders"]],
    }
    return renamed, row(order)


@examples(60)
@given(documents_with_order(doubts=True), st.lists(NAMES, min_size=9, max_size=9, unique=True), st.booleans())
def test_records__hold_no_part_of_a_name(drawn: tuple[Documents, Any], called: list[str], known: bool) -> None:
    """Under any policy, of evaluations, orders and sweeps, also where an order acts on a position that is not there."""
    documents, ordered = drawn
    engine = engine_under(documents.policy)
    account, order = renamed(documents.account, ordered if known else ordered | {"position": "none"}, called)
    records = records_of(engine, account, documents.market, order)
    for text in records:
        assert not set("Ωж✈") & set(text)
        assert "\\u03a9" not in text


def records_of(engine: Engine, account: Any, market: Any, order: Any) -> list[str]:
    """The records of an evaluation, an order and a sweep, as text."""
    manner = Manner(MASK, by_position=named_by_id(engine.policy))
    one, at, other = decode_account(account), decode_market(market), decode_order(order)
    stamp, logged = Stamp("d", NOW), logged_market(at)
    entries = [
        evaluation_entry(stamp, one, logged, engine.evaluate(one, at), manner),
        order_entry(stamp, one, logged, other, engine.check_order(one, at, other), manner),
        sweep_entry(stamp, book := book_of([one]), logged, engine.sweep(book, at), manner),
    ]
    return [json.dumps(json.loads(entry.record), ensure_ascii=False) for entry in entries]


class Named:
    """Calls a pool by the position and its group, but by the instrument where it has none."""

    name = "named"
    parameters: ParameterSchema = {}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """Backed by the position's own margin."""
        key = position.instrument if position.group is None else f"{position.group}:{position.id}:{position.id}"
        return PoolLabel(key=key, backing=Backing.POSITION)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """A hundredth of notional, for both figures."""
        size = num.constant("0.01") * notional(num, exposure)
        return Requirement(size, size)


class Failing(Named):
    """Says the names of what it fails about, and has no pool for positions of no instrument."""

    name = "failing"

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """As the other one, by ids alone."""
        if position.instrument == "-":
            raise ValueError(f"of {position}")
        return PoolLabel(key=position.id, backing=Backing.POSITION)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """Always raises."""
        raise ValueError(f"of {exposure}")


class Strangers:
    """The plugin that supplies them."""

    @hookimpl
    def rules_engine_margin_modes(self) -> Sequence[Mode]:
        """Both."""
        return (Named(), Failing())


@pytest.mark.parametrize("mode", ["named", "failing"])
def test_records__under_modes_of_strangers(mode: str) -> None:
    """Pools that are called by ids in some cases only, and faults that quote what they are about."""
    sections = {**SECTIONS, "tables": FLAT, "instruments": FLAT_INSTRUMENTS, "modes": f"{{{mode}: {{}}, cross: {{}}}}"}
    text = "".join(f"{name}: {section}\n" for name, section in sections.items())
    registry = build_registry([rules_engine_standard_modes, Strangers()])
    policy, problems = check_policy(text.encode(), "strange.yaml", registry, policy_finder(None))
    assert policy is not None, "\n".join(str(problem) for problem in problems)
    rows = [
        position("1", id="alices-1", mode=mode, margin="10"),
        position("2", id="alices-11", mode=mode, margin="10", group="G", instrument="ETHUSDT"),
        position("1", id="alices-3", mode="nothing", margin="10"),
    ]
    resting = {"id": "alices-o", "instrument": "SOLUSDT", "mode": mode, "quantity": "1"}
    held = {"account": "Alice", "collateral": {"USDT": "50"}, "positions": rows, "orders": [resting]}
    order = {"id": "alices-next", "instrument": "ETHUSDT", "mode": mode, "quantity": "1", "position": "alices-11"}
    marks = {name: {"mark_price": "98", "time": AS_OF} for name in ("BTCUSDT", "ETHUSDT", "SOLUSDT")}
    at = MARKET | {"instruments": marks}
    for asked in (order, order | {"position": "alices-none"}, order | {"instrument": "SOLUSDT", "position": None}):
        for record in records_of(Engine(policy), held, at, {k: v for k, v in asked.items() if v is not None}):
            assert "lice" not in record


def test_answers__to_masked_inputs_are_those_that_were_masked() -> None:
    """Also where a mode calls pools by ids, so that a masked log of it is replayed as any other."""
    sections = {**SECTIONS, "tables": FLAT, "instruments": FLAT_INSTRUMENTS, "modes": "{named: {}, cross: {}}"}
    text = "".join(f"{name}: {section}\n" for name, section in sections.items())
    registry = build_registry([rules_engine_standard_modes, Strangers()])
    policy, _ = check_policy(text.encode(), "strange.yaml", registry, policy_finder(None))
    assert policy is not None
    engine = Engine(policy)
    rows = [position("1", id=id, mode="named", margin="10", group=id[0]) for id in ("Gx", "Hx")]
    rows[1]["instrument"] = "ETHUSDT"
    record = json.loads(records_of(engine, {"account": "A", "collateral": {}, "positions": rows}, MARKET, ORDER)[0])
    again = engine.evaluate(account_of(record["inputs"]["account"]), MARKET)
    assert answer_document(again) == record["answer"]
