"""The worst scenario of a portfolio, and who loses what in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rules_engine.plugin import Number, NumberSystem

AROUND_ZERO: Final = (0, 0)
"""Floors that tell negative numbers from others, for choices that are no branches."""


class Worst(NamedTuple):
    """What is lost in the worst scenario, by whom, and which that is, from 1; 0 where nothing is lost in any."""

    loss: Number
    shares: Mapping[str, Number]
    scenario: Number


def worst(num: NumberSystem, gains: Mapping[str, Sequence[Number]]) -> Worst:
    """The worst scenario of members that each gain so much by scenario; the first one where several are as bad."""
    shares: dict[str, Number] = dict.fromkeys(gains, num.constant(0))
    loss = scenario = num.constant(0)
    for index, column in enumerate(zip(*gains.values(), strict=True)):
        losses = [-gain for gain in column]
        candidate = num.total(losses)
        taken, kept = choice(num, loss - candidate)
        shares = {name: kept * shares[name] + taken * lost for name, lost in zip(gains, losses, strict=True)}
        scenario = kept * scenario + taken * (index + 1)
        loss = num.maximum(loss, candidate)
    return Worst(loss, shares, scenario)


def choice(num: NumberSystem, x: Number) -> tuple[Number, Number]:
    """Factors that choose between two numbers: (1, 0) where x is negative, (0, 1) where it is not."""
    return num.step(x, AROUND_ZERO, (1, 0)), num.step(x, AROUND_ZERO, (0, 1))
