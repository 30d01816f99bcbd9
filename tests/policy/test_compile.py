"""A policy compiled: defaults, exact figures, parameters of strangers, and the door that reads files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any

import msgspec
import pytest

from rules_engine.extension.registry import Registry
from rules_engine.numbers.exact import Ratio, exactly
from rules_engine.policy.globs import is_glob, matches
from rules_engine.terms.exposure import ClosingFee
from rules_engine.terms.policy import CollateralRule, Conventions, MarketLimits
from tests.policy.policy_examples import REGISTRY, changed, check, policy, said

BARE = """\
schema: rules-engine/policy/1
policy: bare
version: 0.1.0
settlement: {currency: USDT, quantum: 0.01}
tables: {flat: {tiers: [{up_to: unlimited, maintenance_rate: 0.01, initial_rate: 0.02}]}}
modes: {isolated: {}}
instruments: {BTCUSDT: {payoff: linear, table: flat}}
"""


def test_defaults__of_a_policy_that_says_as_little_as_it_can() -> None:
    bare = policy(BARE)
    assert (bare.liquidation.trigger, bare.liquidation.margin_call, bare.liquidation.restore_to) == (
        "at_or_below",
        1,
        1,
    )
    assert bare.liquidation.closing_fee == ClosingFee()
    assert bare.liquidation.close_out.plan.name == "smallest"
    assert (bare.conventions, bare.market_limits) == (Conventions(), MarketLimits())
    assert (bare.tables["flat"].unit, bare.tables["flat"].form) == ("notional", "marginal")
    assert bare.applies_to == "all_positions"
    assert (bare.effective_from, bare.effective_until, bare.opening_fee_rate) == (None, None, 0)


def test_defaults__restore_to_is_the_margin_call() -> None:
    assert policy(BARE + "liquidation: {margin_call: 1.2}\n").liquidation.restore_to == Decimal("1.2")


def test_defaults__the_settlement_currency_backs_pools_in_full() -> None:
    assert policy(BARE).collateral == {"USDT": CollateralRule(haircut=Decimal(0))}


def test_instrument__without_reference_data_leaves_it_to_the_market() -> None:
    rule = policy(BARE).instruments["BTCUSDT"]
    assert (rule.contract_size, rule.conversion, rule.price_tick, rule.quantity_step) == (None, None, None, None)
    assert (rule.expires_at, rule.buffers) == (msgspec.UNSET, ())


def test_instrument__with_reference_data() -> None:
    stated = "price_tick: 0.1, quantity_step: 0.001, underlying: BTC, expires_at: 2026-12-25T10:00:00+02:00"
    rule = policy(changed(("contract_size: 1", f"contract_size: 100, conversion: 2, {stated}"))).instruments["BTCUSDT"]
    assert (rule.contract_size, rule.conversion) == (100, 2)
    assert (rule.price_tick, rule.quantity_step) == (Decimal("0.1"), Decimal("0.001"))
    assert (rule.underlying, rule.expires_at) == ("BTC", datetime(2026, 12, 25, 8, tzinfo=UTC))


def test_instrument__that_never_expires() -> None:
    assert policy(changed(("contract_size: 1", "expires_at: null"))).instruments["BTCUSDT"].expires_at is None


def test_instruments__globs_stand_apart_from_exact_names() -> None:
    compiled = policy()
    assert list(compiled.instruments) == ["BTCUSDT"]
    assert [rule.pattern for rule in compiled.patterns] == ["*USDT"]


def test_table__deductions_follow_from_floors_and_rates() -> None:
    # 50,000 * 0.001 = 50; 50 + 250,000 * 0.02 = 5,050.
    table = policy().tables["majors"]
    assert [tier.deduction for tier in table.tiers] == [0, 50, 5050]
    assert table.schedule.lines[2] == (Decimal("0.025"), Decimal(5050))
    assert table.schedule.floors == (0, 50000, 250000)
    assert table.schedule.cap is None


def test_table__initial_rates_are_exact() -> None:
    rate = policy().tables["majors"].tiers[1].initial_rate
    assert isinstance(rate, Ratio)
    with exactly():
        assert rate * Decimal(75) == 1


def test_table__a_last_tier_may_cap_the_position() -> None:
    assert policy(changed(("unlimited", "5000000"))).tables["majors"].schedule.cap == 5_000_000


def test_buffer__is_bound_to_its_parameters_and_acts_on_both_requirements() -> None:
    buffer = policy().buffers["volatility"]
    assert buffer.kind is REGISTRY.buffers["volatility"]
    assert buffer.parameters["bands"][1] == {"from": Decimal("0.8"), "multiply": Decimal("1.25")}
    assert buffer.requirements == {"initial", "maintenance"}


def test_buffer__durations_become_seconds() -> None:
    expiry = "buffers:\n  expiry: {kind: expiry, bands: [{from: 0d, multiply: 2}, {from: 7d, multiply: 1}]}"
    bands = policy(changed(("buffers:", expiry))).buffers["expiry"].parameters["bands"]
    assert [band["from"] for band in bands] == [0, 7 * 86400]


def test_mode__defaults_of_its_parameters_are_filled_in() -> None:
    mode = policy().modes["hybrid"]
    assert mode.parameters == {"shared_draw_cap": Decimal("0.25"), "group_by": "underlying"}
    assert not mode.split_positions


def test_settings__as_written() -> None:
    more = (
        "conventions: {maintenance_priced_at: entry}\norders: {opening_fee_rate: 0.0004}\napplies_to: new_positions\n"
    )
    compiled = policy(changed(("market_data:", more + "market_data:")))
    assert compiled.market_limits.stale_after == timedelta(seconds=10)
    assert compiled.conventions.maintenance_priced_at == "entry"
    assert compiled.opening_fee_rate == Decimal("0.0004")
    assert compiled.applies_to == "new_positions"
    assert compiled.collateral["BTC"].cap == 1_000_000
    assert compiled.effective_from == datetime(2026, 12, 1, 8, tzinfo=UTC)


def test_warnings__travel_with_the_policy() -> None:
    compiled = policy(changed(("buffers: [volatility], ", "")))
    assert [problem.code for problem in compiled.warnings] == ["UNUSED"]


def with_mode(parameters: dict[str, Any]) -> Registry:
    """The registry, and a mode `odd` of a stranger with these parameters."""
    odd: Any = SimpleNamespace(name="odd", parameters=parameters)
    return msgspec.structs.replace(REGISTRY, modes=MappingProxyType({**REGISTRY.modes, "odd": odd}))


def odd(rules: dict[str, Any], value: str) -> list[str]:
    """What is said where a stranger's mode has one parameter `p` under these rules, and the policy gives a value."""
    _, problems = check(changed(("isolated: {}", f"odd: {{p: {value}}}")), registry=with_mode({"p": rules}))
    return [f"{problem.code} {problem.message}" for problem in problems]


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        ({"type": "number"}, "0.5"),
        ({"type": "integer"}, "3"),
        ({"type": "integer"}, "30e-1"),
        ({"type": "duration", "coerce": "duration"}, "7d"),
        ({"type": "time", "coerce": "time"}, "2026-12-01T08:00:00Z"),
        ({"type": "number", "above": 0, "below": 1}, "0.5"),
        ({"type": "list", "schema": {"type": "string"}}, "[a, b]"),
        ({"type": "boolean"}, "true"),
        ({"anyof": [{"type": "number"}, {"type": "string"}]}, "x"),
    ],
)
def test_parameter__that_fits(rules: dict[str, Any], value: str) -> None:
    assert odd(rules, value) == []


@pytest.mark.parametrize(
    ("rules", "value", "said"),
    [
        ({"type": "number"}, '"0.5"', "p: found text '0.5', wanted a value of type number"),
        ({"type": "number"}, "true", "p: found true, wanted a value of type number"),
        ({"type": "number"}, "[]", "p: found a list, wanted a value of type number"),
        ({"type": "string"}, "0.50", "p: found 0.5, wanted a value of type string"),
        ({"type": "integer"}, "0.5", "p: found 0.5, wanted a value of type integer"),
        ({"type": "duration", "coerce": "duration"}, "7", "p: found 7, wanted a duration such as 30s, 10m, 8h or 7d"),
        ({"type": "time", "coerce": "time"}, "soon", "p: found text 'soon', wanted a time with its zone, such as "),
        ({"type": "number", "above": 0}, "0", "p: found 0, must be above 0"),
        ({"type": "number", "below": 1}, "1", "p: found 1, must be below 1"),
        ({"type": "number", "min": 0, "max": 1}, "2", "p: found 2, wanted at most 1"),
        ({"type": "string", "allowed": ["a", "b"]}, "c", "p: found text 'c', wanted one of a, b"),
        ({"type": "number"}, "null", "p: found nothing, wanted a value"),
        ({"anyof": [{"type": "list"}, {"type": "string"}]}, "1", "p: found 1, which breaks the rule anyof"),
        ({"type": "dict", "schema": {"q": {"type": "number"}}}, "{q: x}", "p.q: found text 'x', wanted a value of"),
    ],
)
def test_parameter__that_does_not_fit(rules: dict[str, Any], value: str, said: str) -> None:
    found = odd(rules, value)
    assert len(found) == 1
    assert found[0].startswith(f"PARAMETER_VALUE {said}")


def test_parameter__a_time_without_a_zone() -> None:
    assert odd({"type": "time", "coerce": "time"}, "2026-12-01T08:00:00") == [
        "TIME_WITHOUT_ZONE the time 2026-12-01T08:00:00 has no zone"
    ]


def test_parameter__unknown_within_another() -> None:
    rules = {"type": "dict", "schema": {"q": {"type": "number"}}}
    assert odd(rules, "{r: 1}") == ["PARAMETER_UNKNOWN there is no parameter p.r"]


def test_parameter__bands_of_another_meaning_are_left_alone() -> None:
    kind: Any = SimpleNamespace(name="odd", parameters={"bands": {"type": "string"}}, extremes=lambda parameters: ())
    registry = msgspec.structs.replace(REGISTRY, buffers={**REGISTRY.buffers, "odd": kind})
    text = changed(("modes:", "  strange: {kind: odd, bands: wide}\nmodes:"))
    assert [line.split()[0] for line in said(text, registry=registry)] == ["UNUSED"]


@pytest.mark.parametrize(
    ("glob", "name", "truth"),
    [
        ("*USDT", "BTCUSDT", True),
        ("*USDT", "BTCUSDC", False),
        ("B?C", "BTC", True),
        ("B?C", "BC", False),
        ("A.[B]*", "A.[B]C", True),
        ("A.*", "AxC", False),
        ("**", "", True),
    ],
)
def test_glob__star_is_any_characters_and_question_mark_one(glob: str, name: str, truth: bool) -> None:
    assert matches(glob, name) is truth


def test_glob__nothing_else_makes_one() -> None:
    assert is_glob("BTC*") and is_glob("B?C") and not is_glob("A.[B]")


@pytest.mark.parametrize("member", ["tables", "buffers", "modes", "collateral", "instruments", "document"])
def test_policy__cannot_be_changed_once_compiled(member: str) -> None:
    """An engine at work cannot be changed through the policy that it holds."""
    with pytest.raises(TypeError):
        getattr(policy(BARE), member)["other"] = None
