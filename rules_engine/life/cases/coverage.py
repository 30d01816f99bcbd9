"""What of a policy its cases touch: tiers, bands, modes, instruments, collateral, orders and close-out.

A case touches what its answer says was at work; whether the case expects a figure of it is not looked at. Laws
touch nothing: they state no figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from rules_engine.engine.quote import Quotes, rule_for
from rules_engine.errors import Mark
from rules_engine.formulas.buffers import band_at
from rules_engine.life.cases.cases import CaseResult
from rules_engine.numbers.exact import exactly
from rules_engine.numbers.text import plain
from rules_engine.terms.evaluation import PositionFigures
from rules_engine.terms.policy import Buffer, InstrumentRule, Policy, Table

KINDS: Final = ("tier", "band", "mode", "instrument", "glob", "collateral", "orders", "close-out")
"""Kinds of things that cases can touch, in the order in which they are told."""


class Thing(NamedTuple):
    """What a case can touch: a kind, a name, and of tables and buffers the part, counted from 1 as tiers are."""

    kind: str
    name: str
    part: int = 0


class Touch(NamedTuple):
    """How something was touched: by which case, and through which instrument or pool."""

    by: str
    case: str


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """Something that cases can touch, and what did; `text` says what it is, as `from 50000`.

    Nothing can touch what is not `reachable`: a table or buffer that no instrument names.
    """

    thing: Thing
    text: str
    mark: Mark | None
    reachable: bool
    touched: tuple[Touch, ...]


Coverage: TypeAlias = tuple[Covered, ...]


def untouched(coverage: Coverage) -> list[Covered]:
    """What a case could have touched, and none did."""
    return [one for one in coverage if one.reachable and not one.touched]


def coverage_of(policy: Policy, results: Iterable[CaseResult]) -> Coverage:
    """Everything of a policy that cases can touch, each with what touched it."""
    touched: dict[Thing, dict[Touch, None]] = {}
    with exactly():
        for result in results:
            for thing, by in _touched(policy, result):
                touched.setdefault(thing, {})[Touch(by, result.case.name)] = None
        return tuple(
            Covered(thing=thing, text=text, mark=mark, reachable=reachable, touched=tuple(touched.get(thing, ())))
            for thing, text, mark, reachable in _things(policy)
        )


def _things(policy: Policy) -> Iterator[tuple[Thing, str, Mark | None, bool]]:
    """Everything that can be touched: the thing, what it is, where it stands, and whether anything reaches it."""
    rules = [*policy.instruments.values(), *policy.patterns]
    tables = {rule.table.name for rule in rules}
    buffers = {buffer.name for rule in rules for buffer in rule.buffers}
    for table in policy.tables.values():
        for part, text, mark in _tiers(table):
            yield Thing("tier", table.name, part), text, mark, table.name in tables
    for buffer in policy.buffers.values():
        for part, text, mark in _bands(policy, buffer):
            yield Thing("band", buffer.name, part), text, mark, buffer.name in buffers
    for mode in policy.modes.values():
        yield Thing("mode", mode.name), "", mode.mark, bool(rules)
    for rule in rules:
        yield _named(policy, rule), "", rule.mark, True
    for asset, collateral in policy.collateral.items():
        yield Thing("collateral", asset), "", collateral.mark, True
    plan = policy.liquidation.close_out.plan.name
    yield Thing("orders", "an order"), "", None, bool(rules)
    yield Thing("close-out", plan), "", policy.marks.get(("liquidation", "close_out")), bool(rules)


def _named(policy: Policy, rule: InstrumentRule) -> Thing:
    return Thing("instrument" if rule.pattern in policy.instruments else "glob", rule.pattern)


def _tiers(table: Table) -> Iterator[tuple[int, str, Mark | None]]:
    for number, tier in enumerate(table.tiers, start=1):
        yield number, f"from {plain(tier.floor)}", tier.mark or table.mark


def _bands(policy: Policy, buffer: Buffer) -> Iterator[tuple[int, str, Mark | None]]:
    """A buffer's bands; one that has none is touched as a whole."""
    stated: Any = policy.document.get("buffers", {}).get(buffer.name, {})
    bands = _known_bands(buffer)
    for number in range(1, len(bands) + 1):
        start = stated["bands"][number - 1]["from"]
        text = f"from {plain(start) if isinstance(start, Decimal) else start}"
        yield number, text, policy.marks.get(("buffers", buffer.name, "bands", number - 1), buffer.mark)
    if not bands:
        yield 0, "curve" if "curve" in stated else "", buffer.mark


def _known_bands(buffer: Buffer) -> Sequence[Mapping[str, Any]]:
    """The bands of a buffer; none where its kind means something else by the word."""
    bands = buffer.parameters.get("bands", ())
    known = isinstance(bands, Sequence) and all(
        isinstance(band, Mapping) and isinstance(band.get("from"), Decimal) for band in bands
    )
    return bands if known else ()


def _touched(policy: Policy, result: CaseResult) -> Iterator[tuple[Thing, str]]:
    """What a case touches, each with the instrument or pool through which it does."""
    case, evaluation = result.case, result.evaluation
    quotes = Quotes(policy, case.market)
    for position in evaluation.positions:
        yield from _by_position(policy, position, quotes)
    for pool in evaluation.pools:
        if pool.close_out:
            yield Thing("close-out", policy.liquidation.close_out.plan.name), pool.pool
    for asset, amount in case.account.collateral.items():
        if amount != 0:
            yield Thing("collateral", asset), case.account.account
    if case.order is not None:
        yield Thing("orders", "an order"), case.order.instrument


def _by_position(policy: Policy, position: PositionFigures, quotes: Quotes) -> Iterator[tuple[Thing, str]]:
    """What a position touches; one whose figures are not known, or another version's, its mode and instrument alone."""
    name, rule = position.instrument, rule_for(policy, position.instrument)
    if position.pool is not None:
        yield Thing("mode", position.mode), name
    if rule is None:
        return
    yield _named(policy, rule), name
    if position.version is not None:
        return
    if position.tier is not None:
        yield Thing("tier", rule.table.name, position.tier), name
    at_work = {buffer.name for buffer in position.buffers}
    for applied in quotes(name).buffers:
        if applied.buffer.name in at_work and applied.usable:
            bands = _known_bands(applied.buffer)
            index = band_at(applied.reading, bands) if bands else None
            yield Thing("band", applied.buffer.name, 0 if index is None else index + 1), name
