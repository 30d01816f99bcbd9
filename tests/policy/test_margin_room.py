"""Room between initial and maintenance margin: the check's verdict is that of every state, tried one by one.

The verdict here is worked out apart from the formulas of the product: in fractions, tier by tier, from the definitions.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.policy.policy_examples import check
from tests.properties.laws import examples

HEAD = """\
schema: rules-engine/policy/1
policy: room
version: 1.0.0
settlement: {currency: USDT, quantum: 0.01}
modes: {isolated: {}}
"""
TOO_SMALL = "INITIAL_NOT_ABOVE_MAINTENANCE"
KEPT = {"CLOSING_FEE_ABOVE_MAINTENANCE", "LIQUIDATION_NOT_BEFORE_BANKRUPTCY"}
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
acts_on = st.sampled_from(["initial", "maintenance", "initial, maintenance"])
buffers = st.lists(st.tuples(bands, acts_on, st.sampled_from(["depth", "spread"])), max_size=3)
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

    def keeps_enough(self, on_maintenance: Adjustment, fee: Fraction, counted: bool) -> bool:
        """In the lowest tier, where least is kept of every unit of size."""
        rate = self.maintenance[0] * on_maintenance[0] + on_maintenance[1]
        return counted or (rate >= fee if fee else rate > 0)


def severest(band_list: list[Band]) -> Band:
    return max((band[0] for band in band_list), key=Fraction), max((band[1] for band in band_list), key=Fraction)


def combined(chosen: Any, place: str) -> Adjustment:
    factor, addition = Fraction(1), Fraction(0)
    for (multiply, add), acts_on in chosen:
        if place in acts_on:
            factor, addition = factor * Fraction(multiply), addition + Fraction(add)
    return factor, addition


def states(drawn: Any) -> Any:
    """What the buffers do together, at every reading of each of their measures and where it is missing.

    Band number k begins at a reading of k, so a buffer is in the band of the reading, or in its last.
    """
    measures = sorted({measure for _, _, measure in drawn})
    for readings in product((0, 1, 2, None), repeat=len(measures)):
        at = dict(zip(measures, readings, strict=True))
        yield [(band_of(band_list, at[measure]), acts_on) for band_list, acts_on, measure in drawn]


def band_of(band_list: list[Band], reading: int | None) -> Band:
    return severest(band_list) if reading is None else band_list[min(reading, len(band_list) - 1)]


def policy_text(table: Table, drawn: Any, fee: tuple[str, str]) -> str:
    lines = []
    for index, (band_list, acts_on, measure) in enumerate(drawn):
        rows = [f"{{from: {start}, multiply: {m}, add_rate: {a}}}" for start, (m, a) in enumerate(band_list)]
        head = f"kind: depth, measure: {measure}, requirements: [{acts_on}]"
        lines.append(f"b{index}: {{{head}, bands: [{', '.join(rows)}]}}")
    names = ", ".join(f"b{index}" for index in range(len(drawn)))
    return (
        f"{HEAD}{table.text()}buffers: {{{', '.join(lines)}}}\n"
        f"instruments: {{A: {{payoff: linear, table: t, buffers: [{names}]}}}}\n"
        f"liquidation: {{closing_fee: {{rate: {fee[0]}, counts_in: [{fee[1]}]}}}}\n"
    )


@examples(400)
@given(steps=tiers, capped=st.booleans(), form=st.sampled_from(["marginal", "whole"]), drawn=buffers, fee=fees)
def test_check__finds_too_little_margin_exactly_where_some_state_leaves_it(
    steps: Any, capped: bool, form: str, drawn: Any, fee: tuple[str, str]
) -> None:
    """Room between the margins, and what is kept for closing, in every state that the buffers can be in together."""
    table = Table(steps, capped, form)
    codes = {problem.code for problem in check(policy_text(table, drawn, fee))[1] if problem.severity == "error"}
    if codes & RATES:
        return
    rate, places = Fraction(fee[0]), {"": 0, "trigger": 1, "maintenance": 1, "initial, trigger": 1}[fee[1]]
    counted = rate * (max(places, 1) - ("initial" in fee[1]))
    together = [(combined(chosen, "initial"), combined(chosen, "maintenance")) for chosen in states(drawn)]
    assert (TOO_SMALL in codes) is not all(table.has_room(*pair, counted) for pair in together)
    enough = all(table.keeps_enough(kept, rate, bool(places and rate)) for _, kept in together)
    assert bool(KEPT & codes) is not enough
    assert codes <= {TOO_SMALL, *KEPT}
