"""Proofs tell the truth: what they refuse `evaluate` shows, and what they let pass it never does.

Policies are drawn so that most stand near a line: a little more fee, or another band, and they break a law.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules_engine import Engine
from rules_engine.policy.counterexamples import Disproof
from rules_engine.terms.policy import Policy
from tests.policy.policy_examples import check
from tests.policy.proof_examples import AS_OF, ENOUGH, SHOWN, Confirmed, compiled_anyway, status_of
from tests.properties.laws import examples

of = st.sampled_from
STARTS = ("0", "0.5", "2")
READINGS = ("0", "0.3", "0.5", "0.9", "1", "1.7", "2", "7", None)
FACTORS = of(("0", "0.5", "0.9", "1", "1.25", "2", "8"))
PAYOFFS = ("payoff: linear", "payoff: inverse, contract_size: 100", "payoff: quanto, contract_size: 2, conversion: 0.3")


@st.composite
def tiers(draw: st.DrawFn) -> str:
    """One to three tiers whose initial rates exceed their maintenance rates by little."""
    floor, rate, initial, rows = 0, Decimal(0), Decimal(0), []
    count = draw(st.integers(1, 3))
    for index in range(count):
        floor += draw(of((1, 50, 1000)))
        rate += draw(of((Decimal("0.002"), Decimal("0.004"), Decimal("0.03"))))
        initial = min(max(initial, rate + draw(of((Decimal("0.0005"), Decimal("0.002"), Decimal("0.01"))))), Decimal(1))
        leverage = int(1 / initial) if draw(st.booleans()) else 0
        initial = 1 / Decimal(leverage) if leverage and 1 % Decimal(leverage) == 0 else initial
        limit = f"max_leverage: {leverage}" if leverage else f"initial_rate: {initial}"
        end = "unlimited" if index == count - 1 and draw(st.booleans()) else floor
        rows.append(f"{{up_to: {end}, maintenance_rate: {rate}, {limit}}}")
        initial = max(initial, Decimal(1) / leverage if leverage else initial)
    return ", ".join(rows)


@st.composite
def buffers(draw: st.DrawFn) -> list[str]:
    """Up to three buffers on two measures: bands, or a curve."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        measure = draw(of(("depth", "spread")))
        acts_on = draw(of(("initial", "maintenance", "initial, maintenance")))
        if draw(st.booleans()):
            slope, cap = draw(of(("0.2", "0.5", "3"))), draw(of(("1", "1.2", "2", "4")))
            does = f"curve: {{reference: {draw(of(('0.5', '0.7')))}, slope: {slope}, cap: {cap}}}"
        else:
            additions = of(("0", "0.001", "0.02", "-0.001"))
            bands = [f"{{from: {start}, multiply: {draw(FACTORS)}, add_rate: {draw(additions)}}}" for start in STARTS]
            does = f"bands: [{', '.join(bands[: draw(st.integers(1, 3))])}]"
        found.append(f"{{kind: depth, measure: {measure}, requirements: [{acts_on}], {does}}}")
    return found


@st.composite
def policies(draw: st.DrawFn) -> str:
    """A policy text."""
    drawn = draw(buffers())
    names = ", ".join(f"b{index}" for index in range(len(drawn)))
    rate = draw(of(("0", "0.0005", "0.002", "0.01")))
    counts_in = draw(st.lists(of(("initial", "maintenance", "trigger")), max_size=3, unique=True))
    valued_at = draw(of(("mark", "bankruptcy")))
    unit, form = draw(of(("notional", "quantity"))), draw(of(("marginal", "whole")))
    return (
        "schema: rules-engine/policy/1\npolicy: drawn\nversion: 1.0.0\n"
        "settlement: {currency: USDT, quantum: 0.000000000001}\nmodes: {isolated: {}, cross: {}}\n"
        f"tables: {{t: {{unit: {unit}, form: {form}, tiers: [{draw(tiers())}]}}}}\n"
        f"buffers: {{{', '.join(f'b{index}: {text}' for index, text in enumerate(drawn))}}}\n"
        f"instruments: {{A: {{{draw(of(PAYOFFS))}, table: t, buffers: [{names}]}}}}\n"
        f"liquidation: {{restore_to: 99, closing_fee: {{rate: {rate}, counts_in: [{', '.join(counts_in)}], "
        f"valued_at: {valued_at}}}}}\n"
    )


class Opened:
    """A position opened with exactly what an order must bring, in a policy that passes."""

    def __init__(
        self, policy: Policy, quantity: Decimal, readings: dict[str, str], mode: str, leverage: str | None
    ) -> None:
        self.engine, self.fee, self.mode = Engine(policy), policy.liquidation.closing_fee, mode
        row = {"mark_price": "1", "measures": readings}
        self.market = {"as_of": AS_OF, "instruments": {"A": row}}
        self.fields = {"instrument": "A", "mode": mode, "quantity": f"{quantity:f}", "leverage": leverage}

    def required(self) -> Decimal | None:
        """What an order must bring; None where it is refused whatever it brings."""
        account = {"account": "A", "collateral": {"USDT": str(ENOUGH)}, "positions": []}
        decision = self.engine.check_order(account, self.market, {"id": "o", "price": None, **self.fields})
        return decision.required_margin if decision.accepted else None

    def evaluated(self, margin: Decimal) -> Any:
        """The position with this much behind it."""
        position = {"id": "p", "entry_price": "1", **self.fields}
        if self.mode == "isolated":
            return self.engine.evaluate(
                {"account": "A", "positions": [position | {"margin": f"{margin:f}"}]}, self.market
            )
        held = {"account": "A", "collateral": {"USDT": f"{margin:f}"}, "positions": [position]}
        return self.engine.evaluate(held, self.market)


def holds_true(opened: Opened) -> None:
    """It is not liquidated as it is opened; on its line it can pay for closing, and is not bankrupt."""
    required = opened.required()
    if required is None:
        return
    evaluation = opened.evaluated(required)
    figures = evaluation.positions[0]
    fee = Fraction(opened.fee.rate) * Fraction(figures.notional)
    assert status_of(evaluation) not in ("liquidate", "bankrupt")
    if opened.fee.valued_at == "mark":
        places = len(opened.fee.counts_in & {"maintenance", "trigger"})
        beside = max(places, 1) - ("maintenance" in opened.fee.counts_in)
        slack = Fraction(1, 10**11)  # both figures are rounded up
        assert Fraction(figures.initial_margin) + slack > Fraction(figures.maintenance_margin) + beside * fee
        line = Fraction(figures.maintenance_margin) + ("trigger" in opened.fee.counts_in) * fee
        assert line >= fee
        assert line > 0


@examples(100)
@given(
    text=policies(),
    sizes=st.lists(
        of(("0.01", "0.999", "1", "50", "51", "99.9", "1000", "1049.5", "2001", "70000")), min_size=3, max_size=5
    ),
    depth=of(READINGS),
    spread=of(READINGS),
    mode=of(("isolated", "cross")),
    leverage=of((None, None, "1", "7", "30")),
    side=of((1, -1)),
)
def test_proofs__refuse_what_evaluate_shows_and_nothing_else(
    text: str, sizes: list[str], depth: str | None, spread: str | None, mode: str, leverage: str | None, side: int
) -> None:
    """Both ways, in one policy after another."""
    policy, problems = check(text)
    errors = [problem for problem in problems if problem.severity == "error"]
    if policy is None:
        for problem in errors:
            if isinstance(problem, Disproof):
                assert SHOWN[problem.code](Confirmed(compiled_anyway(text), problem)), str(problem)
        return
    readings = {name: value for name, value in (("depth", depth), ("spread", spread)) if value is not None}
    per_contract = {"linear": 1, "inverse": 100, "quanto": Decimal("0.6")}[policy.instruments["A"].payoff.name]
    if policy.tables["t"].unit == "quantity":
        per_contract = 1
    for size in sizes:
        quantity = side * (Decimal(size) / per_contract).quantize(Decimal("1e-9"))
        holds_true(Opened(policy, quantity, readings, mode, leverage))
