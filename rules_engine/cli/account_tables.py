"""Accounts of a book that is read in parts: what backs each and rests on it, and which ones came before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from rules_engine.cli.table_files import places_of, table_parts
from rules_engine.engine.book import Integers
from rules_engine.engine.book_amounts import Amounts, Backing, read_collateral, read_orders
from rules_engine.engine.book_owners import Owners
from rules_engine.report.sweep import backing_faults
from rules_engine.terms.account import Order

DIGEST: Final = 16
"""Bytes that stand for an account's name: of 10^9 accounts two share them with a chance of about 10^-21."""


class AccountTables:
    """Collateral and orders, read once: each part of a book takes those of its accounts.

    Raises OSError, and `DocumentError` where a file is no table or rows name no account.
    """

    def __init__(self, collateral: str | None, orders: str | None, currency: str) -> None:
        owners = Owners()
        self._backing, self._orders = Backing(), dict[int, tuple[Order, ...]]()
        if collateral is not None:
            places = places_of(collateral)
            self._backing = read_collateral(owners, table_parts(collateral, places), places, currency)
        if orders is not None:
            places = places_of(orders)
            self._orders = read_orders(owners, table_parts(orders, places), places)
        self._places: Mapping[str, int] = {name: place for place, name in enumerate(owners.names)}
        self._taken = np.zeros(len(self._places), bool)
        self._exactly: dict[int, dict[str, Decimal]] = {}
        for (column, place), amount in self._backing.exactly.items():
            self._exactly.setdefault(place, {})[column] = amount

    def of(self, names: Sequence[str]) -> tuple[Backing, dict[int, tuple[Order, ...]]]:
        """What backs these accounts and rests on them, by their places among these."""
        places = np.fromiter((self._places.get(name, -1) for name in names), np.int64, len(names))
        self._taken[places[places >= 0]] = True
        listed = list(enumerate(places.tolist()))
        whole = self._backing
        backing = Backing(
            collateral=None if whole.collateral is None else _amounts(whole.collateral, places),
            group_margins=_amounts(whole.group_margins, places),
            exactly={(column, at): x for at, p in listed for column, x in self._exactly.get(p, {}).items()},
            doubts={at: whole.doubts[place] for at, place in listed if place in whole.doubts},
        )
        return backing, {at: self._orders[place] for at, place in listed if place in self._orders}

    def idle(self) -> list[str]:
        """The accounts that nobody took."""
        return [name for name, place in self._places.items() if not self._taken[place]]

    def faults(self) -> Iterator[str]:
        """What is wrong with rows, each with its place."""
        return backing_faults(self._backing.doubts, self._orders)


def _amounts(columns: Amounts, places: Integers) -> Amounts:
    """The amounts of some accounts: those at these places, numbered by their order here."""
    found: Amounts = {}
    for name, (accounts, amounts) in columns.items():
        index = np.minimum(np.searchsorted(accounts, places), len(accounts) - 1)
        members = np.flatnonzero(accounts[index] == places)
        if len(members):
            found[name] = members, amounts[index[members]]
    return found


class SeenAccounts:
    """Accounts that came in earlier parts, as digests of their names in sorted runs: `DIGEST` bytes each."""

    def __init__(self) -> None:
        self._runs: list[Any] = []

    def add(self, names: Sequence[str]) -> list[int]:
        """Takes distinct names in; gives the places of those that came before."""
        if not names:
            return []
        digests = b"".join(blake2b(name.encode(), digest_size=DIGEST).digest() for name in names)
        new = np.frombuffer(digests, f"S{DIGEST}")
        again = np.zeros(len(names), bool)
        for run in self._runs:
            again |= run[np.minimum(np.searchsorted(run, new), len(run) - 1)] == new
        self._runs.append(np.sort(new))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            two = [self._runs.pop(), self._runs.pop()]
            self._runs.append(np.sort(np.concatenate(two), kind="stable"))
        return np.flatnonzero(again).tolist()
