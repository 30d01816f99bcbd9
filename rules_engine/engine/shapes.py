"""Shapes of documents: how a part of a document becomes a record, and what is wrong with it where it cannot.

Each shape answers twice with the same readers: `decode` is fast and stops at the first refusal; `faults` walks the
part again and finds every one, with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from rules_engine.engine.json_text import Path, RepeatedKeys
from rules_engine.engine.values import Refusal, text, wrong_type
from rules_engine.numbers.text import shown

Read = TypeVar("Read")


class Fault(NamedTuple):
    """What is refused and where: the path of a value, and whether its key, itself or its parent shows the place."""

    path: Path
    place: str
    refusal: Refusal


Faults: TypeAlias = Iterator[Fault]


class Shape(Protocol):
    """A part of a document."""

    def decode(self, value: Any) -> Any:
        """What the record holds; raises `Refusal`."""

    def faults(self, value: Any, path: Path) -> Faults:
        """Everything because of which `decode` refuses, in document order."""


class Value:
    """A single value, read by a function."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self.decode = read

    def faults(self, value: Any, path: Path) -> Faults:
        yield from _refused(self.decode, value, path)


class Fields:
    """An object whose keys are the fields of a record; those without a default must be there."""

    def __init__(self, record: Callable[..., Any], **shapes: Shape) -> None:
        self._record = record
        self._shapes = shapes
        self._decoders = {name: shape.decode for name, shape in shapes.items()}
        self._required = [field.name for field in msgspec.structs.fields(record) if field.required]  # type: ignore[arg-type]

    @property
    def required(self) -> Mapping[str, bool]:
        """Every key, and whether it must be there."""
        return {name: name in self._required for name in self._shapes}

    def decode(self, value: Any) -> Any:
        decoders = self._decoders
        try:
            return self._record(**{name: decoders[name](item) for name, item in _object(value).items()})
        except (KeyError, TypeError):
            raise Refusal("KEY_UNKNOWN", "a key is unknown or missing") from None

    def faults(self, value: Any, path: Path) -> Faults:
        members = yield from _members(value, path)
        if members is None:
            return
        meant = {str(name): self._nearest(str(name)) for name in members if name not in self._shapes}
        for name in self._required:
            if name not in members and name not in meant.values():
                yield Fault((*path, name), "parent", Refusal("KEY_MISSING", f"`{name}` is missing"))
        for name, item in members.items():
            if name in self._shapes:
                yield from self._shapes[name].faults(item, (*path, name))
            else:
                yield Fault((*path, str(name)), "key", self._unknown(str(name), meant[str(name)]))

    def _nearest(self, name: str) -> str | None:
        """The key that a misspelled one is meant for, if it is like any."""
        return next(iter(get_close_matches(name[:40], self._shapes, 1)), None)

    def _unknown(self, name: str, meant: str | None) -> Refusal:
        hint = f"did you mean `{meant}`?" if meant else f"known: {', '.join(self._shapes)}"
        return Refusal("KEY_UNKNOWN", f"{shown(name)} is not a key here", hint)


class Names:
    """An object whose keys are names of the outside world (assets, instruments), all values of one shape."""

    def __init__(self, item: Shape) -> None:
        self._item = item
        self._decode_item = item.decode

    def decode(self, value: Any) -> dict[str, Any]:
        decode_item = self._decode_item
        return {text(name): decode_item(item) for name, item in _object(value).items()}

    def faults(self, value: Any, path: Path) -> Faults:
        members = yield from _members(value, path)
        for name, item in (members or {}).items():
            inner = (*path, str(name))
            for fault in _refused(text, name, inner):
                yield fault._replace(place="key")
            yield from self._item.faults(item, inner)


class Items:
    """A list of records, each with an `id` of its own."""

    def __init__(self, item: Fields) -> None:
        self._item = item
        self._decode_item = item.decode

    def decode(self, value: Any) -> tuple[Any, ...]:
        items = tuple(map(self._decode_item, _list(value)))
        if len({item.id for item in items}) < len(items):
            raise Refusal("ID_DUPLICATE", "an id stands twice")
        return items

    def faults(self, value: Any, path: Path) -> Faults:
        items = yield from _refused(_list, value, path)
        seen: dict[str, int] = {}
        for index, item in enumerate(items or ()):
            yield from self._item.faults(item, (*path, index))
            name = item.get("id") if isinstance(item, Mapping) else None
            if isinstance(name, str) and seen.setdefault(name, index) != index:
                first = f"{path[-1]}[{seen[name]}]"
                refusal = Refusal("ID_DUPLICATE", f"{shown(name)} is also the id of {first}", "give each its own id")
                yield Fault((*path, index, "id"), "value", refusal)


class Either:
    """An object of one shape, or a single value in its short form."""

    def __init__(self, full: Fields, short: Value) -> None:
        self._full = full
        self._short = short

    def decode(self, value: Any) -> Any:
        return self._of(value).decode(value)

    def faults(self, value: Any, path: Path) -> Faults:
        yield from self._of(value).faults(value, path)

    def _of(self, value: Any) -> Shape:
        return self._full if type(value) is dict or isinstance(value, Mapping) else self._short


def _object(value: Any) -> Mapping[Any, Any]:
    if type(value) is dict:
        return value
    if isinstance(value, RepeatedKeys):
        raise Refusal("KEY_DUPLICATE", "a key stands twice")
    if isinstance(value, Mapping):
        return value
    raise wrong_type(value, "an object")


def _list(value: Any) -> list[Any] | tuple[Any, ...]:
    if isinstance(value, list | tuple):
        return value
    raise wrong_type(value, "a list")


def _members(value: Any, path: Path) -> Generator[Fault, None, Mapping[Any, Any] | None]:
    """Yields what is wrong with the object as such and returns its members; of repeated keys the last counts."""
    if isinstance(value, RepeatedKeys):
        for name in value.repeated:
            yield Fault((*path, name), "key", Refusal("KEY_DUPLICATE", f"{shown(name)} stands twice", "keep one"))
        return value
    return (yield from _refused(_object, value, path))


def _refused(read: Callable[[Any], Read], value: Any, path: Path) -> Generator[Fault, None, Read | None]:
    """Yields the refusal of a value, if it is refused, and returns what was read."""
    try:
        return read(value)
    except Refusal as refusal:
        yield Fault(path, "value", refusal)
        return None
