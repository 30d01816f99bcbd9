"""Instruments: exact names and globs, each with its payoff, table, buffers and reference data."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Final

import msgspec

from rules_engine.extension.registry import Registry
from rules_engine.policy.components import hint_for
from rules_engine.policy.document import Path
from rules_engine.policy.findings import Findings, nearest
from rules_engine.policy.globs import common_name, is_glob, may_overlap
from rules_engine.policy.parameters import Normaliser
from rules_engine.policy.sections import Sections
from rules_engine.terms.policy import Buffer, InstrumentRule, Table

_NUMBERS: Final = ("contract_size", "conversion", "price_tick", "quantity_step")
_REFERENCE: Final = {
    "payoff": {"type": "string", "required": True},
    **{key: {"type": "number", "above": 0} for key in _NUMBERS},
    "expires_at": {"type": "time", "coerce": "time", "nullable": True},
}
"""What Cerberus judges of an instrument. The rest are names, which differ from one to the next and are looked up."""

MOST_WORK: Final = 1_000_000
"""Steps that comparing globs may take in a whole policy: a second or two."""


class Parts(msgspec.Struct, frozen=True):
    """What instruments name: the tables and buffers that compiled."""

    tables: Mapping[str, Table]
    buffers: Mapping[str, Buffer]


class InstrumentCompiler:
    """Compiles the section `instruments`."""

    def __init__(self, findings: Findings, sections: Sections, registry: Registry, parts: Parts) -> None:
        self.findings = findings
        self.sections = sections
        self.registry = registry
        self.parts = parts
        self._reference = Normaliser("instruments", _REFERENCE)

    def compile(self) -> list[InstrumentRule]:
        """Every sound instrument in the order of the text; the others' faults are found."""
        rules = [self._rule(name, raw) for name, raw in self.sections.members("instruments", "payoff", "table")]
        self._judge_patterns()
        return [rule for rule in rules if rule is not None]

    def _rule(self, name: str, raw: Mapping[str, Any]) -> InstrumentRule | None:
        path: Path = ("instruments", name)
        judged = {key: value for key, value in raw.items() if key in _REFERENCE}
        reference = self._reference.normalise(self.findings, path, judged)
        table = self._table((*path, "table"), raw["table"])
        buffers = self._buffers((*path, "buffers"), raw.get("buffers", []))
        self._judge_terms((*path, "terms"), raw.get("terms", {}))
        if reference is None or not self._knows_payoff((*path, "payoff"), raw["payoff"]):
            return None
        if table is None or buffers is None:
            return None
        return InstrumentRule(
            pattern=name,
            payoff=self.registry.payoffs[reference["payoff"]],
            table=table,
            buffers=buffers,
            underlying=raw.get("underlying"),
            contract_size=reference.get("contract_size"),
            conversion=reference.get("conversion"),
            price_tick=reference.get("price_tick"),
            quantity_step=reference.get("quantity_step"),
            expires_at=reference.get("expires_at", msgspec.UNSET),
            terms=raw.get("terms", {}),
            venue_symbol=raw.get("venue_symbol"),
            payoff_supplier=self.registry.supplier("payoffs", reference["payoff"]),
            mark=self.findings.document.mark(path),
        )

    def _knows_payoff(self, path: Path, name: str) -> bool:
        known = self.registry.payoffs
        if name not in known:
            hint = hint_for(name, known, self.registry)
            self.findings.error("PAYOFF_UNKNOWN", path, f"there is no payoff {name}", hint)
        return name in known

    def _table(self, path: Path, name: str) -> Table | None:
        if "tables" in self.sections.document.value:  # else that is the fault, and is told once
            self._must_exist("TABLE_UNKNOWN", "table", path, name, self.sections.names("tables"))
        return self.parts.tables.get(name)

    def _buffers(self, path: Path, names: list[str]) -> tuple[Buffer, ...] | None:
        written = self.sections.names("buffers")
        for index, name in enumerate(names):
            self._must_exist("BUFFER_UNKNOWN", "buffer", (*path, index), name, written)
        buffers = tuple([self.parts.buffers[name] for name in names if name in self.parts.buffers])
        return buffers if len(buffers) == len(names) else None

    def _judge_terms(self, path: Path, terms: Mapping[str, Any]) -> None:
        """A number that has its own key is no term: it would be stated twice, and one of them not be read."""
        for name in terms:
            if name in _NUMBERS:
                message = f"there is no term {name}: it is a key of the instrument"
                self.findings.key_error("SCHEMA_UNKNOWN_KEY", (*path, name), message, "write it beside `terms`")

    def _must_exist(self, code: str, noun: str, path: Path, name: str, written: Mapping[str, Any]) -> None:
        if name not in written and self.sections.complete:
            self.findings.error(code, path, f"there is no {noun} {name}", nearest(name, written))

    def _judge_patterns(self) -> None:
        """No name may be matched by two globs, for then nothing says which of them holds."""
        globs = [name for name in self.sections.names("instruments") if is_glob(name)]
        work = 0
        for one, other in combinations(globs, 2):
            if not may_overlap(one, other):
                continue
            work += len(one) * len(other)
            if work > MOST_WORK:
                message = "so many globs begin and end alike that they cannot be told apart"
                self.findings.key_error("PATTERNS_TOO_MANY", ("instruments", one), message, "write the names out")
                return
            name = common_name(one, other)
            if name is not None:
                message = f"{other} and {one} both match {name}"
                hint = "make one of them narrower, or write the names out"
                self.findings.key_error("PATTERN_COLLISION", ("instruments", other), message, hint)
