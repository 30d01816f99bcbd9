"""What libyaml says of a text that is no YAML, in the words of people who indent with spaces."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from rules_engine.policy.text import Refusals

SPACE_AFTER_COLON: Final = "put a space after the colon"
names_glued: Final = re.compile(r"\s*(?:- )?[A-Za-z_][\w-]*:[^\s:/].*").fullmatch
"""A line such as `policy:mine`, which is one text to YAML, and a key with its value to people."""

_AT_TABS: Final = ("found character that cannot start", "found a tab character", "mapping values are not allowed")
_ALIGN: Final = "keys of one mapping, and entries of one list, begin in the same column"
_HINTS: Final = {
    "found character that cannot start any token": "put text that begins with % @ or ` in quotes",
    "mapping values are not allowed": "check the indentation, and put text with a colon in quotes",
    "did not find expected alphabetic": "names that begin with * or & go in quotes",
    "did not find expected key": _ALIGN,
    "did not find expected '-' indicator": _ALIGN,
    "could not find expected ':'": "every line of a mapping is `key: value`",
    "found unexpected end of stream": "close the quote",
    "did not find expected ','": "close the bracket",
}


def note_syntax(error: Any, text: str, refusals: Refusals) -> None:
    """Notes what libyaml stopped at; it says one thing, and no more of the text is read."""
    lines = [*text.split("\n"), ""]  # what is missing at the end is missed on the line after it
    mark = error.problem_mark
    tab = _indentation(lines[mark.line]).find("\t") if str(error.problem).startswith(_AT_TABS) else -1
    if tab >= 0:
        message = "a tab stands where only spaces may indent"
        refusals.add("YAML_SYNTAX", mark.line, tab, message, "indent with spaces")
        return
    message = f"this is not YAML: {error.problem}"
    if error.context and error.context_mark:
        message += f" {error.context} that begins on line {error.context_mark.line + 1}"
    refusals.add("YAML_SYNTAX", mark.line, mark.column, message, _hint(error, lines))


def _hint(error: Any, lines: Sequence[str]) -> str:
    here = error.problem_mark.line
    above = next((number for number in range(here - 1, -1, -1) if lines[number].strip()), here)
    glued = next((number for number in (here, above) if names_glued(lines[number])), None)
    if glued is not None:
        return f"{SPACE_AFTER_COLON} on line {glued + 1}"
    deeper = len(_indentation(lines[here])) > len(_indentation(lines[above]))
    if deeper and str(error.problem).startswith("mapping values"):
        return f"indent this line as line {above + 1}, which has its value already, and put text with a colon in quotes"
    return next((hint for start, hint in _HINTS.items() if str(error.problem).startswith(start)), "")


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
