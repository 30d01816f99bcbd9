"""From a resolved document to a compiled policy; every fault is found, none hides another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from rules_engine.errors import Problem
from rules_engine.extension.registry import Registry
from rules_engine.numbers.exact import exactly
from rules_engine.policy.advice import warn_of_fees, warn_of_no_instruments, warn_of_splitting, warn_of_unused
from rules_engine.policy.components import Binder
from rules_engine.policy.findings import Findings
from rules_engine.policy.globs import is_glob
from rules_engine.policy.instruments import InstrumentCompiler, Parts
from rules_engine.policy.margins import MarginJudge
from rules_engine.policy.proofs_rates import lawful_tables
from rules_engine.policy.resolve import Resolved
from rules_engine.policy.sections import Sections
from rules_engine.policy.settings import SettingsCompiler, closing_fee
from rules_engine.policy.tables import compile_table
from rules_engine.terms.policy import InstrumentRule, Policy


def compile_policy(
    resolved: Resolved, registry: Registry, shape_problems: Iterable[Problem]
) -> tuple[Policy | None, list[Problem]]:
    """The policy, and what the checks found besides the problems of shape; None where anything is an error.

    Parts with a problem of shape are not judged; all others are.
    """
    shape = list(shape_problems)
    findings = Findings(resolved.document)
    sections = Sections(resolved.document, shape, resolved.complete)
    with exactly():
        members = _members(findings, sections, registry)
    errors = any(problem.severity == "error" for problem in (*resolved.problems, *shape, *findings.problems))
    return (None if errors else _policy(resolved, sections, members)), findings.problems


def _members(findings: Findings, sections: Sections, registry: Registry) -> dict[str, Any]:
    """The members of the policy that the checks produce."""
    binder = Binder(findings, registry)
    settings = SettingsCompiler(findings, sections)
    tables = _named({name: compile_table(findings, name, raw) for name, raw in sections.members("tables", "tiers")})
    buffers = _named({name: binder.buffer(name, raw) for name, raw in sections.members("buffers", "kind")})
    modes = _named({name: binder.mode(name, raw) for name, raw in sections.members("modes")})
    rules = InstrumentCompiler(findings, sections, registry, Parts(tables, buffers)).compile()
    liquidation = settings.liquidation(binder)
    effect = settings.effect()
    named = sections.named_by_instruments()
    lawful = lawful_tables(findings, tables, rules)
    unused = [table for name, table in lawful.items() if ("tables", name) not in named]
    judged = [rule for rule in rules if rule.table.name in lawful]
    MarginJudge(findings, closing_fee(sections.section("liquidation")), modes.values()).judge(judged, unused)
    if liquidation is not None:
        warn_of_fees(findings, lawful.values(), liquidation)
    warn_of_splitting(findings, lawful, modes.values())
    warn_of_no_instruments(findings, sections)
    warn_of_unused(findings, sections)
    return {
        "tables": tables,
        "buffers": buffers,
        "modes": modes,
        "collateral": settings.collateral(),
        **_by_kind(rules),
        "liquidation": liquidation,
        "conventions": settings.conventions(),
        "market_limits": settings.market_limits(),
        "opening_fee_rate": settings.opening_fee_rate(),
        "effective_from": effect.since,
        "effective_until": effect.until,
    }


def _named(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that could be compiled."""
    return {name: member for name, member in members.items() if member is not None}


def _by_kind(rules: Iterable[InstrumentRule]) -> dict[str, Any]:
    exact, globs = {}, []
    for rule in rules:
        if is_glob(rule.pattern):
            globs.append(rule)
        else:
            exact[rule.pattern] = rule
    return {"instruments": exact, "patterns": tuple(globs)}


def _policy(resolved: Resolved, sections: Sections, members: Mapping[str, Any]) -> Policy:
    settlement = sections.section("settlement")
    document = resolved.document.value
    closed: dict[str, Any] = {
        name: MappingProxyType(member) if isinstance(member, dict) else member for name, member in members.items()
    }
    return Policy(
        name=document["policy"],
        version=document["version"],
        digest=resolved.digest,
        settlement_currency=settlement["currency"],
        quantum=settlement["quantum"],
        applies_to=document.get("applies_to", "all_positions"),
        document=MappingProxyType(document),
        marks=resolved.document.marks,
        **closed,
    )
