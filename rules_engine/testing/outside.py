"""Whether a component looks outside while it answers: at a clock, at chance, at files."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from datetime import date
from types import FrameType
from typing import Any, Final

CLOCKS: Final = frozenset({"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns",
                           "process_time", "localtime", "gmtime", "ctime"})  # fmt: skip
"""Functions of the module `time`."""
NOWS: Final = frozenset({"now", "utcnow", "today"})
"""Methods of `date` and `datetime`."""
OPENING: Final = frozenset({"open", "urandom", "getrandom", "socket", "getenv"})


def outside_calls(ask: Callable[[], object]) -> list[str]:
    """The calls of clocks, random numbers, files and sockets while a component answers, in words."""
    found: dict[str, None] = {}

    def listen(frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call" and (name := _outside(argument)):
            found[name] = None

    before = sys.getprofile()
    sys.setprofile(listen)
    try:
        ask()
    finally:
        sys.setprofile(before)
    return list(found)


def _outside(function: Any) -> str:
    """What a built-in function is called, if it looks outside."""
    name, module, owner = function.__name__, function.__module__ or "", getattr(function, "__self__", None)
    if module == "time" and name in CLOCKS:
        return f"time.{name}()"
    if isinstance(owner, type) and issubclass(owner, date) and name in NOWS:
        return f"{owner.__name__}.{name}()"
    if isinstance(owner, random.Random):
        return f"random numbers ({name})"
    if module in ("io", "_io", "posix", "nt", "_socket", "_random") and name in OPENING:
        return f"{name}()"
    return ""
