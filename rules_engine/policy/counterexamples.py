"""Counterexamples: a position, its price and the readings of buffers with which `evaluate` shows a fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from rules_engine.errors import Problem
from rules_engine.formulas.buffers import FOREVER
from rules_engine.numbers.exact import EXACT, ONE, ZERO, Exact, Ratio, divide, rounded
from rules_engine.numbers.text import plain
from rules_engine.policy.findings import shown
from rules_engine.policy.proofs_laws import Fault, value_at
from rules_engine.policy.proofs_states import HALF, Box, Cell, Sort, Source
from rules_engine.terms.policy import InstrumentRule, Table

_UNITS: Final = tuple([Decimal(unit) for unit in ("1e-8", "1e-16", "1e-24")])
"""To which multiple a size that has no end of digits is rounded, into the stretch that is at fault."""
_DIGITS: Final = 40
"""A number in a document has no more."""


class Reading(msgspec.Struct, frozen=True):
    """What buffers read: a measure, or the seconds to expiry; None is missing. Of a stranger's buffer, what it does."""

    sort: Sort
    name: str
    value: Decimal | None
    adjustment: str = ""

    def __str__(self) -> str:
        if self.sort == "buffer":
            return f"buffer {self.name} makes of rates {self.adjustment}"
        if self.value is None:
            return f"{self.name} is missing"
        if self.sort == "measure":
            return f"{self.name} is {plain(self.value)}"
        return "nothing expires" if self.value == FOREVER else f"{self.name} is {plain(self.value)} s"


class Counterexample(msgspec.Struct, frozen=True, kw_only=True):
    """A position, entered at the mark, that shows a fault.

    `size` is notional or contracts, as the table's `unit` says. `instrument` is the key of the policy that margins it,
    None where no instrument uses the table; `quantity` and `price` are None where they are not known for it, and
    `worth` is the value of one contract at that price (a contract size that the market is to state is taken to be 1).
    `leverage` None is the table's limit. `ring_fenced` says that the position must stand on its own margin. `have` and
    `need` are the figures that the message names, rounded to eight digits after the point, as the size is where
    nothing near it can be written.
    """

    instrument: str | None
    table: str
    tier: int
    unit: str
    size: Decimal
    quantity: Decimal | None
    price: Decimal | None
    worth: Decimal
    leverage: Decimal | None
    ring_fenced: bool
    readings: tuple[Reading, ...]
    have: Decimal
    need: Decimal

    def document(self) -> Mapping[str, Any]:
        """For programs: numbers as text."""
        return {
            "instrument": self.instrument,
            "table": self.table,
            "tier": self.tier,
            "unit": self.unit,
            "size": _text(self.size),
            "quantity": _text(self.quantity),
            "price": _text(self.price),
            "worth": _text(self.worth),
            "leverage": _text(self.leverage),
            "ring_fenced": self.ring_fenced,
            "readings": [{"sort": one.sort, "name": one.name, "value": _text(one.value)} for one in self.readings],
            "have": _text(self.have),
            "need": _text(self.need),
        }


class Disproof(Problem, frozen=True, kw_only=True):
    """A problem that comes with a counterexample."""

    counterexample: Counterexample


def counterexample(
    table: Table, rule: InstrumentRule | None, fault: Fault, sources: Sequence[Source], state: Box
) -> Counterexample:
    """The roundest that is near the smallest size at fault, with quantity and price where they can be told."""
    value = ONE if rule is None else _value_at_one(rule)
    size, quantity = _chosen(table, None if rule is None else value, fault)
    worth = ONE if value is None else abs(value)
    each = worth if table.unit == "quantity" else ONE
    tier = int(EXACT.step(size, table.schedule.floors, range(len(table.tiers))))
    return Counterexample(
        instrument=None if rule is None else rule.pattern,
        table=table.name,
        tier=tier + 1,
        unit="notional" if table.unit == "notional" else "contracts",
        size=size if isinstance(size, Decimal) else _near(size),
        quantity=quantity,
        price=None if quantity is None else ONE,
        worth=worth,
        leverage=None if fault.rates is None else _leverage(fault.rates[tier]),
        ring_fenced=fault.own,
        readings=tuple([_reading(source, cells[0]) for source, cells in zip(sources, state, strict=True)]),
        have=_near(value_at(fault.have, size) * each),
        need=_near(value_at(fault.need, size) * each),
    )


def position_in_words(found: Counterexample, fault: Fault) -> str:
    """The counterexample's position: `a position of 5050000 notional`, `a short of 1000 notional at leverage 8`."""
    noun = "a position"
    if fault.side and found.quantity is not None:
        noun = "a long" if found.quantity > 0 else "a short"
    elif fault.side:
        noun = "a long" if fault.side > 0 else "a short"
    unit = "notional" if found.unit == "notional" else f"contracts, each worth {plain(found.worth)},"
    leverage = "" if found.leverage is None else f" at leverage {shown(found.leverage)}"
    own = " with margin of its own" if found.ring_fenced else ""
    return f"{noun} of {shown(found.size)} {unit}{leverage}{own}"


def _chosen(table: Table, value: Decimal | None, fault: Fault) -> tuple[Exact, Decimal | None]:
    """A size at fault and the quantity that has it where one contract has this value."""
    sizes = [size for size in _sizes(fault) if fault.holds_at(size)]
    if value is None:
        return sizes[0], None
    side = -ONE if (fault.side < 0) != (fault.side != 0 and value < 0) else ONE
    per_contract = ONE if table.unit == "quantity" else abs(value)
    for size in sizes:
        quantity = divide(size, per_contract)
        for near in (quantity, *(rounded(quantity, unit, "up") for unit in _UNITS)):
            if isinstance(near, Decimal) and _is_writable(near) and fault.holds_at(near * per_contract):
                return near * per_contract, side * near
    return sizes[0], None


def _sizes(fault: Fault) -> Iterator[Exact]:
    """Sizes of the stretch at fault, the first that can be written before the exact one."""
    low, high = fault.low[0], None if fault.high is None else fault.high[0]
    if low == 0:
        yield ONE if high is None or high > ONE else high * HALF
        return
    if not isinstance(low, Ratio):
        yield low
    for unit in _UNITS:
        yield rounded(low, unit, "up")
    yield low
    if high is not None:
        yield (low + high) * HALF


def _value_at_one(rule: InstrumentRule) -> Decimal | None:
    """The value of one contract at a price of 1; None where a stranger's payoff needs to know more."""
    try:
        value: Exact = rule.payoff.value(EXACT, ONE, rule.contract_size or ONE, rule.conversion or ONE)
    except Exception:  # a stranger's payoff may need terms of the contract
        return None
    return value if isinstance(value, Decimal) and value != 0 else None


def _is_writable(number: Decimal) -> bool:
    return number != ZERO and len(number.normalize().as_tuple().digits) <= _DIGITS


def _leverage(rate: Exact) -> Decimal:
    """The leverage that asks for this rate, or the next lower one that can be written."""
    return rounded(divide(ONE, rate), Decimal("1e-12"), "down")


def _reading(source: Source, cell: Cell) -> Reading:
    if source.sort != "buffer":
        return Reading(source.sort, source.name, cell.start)
    does = cell.least[0]
    return Reading(source.sort, source.name, None, f"* {shown(does.multiply)} + {shown(does.add_rate)}")


def _near(number: Exact) -> Decimal:
    return rounded(number, _UNITS[0], "half_up")


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
