"""A policy document (plain dict, `extends` already resolved) as records of fractions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any

from .numbers import Doubt, duration, number, optional_number

REFERENCE = ("contract_size", "conversion", "underlying", "expires_at")
NUMERIC_REFERENCE = ("contract_size", "conversion")


@dataclass(frozen=True)
class Tier:
    """One tier, holding floor <= size < up_to (None: unlimited)."""

    floor: Fraction
    up_to: Fraction | None
    maintenance_rate: Fraction
    initial_rate: Fraction


@dataclass(frozen=True)
class Table:
    """Tiers with the unit of their floors and the form of their maintenance."""

    unit: str
    form: str
    tiers: tuple[Tier, ...]


@dataclass(frozen=True)
class Band:
    """From this value of the measure on (seconds to expiry for expiry): rate * multiply + add_rate."""

    start: Fraction
    multiply: Fraction
    add_rate: Fraction


@dataclass(frozen=True)
class Curve:
    """multiply = 1 + slope * (measure / reference - 1), kept within [1, cap]."""

    reference: Fraction
    slope: Fraction
    cap: Fraction


@dataclass(frozen=True)
class Buffer:
    """An adjustment of table rates."""

    kind: str
    measure: str
    bands: tuple[Band, ...]
    curve: Curve | None
    requirements: frozenset[str]


@dataclass(frozen=True)
class Instrument:
    """An instrument as one policy and one market together describe it; `expires_at` "absent" where neither speaks."""

    name: str
    payoff: str
    contract_size: Fraction
    conversion: Fraction
    underlying: str | None
    expires_at: object
    table: Table
    buffers: tuple[Buffer, ...]


@dataclass(frozen=True)
class ClosingFee:
    """What closing costs, where it is counted and at what value."""

    rate: Fraction
    counts_in: frozenset[str]
    valued_at: str


@dataclass(frozen=True)
class Policy:
    """All of a policy that figures depend on."""

    document: dict[str, Any]
    currency: str
    tables: dict[str, Table]
    buffers: dict[str, Buffer]
    modes: dict[str, dict[str, Any]]
    inclusive: bool
    margin_call: Fraction
    restore_to: Fraction
    closing_fee: ClosingFee
    opening_fee_rate: Fraction
    maintenance_at_entry: bool
    initial_at_entry: bool
    prices_at_mark: bool
    stale_after: timedelta | None
    max_divergence: Fraction | None


def read_table(document: dict[str, Any]) -> Table:
    """The tiers with their floors, which are the previous tier's `up_to`."""
    floor = Fraction(0)
    tiers = []
    for row in document["tiers"]:
        up_to = None if row["up_to"] == "unlimited" else number(row["up_to"])
        initial = number(row["initial_rate"]) if "initial_rate" in row else 1 / number(row["max_leverage"])
        tiers.append(Tier(floor, up_to, number(row["maintenance_rate"]), initial))
        floor = up_to if up_to is not None else floor
    return Table(document.get("unit", "notional"), document.get("form", "marginal"), tuple(tiers))


def read_band(row: dict[str, Any], kind: str) -> Band:
    """One band; absent `multiply` is 1 and absent `add_rate` is 0."""
    start = Fraction(int(duration(row["from"]).total_seconds())) if kind == "expiry" else number(row["from"])
    return Band(start, number(row.get("multiply", "1")), number(row.get("add_rate", "0")))


def read_buffer(document: dict[str, Any]) -> Buffer:
    """One buffer, by bands or by curve."""
    curve = document.get("curve")
    return Buffer(
        kind=document["kind"],
        measure=document.get("measure", "expires_at"),
        bands=tuple(read_band(row, document["kind"]) for row in document.get("bands", ())),
        curve=None if curve is None else Curve(*(number(curve[key]) for key in ("reference", "slope", "cap"))),
        requirements=frozenset(document.get("requirements", ("initial", "maintenance"))),
    )


def read_policy(document: dict[str, Any]) -> Policy:
    """The policy as records."""
    liquidation = document["liquidation"]
    conventions = document.get("conventions", {})
    market_data = document.get("market_data", {})
    fee = liquidation.get("closing_fee", {})
    margin_call = number(liquidation["margin_call"])
    return Policy(
        document=document,
        currency=document["settlement"]["currency"],
        tables={name: read_table(table) for name, table in document["tables"].items()},
        buffers={name: read_buffer(buffer) for name, buffer in document.get("buffers", {}).items()},
        modes={name: parameters or {} for name, parameters in document["modes"].items()},
        inclusive=liquidation.get("trigger", "at_or_below") == "at_or_below",
        margin_call=margin_call,
        restore_to=number(liquidation.get("restore_to", margin_call)),
        closing_fee=ClosingFee(
            number(fee.get("rate", "0")), frozenset(fee.get("counts_in", ())), fee.get("valued_at", "mark")
        ),
        opening_fee_rate=number(document.get("orders", {}).get("opening_fee_rate", "0")),
        maintenance_at_entry=conventions.get("maintenance_priced_at", "mark") == "entry",
        initial_at_entry=conventions.get("initial_priced_at", "mark") == "entry",
        prices_at_mark=conventions.get("liquidation_price", "solve") == "at_mark",
        stale_after=duration(market_data["stale_after"]) if "stale_after" in market_data else None,
        max_divergence=optional_number(market_data.get("max_divergence")),
    )


def named_document(policy: Policy, name: str) -> dict[str, Any]:
    """What the policy says of an instrument: by its exact name, otherwise by the one glob that matches."""
    instruments: dict[str, dict[str, Any]] = policy.document["instruments"]
    if name in instruments:
        return instruments[name]
    globs = [pattern for pattern in instruments if fnmatchcase(name, pattern)]
    if len(globs) != 1:
        raise Doubt("UNKNOWN_INSTRUMENT")
    return instruments[globs[0]]


def reference_data(document: dict[str, Any], market: dict[str, Any]) -> dict[str, Any]:
    """Reference data from policy and market; where both speak they must agree."""
    result = {key: document[key] for key in REFERENCE if key in document}
    for key in REFERENCE:
        if key not in market:
            continue
        same = (lambda value: number(value)) if key in NUMERIC_REFERENCE else (lambda value: value)
        if key in result and same(result[key]) != same(market[key]):
            raise Doubt("REFERENCE_DATA_DISAGREES")
        result[key] = market[key]
    return result


def read_instrument(policy: Policy, market: dict[str, Any], name: str) -> Instrument:
    """The instrument of that name; Doubt where it is unknown or its reference data is wanting."""
    document = named_document(policy, name)
    reference = reference_data(document, market.get("instruments", {}).get(name, {}))
    if document["payoff"] != "linear" and "contract_size" not in reference:
        raise Doubt("REFERENCE_DATA_MISSING")
    if document["payoff"] == "quanto" and "conversion" not in reference:
        raise Doubt("REFERENCE_DATA_MISSING")
    return Instrument(
        name=name,
        payoff=document["payoff"],
        contract_size=number(reference.get("contract_size", "1")),
        conversion=number(reference["conversion"]) if document["payoff"] == "quanto" else Fraction(1),
        underlying=reference.get("underlying"),
        expires_at=reference.get("expires_at", "absent"),
        table=policy.tables[document["table"]],
        buffers=tuple(policy.buffers[buffer] for buffer in document.get("buffers", ())),
    )
