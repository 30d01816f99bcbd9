"""Tests import each other as `tests.…`; the repository stands last on the path, so an installed wheel is tested.

Hypothesis tries the same examples every time, and under `HYPOTHESIS_PROFILE=thorough` new ones: twenty times as many
of those that are asked for by `tests.properties.laws.examples`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from decimal import getcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.append(ROOT)
for exported in [name for name in os.environ if name.startswith("RULES_ENGINE_")]:
    del os.environ[exported]  # what somebody works with in this shell is not what is tested

settings.register_profile("ci", deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
settings.register_profile("thorough", deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def decimal_arithmetic() -> Iterator[None]:
    """No call leaves the caller's decimal arithmetic changed."""
    before = getcontext().prec
    yield
    assert getcontext().prec == before
