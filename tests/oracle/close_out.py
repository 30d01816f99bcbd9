"""Accounts after closings at the mark."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

from .evaluation import evaluate
from .market import world_of
from .numbers import number
from .pools import collect_pools
from .rows import Row


def credit(account: dict[str, Any], currency: str, row: Row, amount: Fraction) -> None:
    """Move an amount into the collateral that backs a position."""
    mode = row.document["mode"]
    if mode == "isolated":
        position = next(each for each in account["positions"] if each["id"] == row.document["id"])
        position["margin"] = number(position["margin"]) + amount
        return
    key, name = ("group_margins", row.pool.split("/")[-1]) if mode == "hybrid" else ("collateral", currency)
    holder = account.setdefault(key, {})
    holder[name] = number(holder.get(name, "0")) + amount


def after_closing(
    policy: dict[str, Any], account: dict[str, Any], market: dict[str, Any], closings: list[dict[str, Any]]
) -> dict[str, Any]:
    """The account with each {position, quantity} closed at the mark: PnL less the fee on what is closed is realised.

    A position closed wholly stays with quantity zero and its accrued; amounts in the result are fractions.
    """
    world = world_of(policy, account, market)
    rows = {row.document["id"]: row for pool in collect_pools(world, account).values() for row in pool.rows}
    result = copy.deepcopy(account)
    for closing in closings:
        row = rows[closing["position"]]
        assert row.leg is not None
        position = next(each for each in result["positions"] if each["id"] == closing["position"])
        held = number(position["quantity"])
        closed = abs(number(closing["quantity"])) * (1 if held > 0 else -1)
        assert abs(closed) <= abs(held)
        value = world.mark_value(row.leg.instrument)
        fee = world.fee_rate * abs(closed * value)
        position["quantity"] = held - closed
        credit(result, world.policy.currency, row, closed * (value - row.leg.entry_value) - fee)
    return result


def restored_after(
    policy: dict[str, Any], account: dict[str, Any], market: dict[str, Any], pool: str, closings: list[dict[str, Any]]
) -> bool:
    """Whether a pool stands beyond its restore line after closings; one left without positions does from zero up."""
    return evaluate(policy, after_closing(policy, account, market, closings), market).pools[pool].restored is True
