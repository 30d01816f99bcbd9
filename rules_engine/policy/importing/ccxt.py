"""Leverage tiers in the shape that ccxt's `fetch_leverage_tiers` returns, made into policies."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rules_engine.errors import DocumentError, Problem
from rules_engine.formulas.tiers import tier_lines
from rules_engine.numbers.exact import exactly
from rules_engine.policy.importing.markets import read_market
from rules_engine.policy.importing.policy_text import Origin, decimal, policy_text
from rules_engine.policy.importing.records import (
    Contract,
    CurrencySummary,
    DeductionDifference,
    Import,
    ImportSummary,
    Market,
    PublishedTier,
    Table,
)
from rules_engine.policy.importing.source import read_source
from rules_engine.policy.importing.symbols import contract_of, shown

_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_VERSION: Final = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2}")


def import_ccxt_tiers(data: bytes, *, file: str, name: str = "binance-usdm", version: str = "1.0.0") -> Import:
    """One policy per settlement currency (`NAME-CURRENCY`), with equal tables written once.

    `data` is JSON text and `file` what messages call it. A market that cannot be used with certainty is left out and
    stands in `summary.refused`; raises DocumentError where the file as a whole, or the name or version, is no use.
    """
    _check_identity(name, version)
    markets, refused = _read_markets(read_source(data, file))
    origin = Origin.of(data, file, name, version)
    policies: dict[str, str] = {}
    currencies = []
    fame = _fame(markets)
    for currency, group in _by_currency(markets):
        tables = _tables(group, fame)
        path = f"{origin.policy(currency)}/{version}.yaml"
        policies[path] = policy_text(origin, currency, group, tables)
        currencies.append(_currency_summary(currency, path, group, tables))
    summary = ImportSummary(
        contracts=len(markets),
        tiers=sum(len(market.tiers) for market in markets),
        deductions=sum(deduction is not None for market in markets for deduction in market.deductions),
        currencies=tuple(currencies),
        differences=tuple(difference for market in markets for difference in _differences(market)),
        refused=tuple(refused),
        notes=tuple(_notes(markets)),
    )
    return Import(policies=policies, summary=summary)


def _check_identity(name: str, version: str) -> None:
    problems = []
    if not _NAME.fullmatch(name):
        hint = "small letters, digits and hyphens, such as binance-usdm"
        problems.append(Problem(code="NAME_INVALID", message=f"`{shown(name)}` is no policy name", hint=hint))
    if not _VERSION.fullmatch(version):
        message = f"`{shown(version)}` is no semantic version"
        problems.append(Problem(code="VERSION_INVALID", message=message, hint="such as 1.0.0"))
    if problems:
        raise DocumentError(problems)


def _read_markets(source: dict[str, object]) -> tuple[list[Market], list[Problem]]:
    """The usable markets in order of instrument names, and why the others are not, in the order of the text."""
    markets: list[Market] = []
    refused: list[Problem] = []
    contracts = {symbol: contract_of(symbol) for symbol in source}
    symbols = _symbols_by_name(contracts.values())
    for symbol, contract in contracts.items():
        if isinstance(contract, Problem):
            refused.append(contract)
        elif len(symbols[contract.instrument]) > 1:
            refused.append(_collision(contract, symbols[contract.instrument]))
        else:
            market = read_market(contract, source[symbol])
            if isinstance(market, Market):
                markets.append(market)
            else:
                refused += market
    return sorted(markets, key=lambda market: market.contract.instrument), refused


def _symbols_by_name(contracts: Iterable[Contract | Problem]) -> dict[str, list[str]]:
    symbols: dict[str, list[str]] = defaultdict(list)
    for contract in contracts:
        if isinstance(contract, Contract):
            symbols[contract.instrument].append(contract.symbol)
    return symbols


def _collision(contract: Contract, symbols: Sequence[str]) -> Problem:
    others = ", ".join(ascii(symbol) for symbol in symbols if symbol != contract.symbol)
    message = f"the instrument name {contract.instrument} would stand for {others} as well"
    hint = "import them from separate files, or write them by hand"
    return Problem(code="NAME_COLLISION", message=message, hint=hint, path=contract.symbol)


def _by_currency(markets: Iterable[Market]) -> list[tuple[str, list[Market]]]:
    groups: dict[str, list[Market]] = defaultdict(list)
    for market in markets:
        groups[market.contract.settlement_currency].append(market)
    return sorted(groups.items())


def _fame(markets: Sequence[Market]) -> dict[str, tuple[object, ...]]:
    """What sorts bases, the best known first.

    Turnover is not in the source: the more leverage and size a venue allows in a base's perpetual, the more it is
    traded; then the more contracts it lists.
    """
    listings = Counter(market.contract.base for market in markets)
    unlisted = (0, 0)
    best: dict[str, tuple[object, ...]] = {}
    for market in markets:
        base = market.contract.base
        rank = unlisted if market.contract.expires_at else _rank(market.tiers)[:2]
        best[base] = min(best.get(base, unlisted), rank)
    return {base: (*rank, -listings[base]) for base, rank in best.items()}


def _tables(markets: Iterable[Market], fame: Mapping[str, tuple[object, ...]]) -> list[Table]:
    """The distinct tables, those of the largest leverage and capacity first.

    A table is named after its best known member and its largest leverage: perpetuals come before dated contracts,
    whose dates pass, and Latin names first.
    """
    members: dict[tuple[PublishedTier, ...], list[Contract]] = defaultdict(list)
    for market in markets:
        members[market.tiers].append(market.contract)
    tables = []
    taken: set[str] = set()
    for tiers in sorted(members, key=_rank):
        contracts = sorted(members[tiers], key=lambda contract: _naming_order(contract, fame))
        name = _free_name(f"{_named_after(contracts[0])}-{decimal(tiers[0].max_leverage)}x", taken)
        tables.append(Table(name=name, tiers=tiers, members=tuple(contract.instrument for contract in contracts)))
    return tables


def _rank(tiers: tuple[PublishedTier, ...]) -> tuple[object, ...]:
    figures = [(tier.up_to, tier.maintenance_rate, tier.max_leverage) for tier in tiers]
    return (-tiers[0].max_leverage, -tiers[-1].up_to, figures)


def _naming_order(contract: Contract, fame: Mapping[str, tuple[object, ...]]) -> tuple[object, ...]:
    dated = contract.expires_at is not None
    return (dated, *fame[contract.base], not contract.instrument.isascii(), contract.instrument)


def _named_after(contract: Contract) -> str:
    """The instrument in small letters, `dated` for its date: the same table will hold for the next one."""
    if contract.expires_at is None:
        return contract.instrument.lower()
    return f"{contract.instrument.rpartition('-')[0].lower()}-dated"


def _free_name(wanted: str, taken: set[str]) -> str:
    """The name, numbered where another table's first member differs by capitals only."""
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}-{count}"
    taken.add(name)
    return name


def _differences(market: Market) -> list[DeductionDifference]:
    """Where a published deduction is not the one that follows from the floors and rates."""
    with exactly():
        lines = tier_lines([tier.floor for tier in market.tiers], [tier.maintenance_rate for tier in market.tiers])
    return [
        DeductionDifference(symbol=market.contract.symbol, tier=number, derived=derived, published=published)
        for number, ((_, derived), published) in enumerate(zip(lines, market.deductions, strict=True), start=1)
        if published is not None and published != derived
    ]


def _currency_summary(currency: str, path: str, markets: Sequence[Market], tables: Sequence[Table]) -> CurrencySummary:
    return CurrencySummary(
        currency=currency,
        policy=path,
        contracts=len(markets),
        tiers=sum(len(market.tiers) for market in markets),
        tables=len(tables),
    )


def _notes(markets: Sequence[Market]) -> Iterable[str]:
    dated = [market.contract.instrument for market in markets if market.contract.expires_at]
    if dated:
        yield f"dated contracts expire at 08:00 UTC, Binance's hour of delivery: {', '.join(dated)}"
    scripts = [market.contract.instrument for market in markets if not market.contract.instrument.isascii()]
    if scripts:
        yield f"names beyond ASCII are kept: {', '.join(scripts)}"
    unpublished = sum(deduction is None for market in markets for deduction in market.deductions)
    if unpublished:
        yield f"{unpublished} tiers publish no deduction (`cum`) to compare the derived one with"
    if markets:
        yield "price ticks and quantity steps are not part of tiers: they come with the market"
