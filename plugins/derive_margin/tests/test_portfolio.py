"""Properties of the mode, and corners of the algorithm worked by hand."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from derive_cases import file, options, parameters
from derive_documents import AS_OF, SHIPPED, account, account_measures, engine_of, market, registry
from rules_engine_derive_margin.shocks import listed, static_discounts, value_in
from rules_engine_portfolio_margin import black76

from rules_engine import Engine, Evaluation, load_policy
from rules_engine.engine.documents import decode_account, decode_market
from rules_engine.engine.engine import Quotes
from rules_engine.engine.evaluate import solve
from rules_engine.numbers.exact import EXACT, exactly
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.instrument import InstrumentView

Inputs = Mapping[str, Any]


def inputs_of(number: str) -> dict[str, Any]:
    """The inputs of one of Derive's cases."""
    case = next(case for case in file()["cases"] if case["id"] == f"derive-pmrm2-{number}")
    return dict(case["inputs"])


def evaluated(inputs: Inputs) -> Evaluation:
    """A case's account in its market."""
    return engine_of(inputs).evaluate(account(inputs), market(inputs))


def mixed() -> dict[str, Any]:
    """Options of two expiries, a perpetual and collateral."""
    inputs, other = inputs_of("025"), inputs_of("018")
    return {
        **inputs,
        "options": [*inputs["options"], *other["options"]],
        "feeds": [*inputs["feeds"], *other["feeds"]],
        "collaterals": [["ETH", "1.0", "2681.0", "0.5", True, "0.005", "0.015"]],
    }


def test_policy__that_is_shipped_has_the_parameters_of_the_cases() -> None:
    """Case 18 comes to the same under it."""
    inputs = inputs_of("018")
    engine = Engine(load_policy(SHIPPED, registry=registry()))
    assert engine.evaluate(account(inputs), market(inputs)).pools == evaluated(inputs).pools


def test_attribution__adds_up_exactly() -> None:
    """By block: options of one expiry share what that requires equally, the collateral's goes to all."""
    inputs = mixed()
    policy, prices = engine_of(inputs).policy, decode_market(market(inputs))
    with exactly():
        sums = (
            solve(policy, decode_account(account(inputs)), prices, Quotes(policy, prices)).solved["A/derive_pmrm2"].sums
        )
        assert sums is not None
        for name in ("initial", "maintenance"):
            shares = EXACT.total(getattr(leg.requirement, name) for leg in sums.legs)
            assert shares == getattr(sums, name)


def test_order_of_positions__does_not_matter() -> None:
    """Neither to the pool nor to what a position accounts for."""
    inputs = mixed()
    document = account(inputs)
    turned = {**document, "positions": document["positions"][::-1]}
    one, other = (engine_of(inputs).evaluate(each, market(inputs)) for each in (document, turned))
    assert one.pools == other.pools
    assert {each.id: each for each in one.positions} == {each.id: each for each in other.positions}


def test_values__are_worked_out_once_per_market(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each option in every scenario, now, and at both spots of the basis contingency; nothing for later accounts."""
    inputs = inputs_of("018")
    engine, document = engine_of(inputs).at(market(inputs)), account(inputs)
    asked: list[black76.Option] = []
    value = black76.value

    def counted(num: NumberSystem, option: black76.Option) -> Number:
        asked.append(option)
        return value(num, option)

    monkeypatch.setattr(black76, "value", counted)
    for _ in range(3):
        engine.evaluate(document)
    assert len(asked) == 2 * (len(file()["scenarios"]) + 3)


@pytest.mark.parametrize("measure", ["implied_volatility", "forward", "interest_rate", "confidence"])
def test_missing_feed__leaves_the_pool_undetermined(measure: str) -> None:
    """Every feed of an option has to be there."""
    inputs = inputs_of("020")
    quoted = market(inputs)
    for one in quoted["instruments"].values():
        del one["measures"][measure]
    pool = engine_of(inputs).evaluate(account(inputs), quoted).pools[0]
    assert (pool.status, list(pool.reasons)) == ("undetermined", ["MEASURE_MISSING"])


@pytest.mark.parametrize("measure", sorted(account_measures(inputs_of("020"))))
def test_missing_feed__of_spot_and_stable_coin(measure: str) -> None:
    """One statement of them anywhere in the pool is enough; none is not."""
    inputs = inputs_of("020")
    quoted = market(inputs)
    for one in [*quoted["instruments"].values(), quoted["prices"]["USDC"]]:
        one["measures"].pop(measure, None)
    pool = engine_of(inputs).evaluate(account(inputs), quoted).pools[0]
    assert (pool.status, list(pool.reasons)) == ("undetermined", ["MEASURE_MISSING"])
    quoted["prices"]["USDC"]["measures"][measure] = account_measures(inputs)[measure]
    assert engine_of(inputs).evaluate(account(inputs), quoted).pools == evaluated(inputs).pools


def test_underlyings__are_managed_one_by_one() -> None:
    """PMRM_2 is deployed once per underlying; an account that mixes them is not decided."""
    inputs = inputs_of("030")
    document, quoted = account(inputs), market(inputs)
    quoted["instruments"]["BTC-PERP"] = quoted["instruments"]["ETH-PERP"]
    document["positions"].append({**document["positions"][0], "id": "b", "instrument": "BTC-PERP"})
    assert engine_of(inputs).evaluate(document, quoted).pools[0].status == "undetermined"


def view(seconds: str, **measures: str) -> InstrumentView:
    """A call at 100, with a forward of 120, no interest and 50 % volatility."""
    stated = {"forward": "120", "interest_rate": "0", "implied_volatility": "0.5", **measures}
    return InstrumentView(
        name="C",
        payoff="call",
        terms={"strike": Decimal(100)},
        measures={name: Decimal(value) for name, value in stated.items()},
    )


def compiled() -> Any:
    """The parameters that the cases share, as the policy gives them."""
    return engine_of(inputs_of("001")).policy.modes["derive_pmrm2"].parameters


@pytest.mark.parametrize(
    ("seconds", "stated", "forward"),
    [("1800", {}, "240"), ("900", {}, "180"), ("900", {"settled_forward": "30"}, "210"), ("0", {}, "120")],
)
def test_forward__settles_in_the_last_half_hour(seconds: str, stated: dict[str, str], forward: str) -> None:
    """Spot doubled: what is settled stays; half of 120 after a quarter of an hour, unless the feed says how much."""
    with exactly():
        one = listed(EXACT, view(seconds, **stated), Decimal(seconds), compiled())
        # With no volatility left to speak of, the call is worth the shocked forward less its strike.
        worth = value_in(
            EXACT, one._replace(option=one.option._replace(volatility=Decimal(0))), Decimal(2), "unchanged", {}
        )
        assert worth == Decimal(forward) - 100


def test_short_discount__is_never_more_than_the_whole_discount() -> None:
    """At 1.04 * e ** (0.08 * T) a short is never worth more than without any discounting, which at no interest is 1."""
    with exactly():
        one = listed(EXACT, view("1"), Decimal(86400 * 365), compiled())
        above, below = static_discounts(EXACT, one, compiled()["static_discount"])
        assert below == 1
        assert abs(above - Decimal("0.95") * EXACT.exponential(Decimal("-0.08"))) < Decimal("1e-30")


def test_volatility_shock__by_time_to_expiry() -> None:
    """At 30 days the range itself, on either power; within a day as at a day."""
    day = 86400
    with exactly():
        thirty, one, less = (
            listed(EXACT, view("1"), Decimal(seconds), compiled()).swings for seconds in (30 * day, day, day // 2)
        )
        assert thirty == (Decimal("1.5"), Decimal("0.725"))
        assert one == less
        power = EXACT.exponential(Decimal("0.3") * EXACT.logarithm(Decimal(30)))
        assert one == (1 + Decimal("0.5") * power, 1 - Decimal("0.275") * power)


def test_cover__of_the_same_strike_only() -> None:
    """A long call covers a short put of its strike from the option contingency, as in `_addOptionContingency`."""
    inputs = {**inputs_of("020"), "spot": "100000"}
    seconds, strike, _, _, volatility = inputs["options"][0]
    long_call = [seconds, strike, True, "0.4", volatility]
    other_strike = [seconds, "90000.0", True, "0.4", volatility]

    def contingency(held: list[Any]) -> Decimal:
        """The maintenance contingency: what is required beyond the loss in the worst scenario."""
        case = {**inputs, "options": held}
        pool = evaluated(case).pools[0]
        assert pool.maintenance_margin is not None
        lost = -min(value for name, value in pool.figures.items() if name.startswith("scenario_"))
        return round(pool.maintenance_margin - lost * Decimal("0.8"), 6)

    short = inputs["options"][0]
    assert contingency([short]) == 300
    assert contingency([short, long_call]) == 180
    assert contingency([short, other_strike]) == 300


def test_conversion__of_the_cases_reads_every_field() -> None:
    """Options and parameters of a case with overrides."""
    inputs = inputs_of("042")
    (held, feed), *_ = options(inputs)
    assert (held.name, feed.confidence) == ("ETH-18938852-6000.0-C", "0.95")
    assert parameters(inputs)["skew_shock"]["absolute_cap"] == Decimal("9.5")
    assert AS_OF.isoformat() == market(inputs)["as_of"]
