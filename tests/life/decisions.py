"""What the tests of decision logs are written in: a clock, accounts and markets, and ways to spoil a log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from rules_engine import Engine
from rules_engine.life.decisions.decision_log import DecisionLog
from rules_engine.life.decisions.decision_masks import Mask
from rules_engine.life.decisions.decision_rows import Place
from rules_engine.terms.evaluation import PolicyIdentity
from tests.builders import AS_OF, engine_of, position

NOW = datetime(2026, 12, 2, 8, 0, 0, 250_000, tzinfo=UTC)
KEY = bytes(range(32))
MASK = Mask(("account", "id"), KEY)
MARKET = {
    "as_of": AS_OF,
    "instruments": {
        "BTCUSDT": {"mark_price": "98", "time": AS_OF},
        "ETHUSDT": {"mark_price": "50", "time": AS_OF},
    },
    "prices": {"BTC": {"price": "98", "time": AS_OF}},
}
ACCOUNT = {
    "account": "Alice & Sons",
    "collateral": {"USDT": "500", "BTC": "-0.25"},
    "positions": [
        position("10", id="alices-long", margin="60", leverage="20"),
        position("-4", "49", id="alices-short", instrument="ETHUSDT", mode="cross", leverage="10"),
    ],
    "orders": [
        {"id": "alices-order", "instrument": "ETHUSDT", "mode": "cross", "position": "alices-short", "quantity": "-1"}
    ],
}
ORDER = {
    "id": "alices-next",
    "instrument": "BTCUSDT",
    "mode": "isolated",
    "position": "alices-long",
    "quantity": "2",
    "leverage": "10",
}
NAMES = ("Alice", "alices")
"""What no masked log may hold."""


def clock() -> datetime:
    """Always the same time."""
    return NOW


def log_at(path: Path | str, **options: Any) -> DecisionLog:
    """A decision log with the tests' clock."""
    return DecisionLog.open(path, clock=clock, **options)


def lines_of(file: Path) -> list[dict[str, Any]]:
    """The records of one file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def records_of(folder: Path, *kinds: str) -> list[dict[str, Any]]:
    """The records of these kinds in all files of a folder, in order."""
    files = sorted(folder.glob("*.jsonl"))
    return [record for file in files for record in lines_of(file) if record["kind"] in kinds]


def edited(file: Path, line: int, change: Callable[[dict[str, Any]], None], *, rechained: bool = False) -> None:
    """Changes one record of a file; `rechained` also makes every later line follow again, as a forger would."""
    records = lines_of(file)
    change(records[line])
    previous, texts = records[0]["previous"], []
    for number, record in enumerate(records):
        if rechained and number > line:
            record["previous"] = previous
        texts.append(json.dumps(record, separators=(",", ":"), ensure_ascii=False))
        previous = hashlib.sha256(texts[-1].encode()).hexdigest()
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")


def engines(*known: Engine) -> Callable[[PolicyIdentity], Engine | None]:
    """Finds an engine by the digest of its policy."""
    by_digest = {engine.policy.digest: engine for engine in known or [engine_of()]}
    return lambda identity: by_digest.get(identity.digest)


def execute(address: str, statement: str, **values: Any) -> None:
    """What somebody does to a database by hand."""
    with Place(address).connect() as connection, connection.begin():
        connection.execute(text(statement), values)


def rows_of(address: str) -> list[bytes]:
    """The lines of a log as they stand."""
    place = Place(address)
    with place.connect() as connection:
        return [bytes(line) for _, line in place.page(connection, 0)]
