"""Laws of a margin mode in whole accounts, as the engine answers: order, other pools, and more collateral."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from rules_engine.numbers.exact import ZERO
from rules_engine.terms.components import COLLATERAL
from rules_engine.terms.evaluation import Evaluation, PoolFigures
from rules_engine.testing.judging import NotJudged
from rules_engine.testing.mode_subject import ModeSubject, richer
from rules_engine.testing.stage import shown

RANK: Final = ("healthy", "margin_call", "liquidate", "bankrupt")
"""Statuses, from the best."""
SHARES: Final = tuple(map(Decimal, ("0.01", "0.1", "0.5", "1", "10")))
"""Of notional: how much collateral is added."""
NEAR: Final = tuple(map(Decimal, ("-0.01", "0", "0.01")))
"""Beside a line at which a decision changes."""


def order(subject: ModeSubject) -> Iterator[str]:
    """Evaluates every account with its positions in another order."""
    random, compared = Random(subject.seed), 0
    for scene in subject.scenes:
        if len(scene.account.positions) < 2:
            continue
        positions = list(reversed(scene.account.positions)) if compared % 2 == 0 else list(scene.account.positions)
        if compared % 2:
            random.shuffle(positions)
        permuted = replace(scene.account, positions=tuple(positions))
        now, then = figures(scene.evaluation), figures(subject.engine.evaluate(permuted, scene.market))
        compared += 1
        for name in now:
            if now[name] != then.get(name):
                text = f"{name} with the positions in order {[one.id for one in positions]}: {then.get(name)!r}"
                yield shown(f"{text}\nas they are: {now[name]!r}", scene)
    if not compared:
        raise NotJudged("no account of the examples has two positions")


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """Every position's and pool's figures, without what may come in any order."""
    positions = {f"position {one.id}": one for one in evaluation.positions}
    pools = {
        f"pool {one.pool}": replace(
            one, evidence=(), reasons=tuple(sorted(one.reasons)), notes=tuple(sorted(one.notes)), close_out=()
        )
        for one in evaluation.pools
    }
    return {**positions, **pools}


def isolation(subject: ModeSubject) -> Iterator[str]:
    """Evaluates every pool with all other positions gone, and no orders resting."""
    compared = 0
    for scene in subject.scenes:
        account = replace(scene.account, orders=())
        whole = subject.engine.evaluate(account, scene.market)
        held = {one.pool for one in whole.positions}
        for pool in whole.pools:
            if pool.pool not in held or len(held) < 2 or pool.draw_limit is not None or pool.status == "undetermined":
                continue
            compared += 1
            inside = {one.id for one in whole.positions if one.pool == pool.pool}
            lonely = replace(account, positions=tuple(one for one in account.positions if one.id in inside))
            now, then = _own(whole, pool.pool), _own(subject.engine.evaluate(lonely, scene.market), pool.pool)
            if now != then:
                yield shown(
                    f"{pool.pool}: {now!r}\nwithout all other positions: {then!r}", replace(scene, account=account)
                )
    if not compared:
        raise NotJudged("all positions of an account share one pool, or pools borrow from each other")


def _own(evaluation: Evaluation, name: str) -> tuple[Any, ...]:
    """What a pool's own positions and backing decide."""
    pool = next(one for one in evaluation.pools if one.pool == name)
    positions = tuple(
        (one.id, one.initial_margin, one.maintenance_margin) for one in evaluation.positions if one.pool == name
    )
    return (pool.status, pool.equity, pool.initial_margin, pool.maintenance_margin, *positions)


def collateral(subject: ModeSubject) -> Iterator[str]:
    """Evaluates every account with more and more behind its pools."""
    subject.claims(COLLATERAL)
    currency = subject.engine.policy.settlement_currency
    for scene in subject.scenes:
        best: dict[str, tuple[int, Decimal]] = {}
        for amount in _amounts(scene.evaluation):
            account = richer(scene.account, currency, amount)
            for pool in subject.engine.evaluate(account, scene.market).pools:
                if pool.status == "undetermined":
                    continue
                rank = RANK.index(pool.status)
                if pool.pool in best and rank > best[pool.pool][0]:
                    text = f"{pool.pool} is {pool.status} with {amount} more behind every pool"
                    yield shown(f"{text}, {RANK[best[pool.pool][0]]} with {best[pool.pool][1]} more", scene)
                best[pool.pool] = rank, amount


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
