"""What a mode may know of an instrument: what is missing raises, with a code of its own."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rules_engine.plugin import InstrumentView, MissingInput

VIEW = InstrumentView(name="X", measures={"volatility": Decimal("0.5")}, stale=frozenset({"depth"}))


def test_measure_if_stated__is_none_only_where_the_market_leaves_it_out() -> None:
    """A stale measure is missing, not left out: a market that stated it once does not mean it to be absent."""
    assert VIEW.measure_if_stated("volatility") == Decimal("0.5")
    assert VIEW.measure_if_stated("skew") is None
    with pytest.raises(MissingInput) as missing:
        VIEW.measure_if_stated("depth")
    assert missing.value.code == "MEASURE_MISSING"
