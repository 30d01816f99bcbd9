"""The laws of buffers and payoffs: each is broken by a silly one; the standard ones, plans too, keep them all."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from rules_engine.extension import standard
from rules_engine.formulas.buffers import MeasureBuffer
from rules_engine.formulas.payoff import Inverse, Linear
from rules_engine.numbers.exact import EXACT
from rules_engine.numbers.functions import Piecewise
from rules_engine.numbers.traced import TracedNumbers
from rules_engine.plugin import Adjustment, Parameters
from rules_engine.testing import Report, check_buffer, check_payoff, check_plugin

ONE, TWO = Decimal(1), Decimal(2)
BANDS = {
    "measure": "volatility",
    "bands": [{"from": Decimal(0), "multiply": ONE}, {"from": Decimal("0.5"), "multiply": TWO}],
}
CURVE = {"measure": "volatility", "curve": {"reference": Decimal("0.6"), "slope": Decimal("0.5"), "cap": TWO}}


def broken(report: Report) -> list[str]:
    """The names of the laws that were broken."""
    assert not report.obstacle, report.obstacle
    return [law.name for law in report.broken]


def test_standard_components__keep_every_law() -> None:
    """All payoffs, kinds of buffer and close-out plans in the box, their parameters guessed."""
    reports = check_plugin(standard)
    assert len(reports) == 9
    assert {report.component: broken(report) for report in reports} == {report.component: [] for report in reports}


@pytest.mark.parametrize("parameters", [BANDS, CURVE])
def test_standard_buffer__keeps_every_law_with_bands_and_curve(parameters: dict[str, Any]) -> None:
    assert broken(check_buffer(MeasureBuffer("volatility"), parameters)) == []


class Silly(MeasureBuffer, frozen=True):
    """The standard buffer, to be made wrong."""

    name: str = "silly"


class Falling(Silly, frozen=True):
    """Multiplies by less than nothing, and says so."""

    def adjustment(self, num: Any, reading: Any, parameters: Any) -> Any:
        return Adjustment(multiply=-ONE)

    def extremes(self, parameters: Parameters) -> Any:
        return (Adjustment(multiply=-ONE),)


class Understating(Silly, frozen=True):
    """Keeps its last band to itself."""

    def extremes(self, parameters: Parameters) -> Any:
        return super().extremes(parameters)[:-1]


class Insisting(Silly, frozen=True):
    """Cannot do without its measure."""

    def reading(self, market: Any, as_of: Any, parameters: Any) -> Any:
        return market.measures[parameters["measure"]].value


class Inventing(Silly, frozen=True):
    """Takes what is missing for 0."""

    def reading(self, market: Any, as_of: Any, parameters: Any) -> Any:
        return super().reading(market, as_of, parameters) or Decimal(0)


class ToldApart(Silly, frozen=True):
    """Tells explanations another story."""

    def adjustment(self, num: Any, reading: Any, parameters: Any) -> Any:
        return (
            Adjustment(multiply=ONE) if isinstance(num, TracedNumbers) else super().adjustment(num, reading, parameters)
        )


class Careless(Silly, frozen=True):
    """Takes anything for bands."""

    @property
    def parameters(self) -> Any:
        return {"bands": {"required": True}}

    def reading(self, market: Any, as_of: Any, parameters: Any) -> Any:
        return None


class Clocked(Silly, frozen=True):
    """Looks at the clock."""

    def adjustment(self, num: Any, reading: Any, parameters: Any) -> Any:
        time.monotonic()
        return super().adjustment(num, reading, parameters)


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Falling(), "amounts"),
        (Understating(), "extremes"),
        (Insisting(), "missing"),
        (Inventing(), "missing"),
        (ToldApart(), "traced"),
        (Clocked(), "outside"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_buffer__that_breaks_one_law_is_found_by_its_name(kind: Any, law: str) -> None:
    assert broken(check_buffer(kind, BANDS)) == [law]


def test_buffer__that_takes_anything_for_a_parameter_is_found() -> None:
    assert broken(check_buffer(Careless(), {"bands": BANDS["bands"]})) == ["parameters"]


class Wavering(Silly, frozen=True):
    """Answers otherwise every other time."""

    asked: list[int] = []

    def adjustment(self, num: Any, reading: Any, parameters: Any) -> Any:
        self.asked.append(1)
        return Adjustment(multiply=ONE if len(self.asked) % 3 else TWO)


def test_buffer__that_wavers_is_found() -> None:
    assert "repeatable" in broken(check_buffer(Wavering(), BANDS))


class Rounding(Linear):
    """Loses what is beyond cents."""

    name = "silly"

    def price(self, num: Any, value: Any, contract_size: Any, conversion: Any) -> Any:
        return num.rounded(num.quotient(value, contract_size), Decimal("0.01"), "down")


class Sinking(Linear):
    """Falls as the price rises."""

    name = "silly"
    value_range = (None, Decimal(0))

    def value(self, num: Any, price: Any, contract_size: Any, conversion: Any) -> Any:
        return -contract_size * price

    def price(self, num: Any, value: Any, contract_size: Any, conversion: Any) -> Any:
        return num.quotient(-value, contract_size)


class Boundless(Inverse):
    """States the range of a linear payoff."""

    name = "silly"
    value_range = (Decimal(0), None)


class Branching(Linear):
    """Looks at the price, to the same end."""

    name = "silly"

    def value(self, num: Any, price: Any, contract_size: Any, conversion: Any) -> Any:
        return contract_size * price if isinstance(price, Piecewise) or price else contract_size


class Dividing(Linear):
    """Divides with an operator."""

    name = "silly"

    def value(self, num: Any, price: Any, contract_size: Any, conversion: Any) -> Any:
        return contract_size * price / 1


class Bent(Linear):
    """Is another function where the price is unknown."""

    name = "silly"

    def value(self, num: Any, price: Any, contract_size: Any, conversion: Any) -> Any:
        return contract_size * price + (1 if isinstance(price, Piecewise) else 0)


class TracedApart(Linear):
    """Tells explanations another story."""

    name = "silly"

    def value(self, num: Any, price: Any, contract_size: Any, conversion: Any) -> Any:
        return contract_size * price + (1 if isinstance(num, TracedNumbers) else 0)


class Weary(Linear):
    """Is worth more when it is asked about falling prices twice in a row."""

    name = "silly"
    last, falls = Decimal(0), 0

    def value(self, num: Any, price: Any, contract_size: Any, conversion: Any) -> Any:
        if num is EXACT:
            self.falls = self.falls + 1 if price < self.last else 0
            self.last = price
        return contract_size * price + (1 if self.falls > 1 else 0)


class Ticking(Linear):
    """Looks at the clock."""

    name = "silly"

    def price(self, num: Any, value: Any, contract_size: Any, conversion: Any) -> Any:
        time.time()
        return super().price(num, value, contract_size, conversion)


class Nameless(Linear):
    """Requires something without a name."""

    name = "silly"
    required = ("contract_size", "")


@pytest.mark.parametrize(
    ("payoff", "law"),
    [
        (Rounding(), "round_trip"),
        (Sinking(), "rising"),
        (Boundless(), "range"),
        (Dividing(), "opaque"),
        (TracedApart(), "traced"),
        (Bent(), "piecewise"),
        (Weary(), "repeatable"),
        (Ticking(), "outside"),
        (Nameless(), "required"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_payoff__that_breaks_one_law_is_found_by_its_name(payoff: Any, law: str) -> None:
    assert broken(check_payoff(payoff)) == [law]


def test_payoff__that_branches_is_found() -> None:
    assert "opaque" in broken(check_payoff(Branching()))
