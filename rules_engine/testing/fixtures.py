"""A fixture of pytest for plugin authors: `pytest_plugins = ["rules_engine.testing.fixtures"]` in their conftest.

It is no entry point of pytest: that would import the engine before coverage starts, and hide its lines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rules_engine.testing.reports import ConformanceError, Report


@pytest.fixture
def conformance() -> Callable[..., Any]:
    """Runs a check, as in `conformance(check_mode, MyMode(), {"rate": Decimal("0.1")})`; fails with the report."""

    def run(check: Callable[..., Report | tuple[Report, ...]], *arguments: Any, **options: Any) -> Any:
        answer = check(*arguments, **options)
        reports = (answer,) if isinstance(answer, Report) else answer
        if not all(report.held for report in reports):
            pytest.fail(str(ConformanceError(report for report in reports if not report.held)), pytrace=False)
        return answer

    return run
