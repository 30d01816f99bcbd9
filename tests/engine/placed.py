"""Messages of faults without the file and line at which they came up, which tests of their own look at."""

from __future__ import annotations

import re

_PLACE = re.compile(r" \([\w/]+\.py:[0-9]+\)$")


def unplaced(message: str) -> str:
    """The message up to the place."""
    return _PLACE.sub("", message)
