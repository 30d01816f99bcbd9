"""The portfolio margin of Derive, formerly Lyra: the risk manager PMRM_2 as a margin mode."""

from __future__ import annotations

from collections.abc import Sequence

from rules_engine.plugin import Mode, PoolMode, hookimpl
from rules_engine_derive_margin.mode import DerivePortfolio


@hookimpl
def rules_engine_margin_modes() -> Sequence[Mode | PoolMode]:
    return (DerivePortfolio(),)
