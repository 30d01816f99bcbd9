"""A document as read: plain values, and beside them where each one stands in the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from rules_engine.errors import Mark

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a document: the keys and list indices that lead to it; the root is `()`."""

_COLUMN_BITS: Final = 24


def packed(line: int, column: int) -> int:
    """A place in a text, line and column counted from 0, as one small number."""
    return line << _COLUMN_BITS | column


def unpacked(place: int) -> tuple[int, int]:
    """Line and column, counted from 0, of a packed place."""
    return place >> _COLUMN_BITS, place & (1 << _COLUMN_BITS) - 1


class Marks(Mapping[Path, Mark]):
    """Marks by path, kept as packed places and made when they are asked for: most of them never are."""

    __slots__ = ("_file", "_places")

    def __init__(self, file: str, places: Mapping[Path, int]) -> None:
        self._file = file
        self._places = places

    def __getitem__(self, path: Path) -> Mark:
        line, column = unpacked(self._places[path])
        return Mark(self._file, line + 1, column + 1)

    def __iter__(self) -> Iterator[Path]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class Document(msgspec.Struct, frozen=True):
    """A read document; `value` is made of dict, list, str, bool, None and exact Decimals.

    `marks` says where the value at a path stands, `key_marks` where the key stands that leads to it.
    """

    file: str
    value: Mapping[str, Any]
    marks: Mapping[Path, Mark]
    key_marks: Mapping[Path, Mark]

    def mark(self, path: Path) -> Mark:
        """The mark of the value at a path, or of the nearest ancestor that the text has."""
        for length in range(len(path), -1, -1):
            mark = self.marks.get(path[:length])
            if mark is not None:
                return mark
        return Mark(self.file, 1, 1)

    def key_mark(self, path: Path) -> Mark:
        """The mark of the key that leads to a path; where there is none, that of the value."""
        return self.key_marks.get(path) or self.mark(path)
