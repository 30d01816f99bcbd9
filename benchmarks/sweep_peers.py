"""Other programs that decide tier and margin of the same positions, one by one: what a back-end would use instead.

nautilus_trader's margin model knows one rate per instrument, so it does less than is asked: no tier, no decision. The
rules engines find the tier and its margins by rules; what they answer is compared with the plain formula before it is
timed. A peer that is not installed is skipped.
"""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sweep_hand import Sample, by_decimals

Peer = Callable[[], object]


def nautilus(samples: Sequence[Sample]) -> Peer:
    """`LeveragedMarginModel`: initial and maintenance margin at the first tier's rates; objects are made beforehand."""
    from nautilus_trader.accounting.margin_models import LeveragedMarginModel
    from nautilus_trader.model.enums import PositionSide
    from nautilus_trader.model.identifiers import InstrumentId, Symbol
    from nautilus_trader.model.instruments import CryptoPerpetual
    from nautilus_trader.model.objects import Currency, Price, Quantity

    dollar, coin = Currency.from_str("USDT"), Currency.from_str("BTC")

    def listed(sample: Sample) -> Any:
        return CryptoPerpetual(
            instrument_id=InstrumentId.from_str(f"{sample.instrument}.SIM"),
            raw_symbol=Symbol(sample.instrument),
            base_currency=coin,
            quote_currency=dollar,
            settlement_currency=dollar,
            is_inverse=False,
            price_precision=2,
            size_precision=3,
            price_increment=Price(0.01, 2),
            size_increment=Quantity(0.001, 3),
            margin_init=sample.tiers[0].initial_rate,
            margin_maint=sample.tiers[0].maintenance_rate,
            ts_event=0,
            ts_init=0,
        )

    model = LeveragedMarginModel()
    instruments = {sample.instrument: listed(sample) for sample in samples}
    rows = [
        (
            instruments[sample.instrument],
            PositionSide.LONG if sample.quantity > 0 else PositionSide.SHORT,
            Quantity(float(abs(sample.quantity)), 3),
            Price(float(sample.mark), 2),
            sample.leverage,
        )
        for sample in samples
    ]

    def run() -> list[Any]:
        return [
            (
                model.calculate_margin_init(instrument, quantity, price, leverage),
                model.calculate_margin_maint(instrument, side, quantity, price, leverage),
            )
            for instrument, side, quantity, price, leverage in rows
        ]

    for sample, (_, maintenance) in zip(samples, run(), strict=True):
        expected = abs(sample.quantity) * sample.mark * sample.tiers[0].maintenance_rate / sample.leverage
        assert abs(maintenance.as_decimal() - expected) <= Decimal("0.00000001"), (sample, maintenance)
    return run


def _facts(sample: Sample) -> dict[str, float]:
    """What the rules are told of a position."""
    return {
        "notional": float(abs(sample.quantity) * sample.mark),
        "leverage": float(sample.leverage),
        "equity": float(sample.margin + sample.quantity * (sample.mark - sample.entry)),
    }


def _margins(tier: Any) -> tuple[str, str]:
    """Maintenance and initial rate of a tier as text in any of the rule languages."""
    return f"notional * {tier.maintenance_rate} - {tier.deduction}", f"{tier.initial_rate}"


def zen_engine(samples: Sequence[Sample]) -> Peer:
    """zen-engine (GoRules): a decision table of the tiers, evaluated per position by the compiled decision."""
    import zen

    engine = zen.ZenEngine()
    decisions = {sample.instrument: engine.create_decision(_zen_graph(sample)) for sample in samples}
    rows = [(decisions[sample.instrument], _facts(sample)) for sample in samples]

    def run() -> list[Any]:
        return [decision.evaluate(facts)["result"] for decision, facts in rows]

    _compare(samples, [(one["maintenance"], one["rate"]) for one in run()])
    return run


def _zen_graph(sample: Sample) -> str:
    rules = []
    for number, tier in enumerate(reversed(sample.tiers)):
        maintenance, rate = _margins(tier)
        rules.append({"_id": str(number), "size": f">= {tier.floor}", "maintenance": maintenance, "rate": rate})
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": "size", "name": "size", "field": "notional"}],
        "outputs": [{"id": name, "name": name, "field": name} for name in ("maintenance", "rate")],
        "rules": rules,
    }
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode", "position": {"x": 0, "y": 0}},
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": table, "position": {"x": 0, "y": 0}},
        {"id": "out", "name": "out", "type": "outputNode", "position": {"x": 0, "y": 0}},
    ]
    edges = [
        {"id": "1", "sourceId": "in", "targetId": "table", "type": "edge"},
        {"id": "2", "sourceId": "table", "targetId": "out", "type": "edge"},
    ]
    return json.dumps({"nodes": nodes, "edges": edges})


def rule_engine(samples: Sequence[Sample]) -> Peer:
    """rule-engine: a rule per tier, tried from the highest down; the first that matches gives the margins."""
    from rule_engine import Rule

    def rules(sample: Sample) -> list[Any]:
        return [
            (Rule(f"notional >= {tier.floor}"), Rule(_margins(tier)[0]), tier.initial_rate)
            for tier in reversed(sample.tiers)
        ]

    made: dict[str, list[Any]] = {}
    for sample in samples:
        if sample.instrument not in made:
            made[sample.instrument] = rules(sample)
    rows = [(made[sample.instrument], _facts(sample)) for sample in samples]

    def run() -> list[Any]:
        answers = []
        for tiers, facts in rows:
            for reached, maintenance, rate in tiers:
                if reached.matches(facts):
                    answers.append((maintenance.evaluate(facts), rate))
                    break
        return answers

    _compare(samples, run())
    return run


def cel_python(samples: Sequence[Sample]) -> Peer:
    """cel-python: one expression per instrument, a chain of conditions from the highest tier down."""
    import celpy

    environment = celpy.Environment()
    programs: dict[str, Any] = {}
    for sample in samples:
        if sample.instrument not in programs:
            text = ""
            for tier in reversed(sample.tiers[1:]):
                text += (
                    f"notional >= {float(tier.floor)} ? notional * {tier.maintenance_rate} - {float(tier.deduction)} : "
                )
            text += f"notional * {sample.tiers[0].maintenance_rate}"
            programs[sample.instrument] = environment.program(environment.compile(text))
    rows = [
        (programs[sample.instrument], {name: celpy.celtypes.DoubleType(x) for name, x in _facts(sample).items()})
        for sample in samples
    ]

    def run() -> list[Any]:
        return [program.evaluate(facts) for program, facts in rows]

    _compare(samples, [(maintenance, None) for maintenance in run()])
    return run


def _compare(samples: Sequence[Sample], answers: Sequence[tuple[Any, Any]]) -> None:
    """Fails where a peer's maintenance margin or initial rate is not that of the position's tier."""
    for sample, (maintenance, rate) in zip(samples, answers, strict=True):
        expected = by_decimals(sample)[2]
        assert abs(float(maintenance) - float(expected)) <= 1e-6 * max(1.0, float(expected)), (sample, maintenance)
        held = [tier for tier in sample.tiers if tier.floor <= abs(sample.quantity) * sample.mark][-1]
        assert rate is None or abs(float(rate) - float(held.initial_rate)) < 1e-9, (sample, rate)


PEERS: dict[str, tuple[Callable[[Sequence[Sample]], Peer], int]] = {
    "nautilus_trader, margins at one flat rate": (nautilus, 4_000),
    "zen-engine, tier and margins": (zen_engine, 2_000),
    "rule-engine, tier and margins": (rule_engine, 300),
    "cel-python, maintenance by tier": (cel_python, 100),
}
"""Each peer with how many positions it is timed on."""


def rates(samples: Sequence[Sample], rounds: int = 5) -> tuple[dict[str, float], dict[str, str]]:
    """Positions a second of every peer, the median of some rounds; and why others were skipped."""
    measured, skipped = {}, {}
    for name, (prepare, count) in PEERS.items():
        chosen = samples[:: max(1, len(samples) // count)]
        try:
            run = prepare(chosen)
        except ImportError as error:
            skipped[name] = f"not installed: {error}"
            continue
        times = []
        for _ in range(rounds):
            start = time.process_time()
            run()
            times.append(time.process_time() - start)
        measured[name] = len(chosen) / sorted(times)[rounds // 2]
    return measured, skipped
