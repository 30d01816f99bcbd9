"""The bytes of a policy as text that every reader and every person sees alike, and what was found wrong with them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from rules_engine.errors import Mark, PolicyError, Problem

LARGEST_FILE: Final = 5_000_000
"""Bytes of a policy file."""
MOST_PROBLEMS: Final = 100
"""Problems that are reported one by one."""
MOST_COUNTED: Final = 1000
"""Problems after which nothing more is read."""
LONGEST_KEY: Final = 200
"""Characters of a key."""

FORBIDDEN: Final = re.compile(
    "[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
"""What no text may hold: control characters, line breaks other than LF and CR, and what reorders the text on screen."""
UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef]"
)
"""What no key may hold besides what Python calls unprintable: it counts as printable, and shows nothing."""
_DIRECTIVE: Final = re.compile("^%", re.MULTILINE)  # refused before the parser sees them: its time is their square

_BYTE_ORDER_MARKS: Final = {
    b"\xef\xbb\xbf": "it begins with a byte order mark",
    b"\xff\xfe": "it is UTF-16",
    b"\xfe\xff": "it is UTF-16",
}


class Stop(Exception):
    """Nothing that follows is worth reading."""


class Refusals:
    """The problems of one file: the first hundred, and how many more there were."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.more = 0

    def add(self, code: str, line: int, column: int, message: str, hint: str = "") -> None:
        """Notes a problem at a line and column counted from 0; raises `Stop` where there are too many to go on."""
        if len(self.problems) >= MOST_PROBLEMS:
            self.more += 1
            if len(self.problems) + self.more >= MOST_COUNTED:
                raise Stop
            return
        mark = Mark(self.file, line + 1, column + 1)
        self.problems.append(Problem(code=code, message=message, hint=hint, mark=mark))

    def error(self) -> PolicyError:
        """All that was found, in the order of the text."""
        ordered = sorted(self.problems, key=lambda problem: problem.mark or Mark(self.file, 1, 1))
        if self.more:
            end = "; reading stopped there" if len(ordered) + self.more >= MOST_COUNTED else ""
            message = f"and {self.more} more problems{end}"
            ordered.append(Problem(code="MORE_PROBLEMS", message=message, mark=ordered[-1].mark))
        return PolicyError(ordered)

    def raise_any(self) -> None:
        """Raises what was found, if anything was."""
        if self.problems:
            raise self.error()


def text_of(data: bytes, refusals: Refusals) -> str:
    """The text of a file, its line breaks made LF and forbidden characters replaced, each of them noted.

    Raises `PolicyError` at once where the bytes are too many or no UTF-8.
    """
    _check_bytes(data, refusals)
    text = _decoded(data, refusals).replace("\r\n", "\n").replace("\r", "\n")
    _note_matches(FORBIDDEN, text, refusals, "YAML_INVISIBLE", "found {}", "remove it")
    _note_matches(_DIRECTIVE, text, refusals, "YAML_DIRECTIVE", "a line begins with %", "remove it, or indent the line")
    return FORBIDDEN.sub("\ufffd", _DIRECTIVE.sub("#", text))


def _note_matches(pattern: re.Pattern[str], text: str, refusals: Refusals, code: str, message: str, hint: str) -> None:
    line, line_start, last = 0, 0, 0
    for match in pattern.finditer(text):
        start = match.start()
        breaks = text.count("\n", last, start)
        if breaks:
            line, line_start = line + breaks, text.rindex("\n", last, start) + 1
        last = start
        refusals.add(code, line, start - line_start, message.format(described(match[0])), hint)


def _check_bytes(data: bytes, refusals: Refusals) -> None:
    if len(data) > LARGEST_FILE:
        message = f"the file has {len(data):,} bytes; at most {LARGEST_FILE:,} are read"
        refusals.add("YAML_SIZE", 0, 0, message, "split it and use `extends`")
    for start, message in _BYTE_ORDER_MARKS.items():
        if data.startswith(start):
            refusals.add("YAML_ENCODING", 0, 0, f"the file is not plain UTF-8: {message}", "save it as plain UTF-8")
    refusals.raise_any()


def _decoded(data: bytes, refusals: Refusals) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        column = len(before) - (before.rfind("\n") + 1)
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        refusals.add("YAML_ENCODING", before.count("\n"), column, message, "save the file as UTF-8")
        raise refusals.error() from error


def described(character: str) -> str:
    """A character in words, for those that cannot be seen."""
    return f"U+{ord(character):04X} {unicodedata.name(character, 'CONTROL CHARACTER')}"


def unseen(key: str) -> str | None:
    """The first character of a key that a person cannot see, in words; None where every one shows."""
    if key.isprintable() and key == key.strip() and not UNSEEN.search(key):
        return None
    if key != key.strip(" "):
        return "a space at its beginning or end"
    return next(described(one) for one in key if not one.isprintable() or UNSEEN.match(one))
