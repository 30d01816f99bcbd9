"""Collateral that pools of different modes would share: it cannot count for both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rules_engine.errors import Doubt
from rules_engine.terms.policy import AllowedMode
from rules_engine.terms.pool import Backing, PoolLabel


def backed_twice(
    pools: Iterable[str], places: Mapping[str, tuple[AllowedMode, PoolLabel]]
) -> Iterator[tuple[str, Doubt]]:
    """Pools that hold positions and that the same collateral would back, each with the doubt."""
    by_backing: dict[tuple[Backing, str | None], list[str]] = {}
    for name in pools:
        _, label = places[name]
        if label.backing is not Backing.POSITION:
            by_backing.setdefault((label.backing, label.key), []).append(name)
    for names in by_backing.values():
        for name in names if len(names) > 1 else ():
            text = f"{' and '.join(names)} would be backed by the same collateral"
            yield name, Doubt(code="COLLATERAL_SHARED", message=text)
