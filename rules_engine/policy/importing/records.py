"""What an import reads and gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from rules_engine.errors import Problem


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What a symbol says of its contract. `instrument` is our name, `symbol` the venue's; a perpetual has no expiry."""

    symbol: str
    instrument: str
    base: str
    settlement_currency: str
    expires_at: datetime | None


class PublishedTier(msgspec.Struct, frozen=True, kw_only=True):
    """One tier as published. It holds floor <= notional < up_to, in the settlement currency."""

    floor: Decimal
    up_to: Decimal
    maintenance_rate: Decimal
    max_leverage: Decimal


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """A contract whose tiers can be used. `deductions` are the published ones by tier; None where there is none."""

    contract: Contract
    tiers: tuple[PublishedTier, ...]
    deductions: tuple[Decimal | None, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Tiers that several contracts share; `members` are their instrument names, the one that names the table first."""

    name: str
    tiers: tuple[PublishedTier, ...]
    members: tuple[str, ...]


class DeductionDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A deduction that does not follow from the floors and rates; `tier` counts from 1."""

    symbol: str
    tier: int
    derived: Decimal
    published: Decimal


class CurrencySummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was imported for one settlement currency, and into which policy (file name relative to the output)."""

    currency: str
    policy: str
    contracts: int
    tiers: int
    tables: int


class ImportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did. `deductions` counts those compared; `refused` says which markets were left out and why."""

    contracts: int
    tiers: int
    deductions: int
    currencies: tuple[CurrencySummary, ...]
    differences: tuple[DeductionDifference, ...]
    refused: tuple[Problem, ...]
    notes: tuple[str, ...]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """Policies as text, by file name relative to the output (`NAME/VERSION.yaml`), and what was done."""

    policies: Mapping[str, str]
    summary: ImportSummary
