"""JSON text, losslessly: numbers keep their spelling, repeated keys are remembered, and places are found by path."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from rules_engine.engine.values import JsonNumber
from rules_engine.errors import DocumentError, Mark, Problem

Path: TypeAlias = tuple[str | int, ...]
"""The way from the root to a value: keys and indices (from 0)."""

LARGEST_DOCUMENT: Final = 64 * 1024 * 1024
"""Characters (or bytes) of the largest document that is read; a guard against accidents, ours."""

_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_names_a_file: Final = re.compile(r"\s*(?:[./~]|[A-Za-z]:\\|[^\s\"\[{][^\n\"\[{]{0,1000}\.json\s*$)").match


class RepeatedKeys(dict[str, Any]):
    """An object in which keys stood more than once; `repeated` names them, and the last value of each counts."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]


def read_json(data: bytes | str, file: str) -> tuple[str, Any]:
    """The text and the value that it spells; numbers are `JsonNumber`s. Raises `DocumentError` with one problem."""
    text = _text_of(data, file)
    try:
        value = json.loads(
            text,
            parse_float=JsonNumber,
            parse_int=JsonNumber,
            parse_constant=JsonNumber,  # NaN and Infinity: refused by the grammar of numbers, at their place
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        hint = "this looks like the name of a file: pass what is in it" if _names_a_file(text) else ""
        raise _unreadable("JSON_SYNTAX", error.msg, Mark(file, error.lineno, error.colno), hint) from None
    except RecursionError:
        raise _unreadable("JSON_DEPTH", "the document is nested too deeply", Mark(file, 1, 1)) from None
    return text, value


def _text_of(data: bytes | str, file: str) -> str:
    if len(data) > LARGEST_DOCUMENT:
        message = f"the document is larger than {LARGEST_DOCUMENT} characters"
        raise _unreadable("JSON_SIZE", message, Mark(file, 1, 1))
    text = data if isinstance(data, str) else _decoded(data, file)
    if text.startswith("\ufeff"):
        raise _unreadable("JSON_ENCODING", "the text starts with a byte order mark", Mark(file, 1, 1), "remove it")
    return text


def _decoded(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        mark = Lines(before, file).mark(len(before))
        raise _unreadable("JSON_ENCODING", "the bytes are not UTF-8", mark, "write the document as UTF-8") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else RepeatedKeys(pairs)


def _unreadable(code: str, message: str, mark: Mark, hint: str = "") -> DocumentError:
    return DocumentError([Problem(code=code, message=message, hint=hint, mark=mark)])


class Lines:
    """Lines of a text, to say at which line and column an offset stands."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def mark(self, offset: int) -> Mark:
        """The mark of the character at an offset."""
        line = bisect_right(self._starts, offset)
        return Mark(self._file, line, offset - self._starts[line - 1] + 1)


class Place:
    """Where a wanted value and its key stand (offsets), and the wanted places inside it."""

    __slots__ = ("inner", "key", "value")

    def __init__(self) -> None:
        self.inner: dict[str | int, Place] = {}
        self.key = 0
        self.value = 0


def find_places(text: str, paths: Iterable[Path]) -> Place:
    """The tree of the wanted paths with their offsets in a valid JSON text; of repeated keys the last counts."""
    root = Place()
    for path in paths:
        place = root
        for part in path:
            place = place.inner.setdefault(part, Place())
    _Scan(text, root)
    return root


class _Scan:
    """One walk over the tokens of a text, noting the offsets of wanted places.

    `_place` is the container at hand and `_next` the coming value in it, None where nothing inside is wanted;
    `_index` counts the items of a list and is None in an object.
    """

    def __init__(self, text: str, root: Place) -> None:
        self._stack: list[tuple[Place | None, int | None]] = []
        self._place: Place | None = None
        self._next: Place | None = root
        self._index: int | None = None
        self._at_key = False
        for match in _TOKEN.finditer(text):
            self._take(match[0], match.start())

    def _take(self, token: str, offset: int) -> None:
        if token in "{[":
            self._open(token, offset)
        elif token in "}]":
            self._place, self._index = self._stack.pop()
        elif token == ",":
            self._advance()
        elif self._at_key:
            self._key(token, offset)
        elif token != ":" and self._next is not None:
            self._next.value = offset

    def _open(self, token: str, offset: int) -> None:
        if self._next is not None:
            self._next.value = offset
        self._stack.append((self._place, self._index))
        self._place, self._index = self._next, None if token == "{" else -1
        self._advance()

    def _advance(self) -> None:
        """To the next item of a list, or to the next key of an object."""
        if self._index is None:
            self._at_key, self._next = True, None
        else:
            self._index += 1
            self._at_key, self._next = False, self._inner(self._index)

    def _key(self, token: str, offset: int) -> None:
        self._at_key, self._next = False, None
        if self._place is not None:
            self._next = self._inner(json.loads(token))
        if self._next is not None:
            self._next.key = offset

    def _inner(self, part: str | int) -> Place | None:
        return None if self._place is None else self._place.inner.get(part)


def written(path: Path) -> str:
    """A path as text, such as `positions[3].quantity`; `$` is the document itself."""
    return "".join(map(_step, path)).removeprefix(".") or "$"


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _IDENTIFIER(part) else f"[{json.dumps(part, ensure_ascii=False)}]"
