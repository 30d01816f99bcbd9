"""What Derive's feeds say of a pool as a whole, read off the measures of its instruments and assets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from rules_engine.plugin import AssetExposure, InstrumentView, MissingInput, Number, NumberSystem, PoolExposure


class Feeds:
    """The measures that belong to no single instrument: any of the pool's may state them, and the lowest counts."""

    def __init__(self, num: NumberSystem, pool: PoolExposure) -> None:
        self._num = num
        instruments = [exposure.market.measures for exposure in pool.positions]
        self._measures: list[Mapping[str, Decimal]] = [*instruments, *(asset.measures for asset in pool.assets)]

    def stable_price(self) -> Number:
        """The price of the settlement currency in the currency of the feeds, USD."""
        return self._lowest("stable_price")

    def spot_confidence(self) -> Number:
        """How sure the spot feed is, from 0 to 1."""
        return self._lowest("spot_confidence")

    def _lowest(self, name: str) -> Number:
        stated = [measures[name] for measures in self._measures if name in measures]
        if not stated:
            raise MissingInput("MEASURE_MISSING", f"no instrument and no asset of the pool states the measure {name}")
        return self._num.minimum(*stated)


def confidence_of(source: InstrumentView | AssetExposure) -> Decimal:
    """The lowest confidence of the feeds of an instrument or asset. Raises `MissingInput`."""
    if isinstance(source, InstrumentView):
        return source.measure("confidence")
    if "confidence" not in source.measures:
        raise MissingInput("MEASURE_MISSING", f"the price of {source.asset} has no usable measure confidence")
    return source.measures["confidence"]
