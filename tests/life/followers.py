"""What the tests of engines that follow a store share: a clock that somebody sets, a store, and an account at risk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from rules_engine.life.store.following import FollowingEngine
from rules_engine.life.store.store import Store
from tests.life.people import NAME, REGISTRY, at, founded, put_in_force, texts

RATES = {"1.0.0": "0.01", "1.1.0": "0.012", "1.2.0": "0.014"}
HELD: dict[str, Any] = {
    "account": "A",
    "collateral": {},
    "positions": [
        {"id": "p", "instrument": "BTCUSDT", "mode": "isolated", "quantity": "1", "entry_price": "1000", "margin": "11"}
    ],
}
"""Equity of 11 at a mark of 1,000: enough for the 10 of the first version, too little for the 12 of the second."""
ORDER = {"id": "o", "instrument": "BTCUSDT", "mode": "isolated", "quantity": "1", "leverage": "10"}


def market(hours: int) -> dict[str, Any]:
    """A mark of 1,000 a second after so many hours, when what was taken in that moment is in force."""
    return market_at(at(hours) + timedelta(seconds=1))


def market_at(instant: datetime) -> dict[str, Any]:
    """A mark of 1,000 at an instant."""
    said = instant.isoformat()
    return {"as_of": said, "instruments": {"BTCUSDT": {"mark_price": "1000", "time": said}}}


class Clock:
    """A clock that somebody sets."""

    def __init__(self, hours: int = 1) -> None:
        self.now = at(hours)

    def __call__(self) -> datetime:
        return self.now


def following(store: Store, clock: Callable[[], datetime] | None = None, **options: Any) -> FollowingEngine:
    """An engine that follows a store through a `Store` of its own."""
    own = Store(store.tables.name, trust=store.trust)
    return FollowingEngine(own, NAME, REGISTRY, clock=clock or Clock(), **options)


@contextmanager
def begun(folder: Path) -> Iterator[Store]:
    """A store in which 1.0.0 is in force from the beginning."""
    made = founded(str(folder / "store.db"))
    put_in_force(made, texts(folder, "1.0.0", RATES["1.0.0"]))
    yield made
    made.close()


def answered(engine: FollowingEngine, hours: int) -> str:
    """The version that answers, of which the margin is what its rate makes of 1,000."""
    evaluation = engine.evaluate(HELD, market(hours))
    version = evaluation.policy.version
    assert evaluation.positions[0].maintenance_margin == 1000 * Decimal(RATES[version])
    return version
