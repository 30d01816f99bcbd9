"""Liquidation prices on columns: those of exact numbers, to within their bound, or in doubt."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.engine.sweep_prices import CLOSE
from rules_engine.engine.sweep_rows import GroupTerms
from rules_engine.formulas.payoff import Linear
from rules_engine.formulas.requirement import tiered_requirement
from rules_engine.numbers.exact import divide
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import Exposure, Requirement
from tests.builders import account, engine_of, market, position
from tests.engine.priced import Priced, prices
from tests.numbers.strategies import cases
from tests.properties.product import engine_of as engine_of_document

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from exactness_documents import Drawing, market_of, policy_of

FEE = "{margin_call: 1.25, closing_fee: {rate: 0.001, counts_in: [%s], valued_at: %s}}"


def hold(rows: Sequence[Priced]) -> None:
    """Every row that is not in doubt has the exact price to within the bound, or none where there is none."""
    for row in rows:
        if row.value is not None and row.exact_value is not None and math.isfinite(row.value[1]):
            assert abs(Fraction(row.value[0]) - row.exact_value) <= Fraction(row.value[1]), row
        if row.doubtful:
            assert row.price is None
        elif row.exact is None or row.price is None:
            assert row.price is None, row
            assert row.exact is None, row
        else:
            assert abs(Fraction(row.price) - row.exact) <= Fraction(CLOSE) * row.exact, row


@pytest.mark.parametrize("seed", range(16))
def test_prices__are_the_exact_ones(seed: int) -> None:
    """Rows of every mode, payoff and form of table, random or at a line; few of marginal tables are in doubt."""
    random = Random(seed)
    document = policy_of(random)
    document["conventions"]["liquidation_price"] = random.choice(("solve", "solve", "at_mark"))
    at = market_of(random, document)
    held = [one.account for one in Drawing(random, document, at, seed % 2 == 1).accounts(150)]
    rows = prices(engine_of_document(document), at, held)
    hold(rows)
    marginal = [row for row in rows if row.form == "marginal"]
    assert sum(row.doubtful for row in marginal) <= len(marginal) / 50


SIZES = st.decimals("0.001", "100", places=3)
AMOUNTS = st.decimals("0", "100000", places=2)
POSITIONS = st.builds(
    lambda size, side, entry, margin, leverage: {
        "quantity": str(side * size),
        "entry": str(entry),
        "margin": str(margin),
        **({} if leverage is None else {"leverage": leverage}),
    },
    SIZES,
    st.sampled_from([1, -1]),
    st.decimals("0.1", "1000", places=1),
    AMOUNTS,
    st.sampled_from([None, "2", "10"]),
)


@cases(60)
@given(
    drawn=st.lists(POSITIONS, min_size=1, max_size=8),
    instrument=st.sampled_from(["BTCUSDT", "CONTRACTS", "CONTRACT_CLIFFS", "CLIFFS", "INVERSE", "QUANTO"]),
    mark=st.decimals("0.1", "1000", places=1),
    fee=st.sampled_from(
        [FEE % (counts, at) for counts in ("trigger", "maintenance, trigger") for at in ("mark", "bankruptcy")]
    ),
    conventions=st.sampled_from(["{}", "{maintenance_priced_at: entry}", "{liquidation_price: at_mark}"]),
)
def test_prices__lie_within_what_is_certified(
    drawn: list[dict[str, Any]], instrument: str, mark: Decimal, fee: str, conventions: str
) -> None:
    """The exact price is in the certified interval, for any payoff and table, fees and conventions, on either side."""
    engine = engine_of(liquidation=fee, conventions=conventions)
    rows = [position(id=f"p{n}", instrument=instrument, **fields) for n, fields in enumerate(drawn)]
    accounts = [{**account(row), "account": f"A{n}"} for n, row in enumerate(rows)]
    hold(prices(engine, market(**{instrument: str(mark)}), accounts))


def alone(quantity: str, margin: str, instrument: str = "BTCUSDT", **sections: str) -> float | None:
    """The price of an isolated position opened at 100, where the mark is."""
    (row,) = prices(
        engine_of(**sections), market(), [account(position(quantity, margin=margin, instrument=instrument))]
    )
    hold([row])
    assert not row.doubtful
    return row.price


WORKED: dict[str, tuple[tuple[str, ...], dict[str, str], Fraction | None]] = {
    "long: 100 + 10 (v - 100) = 0.01 * 10 v": (("10", "100"), {}, 900 / Fraction("9.9")),
    "short, a tier up: 100 - 10 (v - 100) = 0.02 * 10 v - 10": (("-10", "100"), {}, 1110 / Fraction("10.2")),
    "below the line already: 5 + 10 (v - 100) = 0.02 * 10 v - 10": (("10", "5"), {}, 985 / Fraction("9.8")),
    "on the line: 10 + 10 (v - 100) = 0.01 * 10 v": (("10", "10"), {}, Fraction(100)),
    "two tiers down: 4100 + 50 (v - 100) = 0.01 * 50 v": (("50", "4100"), {}, 900 / Fraction("49.5")),
    "none: a loss of all that it is worth leaves 100": (("10", "1100"), {}, None),
    "inverse, v = -100 / p: 1 + 10 (v + 1) = -0.01 * 10 v": (("10", "1", "INVERSE"), {}, 1010 / Fraction(11)),
    "inverse short without end: 11 - 10 (v + 1) is 1 at v = 0": (("-10", "11", "INVERSE"), {}, None),
    "quanto, v = p: 100 + 10 (v - 100) = 0.01 * 10 v": (("10", "100", "QUANTO"), {}, 900 / Fraction("9.9")),
    "by contracts: 200 + 20 (v - 100) = (0.05 * 20 - 0.4) v": (
        ("20", "200", "CONTRACTS"),
        {},
        1800 / Fraction("19.4"),
    ),
    "whole, by contracts: 200 + 20 (v - 100) = 0.05 * 20 v": (
        ("20", "200", "CONTRACT_CLIFFS"),
        {},
        Fraction(1800, 19),
    ),
    "fee at the mark: 100 + 10 (v - 100) = 0.011 * 10 v": (
        ("10", "100"),
        {"liquidation": FEE % ("trigger", "mark")},
        900 / Fraction("9.89"),
    ),
    "fee at bankruptcy, of 900: 100 + 10 (v - 100) = 0.1 v + 0.9": (
        ("10", "100"),
        {"liquidation": FEE % ("maintenance", "bankruptcy")},
        Fraction("900.9") / Fraction("9.9"),
    ),
    "maintenance at entry: 100 + 10 (v - 100) = 10": (
        ("10", "100"),
        {"conventions": "{maintenance_priced_at: entry}"},
        Fraction(91),
    ),
    "maintenance and fee frozen: 100 + 10 (v - 100) = 10 + 1": (
        ("10", "100"),
        {"conventions": "{liquidation_price: at_mark}", "liquidation": FEE % ("trigger", "mark")},
        Fraction("91.1"),
    ),
}
"""Tables of 1 %, 2 % from 1,000 and 5 % from 5,000; by contracts 1 %, and 5 % from 10. Opened at 100, mark 100."""


@pytest.mark.parametrize("words", WORKED)
def test_price__is_the_one_worked_by_hand(words: str) -> None:
    """Where the equation in words holds, in fractions; no price where it holds at no positive one."""
    asked, sections, wanted = WORKED[words]
    found = alone(*asked, **sections)
    assert found == (None if wanted is None else pytest.approx(float(wanted), rel=CLOSE))


def test_price__of_shared_pools_follows_from_what_the_pool_stands_at() -> None:
    """Long 10 BTC, short 2 ETH at 100 with 150: 150 + 10 (v - 100) - 0.01 * 10 v - 2 = 0, and -2 (v - 100) - 10."""
    held = [position("10", mode="cross"), position("-2", id="p2", instrument="ETHUSDT", mode="cross")]
    rows = prices(engine_of(), market(), [account(*held, collateral={"USDT": "150"})])
    hold(rows)
    found = {row.id: row.price for row in rows}
    assert found["p1"] == pytest.approx(float(852 / Fraction("9.9")), rel=CLOSE)
    assert found["p2"] == pytest.approx(float(340 / Fraction("2.02")), rel=CLOSE)


class Halved:
    """A stranger's mode: half of what the table requires, and a step by the notional on initial margin alone."""

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: object) -> Requirement:
        answer = tiered_requirement(num, exposure)
        return Requirement(answer.initial, num.minimum(answer.maintenance * Decimal("0.5"), answer.maintenance))


class Rounding(Halved):
    """One that rounds what it requires."""

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: object) -> Requirement:
        answer = tiered_requirement(num, exposure)
        return Requirement(answer.initial, num.rounded(answer.maintenance, Decimal(1), "up"))


class Failing(Linear):
    """A payoff that reads prices back in exact numbers only."""

    def price(self, num: NumberSystem, value: Number, contract_size: Number, conversion: Number) -> Number:
        return divide(value, contract_size)


def under(**changes: Any) -> Callable[[GroupTerms], GroupTerms]:
    """What a group is priced under, with another mode, payoff or schedule."""

    def changed(common: GroupTerms) -> GroupTerms:
        allowed, quote = common.allowed, common.quote
        if "mode" in changes:
            allowed = msgspec.structs.replace(allowed, mode=changes["mode"])
        if "payoff" in changes:
            rule = msgspec.structs.replace(quote.rule, payoff=changes["payoff"])  # type: ignore[type-var]
            quote = msgspec.structs.replace(quote, rule=rule)
        if "rate" in changes:
            lines = ((changes["rate"], Decimal(0)),)
            severe = msgspec.structs.replace(quote.severe, floors=(Decimal(0),), lines=lines)  # type: ignore[type-var]
            quote = msgspec.structs.replace(quote, severe=severe)
        return msgspec.structs.replace(common, allowed=allowed, quote=quote)

    return changed


LONG = [account(position("10", margin="100"))]


def test_price__follows_a_stranger_s_mode() -> None:
    """By the table it stands at 90 at the mark of 100, so 90 + 10 (v - 100) - 0.005 * 10 (v - 100) = 0."""
    (row,) = prices(engine_of(), market(), LONG, under(mode=Halved()))
    assert row.price == pytest.approx(float(100 - 90 / Fraction("9.95")), rel=CLOSE)


@pytest.mark.parametrize(
    "changes",
    [{"mode": Rounding()}, {"payoff": Failing()}, {"rate": Decimal(1)}, {"rate": Decimal("1.5")}],
    ids=["rounds", "fails", "as steep as losses", "steeper"],
)
def test_price__is_left_to_exact_numbers(changes: dict[str, Any]) -> None:
    """What rounds, a payoff that columns cannot run, and maintenance that grows as fast as losses, or faster."""
    (row,) = prices(engine_of(), market(), LONG, under(**changes))
    assert (row.price, row.doubtful) == (None, True)


def test_price__in_a_table_with_cliffs_is_left_to_exact_numbers() -> None:
    """A requirement that jumps as the mark moves has no slope to follow."""
    (row,) = prices(engine_of(), market(), [account(position("10", margin="100", instrument="CLIFFS"))])
    assert (row.price, row.doubtful, row.value) == (None, True, None)


def test_price__of_what_stands_nowhere_is_none() -> None:
    """A pool of which nothing is known has no price, and exact numbers know no more."""
    (row,) = prices(engine_of(), market(), LONG, known=lambda standing: standing * np.nan)
    assert (row.price, row.doubtful) == (None, False)


def test_price__of_a_position_too_small_for_what_is_known_of_its_pool_is_in_doubt() -> None:
    """What every pool stands at is known to the largest one's rounding: too little for one of 10^-13 contracts."""
    held = [account(position("0.0000000000001", margin="0.00000000001")), account(position("1e9", margin="1e10"))]
    small, large = prices(engine_of(), market(), [{**each, "account": f"A{n}"} for n, each in enumerate(held)])
    hold([small, large])
    assert (small.doubtful, large.doubtful) == (True, False)
