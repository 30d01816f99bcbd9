"""Credits for spreads between underlyings: opposite positions in what moves together risk less than each alone.

Source: CME Group, CME SPAN Methodology Overview, inter-commodity spread credit: spreads in the order of the list, each
formed from the deltas that those before it left over. What differs from SPAN is said in the README.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rules_engine.plugin import Number, NumberSystem


class Spreadable(NamedTuple):
    """An underlying as spreads see it: its scanning risk, its net delta, and its price scan range.

    The delta is in the settlement currency: what the positions gain when the price rises by all of itself.
    """

    risk: Number
    delta: Number
    scan_range: Number


def spread_credits(
    num: NumberSystem, underlyings: Mapping[str, Spreadable], spreads: Sequence[Mapping[str, Any]]
) -> Mapping[str, Number]:
    """The credit by underlying, never more than its scanning risk."""
    left = dict(underlyings)
    credits: dict[str, Number] = dict.fromkeys(underlyings, num.constant(0))
    for spread in spreads:
        legs = spread["legs"]
        if not set(legs) <= set(left):
            continue
        up, down = (_formed(num, left, legs, direction) for direction in (1, -1))
        for name, weight in legs.items():
            one = left[name]
            covered = num.absolute(weight) * one.scan_range * (up + down)
            credit = spread["rate"] * num.minimum(covered, one.risk)
            credits[name] = credits[name] + credit
            left[name] = one._replace(risk=one.risk - credit, delta=one.delta - weight * (up - down))
    return credits


def _formed(num: NumberSystem, left: Mapping[str, Spreadable], legs: Mapping[str, Number], direction: int) -> Number:
    """How many spreads can be formed, each of so much delta as its legs say, in one direction."""
    return num.maximum(num.minimum(*[num.quotient(direction * left[name].delta, legs[name]) for name in legs]), 0)
