"""Pins: `NAME@VERSION`, how one policy names another."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

FindParent: TypeAlias = Callable[[str, str], tuple[bytes, str] | None]
"""Answers name and version with a policy's text and its file name, or None where there is no such policy."""

_NUMBER: Final = r"(?:0|[1-9]\d{0,8})"
_VERSION: Final = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z.-]{{1,64}})?(?:\+[0-9A-Za-z.-]{{1,64}})?"
_PIN: Final = re.compile(rf"([a-z0-9-]{{1,64}})@({_VERSION})", re.ASCII)


def parse_pin(text: object) -> tuple[str, str] | None:
    """Name and version of `NAME@VERSION`; None where the text is no such pin."""
    match = _PIN.fullmatch(text) if isinstance(text, str) else None
    return (match[1], match[2]) if match else None
