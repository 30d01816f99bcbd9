"""Tests import each other as `tests.…`; the repository stands last on the path, so an installed wheel is tested."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from decimal import getcontext
from pathlib import Path

import pytest

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.append(ROOT)
for exported in [name for name in os.environ if name.startswith("RULES_ENGINE_")]:
    del os.environ[exported]  # what somebody works with in this shell is not what is tested


@pytest.fixture(autouse=True)
def decimal_arithmetic() -> Iterator[None]:
    """No call leaves the caller's decimal arithmetic changed."""
    before = getcontext().prec
    yield
    assert getcontext().prec == before
