"""A component that breaks its contract while it answers: its pools are undetermined, all others unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
import rules_engine_standard_modes

from rules_engine import Engine
from rules_engine.extension.registry import build_registry
from rules_engine.numbers.exact import EXACT
from rules_engine.numbers.functions import NotLinear
from rules_engine.plugin import Backing, Mode, PoolLabel, Requirement, hookimpl, tiered_requirement
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from tests.builders import account, market, one_pool, order, position
from tests.engine.placed import unplaced

POLICY = """
schema: rules-engine/policy/1
policy: faults
version: 1.0.0
settlement: {currency: USDT, quantum: 0.01}
tables: {flat: {tiers: [{up_to: unlimited, maintenance_rate: 0.01, max_leverage: 10}]}}
modes: {isolated: {}, cross: {}, strange: {}}
instruments: {BTCUSDT: {payoff: linear, table: flat}, ETHUSDT: {payoff: linear, table: flat}}
liquidation: {close_out: {plan: broken}}
"""


def _raise(error: BaseException) -> Any:
    raise error


WANTED = "wanted a finite amount, not below 0"
ANSWERS: dict[str, Any] = {
    "raised ValueError: no": lambda num, exposure: _raise(ValueError("no")),
    "raised KeyError": lambda num, exposure: _raise(KeyError()),
    "raised SystemExit: 3": lambda num, exposure: _raise(SystemExit(3)),
    f"requires initial margin NaN, {WANTED}": lambda num, exposure: Requirement(Decimal("NaN"), Decimal(0)),
    f"requires initial margin NaN and maintenance margin NaN, {WANTED}": lambda num, exposure: Requirement(
        Decimal("NaN"), Decimal("NaN")
    ),
    f"requires maintenance margin Infinity, {WANTED}": lambda num, exposure: Requirement(
        Decimal(1), Decimal("Infinity")
    ),
    f"requires maintenance margin -1, {WANTED}": lambda num, exposure: Requirement(Decimal(1), Decimal("-1.00")),
    f"requires maintenance margin -0.333333333333…, {WANTED}": lambda num, exposure: Requirement(
        Decimal(1), num.quotient(Decimal(-1), Decimal(3))
    ),
    f"requires maintenance margin -1E+999999999, {WANTED}": lambda num, exposure: Requirement(
        Decimal(1), Decimal("-1E+999999999")
    ),
    f"requires maintenance margin -3.33333333333E-51, {WANTED}": lambda num, exposure: Requirement(
        Decimal(1), num.quotient(Decimal("-1E-50"), Decimal(3))
    ),
    f"requires initial margin 0.5 (float, not exact), {WANTED}": lambda num, exposure: Requirement(0.5, Decimal(0)),
    f"requires initial margin True, {WANTED}": lambda num, exposure: Requirement(True, Decimal(0)),
    f"requires initial margin '1', {WANTED}": lambda num, exposure: Requirement("1", Decimal(0)),
    "returned tuple, wanted a Requirement": lambda num, exposure: (Decimal(1), Decimal(1)),
    "raised AttributeError: immutable type: 'Exposure'": lambda num, exposure: setattr(exposure, "quantity", 0),
}


class Strange:
    """A mode like isolated margin, but for its requirement."""

    name = "strange"
    parameters: dict[str, Any] = {}

    def __init__(self, answer: Any = None, label: Any = None) -> None:
        self.answer = answer or tiered_requirement
        self.label = label or (lambda labels: PoolLabel(key=labels.id, backing=Backing.POSITION))

    def pool(self, labels: Any, parameters: Any) -> Any:
        return self.label(labels)

    def requirement(self, num: Any, exposure: Any, parameters: Any) -> Any:
        return self.answer(num, exposure)


class Broken:
    """A close-out plan that breaks down."""

    name = "broken"
    parameters: dict[str, Any] = {}

    def closings(self, pool: Any, parameters: Any) -> Any:
        raise RuntimeError("no plan")


class Plugin:
    """Supplies both."""

    def __init__(self, mode: Any) -> None:
        self.mode = mode

    @hookimpl
    def rules_engine_margin_modes(self) -> Sequence[Mode]:
        return [self.mode]

    @hookimpl
    def rules_engine_close_out_plans(self) -> Sequence[Any]:
        return [Broken()]


def engine(mode: Any) -> Engine:
    registry = build_registry([rules_engine_standard_modes, Plugin(mode)])
    policy, problems = check_policy(POLICY.encode(), "faults.yaml", registry, policy_finder(None))
    assert policy is not None, problems
    return Engine(policy)


SUPPLIER = "Plugin"
"""Who supplies it, in a registry that is built of objects; of installed ones it is the distribution and its version."""

BAD = position("1", margin="50", mode="strange", id="bad")
OTHERS = [position("1", margin="50", id="sound"), position("-3", "90", mode="cross", id="shared", instrument="ETHUSDT")]
MARKET = market()


@pytest.mark.parametrize("what", ANSWERS)
def test_mode__at_fault_costs_its_own_pool_alone(what: str) -> None:
    """The fault is named with the component and the position; every other pool is what it is without the position."""
    faulty = engine(Strange(ANSWERS[what]))
    evaluation = faulty.evaluate(account(BAD, *OTHERS, collateral={"USDT": "500"}), MARKET)
    pool = one_pool(evaluation, "A/strange/bad")
    assert (pool.status, pool.reasons) == ("undetermined", ("PLUGIN_FAULT",))
    assert unplaced(pool.evidence[0].message) == f"bad: strange of {SUPPLIER} {what}"
    without = faulty.evaluate(account(*OTHERS, collateral={"USDT": "500"}), MARKET)
    assert [one for one in evaluation.pools if one != pool] == list(without.pools)


def test_mode__at_fault_over_an_order_leaves_what_it_reserves_unknown() -> None:
    """The order is refused, and free margin of the pool in which it would reserve is not known."""
    faulty = engine(Strange(lambda num, exposure: _raise(ValueError("no"))))
    opening = order("1", mode="strange")
    decision = faulty.check_order(account(collateral={"USDT": "500"}), MARKET, opening)
    assert not decision.accepted
    assert "PLUGIN_FAULT" in decision.reasons


@pytest.mark.parametrize(
    ("label", "what"),
    [
        (lambda labels: _raise(ValueError("no")), "raised ValueError: no"),
        (lambda labels: "x", "returned str, wanted a PoolLabel"),
    ],
)
def test_mode__that_cannot_say_the_pool_leaves_every_pool_of_the_account_in_doubt(label: Any, what: str) -> None:
    """A leg that could belong anywhere could make any pool look healthy."""
    evaluation = engine(Strange(label=label)).evaluate(account(BAD, *OTHERS), MARKET)
    assert {pool.status for pool in evaluation.pools} == {"undetermined"}
    assert unplaced(evaluation.evidence[0].message) == f"bad: strange of {SUPPLIER} {what}"


def test_mode__that_only_knows_exact_numbers_is_searched() -> None:
    """What fails on functions still decides; its price and its largest order are found by trying."""

    def no_functions(num: Any, exposure: Any) -> Requirement:
        if not isinstance(exposure.value, Decimal) or not isinstance(exposure.quantity, Decimal):
            raise TypeError("only decimals")
        return tiered_requirement(num, exposure)

    decimals_only = engine(Strange(no_functions))
    evaluation = decimals_only.evaluate(account(BAD), MARKET)
    assert one_pool(evaluation, "A/strange/bad").status == "healthy"
    sound = decimals_only.evaluate(account(position("1", margin="50", id="bad")), MARKET).positions[0]
    figures = evaluation.positions[0]
    assert (figures.liquidation_price, figures.bankruptcy_price) == (sound.liquidation_price, sound.bankruptcy_price)
    assert "LIQUIDATION_PRICE_SEARCHED" in figures.notes
    decision = decimals_only.check_order(account(collateral={"USDT": "100"}), MARKET, order("1", mode="strange"))
    assert (decision.accepted, decision.largest_quantity) == (True, Decimal(10))


def test_explain__says_where_a_mode_cannot_be_replayed() -> None:
    """A mode that knows only exact numbers is decided; the steps behind its figures are a doubt, not an exception."""

    def exact_only(num: Any, exposure: Any) -> Requirement:
        if num is not EXACT:
            raise TypeError("only exact")
        return tiered_requirement(num, exposure)

    explanation = engine(Strange(exact_only)).explain(account(BAD, orders=[order("1", mode="strange")]), MARKET)
    lines = {line.figure: line.how for part in (*explanation.positions, *explanation.pools) for line in part.lines}
    assert unplaced(lines["PLUGIN_FAULT"]) == f"bad: strange of {SUPPLIER} raised TypeError: only exact"
    assert lines["required there"] == "kept in the whole pool 0.50505"
    assert unplaced(lines["orders BTCUSDT"]) == f"bad: strange of {SUPPLIER} raised TypeError: only exact"


def test_mode__that_divides_by_the_mark_has_its_price_searched() -> None:
    """No piecewise linear function of the mark follows, which is no fault: 50 = mark - 50 + 100 - ... is tried."""

    def by_mark(num: Any, exposure: Any) -> Requirement:
        return Requirement(num.quotient(Decimal(100), exposure.value), num.quotient(Decimal(50), exposure.value))

    evaluation = engine(Strange(by_mark)).evaluate(account(BAD), MARKET)
    assert one_pool(evaluation, "A/strange/bad").status == "healthy"
    assert "LIQUIDATION_PRICE_SEARCHED" in evaluation.positions[0].notes


def test_mode__during_which_somebody_interrupts_is_no_fault() -> None:
    """Ctrl-C ends the evaluation; it is not the component's."""
    with pytest.raises(KeyboardInterrupt):
        engine(Strange(lambda num, exposure: _raise(KeyboardInterrupt()))).evaluate(account(BAD), MARKET)


def test_mode__that_calls_exact_numbers_not_linear_is_at_fault() -> None:
    """Only functions of an unknown may be no straight ones."""
    evaluation = engine(Strange(lambda num, exposure: _raise(NotLinear("no")))).evaluate(account(BAD), MARKET)
    assert one_pool(evaluation, "A/strange/bad").reasons == ("PLUGIN_FAULT",)


def test_plan__that_breaks_down_leaves_the_pool_to_be_liquidated() -> None:
    """The decision stands; only the steps are unknown, and the evidence says why."""
    evaluation = engine(Strange()).evaluate(account(position("1", margin="1", mode="strange", id="bad")), MARKET)
    pool = one_pool(evaluation, "A/strange/bad")
    assert (pool.status, pool.close_out, pool.notes) == ("liquidate", (), ("CLOSE_OUT_UNKNOWN",))
    assert unplaced(pool.evidence[0].message) == f"broken of {SUPPLIER} raised RuntimeError: no plan"


def at(package: str, module: str, file: str, source: str) -> Strange:
    """The mode whose requirement is `answer` of this source, as if it stood in a package."""
    names: dict[str, Any] = {"__name__": module, "__package__": package}
    exec(compile(source, file, "exec"), names)
    mode = Strange()
    vars(mode)["requirement"] = names["answer"]
    return mode


RAISES = "\n\ndef answer(num, exposure, parameters):\n    raise ValueError('no')\n"
DIVIDES = "def answer(num, exposure, parameters):\n    return num.quotient(exposure.value,\n        0)\n"
FRACTION = "from fractions import Fraction\n\ndef answer(num, exposure, parameters):\n    return Fraction('x')\n"


@pytest.mark.parametrize(
    ("package", "module", "file", "source", "ending"),
    [
        ("acme", "acme.modes", "/srv/site-packages/acme/modes.py", RAISES, "ValueError: no (acme/modes.py:4)"),
        ("acme.deep", "acme.deep.one", "/srv/acme/deep/one.py", RAISES, "ValueError: no (acme/deep/one.py:4)"),
        ("acme", "acme", "/srv/acme/__init__.py", RAISES, "ValueError: no (acme/__init__.py:4)"),
        ("", "faulty", "C:\\plugins\\faulty.py", RAISES, "ValueError: no (faulty.py:4)"),
        (None, "__main__", "ask.py", RAISES, "ValueError: no (ask.py:4)"),
        ("acme", "acme.modes", "acme/modes.py", DIVIDES, "DivisionByZero'>] (acme/modes.py:2)"),
        ("acme", "acme.modes", "acme/modes.py", FRACTION, "Invalid literal for Fraction: 'x' (acme/modes.py:4)"),
        ("rules_engine.formulas", "rules_engine.formulas.x", "x.py", RAISES, "ValueError: no"),
    ],
)  # fmt: skip
def test_fault__says_where_in_the_plugin_it_came_up(
    package: Any, module: str, file: str, source: str, ending: str
) -> None:
    """The plugin's own line, its file from its package on, wherever it called on to ours or to Python's."""
    pool = one_pool(engine(at(package, module, file, source)).evaluate(account(BAD), MARKET), "A/strange/bad")
    assert pool.evidence[0].message.endswith(ending)
