"""What holds of every portfolio: shares add up, hedges never cost more than apart, order does not matter."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from random import Random

import pytest
from portfolio_documents import account, engine_of, market

from rules_engine import Evaluation
from rules_engine.engine.documents import decode_account, decode_market
from rules_engine.engine.engine import Quotes
from rules_engine.engine.evaluate import solve
from rules_engine.engine.sums import Sums
from rules_engine.numbers.exact import EXACT, Exact, exactly

NAMES = ("BTC_F1", "BTC_F2", "ETH_F1", "BTC_I1", "BTC_C90", "BTC_C100", "BTC_C400", "BTC_P90", "BTC_P110", "BTC_P20")
FULL = "short_option_minimum: 2, initial_multiplier: 1.2, spread_credits: [{legs: {BTC: 1, ETH: -1}, rate: 0.6}]"
FLOORED = "short_option_minimum: 2"


def portfolio(random: Random, count: int = 6) -> dict[str, str]:
    """Quantities of some instruments, long and short."""
    names = random.sample(NAMES, count)
    return {name: str(Decimal(random.choice((-1, 1)) * random.randint(1, 5000)).scaleb(-2)) for name in names}


def sums(parameters: str, quantities: Mapping[str, str]) -> Sums:
    """The unrounded sums of an account's pool."""
    policy, prices = engine_of(parameters).policy, decode_market(market())
    with exactly():
        solved = solve(policy, decode_account(account(**quantities)), prices, Quotes(policy, prices)).solved
        found = solved["A/portfolio"].sums
    assert found is not None
    return found


def required(parameters: str, quantities: Mapping[str, str]) -> Exact:
    """The unrounded maintenance margin."""
    maintenance: Exact = sums(parameters, quantities).maintenance
    return maintenance


@pytest.mark.parametrize("seed", range(20))
def test_attribution__adds_up_exactly(seed: int) -> None:
    """What positions account for is, unrounded, what the pool requires."""
    found = sums(FULL, portfolio(Random(seed)))
    with exactly():
        for name in ("initial", "maintenance"):
            shares = EXACT.total(getattr(leg.requirement, name) for leg in found.legs)
            assert shares == getattr(found, name)


@pytest.mark.parametrize("seed", range(20))
def test_portfolio__requires_no_more_than_its_parts(seed: int) -> None:
    """Two portfolios together require at most what they do apart."""
    random = Random(seed)
    whole = portfolio(random, 8)
    names = list(whole)
    first, second = ({name: whole[name] for name in part} for part in (names[:4], names[4:]))
    with exactly():
        apart = required(FLOORED, first) + required(FLOORED, second)
        assert required(FLOORED, whole) <= apart


@pytest.mark.parametrize("seed", range(10))
def test_requirement__grows_with_the_portfolio(seed: int) -> None:
    """All positions tripled require three times as much."""
    one = portfolio(Random(seed))
    tripled = {name: str(3 * Decimal(quantity)) for name, quantity in one.items()}
    with exactly():
        assert required(FULL, tripled) == 3 * required(FULL, one)


@pytest.mark.parametrize("seed", range(10))
def test_requirement__is_at_least_the_short_option_minimum(seed: int) -> None:
    """2 for each short option."""
    quantities = portfolio(Random(seed))
    short = sum(-min(Decimal(quantity), Decimal(0)) for name, quantity in quantities.items() if name[4] in "CP")
    with exactly():
        assert required(FULL, quantities) >= 2 * short


@pytest.mark.parametrize("seed", range(10))
def test_spread_credits__only_lower_the_requirement(seed: int) -> None:
    """With credits no portfolio requires more."""
    quantities = {**portfolio(Random(seed)), "ETH_F1": "-30"}
    with exactly():
        assert required(FULL, quantities) <= required(FLOORED, quantities)


def by_id(evaluation: Evaluation) -> dict[str, object]:
    """Positions by id."""
    return {one.id: one for one in evaluation.positions}


@pytest.mark.parametrize("seed", range(5))
def test_order_of_positions__does_not_matter(seed: int) -> None:
    """Neither to the pool nor to any position."""
    random = Random(seed)
    quantities = portfolio(random)
    shuffled = dict(random.sample(sorted(quantities.items()), len(quantities)))
    engine = engine_of(FULL)
    one, other = (engine.evaluate(account("3000", **each), market()) for each in (quantities, shuffled))
    assert one.pools == other.pools
    assert by_id(one) == by_id(other)
