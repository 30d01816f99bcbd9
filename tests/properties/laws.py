"""How many examples a law is tried on."""

from __future__ import annotations

import os

from hypothesis import settings

FACTOR = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1


def examples(count: int) -> settings:
    """That many examples, or twenty times as many under the profile `thorough`."""
    return settings(max_examples=count * FACTOR)
