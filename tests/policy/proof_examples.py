"""An engine that runs a policy which a check refuses, and what it says of a check's counterexample."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import copy
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from rules_engine import Engine, Evaluation
from rules_engine.formulas.buffers import FOREVER
from rules_engine.numbers.exact import ONE, ZERO, exactly
from rules_engine.policy import compile as compiling
from rules_engine.policy.counterexamples import Counterexample, Disproof
from rules_engine.policy.findings import Findings
from rules_engine.policy.reader import read_document
from rules_engine.policy.resolve import resolve
from rules_engine.policy.sections import Sections
from rules_engine.policy.values import time_of
from rules_engine.terms.policy import Policy
from tests.policy.planted_faults import ABOVE, BELOW, FALLS, FEE, LEVERAGE, NOTHING, RATE, ROOM
from tests.policy.policy_examples import REGISTRY

AS_OF = "2026-12-02T00:00:00Z"
ENOUGH = Decimal(10) ** 20
LEAST = Decimal("0.00000001")


def compiled_anyway(text: str) -> Policy:
    """The compiled policy, whatever the check finds; its tables must be tables, whose rates may be any."""
    resolved = resolve(read_document(text.encode(), "policy.yaml"), lambda name, version: None)
    findings = Findings(resolved.document)
    sections = Sections(resolved.document, [], resolved.complete)
    with exactly():
        members = compiling._members(findings, sections, REGISTRY)
    return compiling._policy(resolved, sections, members)


def status_of(evaluation: Evaluation) -> str:
    """The status of the position's pool."""
    return next(one.status for one in evaluation.pools if one.pool == evaluation.positions[0].pool)


class Confirmed:
    """What `evaluate` says of a counterexample, in a policy that is refused for it."""

    def __init__(self, policy: Policy, problem: Disproof) -> None:
        self.policy = policy
        self.found: Counterexample = problem.counterexample
        self.engine = Engine(policy)
        assert self.found.instrument is not None and self.found.quantity is not None and self.found.price == ONE
        self.instrument = self.found.instrument.replace("*", "ANY")
        self.fee = policy.liquidation.closing_fee

    def market(self, mark: Decimal) -> dict[str, Any]:
        """The market of the counterexample, with a mark."""
        row: dict[str, Any] = {"mark_price": str(mark), "measures": {}}
        as_of = AS_OF
        for reading in self.found.readings:
            if reading.sort == "measure" and reading.value is not None:
                row["measures"][reading.name] = str(reading.value)
            elif reading.sort == "expiry" and reading.value is not None:
                left = reading.value
                stated = self.policy.instruments[self.instrument].expires_at
                if left == FOREVER:
                    row["expires_at"] = None
                elif isinstance(expires_at := stated, type(time_of(AS_OF))):
                    as_of = (expires_at - timedelta(seconds=float(left))).isoformat()
                else:
                    row["expires_at"] = (time_of(AS_OF) + timedelta(seconds=float(left))).isoformat()
        return {"as_of": as_of, "instruments": {self.instrument: row}}

    def evaluated(self, margin: Decimal, mode: str, mark: Decimal = ONE) -> Evaluation:
        """The counterexample's position with this much behind it."""
        position = {"id": "p", "entry_price": str(self.found.price), **self.fields(mode)}
        if mode == "isolated":
            position["margin"] = f"{margin:f}"
        collateral = {"USDT": f"{margin:f}"} if mode == "cross" else {}
        account = {"account": "A", "collateral": collateral, "positions": [position]}
        return self.engine.evaluate(account, self.market(mark))

    def fields(self, mode: str) -> dict[str, Any]:
        """What position and order have in common."""
        leverage = None if self.found.leverage is None else str(self.found.leverage)
        quantity = str(self.found.quantity)
        return {"instrument": self.instrument, "mode": mode, "quantity": quantity, "leverage": leverage}

    def required(self) -> Decimal:
        """The margin that an order must bring to open the position."""
        order = {"id": "o", "price": None, **self.fields("isolated" if self.found.ring_fenced else "cross")}
        account = {"account": "A", "collateral": {"USDT": str(ENOUGH)}, "positions": []}
        required = self.engine.check_order(account, self.market(ONE), order).required_margin
        assert required is not None
        return required

    def room(self) -> bool:
        """Opened with what an order must bring, it is liquidated at once, or could not pay for its closing."""
        required = self.required()
        mode = "isolated" if self.found.ring_fenced else "cross"
        evaluation = self.evaluated(required, mode)
        figures, status = evaluation.positions[0], status_of(evaluation)
        assert figures.maintenance_margin is not None and figures.notional is not None
        places = len(self.fee.counts_in & {"maintenance", "trigger"})
        beside = max(places, 1) - ("maintenance" in self.fee.counts_in)
        line = Fraction(figures.maintenance_margin) + beside * self.charged(figures.notional, required)
        assert self.found.tier == figures.tier
        if places and status != "undetermined" and self.policy.liquidation.trigger == "at_or_below":
            assert status in ("liquidate", "bankrupt") or abs(Fraction(required) - line) <= LEAST, status
        return Fraction(required) <= line + Fraction(1, 10**11)

    def charged(self, notional: Decimal, initial: Decimal) -> Fraction:
        """The closing fee, at the mark or where what the position was opened with is gone."""
        rate = Fraction(self.fee.rate)
        if self.fee.valued_at == "mark":
            return rate * Fraction(notional)
        standing = Fraction(initial)
        if not self.found.ring_fenced:
            tier = self.policy.tables[self.found.table].tiers[self.found.tier - 1]
            leverage = self.found.leverage or tier.max_leverage
            standing = Fraction(notional) * (
                Fraction(tier.initial_rate) if leverage is None else 1 / Fraction(leverage)
            )
        assert self.found.quantity is not None
        rule = next(iter((*self.policy.instruments.values(), *self.policy.patterns)))
        falls = (self.found.quantity > 0) != (rule.payoff.name == "inverse")
        return rate * (Fraction(notional) + (-standing if falls else standing))

    def cannot_pay(self) -> bool:
        """Its line lies where it is said to, and there it has less than closing costs."""
        above, below = self.found.have + 2 * LEAST, self.found.have - 2 * LEAST
        assert status_of(self.evaluated(above, "isolated")) != "liquidate"
        liquidated = self.evaluated(below, "isolated")
        notional = liquidated.positions[0].notional
        assert notional is not None and status_of(liquidated) in ("liquidate", "bankrupt")
        return above < self.fee.rate * notional

    def is_kept_with_nothing(self) -> bool:
        """It is not liquidated with the least margin, and bankrupt below nothing."""
        evaluation = self.evaluated(LEAST, "isolated")
        assert status_of(evaluation) == "healthy"
        return evaluation.positions[0].maintenance_margin == 0

    def gains_nothing(self) -> bool:
        """Where its mark moves for it by a hundredth, its line moves as far as its equity.

        By contracts, its line rises by all that as many further contracts are worth. A pool whose buffers miss a
        measure has no line: its initial margin, never below maintenance, rises by as much as the position.
        """
        twice = self.of_size(self.found.size * 2)
        if any(reading.value is None and reading.sort == "measure" for reading in self.found.readings):
            if self.is_negative_too():
                return True
            return twice.opened() - self.opened() >= twice.worth() - self.worth()
        if self.found.unit == "contracts":
            return twice.line() - self.line() >= twice.worth() - self.worth()
        assert self.found.quantity is not None
        gain = Decimal("0.01").copy_sign(self.found.quantity)
        before, after = (self.surplus(ONE + move) for move in (ZERO, gain))
        return after <= before

    def is_negative_too(self) -> bool:
        """Where the measure is missing its rate may fall below 0 as well: that is another fault, and hides figures."""
        evidence = next(one for one in self.evaluated(ENOUGH, "isolated").pools if one.mode == "isolated").evidence
        return any("requires maintenance margin -" in doubt.message for doubt in evidence)

    def keeps_less_than_nothing(self) -> bool:
        """Its maintenance margin is the one that is said, below 0, which no pool can be decided by, but for a fee."""
        evidence = next(one for one in self.evaluated(LEAST, "isolated").pools if one.mode == "isolated").evidence
        fee = self.counted(self.found.size * (self.found.worth if self.found.unit == "contracts" else ONE))
        if not evidence and any(reading.value is None for reading in self.found.readings):  # the fee makes up for it
            return (
                Fraction(self.found.have) < 0 <= Fraction(self.found.have) + fee
            )  # it counts, but the fee makes up for it
        if not evidence:
            kept = self.kept()
        else:
            wrong = re.search(r"maintenance margin (-[0-9.]+)", evidence[0].message)
            assert wrong is not None
            kept = Fraction(wrong[1]) - fee
        return kept < 0 and abs(kept - Fraction(self.found.have)) <= LEAST

    def counted(self, notional: Decimal) -> Fraction:
        """The fee in the maintenance margin of a position that has next to nothing: at bankruptcy as at the mark."""
        return ("maintenance" in self.fee.counts_in) * Fraction(self.fee.rate) * Fraction(notional)

    def keeps_less_than_below(self) -> bool:
        """It keeps less than what two sizes of the tier below, drawn on as a line, say that it would."""
        floor, size = self.policy.tables[self.found.table].tiers[self.found.tier - 1].floor, self.found.size
        low, high = (self.of_size(floor * Decimal(part)).kept() for part in ("0.998", "0.999"))
        each = (high - low) / (Fraction(floor) * Fraction("0.001"))
        whole = self.policy.tables[self.found.table].form == "whole"
        wanted = each * Fraction(size) if whole else high + each * (Fraction(size) - Fraction(floor * Decimal("0.999")))
        assert abs(wanted - Fraction(self.found.need)) <= LEAST
        kept = self.kept()
        assert abs(kept - Fraction(self.found.have)) <= LEAST
        return kept < wanted

    def opens_with_less(self) -> bool:
        """A position that is smaller by a little needs more to be opened, if figures of few digits can tell."""
        if self.found.need - self.found.have <= LEAST:
            return True
        initial, smaller = self.opened(), self.of_size(self.found.size * Decimal("0.999999")).opened()
        assert abs(initial - Fraction(self.found.have)) <= LEAST
        return initial < smaller <= Fraction(self.found.need) + Fraction(LEAST)

    def opens_with_more_than_all(self) -> bool:
        """It needs more than it is worth."""
        return self.opened() == self.found.need > self.found.have

    def of_size(self, size: Decimal) -> Confirmed:
        """The same position, of another size."""
        assert self.found.quantity is not None
        with exactly():
            quantity = self.found.quantity * size / self.found.size
        other = copy(self)
        other.found = msgspec.structs.replace(self.found, size=size, quantity=quantity)
        return other

    def kept(self) -> Fraction:
        """Its maintenance margin, but for a fee."""
        figures = self.evaluated(LEAST, "isolated").positions[0]
        assert figures.maintenance_margin is not None and figures.notional is not None
        return Fraction(figures.maintenance_margin) - self.counted(figures.notional)

    def opened(self) -> Fraction:
        """Its initial margin."""
        initial = self.evaluated(ENOUGH, "isolated").positions[0].initial_margin
        assert initial is not None
        return Fraction(initial)

    def surplus(self, mark: Decimal) -> Fraction:
        """Equity less the line, at a mark."""
        evaluation = self.evaluated(self.found.need + 1, "isolated", mark)
        pool = next(one for one in evaluation.pools if one.mode == "isolated")
        assert pool.equity is not None
        return Fraction(pool.equity) - self.line(mark)

    def line(self, mark: Decimal = ONE) -> Fraction:
        """The equity at which it is liquidated, at a mark."""
        figures = self.evaluated(self.found.need + 1, "isolated", mark).positions[0]
        assert figures.maintenance_margin is not None and figures.notional is not None
        fee = ("trigger" in self.fee.counts_in) * self.charged(figures.notional, ZERO)
        return Fraction(figures.maintenance_margin) + fee

    def worth(self) -> Fraction:
        """Its notional."""
        notional = self.evaluated(ENOUGH, "isolated").positions[0].notional
        assert notional is not None
        return Fraction(notional)


SHOWN: Final[Mapping[str, Callable[[Confirmed], bool]]] = {
    ROOM: Confirmed.room,
    FEE: Confirmed.cannot_pay,
    NOTHING: Confirmed.is_kept_with_nothing,
    RATE: Confirmed.gains_nothing,
    BELOW: Confirmed.keeps_less_than_nothing,
    FALLS: Confirmed.keeps_less_than_below,
    LEVERAGE: Confirmed.opens_with_less,
    ABOVE: Confirmed.opens_with_more_than_all,
}
"""By code, what `evaluate` must say of a counterexample: every code of the page on proofs, and none that has none."""
