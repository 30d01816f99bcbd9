"""Versions put in force and undone at random in a store: what answers is what a plain stack of versions says."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from rules_engine.errors import PolicyError
from rules_engine.life.store.audit import audited
from rules_engine.life.store.changes import rollback
from rules_engine.life.store.following import FollowingEngine
from rules_engine.life.store.refusals import StoreError
from tests.life.followers import following
from tests.life.people import NAME, REGISTRY, at, by, founded, put_in_force, texts

STEPS = 14
Stack = list[tuple[str, bool]]


def governing(stack: Stack) -> list[str]:
    """The version in force and its elders: down to the first that is for all positions."""
    found: list[str] = []
    for version, new in reversed(stack):
        found.append(version)
        if not new:
            break
    return found


def said(engine: FollowingEngine, hours: int) -> list[str]:
    """What an engine answers by, half an hour after an hour."""
    try:
        return [each.version for each in engine.reading.line.governing(at(hours) + (at(1) - at(0)) / 2)]
    except PolicyError:
        return []


@pytest.mark.parametrize("seed", range(6))
def test_walk__answers_as_a_stack_of_versions(tmp_path: Path, seed: int) -> None:
    """Each rollback takes the top away, and the past keeps its answers; loading and the audit agree."""
    random, stack, past = Random(seed), Stack(), list[list[str]]()
    store = founded(str(tmp_path / "store.db"))
    for hours in range(STEPS):
        if stack and random.random() < 0.45:
            version = f"{NAME}@{stack[-1][0]}"
            if len(stack) == 1:
                with pytest.raises(StoreError, match="STORE_NOTHING_BEFORE"):
                    rollback(store, version, REGISTRY, by("otto", hours))
            else:
                rollback(store, version, REGISTRY, by("otto", hours))
                stack.pop()
        else:
            version, new = f"1.{hours}.0", bool(stack) and random.random() < 0.5
            since = at(hours).isoformat().replace("+00:00", "Z")
            extra = f"applies_to: new_positions\neffective_from: {since}\n" if new else ""
            rate = f"0.0{random.randrange(10, 90)}"
            put_in_force(store, texts(tmp_path, version, rate, extra), hours)
            stack.append((version, new))
        past.append(governing(stack))
        assert store.load(NAME, REGISTRY, now=at(hours + 1)).version == stack[-1][0]
    engine = following(store)
    assert [said(engine, hours) for hours in range(STEPS)] == past
    assert audited(store, REGISTRY).problems == ()
