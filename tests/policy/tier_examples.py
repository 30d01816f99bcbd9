"""Small lists of tiers as Binance publishes them, for the tests of the importer."""

from __future__ import annotations

import json
from typing import Any

from rules_engine.policy.importing import Import, import_ccxt_tiers
from rules_engine.policy.reader import read_document


def tier(place: int, floor: str, up_to: str, rate: str, leverage: str, **changes: Any) -> dict[str, Any]:
    """A tier of BTC/USDT:USDT as Binance publishes it; a change to None leaves a field out."""
    record = {"notionalFloor": floor, "notionalCap": up_to, "maintMarginRatio": rate, "initialLeverage": leverage}
    row = {
        "tier": str(place), "symbol": "BTC/USDT:USDT", "currency": "USDT", "minNotional": floor, "maxNotional": up_to,
        "maintenanceMarginRate": rate, "maxLeverage": leverage, "info": record,
    } | changes  # fmt: skip
    return {name: value for name, value in row.items() if value is not None}


def two_tiers(symbol: str = "BTC/USDT:USDT", currency: str = "USDT") -> list[dict[str, Any]]:
    names = {"symbol": symbol, "currency": currency}
    return [tier(1, "0", "50000", "0.004", "125", **names), tier(2, "50000", "250000", "0.005", "100", **names)]


def of(markets: dict[str, Any], **options: str) -> Import:
    return import_ccxt_tiers(json.dumps(markets).encode(), file="tiers.json", **options)


def document(text: str) -> dict[str, Any]:
    return dict(read_document(text.encode(), "imported.yaml").value)
