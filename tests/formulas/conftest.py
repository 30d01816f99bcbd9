"""Numbers are computed in the exact context, as the engine does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rules_engine.numbers.exact import exactly


@pytest.fixture(scope="module", autouse=True)
def exact_context() -> Iterator[None]:
    """Every test of a module runs in the context that raises instead of rounding."""
    with exactly():
        yield
