"""Policies from lists that venues publish: `import_ccxt_tiers` reads leverage tiers in the shape of ccxt."""

from __future__ import annotations

from rules_engine.policy.importing.ccxt import import_ccxt_tiers
from rules_engine.policy.importing.records import CurrencySummary, DeductionDifference, Import, ImportSummary

__all__ = ["CurrencySummary", "DeductionDifference", "Import", "ImportSummary", "import_ccxt_tiers"]
