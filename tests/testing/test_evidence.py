"""What broken laws show: all that it takes to repeat them, in words that help, and each fault once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from rules_engine.engine.calls import in_words
from rules_engine.extension.registry import load_registry
from rules_engine.numbers.exact import Ratio, exactly
from rules_engine.plugin import EXACT, Exposure, PoolExposure, Requirement
from rules_engine.testing import Report, check_close_out_plan, check_mode, check_payoff
from rules_engine.testing.opaque import INSTEAD
from rules_engine.testing.stage import registry_with
from rules_engine.testing.written import written
from tests.testing import bad_modes as bad
from tests.testing import good_modes as good
from tests.testing.test_other_laws import Dividing
from tests.testing.test_plan_laws import Idle

NAMES = "from datetime import datetime\nfrom decimal import Decimal\nfrom rules_engine.plugin import *\n"
"""What evidence needs, as the page of the kit says."""
PAGE = Path(__file__).parents[2] / "docs" / "plugins" / "conformance.md"


def made(text: str) -> Any:
    """What an expression of the evidence makes."""
    names: dict[str, Any] = {}
    exec(NAMES, names)
    return eval(text, names)


def inputs(report: Report, law: str) -> tuple[str, dict[str, Any]]:
    """The first line of a law's evidence, and every input, evaluated."""
    finding, *lines = report.law(law).evidence.splitlines()
    return finding, {name: made(text) for name, text in (line.split(": ", 1) for line in lines)}


def asked(mode: Any) -> Iterator[Any]:
    """Whatever the mode was asked while it was checked."""
    seen: list[Any] = []
    name = "pool_requirement" if hasattr(mode, "pool_requirement") else "requirement"
    answer = getattr(mode, name)

    def watched(num: Any, one: Any, parameters: Any) -> Any:
        if num is EXACT:
            seen.append(one)
        return answer(num, one, parameters)

    setattr(mode, name, watched)
    check_mode(mode, cases=8)
    yield from seen


def test_page__names_what_evidence_needs() -> None:
    assert NAMES in PAGE.read_text(encoding="utf-8")


def test_exposure__that_a_law_shows_breaks_it_again() -> None:
    """Of one position: its evidence, evaluated, is asked as the page says, and the answer is below zero once more."""
    mode = bad.Negative()
    finding, given = inputs(check_mode(mode), "amounts")
    assert isinstance(given["exposure"], Exposure)
    with exactly():
        answer = mode.requirement(EXACT, given["exposure"], given["parameters"])
    assert finding == f"maintenance is {in_words(answer.maintenance)}, wanted an exact finite number, not below zero"


def test_pool__that_a_law_shows_breaks_it_again() -> None:
    mode = bad.Misattributing()
    finding, given = inputs(check_mode(mode), "attribution")
    assert isinstance(given["pool"], PoolExposure)
    with exactly():
        answer = mode.pool_requirement(EXACT, given["pool"], given["parameters"])
    assert finding.startswith("initial: its shares add up to ")
    assert f" of {in_words(answer.initial)}: off by " in finding


@pytest.mark.parametrize("mode", [good.Tiered(), good.WholeTiered()], ids=lambda mode: mode.name)
def test_written__is_what_was_asked(mode: Any) -> None:
    """Everything that a mode was asked in exact numbers, orders, assets and all."""
    compared = 0
    with exactly():
        for one in asked(mode):
            compared += 1
            assert made(written(one)) == one
    assert compared


@dataclass(frozen=True)
class Own:
    """What a stranger's `prepare` may have made."""

    level: int


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1E-30"),
        Ratio(Decimal("0.1"), Decimal(3)),
        datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        {"rate": Decimal(1), "parts": [Decimal(2), (Decimal(3),), (1, 2), ()]},
        frozenset({"initial"}),
        None,
    ],
    ids=repr,
)
def test_written__is_the_value_again(value: Any) -> None:
    with exactly():
        assert made(written(value)) == value


def test_written__of_a_strangers_value_is_its_own_words() -> None:
    assert written({"own": Own(3)}) == "{'own': Own(level=3)}"


class Leaking(good.WholeTiered):
    """Rounds every share down to cents, and the pool's requirement not at all."""

    def pool_requirement(self, num: Any, pool: Any, parameters: Any) -> Any:
        third = num.quotient(Decimal(100), Decimal(3))
        share = Requirement(num.rounded(third, Decimal("0.01"), "down"), num.constant(0))
        answer = super().pool_requirement(num, pool, parameters)
        whole = num.total([third for one in pool.positions])
        return replace(
            answer,
            initial=whole,
            maintenance=num.constant(0),
            attribution=dict.fromkeys([one.id for one in pool.positions], share),
        )


def test_attribution__says_by_how_much_shares_are_off() -> None:
    """Two thirds of a hundred in cents, rounded down one by one: 200 / 3 - 66.66 = 0.02 / 3."""
    finding = check_mode(Leaking()).law("attribution").evidence.splitlines()[0]
    assert finding == "initial: its shares add up to 66.66 of 66.6666666667…: off by 0.00666666666667…"


class Nothing(bad.Bad):
    """Is no number at any time."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return Requirement(Decimal("NaN"), Decimal(1))


@pytest.mark.parametrize(
    ("report", "broken", "others"),
    [
        (check_mode(Nothing()), "amounts", {"traced", "mark", "quantity", "units", "repeatable", "outside"}),
        (check_mode(bad.Branching()), "opaque", {"traced", "quantity"}),
        (check_payoff(Dividing()), "opaque", {"round_trip", "rising", "range", "traced", "repeatable", "outside"}),
        (check_close_out_plan(Idle()), "steps", set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_fault__is_shown_once(report: Report, broken: str, others: set[str]) -> None:
    """Laws that cannot be judged for it are skipped in one word, which names the law that shows it."""
    assert [law.name for law in report.broken] == [broken]
    after = {law.name for law in report.laws if law.after}
    assert others <= after
    for law in report.laws:
        if law.after:
            assert (law.after, law.verdict, law.skipped, law.evidence) == (broken, "skipped", "", "")
            assert str(law) == f"{law.name}: skipped (see {broken}): {law.statement}"


def test_supplier__is_the_distribution_or_the_authors_module() -> None:
    """As the engine names it; never the kit itself."""
    installed = load_registry()
    suppliers = registry_with({"modes": {"cross": installed.modes["cross"], "tiered": good.Tiered()}}).suppliers
    assert suppliers["modes", "cross"] == installed.supplier("modes", "cross")
    assert suppliers["modes", "cross"].startswith("rules-engine ")
    assert suppliers["modes", "tiered"] == "tests.testing.good_modes"
    other = registry_with({"modes": {"cross": good.Tiered()}})
    assert other.supplier("modes", "cross") == "tests.testing.good_modes"


class Lost(good.Tiered):
    """Cannot say where a position belongs."""

    def pool(self, position: Any, parameters: Any) -> Any:
        raise LookupError("where?")


class Misspelt(good.Tiered):
    """Its schema is none."""

    parameters: Any = {"rate": {"typ": "number"}}


def test_obstacle__names_the_author_and_the_line_and_the_next_step() -> None:
    """What the engine says of the mode, and how to give documents in which it is at work."""
    obstacle = check_mode(Lost()).obstacle
    line = Lost.pool.__code__.co_firstlineno + 1
    place = f"tests/testing/test_evidence.py:{line}"
    assert f"tiered of tests.testing.test_evidence raised LookupError: where? ({place})" in obstacle
    assert obstacle.endswith("--policy, --account and --market, or Examples.")


def test_obstacle__does_not_send_the_author_to_the_author() -> None:
    obstacle = check_mode(Misspelt()).obstacle
    assert "margin mode tiered of tests.testing.test_evidence: the schema of its parameters is not one" in obstacle
    assert "author" not in obstacle


@pytest.mark.parametrize("operation", INSTEAD)
def test_page__says_what_to_write_instead(operation: str) -> None:
    """In the same words."""
    assert f" | {INSTEAD[operation]} |" in PAGE.read_text(encoding="utf-8")
