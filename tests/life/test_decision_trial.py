"""A candidate on trial: logged decisions asked of it too, and how many would differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import msgspec

from rules_engine import Engine
from rules_engine.book import book_from_columns
from rules_engine.life.decisions.decision_replay import Replay, replay
from rules_engine.life.decisions.logged import LoggedEngine
from rules_engine.life.decisions.shadow_differences import Differences
from rules_engine.life.versions import PolicyLine
from tests.builders import flat_engine, position
from tests.life.decisions import MARKET, ORDER, edited, engines, log_at
from tests.life.test_shadow import LONG, STRICTER
from tests.life.test_versions import APRIL, MAY, V2, V3, account, market


def logged(folder: Path) -> Path:
    """Two evaluations, an order and a sweep: 10 bought at 100, of which 10 of equity are left at 98."""
    columns = {name: [value] * 2 for name, value in position("10").items()}
    columns |= {"account": ["A", "B"], "margin": ["30", "300"]}
    with log_at(folder / "log") as log:
        at = LoggedEngine(flat_engine(), log).at(MARKET)
        at.evaluate(LONG, "d1")
        at.evaluate(LONG | {"positions": [position("10", margin="300")]}, "d2")
        at.check_order(LONG, ORDER | {"position": "p1"}, "d3")
        at.sweep(book_from_columns(columns), decision="d4")
    return folder / "log.000001.jsonl"


def tried(file: Path, candidate: Engine, **options: Any) -> tuple[Replay, Differences]:
    """What a replay finds with a candidate beside it."""
    found = replay(file, engines(flat_engine()), candidate=candidate, **options)
    assert found.trial is not None
    return found, found.trial


def test_candidate__is_counted_and_changes_nothing_of_the_replay(tmp_path: Path) -> None:
    """19.6 of maintenance instead of 9.8, for 10 of equity: what was called is liquidated, with the order in it too."""
    file = logged(tmp_path)
    columns = {name: [value] * 2 for name, value in position("10").items()}
    book = book_from_columns(columns | {"account": ["A", "B"], "margin": ["30", "300"]})
    found, trial = tried(file, flat_engine(**STRICTER), books=lambda _: [book])
    assert (found.equal, found.problems) == (4, ())
    assert (trial.compared, trial.differing, trial.failed, trial.skipped) == (4, 4, 0, 0)
    assert trial.kinds["row margin_call -> liquidate"] == 1
    assert trial.kinds["position maintenance_margin up"] == 3
    first = next(one for one in trial.examples if one.kind == "status margin_call -> liquidate")
    assert first.to_dict() == {
        "decision": "d1",
        "kind": "status margin_call -> liquidate",
        "account": "A",
        "about": "A/isolated/p1",
        "before": "margin_call",
        "after": "liquidate",
    }


def test_candidate__that_is_the_one_in_force_differs_in_nothing(tmp_path: Path) -> None:
    """Sweeps without their book are not compared."""
    _, trial = tried(logged(tmp_path), flat_engine())
    assert (trial.compared, trial.differing, dict(trial.kinds)) == (3, 0, {})


def test_candidate__of_another_policy_is_not_asked(tmp_path: Path) -> None:
    """A log may hold decisions of several."""
    _, trial = tried(logged(tmp_path), flat_engine(policy="others"))
    assert (trial.compared, trial.skipped) == (0, 3)


def test_candidate__that_raises_is_counted(tmp_path: Path) -> None:
    """In a market, or because amounts in two currencies do not compare."""

    class Raising(Engine):
        """An engine in no market."""

        def at(self, market: object) -> NoReturn:
            raise RuntimeError("no quotes")

    file = logged(tmp_path)
    found, trial = tried(file, Raising(flat_engine().policy))
    assert (found.clean, trial.compared, trial.failures) == (True, 0, {"RuntimeError: no quotes": 3})
    other = Engine(msgspec.structs.replace(flat_engine().policy, settlement_currency="EUR"))
    assert tried(file, other)[1].failures == {"ValueError: it settles in EUR, and 1.0.0 in USDT": 3}


def test_candidate__is_not_asked_what_cannot_be_replayed(tmp_path: Path) -> None:
    """Of what was edited nothing is known."""
    file = logged(tmp_path)
    edited(file, 2, lambda record: record.update(inputs={}), rechained=True)
    found, trial = tried(file, flat_engine(**STRICTER))
    assert (found.different, trial.compared) == (1, 2)


def test_candidate__for_new_positions_leaves_old_ones_to_who_answered(tmp_path: Path) -> None:
    """Notional 1,000: 40 of maintenance instead of 20, for the position that was opened when it had begun."""
    with log_at(tmp_path / "log") as log:
        at = LoggedEngine(PolicyLine([V2]).engine(MAY), log).at(market(MAY))
        at.evaluate(account("cross", APRIL, MAY))
    found = replay(tmp_path / "log", engines(Engine(V2)), candidate=Engine(V3))
    assert found.trial is not None
    (up,) = (one for one in found.trial.examples if one.kind == "position maintenance_margin up")
    assert (up.about, up.before, up.after, found.trial.kinds[up.kind]) == ("p1", "20", "40", 1)
