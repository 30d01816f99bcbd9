"""What installed plugins cost an evaluation: the same account with one plugin in the registry and with ten.

Run `python benchmarks/plugins.py [--json]`. Hooks run when the registry is loaded, never per position, so the ratio is
1 within the noise of the machine. Ratios of medians, measured in turn in one run.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Sequence

import rules_engine_standard_modes
from account import documents, median

from rules_engine import Engine, load_policy
from rules_engine.engine.documents import decode_account, decode_market
from rules_engine.extension.registry import build_registry
from rules_engine.plugin import (
    Backing,
    BufferKind,
    CloseOutPlan,
    Exposure,
    Mode,
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolLabel,
    PositionLabels,
    Requirement,
    hookimpl,
    tiered_requirement,
)


class Another:
    """A margin mode like cross margin, under a name of its own."""

    parameters: ParameterSchema = {}

    def __init__(self, number: int) -> None:
        self.name = f"another_{number}"

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """The account's."""
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """By the table."""
        return tiered_requirement(num, exposure)


class Plugin:
    """A stranger's plugin: one mode, and every other hook answered."""

    def __init__(self, number: int) -> None:
        self.number = number

    @hookimpl
    def rules_engine_margin_modes(self) -> Sequence[Mode]:
        """One mode."""
        return (Another(self.number),)

    @hookimpl
    def rules_engine_buffers(self) -> Sequence[BufferKind]:
        """None."""
        return ()

    @hookimpl
    def rules_engine_close_out_plans(self) -> Sequence[CloseOutPlan]:
        """None."""
        return ()


def engine_with(plugins: Iterable[object]) -> Engine:
    """An engine of a packaged policy, compiled with these plugins beside the standard modes."""
    registry = build_registry([rules_engine_standard_modes, *plugins])
    return Engine(load_policy("binance-usdm-usdt@1.0.0", registry=registry))


def main() -> None:
    """Measures both in turn, so that a noisy machine is noisy for both."""
    account, market = documents()
    records = decode_account(account), decode_market(market)
    one, ten = engine_with([Plugin(0)]), engine_with([Plugin(number) for number in range(10)])
    rounds = [(median(lambda: one.evaluate(*records), 5), median(lambda: ten.evaluate(*records), 5)) for _ in range(20)]
    ratio = statistics.median(with_ten / with_one for with_one, with_ten in rounds)
    spread = statistics.quantiles([with_ten / with_one for with_one, with_ten in rounds], n=4)
    figures = {
        "one plugin, microseconds": round(statistics.median(each[0] for each in rounds) * 1e6, 1),
        "ten plugins, microseconds": round(statistics.median(each[1] for each in rounds) * 1e6, 1),
        "ten over one": round(ratio, 3),
        "quartiles of that": [round(spread[0], 3), round(spread[2], 3)],
    }
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=1))
        return
    for name, figure in figures.items():
        print(f"{name:<28} {figure}")


if __name__ == "__main__":
    main()
