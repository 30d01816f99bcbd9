"""What is the address of a database, and what is the name of a file."""

from __future__ import annotations

import re
from typing import Final

MISTYPED: Final = re.compile(r"(postgres\w*|mysql\w*)[+\w]*(:(?!//)|//)", re.IGNORECASE)
"""What is meant as the address of a server, and would be a file: its name may hold a password."""


def is_address(text: str) -> bool:
    """Whether a text is, or is meant as, the address of a database."""
    return "://" in text or MISTYPED.match(text) is not None
