"""What proofs know of buffers: which states they can be in together, and what is said where that cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import rules_engine_standard_modes
from hypothesis import given

from rules_engine.extension.registry import build_registry
from rules_engine.plugin import Adjustment, BufferKind, InstrumentMarket, Number, NumberSystem, Parameters, hookimpl
from rules_engine.policy.counterexamples import Disproof
from rules_engine.policy.load import load_policy
from tests.policy.planted_faults import DEPTH, EXPIRY, STRICT, VOLATILITY, Planted, bands
from tests.policy.policy_examples import changed, check, said
from tests.properties.documents import Document, policies
from tests.properties.laws import examples
from tests.properties.product import engine_of

SHIPPED = sorted(Path(__file__).parents[2].glob("policies/*/*.yaml"))
KEPT = "requirements: [maintenance]"


def codes(text: str) -> list[str]:
    """The codes of a text's problems."""
    return [line.split()[0] for line in said(text)]


def drawn(*buffers: tuple[str, str], **fields: Any) -> str:
    """A policy of the usual tiers with these buffers on its instrument."""
    return Planted("", "", "", buffers=buffers, **fields).text()


def test_buffers__of_one_measure_stand_in_the_bands_of_one_reading() -> None:
    """1.5 and 1.25 never meet: where one reading doubles, the other is at rest. Of two measures they do."""
    low = bands(VOLATILITY, "0, multiply: 1.5", "1, multiply: 1", on="maintenance")
    high = bands(VOLATILITY, "0, multiply: 1", "1, multiply: 1.25", on="maintenance")
    # Missing, both are at their most severe: 0.004 * 1.875 = 0.0075, and 0.0005 for the fee reach 1 / 125.
    assert codes(drawn(("low", low), ("high", high))) == ["INITIAL_NOT_ABOVE_MAINTENANCE"]
    (problem,) = [one for one in check(drawn(("low", low), ("high", high)))[1] if isinstance(one, Disproof)]
    assert [(one.name, one.value) for one in problem.counterexample.readings] == [("realized", None)]
    gentle = high.replace("1.25", "1.24")  # 0.00744 + 0.0005: room is left where it is missing, too
    assert codes(drawn(("low", low), ("high", gentle))) == []


def test_instrument__that_never_expires_is_in_the_last_band() -> None:
    """What would happen near an expiry never does; where nobody says that, it may."""
    near = ("expiry", bands("kind: expiry", "0d, multiply: 3", "1d, multiply: 1", on="maintenance"))
    line = "BTCUSDT: {payoff: linear, table: t, buffers: [expiry], expires_at: %s}"
    assert codes(drawn(near, instrument=line % "null")) == []
    assert codes(drawn(near, instrument=line % "2027-03-01T00:00:00Z")) == ["INITIAL_NOT_ABOVE_MAINTENANCE"]
    assert codes(drawn(near)) == ["INITIAL_NOT_ABOVE_MAINTENANCE"]


def test_instrument__whose_expiry_is_known_never_misses_it() -> None:
    """The most severe band of each figure by itself, 0.004 * 1.5 + 0.002, stands for an expiry that is not known."""
    apart = ("expiry", bands("kind: expiry", "0d, multiply: 1.5", "1d, multiply: 1, add_rate: 0.002", on="maintenance"))
    line = "BTCUSDT: {payoff: linear, table: t, buffers: [expiry], expires_at: 2027-03-01T00:00:00Z}"
    assert codes(drawn(apart, instrument=line)) == []
    assert codes(drawn(apart)) == ["INITIAL_NOT_ABOVE_MAINTENANCE"]


def test_curve__is_proven_between_its_ends() -> None:
    """0.01 * c + 0.0024 stays below max(0.02, 0.01 * c) only by the limit of leverage until c = 1.76: not up to 2."""
    half = ("half", bands(DEPTH, "0, multiply: 0.5", on="initial"))
    curve = ("curve", f"{VOLATILITY}, curve: {{reference: 0.6, slope: 0.5, cap: %s}}")
    fee = "{rate: 0.0024, counts_in: [trigger]}"
    assert codes(drawn(half, (curve[0], curve[1] % "1.75"), tiers=STRICT, fee=fee)) == []
    assert codes(drawn(half, (curve[0], curve[1] % "1.77"), tiers=STRICT, fee=fee)) == ["INITIAL_NOT_ABOVE_MAINTENANCE"]


def test_reading__of_a_curve_has_few_digits() -> None:
    curve = ("volatility", f"{VOLATILITY}, {KEPT}, curve: {{reference: 0.7, slope: 0.3, cap: 1.9}}")
    (problem,) = [one for one in check(drawn(curve))[1] if isinstance(one, Disproof)]
    (reading,) = problem.counterexample.readings
    assert reading.value is not None and len(reading.value.as_tuple().digits) <= 5


class Between:
    """A stranger's buffer, which says that it makes four times of rates at most."""

    name = "between"
    parameters: dict[str, Any] = {"least": {"type": "number"}}

    def reading(self, market: InstrumentMarket, as_of: datetime, parameters: Parameters) -> Number | None:
        """Nothing."""
        return None

    def adjustment(self, num: NumberSystem, reading: Number, parameters: Parameters) -> Adjustment | None:
        """None."""
        return None

    def extremes(self, parameters: Parameters) -> tuple[Adjustment, ...]:
        """From what its parameter says to four times."""
        return (Adjustment(multiply=parameters["least"]), Adjustment(multiply=Decimal(4)))


class Plugin:
    """Supplies it."""

    @hookimpl
    def rules_engine_buffers(self) -> Sequence[BufferKind]:
        """One kind."""
        return (Between(),)


@pytest.mark.parametrize(
    ("least", "expected"),
    [("3", []), ("1", ["MARGINS_NOT_PROVEN"]), ("1.7", ["INITIAL_NOT_ABOVE_MAINTENANCE"]), ("-1", ["PLUGIN_FAULT"])],
)
def test_stranger__is_taken_at_its_word_and_a_warning_says_so(least: str, expected: list[str]) -> None:
    """0.01 * c + 0.0035 against max(0.02, 0.012 * c): well up to c = 1.65 and from 1.75 on, and so all from 3 to 4."""
    half = ("half", bands(DEPTH, "0, multiply: 0.6", on="initial"))
    stranger = ("stranger", f"kind: between, least: {least}")
    text = drawn(half, stranger, tiers=STRICT, fee="{rate: 0.0035, counts_in: [trigger]}")
    found = check(text, registry=build_registry([rules_engine_standard_modes, Plugin()]))[1]
    assert [problem.code for problem in found] == expected


def test_search__that_takes_too_long_is_an_error() -> None:
    """What is not proven is never let pass in silence.

    0.008 * 0.55 * c exceeds 0.004 * c + 0.0005 where c > 1.25, and 1 / 125 does where c < 1.875. All is well, but
    thirty measures together have a thousand million ways to c. Twenty of them are proven.
    """
    names = [f"b{n}" for n in range(30)]
    kind = "kind: volatility, measure: {}, bands: [{{from: 0, multiply: 1}}, {{from: 1, multiply: 1.04}}]"
    rising = "".join(f"  {name}: {{{kind.format(name)}}}\n" for name in names)
    fixed = "  fixed: {kind: depth, measure: m, requirements: [initial], bands: [{from: 0, multiply: 0.55}]}\n"
    for count, expected in ((20, ["UNUSED"] * 10), (30, ["BUFFER_COMBINATIONS"])):
        text = changed(
            ("modes:", rising + fixed + "modes:"),
            ("buffers: [volatility]", f"buffers: [volatility, fixed, {', '.join(names[:count])}]"),
            ("multiply: 1.25", "multiply: 1"),
        )
        assert codes(text) == expected


@pytest.mark.parametrize("file", [file for file in SHIPPED if ".cases" not in file.name], ids=str)
def test_shipped_policy__keeps_every_law(file: Path) -> None:
    assert [one for one in load_policy(file).warnings if one.code not in ("UNUSED", "INSTRUMENTS_NONE")] == []


@examples(100)
@given(policy=policies())
def test_policy__drawn_to_be_lawful_raises_no_alarm(policy: Document) -> None:
    """The strategy keeps initial rates above maintenance and twice the greatest fee, in every band."""
    compiled = engine_of(policy).policy
    assert [one for one in compiled.warnings if one.code not in ("UNUSED", "CLIFF", "CLOSING_DOES_NOT_RESTORE")] == []


def test_counterexample__of_a_table_that_nothing_uses_names_no_instrument() -> None:
    text = changed(("tables:\n", f"tables:\n  spare:\n    tiers:{STRICT.replace('50}', '99}')}\n"))
    (problem,) = [one for one in check(text)[1] if isinstance(one, Disproof)]
    found = problem.counterexample.document()
    assert (found["instrument"], found["quantity"], found["size"], found["readings"]) == (None, None, "1", [])


def test_counterexample__for_programs_holds_numbers_as_text() -> None:
    buffer = ("volatility", bands(VOLATILITY, "0, multiply: 1", "0.8, multiply: 2", on="maintenance"))
    (problem,) = [one for one in check(drawn(buffer))[1] if isinstance(one, Disproof)]
    assert problem.counterexample.document() == {
        "instrument": "BTCUSDT", "table": "t", "tier": 1, "unit": "notional", "size": "1", "quantity": "1",
        "price": "1", "worth": "1", "leverage": None, "ring_fenced": False, "have": "0.008", "need": "0.0085",
        "readings": [{"sort": "measure", "name": "realized", "value": "0.8"}],
    }  # fmt: skip


def test_table__that_keeps_nothing_is_a_warning() -> None:
    """A mode of a stranger may ask elsewhere, and spot is traded with all of its price."""
    tiers = "\n      - {up_to: unlimited, maintenance_rate: 0, max_leverage: 1}"
    policy, problems = check(drawn(tiers=tiers, fee="{rate: 0}"))
    assert policy is not None
    assert [(one.code, one.severity) for one in problems] == [("LIQUIDATION_NOT_BEFORE_BANKRUPTCY", "warning")]


def test_rate__that_only_bands_of_different_readings_would_bring_to_one_is_no_fault() -> None:
    """0.025 * 39 + 0.2 is more than 1, but 39 and 0.2 stand in two bands, and the expiry is known, never missing."""
    buffer = ("expiry", bands(EXPIRY, "0d, multiply: 39", "1d, add_rate: 0.2"))
    dated = "F: {payoff: linear, table: t, expires_at: 2027-03-01T00:00:00Z, buffers: [expiry]}"
    policy, problems = check(Planted("", "", "", buffers=(buffer,), instrument=dated).text())
    assert policy is not None, problems
    _, problems = check(Planted("", "", "", buffers=(buffer,)).text())
    assert [problem.code for problem in problems] == ["RATE_NOT_BELOW_ONE"]
