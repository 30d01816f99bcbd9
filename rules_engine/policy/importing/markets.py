"""One market of the source: its tiers, checked, or the reasons why they cannot be used.

In one and the same shape venues count different things: Binance USD-margined tiers hold notional, OKX and Kraken
count contracts and leave a gap of one between tiers, Binance COIN-margined tiers count the base asset. A unit is
never guessed: a market is used only where the venue's own record (`info`) says that it is notional.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import msgspec

from rules_engine.errors import Problem
from rules_engine.numbers.exact import exactly
from rules_engine.policy.importing.records import Contract, Market, PublishedTier
from rules_engine.policy.importing.source import Fields
from rules_engine.policy.importing.symbols import shown

_QUANTITY_KEYS: Final = (
    ("qtyFloor", "qtyCap"),  # Binance COIN-M: base asset
    ("minSz", "maxSz"),  # OKX: contracts
    ("contracts",),  # Kraken, inverse: contracts
    ("numNonContractUnits",),  # Kraken, linear: units of its own
)
_RECORD_KEYS: Final = (
    ("notionalFloor", "minNotional", "floor"),
    ("notionalCap", "maxNotional", "up_to"),
    ("maintMarginRatio", "maintenanceMarginRate", "maintenance_rate"),
    ("initialLeverage", "maxLeverage", "max_leverage"),
)
"""Key of the venue's record, the key of ccxt that repeats it, and ours."""

_BY_HAND: Final = "write this policy by hand, with unit: quantity and the contract size"


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """One tier of the text: ccxt's figures, and beside them the venue's own record."""

    symbol: Any
    currency: Any
    number: Decimal
    tier: PublishedTier
    fields: Fields
    info: Fields
    deduction: Decimal | None


def read_market(contract: Contract, value: object) -> Market | list[Problem]:
    """The market's tiers, or everything that is wrong at the first stage that fails: unit, fields, record, laws."""
    path = shown(contract.symbol)
    if not isinstance(value, list) or not value:
        return [Problem(code="TYPE_WRONG", message="wanted a list of one tier or more", path=path)]
    problems: list[Problem] = []
    rows = [_read_row(item, f"{path}[{index}]", problems) for index, item in enumerate(value)]
    trap = next(_unit_traps(contract, rows, path), None)
    if trap:
        return [trap]
    if not problems:
        _check_record(contract, rows)
    tiers = tuple(row.tier for row in rows)
    if not problems:
        problems += _broken_laws(tiers, path)
    return problems or Market(contract=contract, tiers=tiers, deductions=tuple(row.deduction for row in rows))


def _read_row(item: object, path: str, problems: list[Problem]) -> _Row:
    fields = Fields(item, path, problems)
    info = Fields(fields.value("info") if "info" in fields else {}, f"{path}.info", problems)
    return _Row(
        symbol=fields.value("symbol"),
        currency=fields.value("currency"),
        number=fields.number("tier"),
        tier=PublishedTier(
            floor=fields.number("minNotional"),
            up_to=fields.number("maxNotional"),
            maintenance_rate=fields.number("maintenanceMarginRate"),
            max_leverage=fields.number("maxLeverage"),
        ),
        fields=fields,
        info=info,
        deduction=info.number("cum") if "cum" in info else None,
    )


def _unit_traps(contract: Contract, rows: Sequence[_Row], path: str) -> Iterator[Problem]:
    """Signs that the tiers count something else than notional in the settlement currency, the surest first."""
    for keys in _QUANTITY_KEYS:
        present = [key for key in keys if any(key in row.info for row in rows)]
        if present:
            found = " and ".join(f"`{key}`" for key in present)
            message = f"the venue's record has {found}, so the tiers may count contracts or base asset, not notional"
            yield Problem(code="TIERS_COUNT_QUANTITY", message=message, hint=_BY_HAND, path=path)
    for below, row in pairwise(rows):
        if row.tier.floor.is_finite() and below.tier.up_to.is_finite() and row.tier.floor > below.tier.up_to:
            end, start = (format(number, "f") for number in (below.tier.up_to, row.tier.floor))
            message = f"a gap: one tier ends at {end}, the next begins at {start}, as where tiers count contracts"
            yield Problem(code="TIERS_GAP", message=message, hint=_BY_HAND, path=row.fields.path)
    for row in rows:
        currency, wanted = row.currency, contract.settlement_currency
        if isinstance(currency, str) and currency != wanted:
            message = f"the tier counts `{shown(currency)}`, but the contract is settled in {wanted}"
            yield Problem(code="TIERS_CURRENCY", message=message, hint=_BY_HAND, path=row.fields.path)


def _check_record(contract: Contract, rows: Sequence[_Row]) -> None:
    """Adds a problem where the venue's record does not say that the tiers are notional, or contradicts them."""
    for place, row in enumerate(rows, start=1):
        if row.symbol != contract.symbol:
            row.fields.refuse("TIERS_CONTRADICTORY", "the tier names another symbol", field="symbol")
        if row.currency != contract.settlement_currency:
            row.fields.refuse("TYPE_WRONG", "wanted a currency", field="currency")
        if row.number != place:
            row.fields.refuse("TIERS_CONTRADICTORY", f"tier {row.number} stands at place {place}", field="tier")
        if "notionalFloor" not in row.info or "notionalCap" not in row.info:
            message = "nothing says what the tiers count: no `notionalFloor` and `notionalCap` in the venue's record"
            row.info.refuse("TIERS_UNIT_UNKNOWN", message, "look the unit up and write this policy by hand")
        for key, repeated, name in _RECORD_KEYS:
            if key in row.info and row.info.number(key) != getattr(row.tier, name):
                message = f"the venue's `{key}` and `{repeated}` differ"
                row.info.refuse("TIERS_CONTRADICTORY", message, "fetch the tiers again", field=key)


def _broken_laws(tiers: Sequence[PublishedTier], path: str) -> Iterator[Problem]:
    """What the table breaks of the laws of margin tiers."""
    if tiers[0].floor != 0:
        yield _broken(path, 0, "TIER_FLOORS", f"the first tier begins at {tiers[0].floor:f}, wanted 0")
    for index, tier in enumerate(tiers):
        for code, message in _broken_alone(tier):
            yield _broken(path, index, code, message)
    for index, (below, tier) in enumerate(pairwise(tiers), start=1):
        for code, message in _broken_together(below, tier):
            yield _broken(path, index, code, message)


def _broken(path: str, index: int, code: str, message: str) -> Problem:
    return Problem(code=code, message=message, path=f"{path}[{index}]")


def _broken_alone(tier: PublishedTier) -> Iterator[tuple[str, str]]:
    rate, leverage = tier.maintenance_rate, tier.max_leverage
    if tier.up_to <= tier.floor:
        yield "TIER_FLOORS", f"the tier begins at {tier.floor:f} and ends at {tier.up_to:f}"
    if not 0 < rate < 1:
        yield "RATE_RANGE", f"a maintenance rate of {rate:f}, wanted above 0 and below 1"
    if leverage < 1:
        yield "LEVERAGE_RANGE", f"a largest leverage of {leverage:f}, wanted 1 or more"
    with exactly():
        covered = rate * leverage < 1
    if leverage >= 1 and not covered:
        message = f"initial rate 1/{leverage:f} is not above maintenance rate {rate:f}: liquidated when opened"
        yield "INITIAL_NOT_ABOVE_MAINTENANCE", message


def _broken_together(below: PublishedTier, tier: PublishedTier) -> Iterator[tuple[str, str]]:
    if tier.floor < below.up_to:
        yield "TIER_FLOORS", f"the tier begins at {tier.floor:f}, before the one below ends at {below.up_to:f}"
    if tier.maintenance_rate < below.maintenance_rate:
        yield "TIER_RATE_FALLS", f"the rate falls from {below.maintenance_rate:f} to {tier.maintenance_rate:f}"
    if tier.max_leverage > below.max_leverage:
        yield "TIER_LEVERAGE_RISES", f"leverage rises from {below.max_leverage:f} to {tier.max_leverage:f}"
