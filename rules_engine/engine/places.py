"""Where in a plugin's code something came up: file and line, as its author knows them."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Final

_NO_PLUGINS: Final = frozenset({"rules_engine", *sys.stdlib_module_names})
"""Packages in which nobody looks for a plugin's mistake: ours and Python's own."""


def origin(error: BaseException) -> str:
    """The innermost place outside of our code and Python's own that an exception passed; empty where there is none."""
    place, at = "", error.__traceback__
    while at is not None:
        place = place_of(at.tb_frame, at.tb_lineno) or place
        at = at.tb_next
    return place


def place_of(frame: FrameType, line: int) -> str:
    """A line, its file from the top package on: `acme_margin/modes.py:41`. Empty in our code and in Python's own."""
    if str(frame.f_globals.get("__name__")).partition(".")[0] in _NO_PLUGINS:
        return ""
    package = frame.f_globals.get("__package__")
    depth = len(package.split(".")) if package else 0
    parts = frame.f_code.co_filename.replace("\\", "/").split("/")
    return f"{'/'.join(parts[-depth - 1 :])}:{line}"
