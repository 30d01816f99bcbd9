"""The accounts of a book's tables: one numbering for all of them, however each table names its accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rules_engine.engine.book import Integers
from rules_engine.engine.book_cells import Cells, Coded, Faults, Names


class Owners:
    """Accounts by place. Integers and codes stay what they are: no name is made of them before somebody asks for it."""

    def __init__(self) -> None:
        self.names: Any = ()
        self._coded: Sequence[object] | None = None
        self._sorted: tuple[Any, Integers] | None = None
        self._texts: Names | None = None

    def codes(self, cells: Cells, faults: Faults) -> Integers:
        """The place of every row's account, which joins the others where it is new; negative where there is none."""
        if isinstance(cells, Coded) and (not len(self.names) or cells.names is self._coded):
            return self._by_code(cells)
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "iu" and (not len(self.names) or self._sorted):
            return self._by_integer(cells)
        return self._by_name().codes("account", cells, faults)

    def _by_code(self, cells: Coded) -> Integers:
        self._coded = self.names = cells.names
        codes: Integers = np.asarray(cells.codes).astype(np.int64, copy=False)
        if len(codes) and codes.max() >= len(cells.names):
            raise IndexError(f"code {codes.max()} has no name: there are {len(cells.names)}")
        return codes

    def _by_integer(self, cells: Any) -> Integers:
        distinct, inverse = np.unique(cells, return_inverse=True)
        if self._sorted is None:
            self.names, self._sorted = distinct, (distinct, np.arange(len(distinct)))
            return inverse.astype(np.int64, copy=False)
        known, places = self._sorted
        new = np.setdiff1d(distinct, known, assume_unique=True)
        if len(new):
            places = np.concatenate([places, np.arange(len(known), len(known) + len(new))])
            self.names = np.concatenate([np.asarray(self.names), new])
            order = np.argsort(known := np.concatenate([known, new]))
            known, places = known[order], places[order]
            self._sorted = known, places
        return places[np.searchsorted(known, distinct)][inverse]

    def _by_name(self) -> Names:
        if self._texts is None:
            texts = Names()
            for place, name in enumerate(self.names):
                if texts[name if isinstance(name, str | int) else str(name)] != place:
                    raise ValueError(f"the account names hold {name!r} twice, or it is no name")
            self._texts, self.names = texts, texts.names
            self._coded = self._sorted = None
        return self._texts
