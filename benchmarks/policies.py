"""What reading a policy costs: 300 instruments with 300 tables of 8 tiers, read, checked, compiled; hostile texts.

Run `python benchmarks/policies.py [--json]` from the repository. Each figure is the median of some rounds in one run.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from rules_engine import PolicyError
from rules_engine.extension.registry import load_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.policy.reader import read_document
from rules_engine.policy.schema import schema_problems

INSTRUMENTS, TIERS = 300, 8


def policy_text(instruments: int = INSTRUMENTS) -> bytes:
    """A policy in which no two tables are alike."""
    lines = [
        "schema: rules-engine/policy/1",
        "policy: bench",
        "version: 1.0.0",
        "settlement: {currency: USDT, quantum: 0.01}",
    ]
    lines += ["modes: {isolated: {}, cross: {}}", "tables:"]
    for table in range(instruments):
        lines += [f"  t{table}:", "    tiers:"]
        for tier in range(TIERS):
            up_to = "unlimited" if tier == TIERS - 1 else 50000 * (tier + 1) + table
            rates = f"maintenance_rate: 0.{4 + tier:03d}, max_leverage: {80 - 8 * tier}"
            lines.append(f"      - {{up_to: {up_to}, {rates}}}")
    lines.append("instruments:")
    lines += [
        f"  I{n}USDT: {{payoff: linear, table: t{n}, price_tick: 0.1, quantity_step: 0.001}}"
        for n in range(instruments)
    ]
    return "\n".join(lines).encode()


def milliseconds(function: Callable[[], object], rounds: int = 15) -> float:
    """The median of some calls, after one that warms up."""
    function()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(times), 1)


def refused(text: bytes) -> None:
    """Reads a text that must be refused."""
    try:
        read_document(text, "hostile.yaml")
    except PolicyError:
        return
    raise AssertionError(f"{text[:40]!r} was read")


def main() -> None:
    """Measures and prints."""
    from tests.policy.hostile_documents import HOSTILE

    text, registry, finder = policy_text(), load_registry(), policy_finder(None)
    document = read_document(text, "bench.yaml")
    hostile = [text.replace("¦", "").encode("utf-8", "surrogatepass") for _, text in HOSTILE.values()]
    slowest = max(hostile, key=lambda text: milliseconds(lambda: refused(text), rounds=1))
    figures = {
        "read, check and compile 300 x 8": milliseconds(lambda: check_policy(text, "bench.yaml", registry, finder)),
        "of which: read": milliseconds(lambda: read_document(text, "bench.yaml")),
        "of which: schema": milliseconds(lambda: schema_problems(document)),
        "slowest hostile text of the tests": milliseconds(lambda: refused(slowest)),
        "an honest document of 5 MB: read": milliseconds(lambda: read_document(_large(), "large.yaml"), rounds=1),
    }
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=1))
        return
    for name, figure in figures.items():
        print(f"{name:<40} {figure:>10} ms")


def _large() -> bytes:
    text = policy_text(7_000)
    return text + b"#" * (5_000_000 - len(text))


if __name__ == "__main__":
    main()
