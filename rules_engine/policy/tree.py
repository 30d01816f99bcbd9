"""The tree of a policy as it grows from YAML events: plain values, marks, and what may not stand there."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from rules_engine.numbers.text import shown
from rules_engine.policy.document import Path, packed, unpacked
from rules_engine.policy.scalars import Ambiguity, Scalar, plain_value
from rules_engine.policy.syntax import SPACE_AFTER_COLON, names_glued
from rules_engine.policy.text import FORBIDDEN, LONGEST_KEY, Refusals, Stop, described, unseen

BEGINNING: Final = "policies and cases begin with `schema:`"
DEEPEST: Final = 32
"""Lists and mappings inside one another, the root counted."""
MOST_VALUES: Final = 500_000
"""Values of a document, lists and mappings included; the largest file that people could want has fewer."""


class _MappingFrame:
    """A mapping that is being read; `next` is the path of the value that comes, None while a key is awaited."""

    __slots__ = ("next", "path", "values")

    def __init__(self, path: Path) -> None:
        self.values: dict[str, Any] = {}
        self.path = path
        self.next: Path | None = None

    def put(self, value: object) -> None:
        self.values[self.next[-1]] = value  # type: ignore[index]
        self.next = None


class _ListFrame:
    """A list that is being read."""

    __slots__ = ("next", "path", "values")

    def __init__(self, path: Path) -> None:
        self.values: list[Any] = []
        self.path = path
        self.next: Path | None = (*path, 0)

    def put(self, value: object) -> None:
        self.values.append(value)
        self.next = (*self.path, len(self.values))


class _RootFrame(_ListFrame):
    """What holds the document's root, whose path is `()`."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(())
        self.next = ()

    def put(self, value: object) -> None:
        self.values.append(value)


_SKIPPED_KEY: Final = "?"
"""Stands for a key that was refused, so that its value can still be read."""


class Tree:
    """Values and marks as they grow from events; what may not stand in a policy is noted and stepped over.

    Events are `Any`: they all have marks here, which the stubs of PyYAML leave open.
    """

    def __init__(self, refusals: Refusals, beginning: str = BEGINNING) -> None:
        self.refusals, self.beginning = refusals, beginning
        self.root = _RootFrame()
        self.frames: list[_MappingFrame | _ListFrame] = [self.root]
        self.places: dict[Path, int] = {}
        self.key_places: dict[Path, int] = {}
        self.documents = 0
        self.known_scalars: dict[str, Scalar] = {}
        self.known_keys: dict[str, str] = {}

    def refuse(self, event: Any, code: str, message: str, hint: str = "") -> None:
        self.refusals.add(code, event.start_mark.line, event.start_mark.column, message, hint)

    def begin_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            message = "a second document begins here; a file holds one"
            self.refuse(event, "YAML_MULTIPLE_DOCUMENTS", message, "put each in a file of its own")
            raise Stop

    def check_root(self) -> None:
        """Notes a document that is empty or no mapping."""
        if not self.root.values or self.root.values[0] is None:
            self.refusals.add("YAML_EMPTY", 0, 0, "the document is empty", self.beginning)
        elif type(self.root.values[0]) is not dict:
            message = "the document is no mapping of keys to values"
            glued = isinstance(self.root.values[0], str) and names_glued(self.root.values[0])
            hint = SPACE_AFTER_COLON if glued else self.beginning
            self.refusals.add("YAML_ROOT", *unpacked(self.places[()]), message, hint)

    def scalar(self, event: Any) -> None:
        frame = self.frames[-1]
        path = frame.next
        if path is None:
            self.key(event, frame)
            return
        self.place(event, path)
        frame.put(self.value(event))

    def place(self, event: Any, path: Path) -> None:
        """Keeps where a value stands."""
        if len(self.places) >= MOST_VALUES:
            message = f"more than {MOST_VALUES:,} values stand in the document"
            self.refuse(event, "YAML_SIZE", message, "split it and use `extends`")
            raise Stop
        mark = event.start_mark
        self.places[path] = packed(mark.line, mark.column)

    def value(self, event: Any) -> Scalar:
        text = event.value
        if event.anchor is not None or event.tag is not None:
            self.refuse_properties(event)
        elif event.implicit[0]:
            return self.plain(event, text)
        return self.checked_text(event, text)

    def plain(self, event: Any, text: str) -> Scalar:
        try:
            return self.known_scalars[text]
        except KeyError:
            value = plain_value(text)
        if isinstance(value, Ambiguity):
            self.refuse(event, "YAML_AMBIGUOUS", f"{shown(text)} is {value.reading}", value.hint)
            return text
        if isinstance(value, str):
            value = self.checked_text(event, value)
        self.known_scalars[text] = value
        return value

    def checked_text(self, event: Any, text: str) -> str:
        """A text value, as NFC where it is short enough to name a key; long ones stay as written."""
        if text.isascii() and text.isprintable():
            return text
        forbidden = FORBIDDEN.search(text)
        if forbidden:
            self.refuse(event, "YAML_INVISIBLE", f"this text holds {described(forbidden[0])}", "remove it")
        return unicodedata.normalize("NFC", text) if len(text) <= LONGEST_KEY else text

    def key(self, event: Any, frame: _MappingFrame | _ListFrame) -> None:
        key = self.known_keys.get(event.value)
        if key is None or not event.implicit[0] or event.anchor is not None:
            key = self.checked_key(event)
        if key is None:
            frame.next = (*frame.path, _SKIPPED_KEY)
            return
        frame.next = path = (*frame.path, key)
        if key in frame.values:
            first, _ = unpacked(self.key_places.get(path, 0))
            message = f"the key {shown(key)} stands here a second time; the first is on line {first + 1}"
            self.refuse(event, "YAML_DUPLICATE_KEY", message, "remove one of them")
            return
        mark = event.start_mark
        self.key_places[path] = packed(mark.line, mark.column)

    def checked_key(self, event: Any) -> str | None:
        """The key as NFC; None where it is refused."""
        text: str = event.value
        plain = event.implicit[0]
        if event.anchor is not None or event.tag is not None:
            self.refuse_properties(event)
            return None
        refusal = _refused_key(text) or (_refused_plain_key(text) if plain else None)
        if refusal:
            self.refuse(event, *refusal)
            return None
        key = unicodedata.normalize("NFC", text)
        if plain:
            self.known_keys[text] = key
        return key

    def refuse_properties(self, event: Any) -> None:
        """Notes an anchor or a tag."""
        if event.anchor is not None:
            hint = "write the value where it is needed; tables and buffers have names"
            self.refuse(event, "YAML_ANCHOR", f"found the anchor {shown(event.anchor)}", hint)
        if event.tag is not None:
            self.refuse(event, "YAML_TAG", f"found the tag {shown(event.tag)}", "remove it")

    def alias(self, event: Any) -> None:
        frame = self.frames[-1]
        hint = "write the value out; a name that begins with * goes in quotes"
        self.refuse(event, "YAML_ALIAS", f"found the alias {shown(event.anchor)}", hint)
        if frame.next is None:
            frame.next = (*frame.path, _SKIPPED_KEY)
        else:
            frame.put(None)

    def begin_mapping(self, event: Any) -> None:
        self.enter(_MappingFrame(self.begun(event)))

    def begin_list(self, event: Any) -> None:
        self.enter(_ListFrame(self.begun(event)))

    def begun(self, event: Any) -> Path:
        """The path of a mapping or list that begins."""
        if event.anchor is not None or event.tag is not None:
            self.refuse_properties(event)
        if len(self.frames) > DEEPEST:
            message = f"lists and mappings stand more than {DEEPEST} deep here"
            self.refuse(event, "YAML_DEPTH", message, "a policy needs about seven")
            raise Stop
        path = self.frames[-1].next
        if path is None:
            self.refuse(event, "YAML_KEY", "a list or mapping stands where a key belongs", "keys are text")
            return (*self.frames[-1].path, _SKIPPED_KEY)
        self.place(event, path)
        return path

    def enter(self, frame: _MappingFrame | _ListFrame) -> None:
        """Puts a mapping or list into the one around it and reads on inside; as a key it is read and dropped."""
        outer = self.frames[-1]
        if outer.next is None:
            outer.next = frame.path
        else:
            outer.put(frame.values)
        self.frames.append(frame)

    def end(self, event: Any) -> None:
        self.frames.pop()


def _refused_plain_key(text: str) -> tuple[str, str, str] | None:
    """Code, message and hint for a key without quotes that some reader takes for something else than text."""
    if text == "<<":
        return "YAML_MERGE_KEY", "found the merge key <<", "write the keys out, or use `extends`"
    value = plain_value(text)
    hint = f'write "{text}" in quotes'
    if text.isdigit():
        hint += "; if it follows a decimal comma, write a point instead"
    if isinstance(value, Ambiguity):
        return "YAML_AMBIGUOUS", f"the key {shown(text)} is {value.reading}", hint
    if not isinstance(value, str):
        return "YAML_KEY", f"the key {shown(text)} is not text", hint
    return None


def _refused_key(text: str) -> tuple[str, str, str] | None:
    """Code, message and hint for a key that is empty, endless or not all visible."""
    if not text:
        return "YAML_KEY", "a key is empty", "write it before the colon"
    if len(text) > LONGEST_KEY:
        return "YAML_KEY", f"a key has {len(text):,} characters; at most {LONGEST_KEY} are read", "shorten it"
    character = unseen(text)
    if character:
        return "YAML_INVISIBLE", f"the key {shown(text)} holds {character}", "remove it"
    return None
