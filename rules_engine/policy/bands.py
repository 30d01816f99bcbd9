"""Bands: a list of mappings, each of which holds `from` some reading on; a schema's `meta` says which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from rules_engine.errors import PluginError
from rules_engine.policy.document import Path
from rules_engine.policy.findings import Findings

RISING: Final = "rising"
"""Each band begins above the one before it."""
FROM_ZERO: Final = "rising from 0"
"""So they do, and the first begins at 0, so that no reading falls below them all."""
_ADJUSTMENTS: Final = frozenset({"multiply", "add_rate"})


class Bands(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter that is declared to be bands. `adjusts` says that a band knows both of a buffer's adjustments."""

    owner: str
    name: str
    from_zero: bool
    adjusts: bool

    def judge(self, findings: Findings, path: Path, value: Any) -> None:
        """Finds what is wrong with a value at its path. Raises `PluginError` where the schema let through no bands."""
        if not _are_bands(value):
            raise PluginError(f"{self.owner}: {self.name} is declared as bands, wanted mappings with a number `from`")
        floor: Decimal | None = None
        for index, band in enumerate(value):
            self._judge_band(findings, (*path, index), band, floor)
            floor = band["from"]

    def _judge_band(self, findings: Findings, path: Path, band: Mapping[str, Any], floor: Decimal | None) -> None:
        place = (*path, "from")
        if floor is None and self.from_zero and band["from"] != 0:
            findings.error(
                "BUFFER_BANDS", place, "the lowest band does not begin at 0", "a measure could fall below it"
            )
        if floor is not None and band["from"] <= floor:
            findings.error("BUFFER_BANDS", place, "a band begins above the one before it; this one does not")
        if self.adjusts and not _ADJUSTMENTS & set(band):
            findings.error("BUFFER_BANDS", path, "a band states multiply, add_rate or both; this one neither")


def declared_bands(owner: str, schema: Mapping[str, Any]) -> tuple[Bands, ...]:
    """The parameters that a schema declares to be bands. Raises `PluginError` where it asks for another law."""
    found = []
    for name, rules in schema.items():
        law = part(rules, "meta").get("bands")
        if law is None:
            continue
        if law not in (RISING, FROM_ZERO):
            raise PluginError(f"{owner}: {name} has bands {law!r} in its meta, wanted {RISING!r} or {FROM_ZERO!r}")
        adjusts = set(part(rules, "schema", "schema")) >= _ADJUSTMENTS
        found.append(Bands(owner=owner, name=name, from_zero=law == FROM_ZERO, adjusts=adjusts))
    return tuple(found)


def part(schema: Any, *keys: str) -> Mapping[str, Any]:
    """What stands under keys of a schema; empty where nothing does, or the name of rules that are registered."""
    for key in keys:
        schema = schema.get(key) if isinstance(schema, Mapping) else None
    return schema if isinstance(schema, Mapping) else {}


def _are_bands(value: Any) -> bool:
    return isinstance(value, Sequence) and all(
        isinstance(band, Mapping) and isinstance(band.get("from"), Decimal) for band in value
    )
