"""What backs a book's accounts, and the orders that rest on them: its other two tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from rules_engine.engine import values
from rules_engine.engine.book import Integers
from rules_engine.engine.book_cells import (
    NOTHING,
    UNREADABLE,
    Cells,
    Faults,
    Names,
    exact,
    is_nothing,
    name_of,
    numbers,
    parts,
    said,
)
from rules_engine.engine.book_owners import Owners
from rules_engine.engine.book_table import COLLATERAL_COLUMNS, ORDER_COLUMNS, Places, demand, length_of, owners
from rules_engine.engine.values import Refusal
from rules_engine.errors import Doubt
from rules_engine.numbers.columns import Floats
from rules_engine.numbers.exact import ONE
from rules_engine.terms.account import Order

Amounts = dict[str, tuple[Integers, Floats]]
"""Accounts, in order, and their amounts, by asset or by group."""


class Backing(msgspec.Struct, frozen=True):
    """Collateral as columns, None where there is no table; what is doubtful about it, by account."""

    collateral: Amounts | None = None
    group_margins: Amounts = {}
    exactly: Mapping[tuple[str, int], Decimal] = {}
    doubts: Mapping[int, Mapping[str | None, Doubt]] = {}


Part = tuple[Mapping[str, Cells], Mapping[int, str]]
"""Some rows of a table, column by column, and those of which no cell but the account can be trusted, with why."""


class _Amount(msgspec.Struct, frozen=True):
    """Rows of collateral: their accounts, groups and assets as codes, and their amounts."""

    accounts: Integers
    groups: Integers
    assets: Integers
    amounts: Floats


def read_collateral(accounts: Owners, table: Iterable[Part], places: Places, currency: str | None = None) -> Backing:
    """The table `account, group, asset, amount`. An empty group is the account's own collateral.

    What a group has is an amount of the settlement currency: `currency` is the asset that such rows may name.
    Raises `DocumentError` where a column is not known or missing, or where rows name no account.
    """
    groups, assets, faults = Names(), Names(), Faults()
    exactly: dict[int, Decimal] = {}
    read = [_read_amounts(accounts, part, places, (groups, assets, faults, exactly)) for part in _started(table)]
    rows = _Amount(*(np.concatenate([getattr(each, name) for each in read]) for name in _Amount.__struct_fields__))
    settled = NOTHING if currency is None else assets[currency]
    for row in np.flatnonzero(np.isnan(rows.amounts)).tolist():
        faults.add(row, "amount is missing")
    for row in np.flatnonzero((rows.groups == NOTHING) & (rows.assets == NOTHING)).tolist():
        faults.add(row, "asset is missing")
    for row in np.flatnonzero((rows.groups >= 0) & (rows.assets >= 0) & (rows.assets != settled)).tolist():
        asset = assets.names[rows.assets[row]]
        faults.add(row, f"asset: what a group has is in the settlement currency, not in {asset}")
    kinds = np.where(rows.groups >= 0, len(assets.names) + rows.groups, rows.assets)
    for row, other in _again(rows.accounts, kinds):
        faults.add(row, f"the same account and asset stand in {places.of(other)} too")
    kinds[list(faults.by_row)] = -1
    found: tuple[Amounts, Amounts] = {}, {}
    kept = {}
    for kind, name in enumerate([*assets.names, *groups.names]):
        members = np.flatnonzero(kinds == kind)
        members = members[np.argsort(rows.accounts[members], kind="stable")]
        of_group = kind >= len(assets.names)
        if len(members):
            found[of_group][name] = rows.accounts[members], rows.amounts[members]
        for row in exactly.keys() & set(members.tolist()) if exactly else ():
            kept[f"{'group_margins' if of_group else 'collateral'} {name}", int(rows.accounts[row])] = exactly[row]
    return Backing(*found, kept, _doubts(rows, groups, faults, places))


def _started(table: Iterable[Part]) -> Iterator[tuple[int, Part]]:
    """The parts of a table, each with the number of its first row."""
    start = 0
    for columns, misshapen in table:
        yield start, (columns, misshapen)
        start += length_of(columns["account"])


def _read_amounts(
    accounts: Owners,
    started: tuple[int, Part],
    places: Places,
    into: tuple[Names, Names, Faults, dict[int, Decimal]],
) -> _Amount:
    start, (columns, misshapen) = started
    groups, assets, faults, exactly = into
    demand(columns, COLLATERAL_COLUMNS, ("account", "asset", "amount"), places.file)
    size, found = length_of(columns["account"]), Faults()
    for row, what in misshapen.items():
        found.add(row, what)
    owner = owners(accounts, columns["account"], places, start)
    of_group = groups.codes("group", columns["group"], found) if "group" in columns else np.full(size, NOTHING)
    of_asset = assets.codes("asset", columns["asset"], found)
    amounts = numbers("amount", columns["amount"], found)
    of_group = of_group.astype(np.int64)
    of_group[list(misshapen)] = UNREADABLE
    for row, what in found.by_row.items():
        faults.add(start + row, what)
    exactly |= {start + row: x for row, x in amounts.exactly.items()}
    return _Amount(owner, of_group, of_asset, amounts.doubles)


def _doubts(rows: _Amount, groups: Names, faults: Faults, places: Places) -> dict[int, dict[str | None, Doubt]]:
    """What is doubtful of accounts' collateral, by the group that it backs; under None what may back any."""
    doubts: dict[int, dict[str | None, Doubt]] = {}
    for row, what in faults.by_row.items():
        code = int(rows.groups[row])
        key = None if code == UNREADABLE else "" if code == NOTHING else groups.names[code]
        doubt = Doubt(code="ROW_INVALID", message=f"{places.of(row)}: {what}")
        doubts.setdefault(int(rows.accounts[row]), {}).setdefault(key, doubt)
    return doubts


def _again(accounts: Integers, kinds: Integers) -> Iterator[tuple[int, int]]:
    """Rows that are of the same account and kind as another one, with that."""
    order = np.lexsort((kinds, accounts))
    same = (accounts[order][1:] == accounts[order][:-1]) & (kinds[order][1:] == kinds[order][:-1])
    for index in np.flatnonzero(same).tolist():
        one, other = int(order[index]), int(order[index + 1])
        yield one, other
        yield other, one


_NO_ORDER: Final[Mapping[str, Any]] = {"instrument": "", "mode": "", "quantity": ONE}
"""What stands for what cannot be read of an order at fault; nothing is computed of it."""


def read_orders(accounts: Owners, table: Iterable[Part], places: Places) -> dict[int, tuple[Order, ...]]:
    """The table `account, id, instrument, mode, position, quantity, price, leverage, reduce_only`.

    Raises `DocumentError` where a column is not known or missing, or where rows name no account.
    """
    found: dict[int, dict[str, Order]] = {}
    for start, (columns, misshapen) in _started(table):
        demand(columns, ORDER_COLUMNS, ("account", "id", "instrument", "mode", "quantity"), places.file)
        places_of = owners(accounts, columns["account"], places, start)
        cells = {name: [cell for _, part in parts(column) for cell in part] for name, column in columns.items()}
        for row, place in enumerate(places_of.tolist()):
            stated = {name: cells[name][row] for name in cells if name != "account"}
            order = _order(stated, misshapen.get(row), places, start + row)
            others = found.setdefault(place, {})
            if order.id in others:
                what = f"{places.of(start + row)}: another order of the account has the same id"
                order = msgspec.structs.replace(order, fault=order.fault or what)
                others[f"{order.id} {start + row}"] = order
            others.setdefault(order.id, order)
    return {place: tuple(orders.values()) for place, orders in found.items()}


def _truth(cell: object) -> bool:
    return values.truth({"true": True, "false": False}.get(cell.lower(), cell) if isinstance(cell, str) else cell)


_READERS: Final[Mapping[str, Any]] = {
    "id": name_of,
    "instrument": name_of,
    "mode": name_of,
    "position": name_of,
    "quantity": lambda cell: values.not_zero(exact(cell)),
    "price": lambda cell: values.positive(exact(cell)),
    "leverage": lambda cell: values.positive(exact(cell)),
    "reduce_only": _truth,
}


def _order(cells: Mapping[str, object], fault: str | None, places: Places, row: int) -> Order:
    """One order; one that cannot be read keeps what is wrong with it."""
    read: dict[str, Any] = {}
    for name, cell in cells.items():
        try:
            if not is_nothing(cell):
                read[name] = _READERS[name](cell)
        except Refusal as refusal:
            fault = fault or said(name, refusal)
    missing = [name for name in ("id", "instrument", "mode", "quantity") if name not in read]
    if missing and fault is None:
        fault = f"{missing[0]} is missing"
    if fault is None:
        return Order(**read)
    return Order(**{"id": f"row {row}", **_NO_ORDER, **read}, fault=f"{places.of(row)}: {fault}")
