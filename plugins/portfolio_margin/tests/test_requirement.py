"""What a pool requires, worked by hand through documents."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from portfolio_documents import POLICY, account, engine_of, figures, market, option, registry
from rules_engine_portfolio_margin.payoffs import Call

from rules_engine import Evaluation
from rules_engine.extension.hookspecs import hookimpl
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder

SPREAD = "spread_credits: [{legs: {BTC: 1, ETH: -1}, rate: 0.5}]"


def evaluated(parameters: str = "", /, **quantities: str) -> Evaluation:
    """An account with these positions, in the example market."""
    return engine_of(parameters).evaluate(account(**quantities), market())


def maintenance(parameters: str = "", /, **quantities: str) -> Decimal:
    """The maintenance margin of an account with these positions."""
    found = evaluated(parameters, **quantities).pools[0].maintenance_margin
    assert found is not None
    return found


def rounded_up(x: Fraction) -> Decimal:
    """As the engine prints a requirement, to a quantum of 1e-8."""
    return Decimal(-(-x.numerator * 10**8 // x.denominator)).scaleb(-8)


def test_future__loses_its_scan_range() -> None:
    """2 at 100 and 10 %; the extreme move, 30 % of which 32 % count, is less."""
    assert maintenance(BTC_F1="2") == maintenance(BTC_F1="-2") == 20


@pytest.mark.parametrize(
    ("quantity", "loss"),
    [("3", (Fraction(10, 7) - 1) * Fraction(32, 100)), ("-3", 1 - Fraction(10, 11))],
)
def test_inverse_contract__moves_by_its_reciprocal(quantity: str, loss: Fraction) -> None:
    """A contract of 100 USD at 100 is worth -1: a long loses most at 70 (of which 32 % count), a short at 110."""
    assert maintenance(BTC_I1=quantity) == rounded_up(3 * loss)


def test_futures__of_one_underlying_net() -> None:
    """Long 2 of one expiry and short 2 of another lose nothing in any scenario; which is then said to be none."""
    evaluation = evaluated(BTC_F1="2", BTC_F2="-2")
    assert evaluation.pools[0].maintenance_margin == 0
    assert figures(evaluation)["BTC.worst_scenario"] == 0


def test_underlyings__do_not_net_without_a_credit() -> None:
    """10 % of 1000 and of 500."""
    assert maintenance(BTC_F1="10", ETH_F1="-5") == 150


def test_parameters__of_one_underlying() -> None:
    """ETH moves by 20 %: 0.2 * 500; BTC as all others."""
    assert maintenance("underlyings: {ETH: {price_scan_range: 0.2}}", BTC_F1="10", ETH_F1="-5") == 200


def test_initial__is_a_multiple_of_maintenance() -> None:
    """1.5 times, for the pool and each of its positions."""
    evaluation = evaluated("initial_multiplier: 1.5", BTC_F1="10", ETH_F1="-5")
    assert evaluation.pools[0].initial_margin == 225
    assert [one.initial_margin for one in evaluation.positions] == [150, 75]


def test_long_option__requires_less_than_its_value() -> None:
    """At most what it is worth can be lost; a call at the money for a fifth of a year at 50 %: 8.8935 by Black-76."""
    assert Decimal(4) < maintenance(BTC_C100="1") < Decimal("8.8936")


def test_short_option__far_out_requires_the_minimum() -> None:
    """Calls at 400 on an underlying at 100 lose almost nothing; 5 for each that is short."""
    evaluation = evaluated("short_option_minimum: 5", BTC_C400="-3", BTC_P20="-2")
    assert evaluation.pools[0].maintenance_margin == 25
    assert [one.maintenance_margin for one in evaluation.positions] == [15, 10]


def test_short_option_minimum__counts_short_options_only() -> None:
    """Long options and futures have none, and do not take off that of others."""
    assert figures(evaluated("short_option_minimum: 5", BTC_C400="-3", BTC_P20="2"))["BTC.short_option_minimum"] == 15


def test_spread_credit__of_opposite_deltas() -> None:
    """500 of 1000 are matched; each side is credited half of 10 % of 500: 100 - 25 and 50 - 25."""
    evaluation = evaluated(SPREAD, BTC_F1="10", ETH_F1="-5")
    assert evaluation.pools[0].maintenance_margin == 100
    assert [figures(evaluation)[f"{name}.spread_credit"] for name in ("BTC", "ETH")] == [25, 25]
    assert [one.maintenance_margin for one in evaluation.positions] == [75, 25]


def test_spread_credit__of_both_directions_alike() -> None:
    """Short BTC and long ETH form the same spread."""
    assert maintenance(SPREAD, BTC_F1="-10", ETH_F1="5") == 100


def test_spread_credit__needs_opposite_deltas() -> None:
    """Two longs are no spread."""
    assert maintenance(SPREAD, BTC_F1="10", ETH_F1="5") == 150


def test_spread_credit__by_weights() -> None:
    """2 of BTC against 1 of ETH: min(1000 / 2, 500) = 500 spreads; credits of 0.5 * 0.1 * 1000 and of half that."""
    assert maintenance("spread_credits: [{legs: {BTC: 2, ETH: -1}, rate: 0.5}]", BTC_F1="10", ETH_F1="-5") == 75


def test_spread_credit__uses_each_delta_once() -> None:
    """A second spread of the same legs finds ETH used up."""
    twice = "spread_credits: [{legs: {BTC: 1, ETH: -1}, rate: 0.5}, {legs: {BTC: 1, ETH: -1}, rate: 0.5}]"
    assert maintenance(twice, BTC_F1="10", ETH_F1="-5") == 100


def test_spread_credit__never_exceeds_the_risk() -> None:
    """Whole credit of a matched pair leaves nothing, not less."""
    assert maintenance("spread_credits: [{legs: {BTC: 1, ETH: -1}, rate: 1}]", BTC_F1="5", ETH_F1="-5") == 0


def test_spread_credit__comes_before_the_minimum() -> None:
    """Short calls keep their minimum whatever their delta is matched with."""
    parameters = "short_option_minimum: 500, spread_credits: [{legs: {BTC: 1, ETH: -1}, rate: 1}]"
    evaluation = evaluated(parameters, BTC_C100="-1", ETH_F1="5")
    assert evaluation.positions[0].maintenance_margin == 500


@pytest.mark.parametrize(
    "legs", ["{BTC: 1}", "{BTC: 1, ETH: 2}", "{BTC: -1, ETH: -2}", "{BTC: 1, ETH: 0}", "{BTC: 1, ETH: x}"]
)
def test_spread_credit__of_legs_that_are_no_spread_is_refused(legs: str) -> None:
    """At its place in the policy: a spread has two sides."""
    text = POLICY.format(parameters=f"spread_credits: [{{legs: {legs}, rate: 0.5}}]", instruments="")
    policy, problems = check_policy(text.encode(), "example.yaml", registry(), policy_finder(None))
    assert policy is None
    assert {problem.code for problem in problems} == {"PARAMETER_VALUE"}
    assert all("spread_credits" in problem.path for problem in problems)


def test_extreme_move__leaves_a_price_above_zero() -> None:
    """A range of 50 % three times over would take the price below zero; a put pays its strike, of which 32 % count."""
    evaluation = evaluated("underlyings: {BTC: {price_scan_range: 0.5}}", BTC_P90="-1")
    lost = -figures(evaluation)["BTC.scenario_16"]
    assert Decimal("0.32") * 80 < lost < Decimal("0.32") * 90


def test_liquidation_price__of_a_future() -> None:
    """Equity 30 + 2 * (p - 100) meets 0.1 * 2 * p at 170 / 1.8 = 94.44...; the printed price is the tick above."""
    evaluation = engine_of().evaluate(account("30", BTC_F1="2"), market())
    assert evaluation.positions[0].liquidation_price == Decimal("94.45")


def test_equity__counts_options_by_value_against_entry() -> None:
    """A call bought at 100 and marked at 10: collateral 1000 before the premium, equity 1000 + 10 - 100."""
    assert engine_of().evaluate(account("1000", BTC_C100="1"), market()).pools[0].equity == 910


def without(field: str, **quoted: Any) -> dict[str, Any]:
    """An option's market without one field."""
    return {name: value for name, value in option("100", **quoted).items() if name != field}


@pytest.mark.parametrize(
    ("quoted", "code"),
    [
        (option("100", measures={"interest_rate": "0"}), "MEASURE_MISSING"),
        (option("100", measures={"implied_volatility": "0.5"}), "MEASURE_MISSING"),
        (without("terms"), "REFERENCE_MISSING"),
        (without("index_price"), "INDEX_MISSING"),
        (without("expires_at"), "EXPIRY_MISSING"),
    ],
)
def test_missing_input__leaves_the_pool_undetermined(quoted: dict[str, Any], code: str) -> None:
    """What an option's value follows from has to be there."""
    pool = engine_of().evaluate(account(BTC_C100="1", BTC_F1="1"), market(BTC_C100=quoted)).pools[0]
    assert (pool.status, list(pool.reasons)) == ("undetermined", [code])


def test_missing_underlying__leaves_the_pool_undetermined() -> None:
    """Nobody says what an instrument without an underlying nets with."""
    pool = evaluated(NAKED="1").pools[0]
    assert (pool.status, list(pool.reasons)) == ("undetermined", ["REFERENCE_MISSING"])


def test_interest_rate__of_the_policy_where_the_market_has_none() -> None:
    """The parameter stands in for the measure, and gives way to it."""
    silent = market(BTC_C100=option("100", measures={"implied_volatility": "0.5"}))
    stated = market(BTC_C100=option("100", measures={"implied_volatility": "0.5", "interest_rate": "0.05"}))
    engine = engine_of("interest_rate: 0.05")
    known = engine_of().evaluate(account(BTC_C100="1"), stated).pools
    assert engine.evaluate(account(BTC_C100="1"), silent).pools == known
    assert (
        engine.evaluate(account(BTC_C100="1"), market()).pools
        == engine_of().evaluate(account(BTC_C100="1"), market()).pools
    )


def test_forward__by_a_measure() -> None:
    """At no interest the forward is the index; stated by a measure, it needs no index."""
    measures = {"implied_volatility": "0.5", "interest_rate": "0", "forward": "100"}
    forward = market(BTC_C100=option("100", index_price=None, measures=measures))
    found = engine_of("forward_measure: forward").evaluate(account(BTC_C100="1"), forward)
    assert found.pools == evaluated(BTC_C100="1").pools


class _Cubed(Call):
    """A payoff of which the mode knows nothing."""

    name = "cubed"
    required = ()


class _Stranger:
    """Another plugin."""

    @hookimpl
    def rules_engine_payoffs(self) -> list[Call]:
        return [_Cubed()]


def test_payoff__that_is_not_known_is_not_guessed() -> None:
    """How a contract of a stranger's payoff moves with its price is nothing to assume."""
    strange = "X1: {payoff: cubed, table: none, underlying: BTC}"
    engine = engine_of("", strange, _Stranger())
    pool = engine.evaluate(account(X1="1"), market(X1={"mark_price": "100"})).pools[0]
    assert (pool.status, list(pool.reasons)) == ("undetermined", ["REFERENCE_MISSING"])
