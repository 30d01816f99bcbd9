"""A policy for reading: resolved, each value with its source, tiers with their deductions. rich is loaded inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from rules_engine.report.grids import SOURCE, grid
from rules_engine.report.values import (
    Value,
    default_values,
    figure,
    line_of,
    plain_values,
    sources_below,
    stated_values,
    written,
)
from rules_engine.terms.policy import InstrumentRule, Policy, Table, Tier

if TYPE_CHECKING:
    from rich.table import Table as Grid
    from rich.text import Text

_FIRST: Final = ("schema", "policy", "version", "extends", "effective_from", "effective_until", "applies_to", "change")
_WITH_GRIDS_OF_THEIR_OWN: Final = ("tables", "instruments")


def policy_document(policy: Policy) -> dict[str, Any]:
    """The policy for programs: identity, resolved document, where its values stand, tables with derived deductions."""
    values = [*_values(policy, policy.document), *default_values(policy)]
    return _document(policy, policy.document, values, policy.tables.values())


def instrument_document(policy: Policy, name: str, rule: InstrumentRule) -> dict[str, Any]:
    """What the name of an instrument resolves to, for programs: the same as of the policy, as far as it concerns it."""
    stated = policy.document["instruments"][rule.pattern]
    rest = _document(policy, stated, _instrument_values(policy, rule), [rule.table])
    return {"instrument": name, "rule": rule.pattern, **rest}


def policy_tables(policy: Policy) -> Iterator[Any]:
    """The policy for people: rich renderables, from the identity down to the instruments."""
    first = [key for key in _FIRST if key in policy.document]
    rest = [key for key in policy.document if key not in (*_FIRST, *_WITH_GRIDS_OF_THEIR_OWN)]
    yield _identity(policy)
    yield _value_grid("values", _values(policy, [*first, *rest]))
    yield _value_grid("not in the text", default_values(policy))
    for table in policy.tables.values():
        yield _tier_grid(table)
    yield _instrument_grid(policy)


def instrument_tables(policy: Policy, name: str, rule: InstrumentRule) -> Iterator[Any]:
    """What the name of an instrument resolves to, for people: rich renderables."""
    yield _identity(policy)
    yield _value_grid(f"{name}, margined by the rule {rule.pattern}", _instrument_values(policy, rule))
    yield _tier_grid(rule.table)


def _identity(policy: Policy) -> Text:
    from rich.text import Text

    return Text(f"{policy.name} {policy.version}\n{policy.digest}", style="bold")


def _document(policy: Policy, stated: Any, values: Iterable[Value], tables: Iterable[Table]) -> dict[str, Any]:
    return {
        "policy": {"name": policy.name, "version": policy.version, "digest": policy.digest},
        "document": plain_values(stated),
        "sources": {value.path: value.source for value in values},
        "tables": {table.name: _table_document(table) for table in tables},
        "warnings": [str(problem) for problem in policy.warnings],
    }


def _values(policy: Policy, keys: Iterable[str]) -> list[Value]:
    return [value for key in keys for value in stated_values(policy, key)]


def _instrument_values(policy: Policy, rule: InstrumentRule) -> list[Value]:
    buffers = [value for buffer in rule.buffers for value in stated_values(policy, "buffers", buffer.name)]
    return [*stated_values(policy, "instruments", rule.pattern), *buffers]


def _value_grid(title: str, values: Iterable[Value]) -> Grid:
    rows = grid(title, "key", "value", SOURCE)
    for value in values:
        rows.add_row(value.path, value.text, value.source)
    return rows


def _tier_grid(table: Table) -> Grid:
    title = f"table {table.name} ({table.unit}, {table.form}), {line_of(table.mark)}"
    figures = ("tier", "floor", "up to", "maintenance rate", "max leverage", "initial rate", "deduction")
    rows = grid(title, *figures, SOURCE, right=figures)
    for number, tier in enumerate(table.tiers, start=1):
        rows.add_row(str(number), *_tier_texts(tier).values(), line_of(tier.mark))
    return rows


def _instrument_grid(policy: Policy) -> Grid:
    rows = grid("instruments", "instrument", "payoff", "table", "buffers", "reference data", SOURCE)
    for rule in (*policy.instruments.values(), *policy.patterns):
        buffers = ", ".join(buffer.name for buffer in rule.buffers)
        source = sources_below(policy, "instruments", rule.pattern)
        rows.add_row(rule.pattern, rule.payoff.name, rule.table.name, buffers, _reference_data(policy, rule), source)
    return rows


def _reference_data(policy: Policy, rule: InstrumentRule) -> str:
    """What the text states of the instrument beside the columns of the grid."""
    stated = policy.document["instruments"][rule.pattern].items()
    return ", ".join(f"{key} {written(value)}" for key, value in stated if key not in ("payoff", "table", "buffers"))


def _tier_texts(tier: Tier) -> dict[str, str]:
    return {
        "floor": figure(tier.floor),
        "up_to": "unlimited" if tier.up_to is None else figure(tier.up_to),
        "maintenance_rate": figure(tier.maintenance_rate),
        "max_leverage": "" if tier.max_leverage is None else figure(tier.max_leverage),
        "initial_rate": figure(tier.initial_rate),
        "deduction": figure(tier.deduction),
    }


def _table_document(table: Table) -> dict[str, Any]:
    tiers = []
    for number, tier in enumerate(table.tiers, start=1):
        texts: dict[str, Any] = _tier_texts(tier)
        texts["max_leverage"] = texts["max_leverage"] or None
        tiers.append({"tier": number, **texts, "source": line_of(tier.mark)})
    return {"unit": table.unit, "form": table.form, "source": line_of(table.mark), "tiers": tiers}
