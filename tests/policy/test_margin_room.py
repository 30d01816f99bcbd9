"""Room between initial and maintenance margin: the check's verdict is that of every combination, tried one by one.

The verdict here is worked out apart from the formulas of the product: in fractions, tier by tier, from the definitions.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.policy_examples import check

HEAD = """\
schema: rules-engine/policy/1
policy: room
version: 1.0.0
settlement: {currency: USDT, quantum: 0.01}
modes: {isolated: {}}
"""
TOO_SMALL = "INITIAL_NOT_ABOVE_MAINTENANCE"
RATES = {"RATE_NOT_BELOW_ONE", "RATE_BELOW_ZERO"}

Adjustment = tuple[Fraction, Fraction]
Band = tuple[str, str]


def fractions(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


tiers = st.lists(
    st.tuples(
        st.integers(1, 60), fractions("0", "0.005", "0.01", "0.02", "0.1"), fractions("0", "0.001", "0.004", "0.02")
    ),
    min_size=1,
    max_size=3,
)
bands = st.lists(
    st.tuples(fractions("0.5", "0.9", "1", "1.25", "2", "8"), fractions("0", "0.01", "-0.002", "0.3")),
    min_size=1,
    max_size=3,
)
buffers = st.lists(st.tuples(bands, st.sampled_from(["initial", "maintenance", "initial, maintenance"])), max_size=2)
fees = st.tuples(
    fractions("0", "0.001", "0.004", "0.01"), st.sampled_from(["", "trigger", "maintenance", "initial, trigger"])
)


def digits(rate: Fraction) -> str:
    """A rate of at most four decimals in digits."""
    return f"{rate * 10_000}e-4"


class Table:
    """Tiers drawn as steps, so that floors and rates rise."""

    def __init__(self, steps: list[tuple[int, str, str]], capped: bool, form: str) -> None:
        self.floors, self.maintenance, self.initial = [Fraction(0)], [], []
        rate, initial = Fraction("0.004"), Fraction("0.005")
        for size, more, room in steps:
            rate, initial = rate + Fraction(more), max(initial, rate + Fraction(more) + Fraction(room))
            self.maintenance.append(rate)
            self.initial.append(min(initial, Fraction(1)))
            self.floors.append(self.floors[-1] + size)
        self.capped, self.form = capped, form

    def text(self) -> str:
        ends = [str(end) for end in self.floors[1:]]
        ends[-1] = ends[-1] if self.capped else "unlimited"
        rows = zip(ends, self.maintenance, self.initial, strict=True)
        tiers = [f"{{up_to: {end}, maintenance_rate: {digits(m)}, initial_rate: {digits(i)}}}" for end, m, i in rows]
        return f"tables: {{t: {{form: {self.form}, tiers: [{', '.join(tiers)}]}}}}\n"

    def has_room(self, on_initial: Adjustment, on_maintenance: Adjustment, fee: Fraction) -> bool:
        rates = [min(Fraction(1), rate * on_maintenance[0] + on_maintenance[1]) for rate in self.maintenance]
        deduction = Fraction(0)
        for tier, rate in enumerate(rates):
            floor, end = self.floors[tier], self.floors[tier + 1]
            if tier and self.form == "marginal":
                deduction += floor * (rate - rates[tier - 1])
            opening = max(self.initial[tier], min(Fraction(1), self.initial[tier] * on_initial[0] + on_initial[1]))
            slope = opening - rate - fee
            at_floor = slope * floor + deduction > 0 if floor else slope > 0
            open_ended = tier == len(rates) - 1 and not self.capped
            if not at_floor or (slope < 0 if open_ended else slope * end + deduction < 0):
                return False
        return True


def severest(band_list: list[Band]) -> Band:
    return max((band[0] for band in band_list), key=Fraction), max((band[1] for band in band_list), key=Fraction)


def combined(chosen: Any, place: str) -> Adjustment:
    factor, addition = Fraction(1), Fraction(0)
    for (multiply, add), acts_on in chosen:
        if place in acts_on:
            factor, addition = factor * Fraction(multiply), addition + Fraction(add)
    return factor, addition


def policy_text(table: Table, drawn: Any, fee: tuple[str, str]) -> str:
    lines = []
    for index, (band_list, acts_on) in enumerate(drawn):
        rows = [f"{{from: {start}, multiply: {m}, add_rate: {a}}}" for start, (m, a) in enumerate(band_list)]
        lines.append(f"b{index}: {{kind: depth, measure: m, requirements: [{acts_on}], bands: [{', '.join(rows)}]}}")
    names = ", ".join(f"b{index}" for index in range(len(drawn)))
    return (
        f"{HEAD}{table.text()}buffers: {{{', '.join(lines)}}}\n"
        f"instruments: {{A: {{payoff: linear, table: t, buffers: [{names}]}}}}\n"
        f"liquidation: {{closing_fee: {{rate: {fee[0]}, counts_in: [{fee[1]}]}}}}\n"
    )


@settings(max_examples=300, deadline=None)
@given(steps=tiers, capped=st.booleans(), form=st.sampled_from(["marginal", "whole"]), drawn=buffers, fee=fees)
def test_check__finds_too_little_room_exactly_where_some_combination_leaves_it(
    steps: Any, capped: bool, form: str, drawn: Any, fee: tuple[str, str]
) -> None:
    table = Table(steps, capped, form)
    codes = {problem.code for problem in check(policy_text(table, drawn, fee))[1] if problem.severity == "error"}
    if codes & RATES:
        return
    counted = Fraction(fee[0]) * {"": 1, "trigger": 1, "maintenance": 1, "initial, trigger": 0}[fee[1]]
    reachable = [[(band, acts_on) for band in [*bands, severest(bands)]] for bands, acts_on in drawn]
    room = all(
        table.has_room(combined(chosen, "initial"), combined(chosen, "maintenance"), counted)
        for chosen in product(*reachable)
    )
    assert (TOO_SMALL in codes) is not room
    assert codes <= {TOO_SMALL}
