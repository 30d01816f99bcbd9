"""Laws of whole accounts: that more collateral never harms, and that the order of positions means nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from msgspec import to_builtins
from msgspec.structs import fields, replace

from rules_engine.engine.engine import Engine
from rules_engine.life.cases.law_subjects import NotTried
from rules_engine.life.cases.size_laws import Counterexample, counterexample
from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.text import plain
from rules_engine.terms.account import Account
from rules_engine.terms.evaluation import Evaluation, PoolFigures, PositionFigures
from rules_engine.terms.market import Market

RANK: Final = ("healthy", "margin_call", "liquidate", "bankrupt")
"""Statuses, from the best."""
SHARES: Final = tuple(map(Decimal, ("0.01", "0.1", "0.5", "1", "10")))
"""Of notional: how much collateral is added."""
NEAR: Final = tuple(map(Decimal, ("-0.01", "0", "0.01")))
"""Beside a line at which a decision changes."""


def never_worsens(engine: Engine, account: Account, market: Market) -> Iterator[Counterexample | None]:
    """The law that more collateral behind every pool never worsens a status."""
    best: dict[str, tuple[int, Decimal]] = {}
    for amount in _amounts(engine.evaluate(account, market)):
        more = _richer(account, engine.policy.settlement_currency, amount)
        for pool in engine.evaluate(more, market).pools:
            if pool.status == "undetermined":
                continue
            rank, (least, less) = RANK.index(pool.status), best.get(pool.pool, (len(RANK), ZERO))
            if rank > least:
                text = f"{pool.pool} is {RANK[least]} with {plain(less)} more behind every pool, and {pool.status}"
                yield counterexample(f"{text} with {plain(amount)} more", more, market)
            else:
                best[pool.pool] = rank, amount
                yield None


def _richer(account: Account, currency: str, amount: Decimal) -> Account:
    """The account with an amount more behind each of its pools."""
    return replace(
        account,
        collateral={**account.collateral, currency: account.collateral.get(currency, ZERO) + amount},
        group_margins={name: margin + amount for name, margin in account.group_margins.items()},
        positions=tuple(
            position if position.margin is None else replace(position, margin=position.margin + amount)
            for position in account.positions
        ),
    )


def _amounts(evaluation: Evaluation) -> list[Decimal]:
    """Amounts to add, rising: nothing, shares of notional, and what brings each pool near its lines."""
    notional = sum((one.notional or ZERO for one in evaluation.positions), ZERO)
    amounts = {ZERO, *(notional * share for share in SHARES)}
    for pool in evaluation.pools:
        amounts.update(_to_lines(pool))
    return sorted(amount for amount in amounts if amount >= 0)


def _to_lines(pool: PoolFigures) -> list[Decimal]:
    if pool.equity is None or pool.maintenance_margin is None:
        return []
    return [pool.maintenance_margin - pool.equity + near for near in NEAR]


def any_order(engine: Engine, account: Account, market: Market) -> Iterator[Counterexample | None]:
    """The law that an account means the same with its positions in any order."""
    positions = account.positions
    if len(positions) < 2:
        raise NotTried("it has fewer than two positions")
    now = _figures(engine.evaluate(account, market))
    for permuted in (tuple(reversed(positions)), (*positions[1:], positions[0])):
        other = replace(account, positions=permuted)
        then = _figures(engine.evaluate(other, market))
        changed = next((name for name in now if now[name] != then.get(name)), None)
        if changed is None:
            yield None
            continue
        order = ", ".join(position.id for position in permuted)
        finding = f"{_text(now[changed])}, and {_text(then.get(changed))} with the positions in the order {order}"
        yield counterexample(f"{changed} is {finding}", other, market)


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    """Every figure of positions and pools by its name, without what may come in any order."""
    named = {f"{name} of position {one.id}": value for one in evaluation.positions for name, value in _fields(one)}
    for pool in evaluation.pools:
        ordered = replace(
            pool, evidence=(), reasons=tuple(sorted(pool.reasons)), notes=tuple(sorted(pool.notes)), close_out=()
        )
        named |= {f"{name} of pool {pool.pool}": value for name, value in _fields(ordered)}
    return named


def _fields(record: PositionFigures | PoolFigures) -> Iterator[tuple[str, Any]]:
    yield from ((field.name, getattr(record, field.name)) for field in fields(record))


def _text(figure: Any) -> str:
    return plain(figure) if isinstance(figure, Decimal) else str(to_builtins(figure))
