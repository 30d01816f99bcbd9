"""Counterexamples of which less can be told than usual, and a law that no halving can settle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import rules_engine_standard_modes

from rules_engine.extension.registry import build_registry
from rules_engine.plugin import Number, NumberSystem, Payoff, hookimpl
from rules_engine.policy.counterexamples import Disproof
from rules_engine.policy.proofs_search import Budget, Search, Unfinished
from rules_engine.policy.proofs_states import Acting, sources_of
from tests.numbers.strategies import fraction
from tests.policy.planted_faults import FEE, ROOM, STRICT, WHOLE, Planted
from tests.policy.policy_examples import check, policy

DEAR = "{rate: 0.02, counts_in: [], valued_at: %s}"
"""A closing fee of twice the maintenance of `STRICT`."""


def disproof(planted: Planted, code: str, *plugins: Any) -> Disproof:
    """The one fault that is found with a counterexample."""
    _, problems = check(planted.text(), registry=build_registry([rules_engine_standard_modes, *plugins]))
    (found,) = [problem for problem in problems if isinstance(problem, Disproof) and problem.code == code]
    return found


def test_counterexample__of_a_table_that_no_instrument_names_has_a_side_and_no_quantity() -> None:
    """Nothing says what a contract is worth; that longs are meant can still be said."""
    found = disproof(Planted("", "", "", tiers=STRICT, instrument="{}", fee=DEAR % "bankruptcy"), FEE)
    assert (found.counterexample.quantity, found.counterexample.instrument) == (None, None)
    assert "a long of 1 notional" in found.message


class Striking:
    """A payoff that needs more than a price."""

    name = "striking"
    required = ("strike",)
    value_range = (0, None)

    def value(self, num: NumberSystem, price: Number, contract_size: Number, conversion: Number) -> Number:
        """Fails at once."""
        raise ValueError("it needs its strike")

    price = value


class Supplied:
    """Supplies it."""

    @hookimpl
    def rules_engine_payoffs(self) -> Sequence[Payoff]:
        """One payoff."""
        return (Striking(),)


def test_counterexample__of_a_stranger_s_payoff_tells_the_size_alone() -> None:
    """A contract's value at a price of 1 cannot be told, so no quantity can."""
    line = "BTCUSDT: {payoff: striking, table: t, terms: {strike: 5}}"
    found = disproof(Planted("", "", "", tiers=STRICT, instrument=line, fee=DEAR % "mark"), FEE, Supplied())
    assert found.counterexample.quantity is None
    assert found.counterexample.size == 1


def test_counterexample__that_nobody_can_write_tells_the_size_alone() -> None:
    """The stretch at fault is 1e-30 wide and starts at 100: of contracts worth 7 no number that ends lies in it."""
    narrow = (
        "\n      - {up_to: 100, maintenance_rate: 0.004, max_leverage: 100}"
        "\n      - {up_to: 100.000000000000000000000000000001, maintenance_rate: 0.0098, max_leverage: 100}"
        "\n      - {up_to: unlimited, maintenance_rate: 0.0098, max_leverage: 50}"
    )
    line = "BTCUSDT: {payoff: linear, table: t, contract_size: 7}"
    found = disproof(Planted("", "", "", tiers=narrow, table=WHOLE, instrument=line), ROOM)
    assert found.counterexample.quantity is None
    assert found.counterexample.size == 100


class Tangent:
    """A law that is surely kept where no buffer can multiply by the root of two, and broken nowhere."""

    def holds(self, acting: Sequence[Acting]) -> bool:
        """Whether the root does not lie between what the buffer does at least and at most."""
        least, most = (fraction(each.multiply) for each in (acting[0].least, acting[0].greatest))
        return not least**2 < 2 < most**2

    def fault(self, pair: object) -> None:
        """None is ever found."""


def test_search__that_comes_to_an_end_without_an_answer_is_not_finished() -> None:
    """A curve is halved down to the finest reading, and the law is still neither kept nor broken there."""
    curve = ("curved", "kind: volatility, measure: realized, curve: {reference: 1, slope: 0.5, cap: 1.9}")
    text = Planted("", "", "", tiers=STRICT, buffers=(curve,), fee="{rate: 0, counts_in: []}").text()
    rule = policy(text).instruments["BTCUSDT"]
    with pytest.raises(Unfinished):
        Search(sources_of(rule, rule.buffers), Budget()).failure(Tangent())
