"""What if the market moved: one book swept under many moved markets, each sweep as exact as any other.

A move is the part by which something changes: -0.1 is a fall by a tenth. What does not change is kept from market to
market: the book with its pools, the arrays that a sweep writes to, and the sweep of the market as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules_engine.engine.book import Book, Group
from rules_engine.engine.quote import Quotes
from rules_engine.engine.sweep import Sweep
from rules_engine.engine.sweep_rows import STATUSES, Codes
from rules_engine.numbers.exact import ONE, ZERO, divide, exactly, rounded
from rules_engine.policy.globs import matches
from rules_engine.terms.market import AssetPrice, InstrumentMarket, Market, Measure
from rules_engine.terms.policy import Policy

EVERY: Final = ("*",)
"""The globs that choose every instrument."""
LIQUIDATED: Final = ("liquidate", "bankrupt")
"""The statuses of pools that are to be liquidated."""
FINEST_MOVE: Final = Decimal("0.000001")
"""What moves between the ends of a range are rounded to, a ten-thousandth of a percent: thirds have no end."""
Summed = TypeVar("Summed", int, Decimal)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """Moves of prices, and of measures by name. Raises `ValueError` where one would leave no price, or less than 0."""

    price_move: Decimal = ZERO
    measure_moves: Mapping[str, Decimal] = {}

    def __post_init__(self) -> None:
        if not self.price_move > -ONE:
            raise ValueError(f"a price move is above -1, not {self.price_move}")
        for name, move in self.measure_moves.items():
            if not move >= -ONE:
                raise ValueError(f"a move of the measure {name} is at least -1, not {move}")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A book under one scenario: positions by status, the notional of those to be liquidated, and what is new of both.

    Counts are exact; notionals are at the moved mark, of quantities summed in doubles. What is newly liquidated is
    healthy or called as the market stands. `exactly` is that of the sweep. Outcomes of a book's parts add up.
    """

    scenario: Scenario
    statuses: Mapping[str, int]
    notional: Mapping[str, Decimal]
    newly: int
    newly_notional: Decimal
    exactly: Mapping[str, int]

    @property
    def liquidated(self) -> int:
        """Positions whose pool is to be liquidated, bankrupt ones included."""
        return sum(self.statuses[status] for status in LIQUIDATED)

    @property
    def notional_liquidated(self) -> Decimal:
        """Their notional."""
        with exactly():
            return sum(self.notional.values(), ZERO)

    def __add__(self, other: Outcome) -> Outcome:
        with exactly():
            return Outcome(
                scenario=self.scenario,
                statuses=_added(self.statuses, other.statuses),
                notional=_added(self.notional, other.notional),
                newly=self.newly + other.newly,
                newly_notional=self.newly_notional + other.newly_notional,
                exactly=_added(self.exactly, other.exactly),
            )


def _added(one: Mapping[str, Summed], other: Mapping[str, Summed]) -> dict[str, Summed]:
    """What either has, and the sum of what both have."""
    both = {name: one[name] + other[name] for name in one if name in other}
    return {**one, **other, **both}


def even_moves(start: Decimal, stop: Decimal, count: int) -> tuple[Decimal, ...]:
    """So many moves from one to another, equally far apart but for their rounding; the ends are exactly as given."""
    with exactly():
        steps = [divide((stop - start) * step, Decimal(count - 1)) for step in range(1, count - 1)]
        inner = [rounded(start + step, FINEST_MOVE, "half_up") for step in steps]
    return tuple(dict.fromkeys([start, *inner, stop]))


def grid_of(prices: Iterable[Decimal], measures: Mapping[str, Iterable[Decimal]]) -> list[Scenario]:
    """Every move of prices with every move of each measure; the last measure's moves change fastest."""
    return [
        Scenario(price_move=price, measure_moves=dict(zip(measures, moves, strict=True)))
        for price, *moves in product(prices, *measures.values())
    ]


def chosen(names: Iterable[str], globs: Sequence[str]) -> frozenset[str]:
    """The names that any of the globs matches."""
    return frozenset(name for name in names if any(matches(glob, name) for glob in globs))


def shocked(
    market: Market, scenario: Scenario, instruments: Sequence[str] = EVERY, assets: Sequence[str] = ()
) -> Market:
    """The market with a scenario in it, exactly.

    Of the instruments that a glob matches, the mark and with it the index price and the mark's confidence move, and
    measures; of the collateral assets likewise, price and measures. Nothing else does: no reference data, no time.
    """
    moving, backing = chosen(market.instruments, instruments), chosen(market.prices, assets)
    with exactly():
        return msgspec.structs.replace(
            market,
            instruments={
                name: _instrument(data, scenario) if name in moving else data
                for name, data in market.instruments.items()
            },
            prices={name: _asset(data, scenario) if name in backing else data for name, data in market.prices.items()},
        )


def _instrument(data: InstrumentMarket, scenario: Scenario) -> InstrumentMarket:
    factor = ONE + scenario.price_move
    prices = {name: getattr(data, name) for name in ("mark_price", "index_price", "confidence")}
    moved = {name: price * factor for name, price in prices.items() if price is not None}
    return msgspec.structs.replace(data, **moved, measures=_measures(data.measures, scenario))


def _asset(data: AssetPrice, scenario: Scenario) -> AssetPrice:
    price = data.price * (ONE + scenario.price_move)
    return msgspec.structs.replace(data, price=price, measures=_measures(data.measures, scenario))


def _measures(measures: Mapping[str, Measure], scenario: Scenario) -> dict[str, Measure]:
    moves = scenario.measure_moves
    return {
        name: msgspec.structs.replace(measure, value=measure.value * (ONE + moves.get(name, ZERO)))
        for name, measure in measures.items()
    }


def what_if(
    policy: Policy,
    sweep: Callable[[Market, Sweep | None], Sweep],
    market: Market,
    scenarios: Iterable[Scenario],
    instruments: Sequence[str] = EVERY,
    assets: Sequence[str] = (),
) -> Iterator[Outcome]:
    """The outcome of the market as it stands, with no moves, and then of each scenario, in order.

    `sweep` sweeps the book in a market, into an earlier sweep's arrays. `instruments` and `assets` are globs, as in
    `shocked`.
    """
    last = sweep(market, None)
    now = last.columns.status.copy()
    unmoved = _outcome(policy, market, Scenario(), last, now)
    yield unmoved
    for scenario in scenarios:
        moved = shocked(market, scenario, instruments, assets)
        if moved == market:
            yield msgspec.structs.replace(unmoved, scenario=scenario)
            continue
        last = sweep(moved, last)
        yield _outcome(policy, moved, scenario, last, now)


def _outcome(policy: Policy, market: Market, scenario: Scenario, sweep: Sweep, now: Codes) -> Outcome:
    """A sweep in numbers, beside the statuses `now` of the market as it stands."""
    status = sweep.columns.status
    masks = {name: status == STATUSES.index(name) for name in LIQUIDATED}
    masks["newly"] = _IS_FINE[now] & _IS_LIQUIDATED[status]
    with exactly():
        notional = _notional(policy, market, sweep.book, masks)
    return Outcome(
        scenario=scenario,
        statuses=dict(zip(STATUSES, np.bincount(status, minlength=len(STATUSES)).tolist(), strict=True)),
        notional={name: notional[name] for name in LIQUIDATED},
        newly=int(np.count_nonzero(masks["newly"])),
        newly_notional=notional["newly"],
        exactly=sweep.exactly,
    )


_IS_LIQUIDATED: Final = np.isin(STATUSES, LIQUIDATED)
_IS_FINE: Final = np.isin(STATUSES, ("healthy", "margin_call"))


def _notional(policy: Policy, market: Market, book: Book, masks: Mapping[str, NDArray[np.bool_]]) -> dict[str, Decimal]:
    """The value at the mark of the rows that each mask chooses, each group's rounded to the quantum."""
    quote_of = Quotes(policy, market)
    total = dict.fromkeys(masks, ZERO)
    for group, rows in _placed(book):
        for name, mask in masks.items():
            here = mask[rows]
            if here.any():  # then its mark is known, or no pool that holds it could be decided
                quantity = group.columns["quantity"]
                assert quantity is not None
                size = Decimal(np.abs(quantity[here]).sum())
                total[name] += rounded(abs(quote_of(group.instrument).value) * size, policy.quantum, "half_up")
    return total


def _placed(book: Book) -> Iterator[tuple[Group, slice]]:
    """The groups with where their rows stand in a sweep's columns; rows at fault, of no known size, follow them."""
    start = 0
    for group in (*book.groups, *book.contents.apart):
        yield group, slice(start, start + group.size)
        start += group.size
