"""Versions of a policy in force, and positions under the version that is for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import Engine
from rules_engine.engine.book_rows import book_from_columns, book_of
from rules_engine.engine.documents import decode_account, decode_market
from rules_engine.engine.quote import Quotes
from rules_engine.engine.sweep_rows import STATUSES
from rules_engine.errors import PolicyError
from rules_engine.extension.registry import load_registry
from rules_engine.life.versions import PolicyLine
from rules_engine.numbers.exact import exactly
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.terms.policy import Policy

MARCH, APRIL, MAY, JUNE = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5, 6))
INSTANT = timedelta(microseconds=1)


def policy(version: str, rate: str = "0.01", **header: str) -> Policy:
    """A version with one tier of this maintenance rate."""
    lines = ["schema: rules-engine/policy/1", "policy: line", f"version: {version}"]
    lines += [f"{key}: {value}" for key, value in header.items()]
    lines += [
        "settlement: {currency: USDT, quantum: 0.01}",
        "modes: {isolated: {}, cross: {}}",
        "collateral: {USDT: {haircut: 0}}",
        f"tables: {{t: {{tiers: [{{up_to: unlimited, maintenance_rate: {rate}, initial_rate: 0.5}}]}}}}",
        "instruments: {BTC: {payoff: linear, table: t}, ETH: {payoff: linear, table: t}}",
    ]
    made, problems = check_policy("\n".join(lines).encode(), "line.yaml", load_registry(), policy_finder(None))
    assert made is not None, problems
    return made


def since(at: datetime) -> str:
    """An instant as a policy states it."""
    return at.isoformat().replace("+00:00", "Z")


V1 = policy("1.0.0")
V2 = policy("2.0.0", "0.02", effective_from=since(MARCH))
V3 = policy("3.0.0", "0.04", effective_from=since(MAY), applies_to="new_positions")
LENT = policy("1.5.0", "0.03", effective_from=since(MARCH), effective_until=since(APRIL))


@pytest.mark.parametrize(
    ("at", "version"),
    [
        (MARCH - INSTANT, "1.0.0"),
        (MARCH, "2.0.0"),
        (MAY - INSTANT, "2.0.0"),
        (MAY, "3.0.0"),
        (MAY.astimezone(timezone(timedelta(hours=9))), "3.0.0"),
    ],
)
def test_line__has_one_version_in_force_at_every_instant(at: datetime, version: str) -> None:
    """From its own beginning on, whatever the order in which versions are given."""
    assert PolicyLine([V3, V1, V2]).in_force(at).version == version


def test_line__has_none_where_a_version_ends_before_the_next() -> None:
    """The end is the first instant at which it does not hold; the one before it does not come back by itself."""
    line = PolicyLine([V1, LENT, V3])
    found = [line.in_force(at).version for at in (MARCH - INSTANT, MARCH, APRIL - INSTANT, MAY)]
    assert found == ["1.0.0", "1.5.0", "1.5.0", "3.0.0"]
    for at in (APRIL, MAY - INSTANT):
        assert refused(lambda at=at: line.in_force(at)).startswith("VERSION_NONE no version of line is in force")


def test_line__of_turns_has_one_back_where_another_was_undone() -> None:
    """As a store says it after a rollback, and as it is put in force anew."""
    line = PolicyLine.of_turns([(MARCH, V1, None), (APRIL, V2, MAY)])
    assert [line.in_force(at).version for at in (MARCH, APRIL, MAY - INSTANT, MAY)] == [
        "1.0.0",
        *2 * ["2.0.0"],
        "1.0.0",
    ]
    line = PolicyLine.of_turns([(MARCH, V1, None), (APRIL, V2, None), (MAY, V1, None)])
    assert [line.in_force(at).version for at in (MARCH, APRIL, MAY)] == ["1.0.0", "2.0.0", "1.0.0"]


@given(
    st.lists(st.booleans(), min_size=1, max_size=5),
    st.integers(0, 12),
    st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), min_size=1, max_size=20),
)
def test_rollback__of_the_newest_leaves_every_position_as_if_it_had_never_been(
    kinds: list[bool], undone: int, asked: list[tuple[int, int]]
) -> None:
    """Whatever is for new positions or for all, at any instant, opened at any other: before it, as with it."""
    days = [MARCH + timedelta(days=day) for day in range(20)]
    made = [(V1, V2_NEW)[new] for new in kinds]
    turns = [(days[2 * at], each, None) for at, each in enumerate([V1, *made])]
    ends = turns[-1][0] + timedelta(days=undone)
    lines = (turns, turns[:-1], [*turns[:-1], (*turns[-1][:2], ends)])
    with_it, without, rolled_back = (PolicyLine.of_turns(each) for each in lines)
    for opened, asked_at in asked:
        at = days[asked_at]
        wanted = with_it if at < ends else without
        assert _governs(rolled_back, days[opened], at) == _governs(wanted, days[opened], at)
        assert rolled_back.governing(at) == wanted.governing(at)


V2_NEW = policy("2.0.0", "0.02", applies_to="new_positions", effective_from=since(MARCH))


def _governs(line: PolicyLine, opened: datetime, at: datetime) -> tuple[str, str | None]:
    """The version of a pool, and that of a position which was opened at an instant."""
    evaluation = line.evaluate(account("isolated", opened), market(at))
    return evaluation.policy.version, str(evaluation.positions[0].maintenance_margin)


@pytest.mark.parametrize("third", ["all_positions", "new_positions"])
def test_rollback__to_a_version_for_new_positions_leaves_each_its_own(third: str) -> None:
    """1 % for all, 2 % for new ones from April on, 4 % since May, which is undone: 10 and 20 on 1,000 again."""
    second = policy("2.0.0", "0.02", applies_to="new_positions", effective_from=since(APRIL))
    newest = policy("3.0.0", "0.04", applies_to=third, effective_from=since(MAY))
    undone = MAY + timedelta(days=9)
    line = PolicyLine.of_turns([(MARCH, V1, None), (APRIL, second, None), (MAY, newest, undone)])
    for opened, margin in ((MARCH, 10), (APRIL - INSTANT, 10), (APRIL, 20), (MAY, 20), (undone, 20)):
        assert margins(line, account("isolated", opened), undone) == [margin]
    assert margins(line, account("isolated", MAY), undone - INSTANT) == [40]


def refused(make: Any) -> str:
    """The problem that a line raises."""
    with pytest.raises(PolicyError) as caught:
        make()
    (problem,) = caught.value.problems
    return str(problem)


def test_line__names_what_leaves_it_without_one_answer() -> None:
    """No version, an instant without a zone, and versions that cannot stand beside each other."""
    assert refused(lambda: PolicyLine([V2, V3]).in_force(MARCH - INSTANT)) == (
        "VERSION_NONE no version of line is in force at 2026-02-28T23:59:59.999999Z "
        "(there is 2.0.0 from 2026-03-01T00:00:00Z; 3.0.0 from 2026-05-01T00:00:00Z)"
    )
    assert refused(lambda: PolicyLine([LENT]).in_force(APRIL)).startswith("VERSION_NONE")
    assert refused(lambda: PolicyLine([]).in_force(APRIL)).startswith("VERSION_NONE")
    assert refused(lambda: PolicyLine([V1]).in_force(datetime(2026, 3, 1))).startswith("TIME_NAIVE")
    assert refused(lambda: PolicyLine([V2, LENT])).startswith("VERSION_AMBIGUOUS line 2.0.0 and 1.5.0")
    assert refused(lambda: PolicyLine([V1, policy("1.1.0")])).startswith("VERSION_AMBIGUOUS")
    assert "POLICY_OTHER" in refused(lambda: PolicyLine([V1, named(V2, "other")]))
    assert "VERSION_TWICE" in refused(lambda: PolicyLine([V1, policy("1.0.0", effective_from=since(MAY))]))


def named(version: Policy, name: str) -> Policy:
    """A version under another name."""
    return msgspec.structs.replace(version, name=name)


def account(mode: str, *opened: datetime | None) -> dict[str, Any]:
    """Long positions of 10 contracts at 100, each of its own instrument, opened at these instants."""
    rows = [
        {
            "id": f"p{i}",
            "instrument": ("BTC", "ETH")[i],
            "mode": mode,
            "quantity": "10",
            "entry_price": "100",
            "leverage": "2",
            **({"margin": "500"} if mode == "isolated" else {}),
            **({} if at is None else {"opened_at": since(at)}),
        }
        for i, at in enumerate(opened)
    ]
    return {"account": "A", "collateral": {"USDT": "1000"}, "positions": rows}


def market(at: datetime, mark: str = "100") -> dict[str, Any]:
    """Both instruments at one mark."""
    rows = {name: {"mark_price": mark, "time": since(at)} for name in ("BTC", "ETH")}
    return {"as_of": since(at), "instruments": rows}


def margins(line: PolicyLine, held: dict[str, Any], at: datetime) -> list[Decimal | None]:
    """The maintenance margins that a line gives."""
    return [each.maintenance_margin for each in line.evaluate(held, market(at)).positions]


def test_position__has_the_version_that_is_for_it() -> None:
    """Notional 1,000: 20 under 2.0.0 and 40 under 3.0.0, which is for those opened from the first of May on."""
    line = PolicyLine([V1, V2, V3])
    for mode in ("isolated", "cross"):
        assert margins(line, account(mode, MAY - INSTANT, MAY), MAY) == [20, 40]
        assert margins(line, account(mode, MARCH - INSTANT, MAY), MAY - INSTANT) == [20, 20]
        assert margins(line, account(mode, MAY, MAY), MARCH - INSTANT) == [10, 10]
    evaluation = line.evaluate(account("cross", APRIL, MAY), market(MAY))
    assert [each.version for each in evaluation.positions] == ["2.0.0", None]
    assert evaluation.policy.version == "3.0.0"
    assert evaluation.pools[0].maintenance_margin == 60
    assert "version" in evaluation.positions[0].to_dict()
    assert "version" not in evaluation.positions[1].to_dict()


def test_position__under_versions_each_for_new_positions_has_the_one_of_its_day() -> None:
    """Three of them: who was there before the second has the first."""
    lines = [V1, policy("2.0.0", "0.02", effective_from=since(MARCH), applies_to="new_positions"), V3]
    for opened, expected in ((MARCH - INSTANT, 10), (MARCH, 20), (MAY - INSTANT, 20), (MAY, 40)):
        assert margins(PolicyLine(lines), account("isolated", opened), MAY) == [expected]


ENDED = policy("2.0.0", "0.02", effective_from=since(MARCH), effective_until=since(JUNE), applies_to="new_positions")


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_position__of_a_version_that_has_ended_is_undetermined_and_no_other(mode: str) -> None:
    """10 under the first still, 40 under the newest; 20 to the last instant under the second, then nothing."""
    line, sweep = PolicyLine([V1, ENDED, V3]), None
    rows = (MARCH - INSTANT, 10), (MARCH, 20), (MAY - INSTANT, 20), (MAY, 40), (JUNE, 40)
    book = book_of([decode_account(account(mode, at) | {"account": f"A{i}"}) for i, (at, _) in enumerate(rows)])
    for at, ended in ((JUNE - INSTANT, False), (JUNE, True), (JUNE + INSTANT, True)):
        sweep = line.at(market(at)).sweep(book, market(at), into=sweep)
        slots = sweep.book.slots.tolist()
        for slot, (opened, margin) in zip(slots, rows, strict=True):
            found = line.evaluate(account(mode, opened), market(at))
            unknown = ended and margin == 20
            assert (found.pools[0].status == "undetermined") is unknown
            assert (STATUSES[sweep.columns.status[slot]] == "undetermined") is unknown
            assert unknown or found.positions[0].maintenance_margin == margin == sweep.columns.maintenance_margin[slot]
    text = "BTC is held under version 2.0.0 of the policy, which ended at 2026-06-01T00:00:00Z"
    assert doubt_of(line, account(mode, MARCH), JUNE) == ("VERSION_UNKNOWN", text)


def doubt_of(line: PolicyLine, held: dict[str, Any], at: datetime) -> tuple[str, str]:
    """The code and the words of the one doubt about an account's pools."""
    pools = line.evaluate(held, market(at)).to_dict()["pools"]
    (doubt,) = [each for pool in pools for each in pool.get("evidence", ())]
    return doubt["code"], doubt["message"]


def test_position__of_a_version_for_all_that_has_ended_does_not_fall_back_to_an_older_one() -> None:
    """The one for all had taken over whatever was there before it."""
    line = PolicyLine([V1, LENT, V3])
    for opened in (MARCH - INSTANT, MARCH, APRIL):
        text = "BTC is held under version 1.5.0 of the policy, which ended at 2026-04-01T00:00:00Z"
        assert doubt_of(line, account("cross", opened), MAY) == ("VERSION_UNKNOWN", text)
    assert margins(line, account("cross", MAY), MAY) == [40]


@pytest.mark.parametrize("opened", [None, MARCH])
def test_position__of_which_no_version_can_be_told_leaves_its_pool_undetermined(opened: datetime | None) -> None:
    """It states no `opened_at`, or was opened before there was any version for it."""
    engine = Engine(V3)
    evaluation = engine.evaluate(account("cross", opened, MAY), market(MAY))
    assert evaluation.pools[0].status == "undetermined"
    assert "VERSION_UNKNOWN" in json.dumps(evaluation.to_dict())


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_sweep__gives_every_row_its_version(mode: str) -> None:
    """Rows of every age on columns and by `evaluate`: 960 is what three contracts of ten at 94 leave, and so on."""
    line = PolicyLine([V1, V2, V3])
    ages = [None, MARCH - INSTANT, APRIL, MAY - INSTANT, MAY, MAY + INSTANT]
    accounts = []
    for i, (one, other) in enumerate((one, other) for one in ages for other in ages):
        accounts.append(account(mode, one, other) | {"account": f"A{i}", "collateral": {"USDT": "150"}})
    for mark in ("52", "100"):
        at = market(MAY, mark)
        engine = line.at(at)
        sweep = engine.sweep(book_of([decode_account(each) for each in accounts]), at)
        slots = sweep.book.slots.tolist()
        for number, (held, position) in enumerate((held, i) for held in accounts for i in (0, 1)):
            evaluation = engine.evaluate(held, at)
            found, pools = evaluation.positions[position], {pool.pool: pool for pool in evaluation.pools}
            assert STATUSES[sweep.columns.status[slots[number]]] == pools[found.pool or ""].status
            if pools[found.pool or ""].status != "undetermined":
                assert sweep.columns.maintenance_margin[slots[number]] == float(found.maintenance_margin or 0)
        assert set(sweep.exactly) <= {"too close to a line", "accounts decided whole"}


def test_sweep__of_a_book_without_times_is_undetermined_under_a_version_for_new_positions() -> None:
    """Nobody knows which of the rows are new."""
    columns = {"account": ["A", "B"], "id": ["p", "p"], "instrument": ["BTC", "ETH"], "mode": ["isolated"] * 2}
    columns |= {"quantity": ["10", "-10"], "entry_price": ["100"] * 2, "margin": ["500"] * 2}
    sweep = Engine(V3).sweep(book_from_columns(columns), market(MAY))
    assert [STATUSES[status] for status in sweep.columns.status] == ["undetermined"] * 2


def test_quotes__in_another_market_are_of_the_same_versions() -> None:
    """10 contracts at 94, opened before the version for new positions began."""
    with exactly():
        quotes = Quotes(V3, decode_market(market(MAY)), elders=(V2,)).at(decode_market(market(MAY, "94")))
        quote = quotes.of_cohort("BTC", 1)
    assert (quote.version, quote.value) == ("2.0.0", 94)
