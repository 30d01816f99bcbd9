"""Books, policies and markets for the benchmark of the sweep, as columns from a seed: no row is ever an object."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from rules_engine import Engine
from rules_engine.engine.book import Book, Contents, Group, Integers, group_of
from rules_engine.extension.registry import load_registry
from rules_engine.numbers.columns import Floats
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder

AS_OF: Final = "2026-12-02T00:00:00Z"


@dataclass(frozen=True)
class Scene:
    """An engine, a market for it, and a book."""

    engine: Engine
    market: dict[str, Any]
    book: Book


def name_of(instrument: int) -> str:
    """The instrument of that number."""
    return f"I{instrument}USDT"


def marks_of(instruments: int) -> list[str]:
    """Marks from cents to tens of thousands, with two digits after the point."""
    drawn = np.random.default_rng(7).uniform(-1, 4.7, instruments)
    return [f"{max(0.05, 10**power):.2f}" for power in drawn]


def engine_of(instruments: int, tiers: int, changes: Mapping[str, str] | None = None) -> Engine:
    """An engine whose policy has a table of its own for every instrument, with changes of its text."""
    lines = ["schema: rules-engine/policy/1", "policy: bench", "version: 1.0.0"]
    lines += ["settlement: {currency: USDT, quantum: 0.01}", "modes: {isolated: {}, cross: {}}"]
    lines += ["collateral: {USDT: {haircut: 0}}", "liquidation: {margin_call: 1.25, close_out: {plan: smallest}}"]
    lines += ["tables:"]
    for table in range(instruments):
        lines += [f"  t{table}:", "    tiers:"]
        for tier in range(tiers):
            up_to = "unlimited" if tier == tiers - 1 else 10_000 * 2**tier + table
            rate = 4 + 3 * tier
            lines.append(f"      - {{up_to: {up_to}, maintenance_rate: 0.{rate:03d}, initial_rate: 0.{2 * rate:03d}}}")
    lines.append("instruments:")
    lines += [
        f"  {name_of(n)}: {{payoff: linear, table: t{n}, price_tick: 0.01, quantity_step: 0.001}}"
        for n in range(instruments)
    ]
    text = "\n".join(lines)
    for old, new in (changes or {}).items():
        text = text.replace(old, new)
    policy, problems = check_policy(text.encode(), "bench.yaml", load_registry(), policy_finder(None))
    assert policy is not None, problems[:3]
    return Engine(policy)


def scene(positions: int, instruments: int = 300, tiers: int = 10, mode: str = "isolated", pool: int = 5) -> Scene:
    """A book of so many positions, `pool` of them in each account, and what it is decided with.

    Notionals are spread over five powers of ten; most positions are healthy, some percents are not. Every number has
    few digits, so its double stands for it and nothing else need be kept.
    """
    random = np.random.default_rng(1)
    marks = marks_of(instruments)
    account = np.arange(positions) // pool
    held = (account * 7 + (np.arange(positions) % pool)) % instruments
    mark = np.array(marks, np.float64)[held]
    notional = np.exp(np.clip(random.normal(8.5, 1.8, positions), 2.5, 16))
    quantity = np.maximum(np.round(notional / mark, 3), 0.001)
    quantity *= np.where(random.random(positions) < 0.5, 1.0, -1.0)
    entry = np.maximum(np.round(mark * random.uniform(0.96, 1.04, positions), 4), 0.01)
    leverage = np.array([2.0, 5.0, 10.0, 20.0])[random.integers(0, 4, positions)]
    margin = np.round(np.abs(quantity) * mark / leverage * random.uniform(0.7, 2, positions) + 0.1, 2)
    collateral = None
    if mode == "cross":
        amounts: Floats = np.round(np.bincount(account, margin), 2).astype(np.float64)
        collateral = {"USDT": (np.arange(len(amounts)), amounts)}
        margin = np.full(1, np.nan).repeat(positions)
    columns = {"quantity": quantity, "entry_price": entry, "margin": margin, "leverage": leverage}
    contents = Contents(
        names=range(int(account[-1]) + 1),
        ids=range(positions),
        groups=tuple(_groups(mode, held, account, columns)),
        collateral=collateral,
    )
    rows = {name_of(n): {"mark_price": mark, "time": AS_OF} for n, mark in enumerate(marks)}
    return Scene(engine_of(instruments, tiers), {"as_of": AS_OF, "instruments": rows}, Book(contents))


def _groups(mode: str, held: Integers, account: Integers, columns: dict[str, Floats]) -> list[Group]:
    """The rows by instrument."""
    order = np.argsort(held, kind="stable")
    cuts = np.flatnonzero(np.diff(held[order])) + 1
    groups = []
    for rows in np.split(order, cuts):
        part = {name: column[rows] for name, column in columns.items()} | {"accrued": np.full(len(rows), np.nan)}
        groups.append(group_of(name_of(int(held[rows[0]])), mode, rows, account[rows], part))
    return groups
