"""Laws of a margin mode in whole accounts, as the engine answers: order, other pools, and more collateral."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from rules_engine.life.cases.account_laws import any_order, never_worsens
from rules_engine.life.cases.law_subjects import NotTried
from rules_engine.terms.components import COLLATERAL
from rules_engine.terms.evaluation import Evaluation
from rules_engine.testing.judging import NotJudged
from rules_engine.testing.mode_subject import ModeSubject
from rules_engine.testing.stage import shown


def order(subject: ModeSubject) -> Iterator[str]:
    """Evaluates every account with its positions in other orders."""
    compared = 0
    for scene in subject.scenes:
        with suppress(NotTried):
            for found in any_order(subject.engine, scene.account, scene.market):
                compared += 1
                if found is not None:
                    yield shown(found.finding, scene)
    if not compared:
        raise NotJudged("no account of the examples has two positions")


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
    for scene in subject.scenes:
        for found in never_worsens(subject.engine, scene.account, scene.market):
            if found is not None:
                yield shown(found.finding, scene)
