"""Many threads evaluate while the versions in force are swapped under them.

    python benchmarks/swaps.py --evaluations 1000000 --swaps 1000

Every batch must be of one version, with the margins that this version's rate makes, and no thread may wait for its
engine longer than a batch takes. Most swaps go between the last two readings of the store; one in `--turn-every` is a
version that is submitted, approved, activated and read anew. Exits with 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from time import perf_counter, sleep
from typing import Any, Final

sys.path.append(str(Path(__file__).resolve().parents[1]))

from rules_engine.engine.documents import decode_account, decode_market
from rules_engine.life.store.following import FollowingEngine
from rules_engine.life.store.ledger import Ledger
from rules_engine.life.store.store import Store
from tests.life.people import NAME, REGISTRY, START, at, founded, put_in_force, texts

THREADS: Final = 4
BATCH: Final = 20
AFTER_ALL: Final = 1_000_000
"""Hours: the market is later than every turn, so the newest version answers."""


class Alternating(Store):
    """A store of which the last two readings can be had again: each was verified when it was read."""

    readings: tuple[Ledger, ...] = ()
    again = False

    def trusted_ledger(self) -> Ledger:
        """The reading before the last one, or a new one."""
        if self.again:
            self.readings = self.readings[::-1]
        else:
            self.readings = (*self.readings[-1:], super().trusted_ledger())
        return self.readings[-1]


@dataclass
class Seen:
    """What one thread saw."""

    evaluations: int = 0
    batches: int = 0
    wrong: list[str] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    longest_wait: float = 0
    longest_batch: float = 0


def rate_of(number: int) -> str:
    """The maintenance rate of the version of a number."""
    return str(Decimal("0.01") + Decimal(number) / 100_000)


class Scene:
    """A store with a first version, an engine that follows it, and what each digest must answer."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number, self.told = folder, 0, list[Exception]()
        url = str(folder / "store.db")
        self.writer = founded(url)
        self.margins: dict[str, Decimal] = {}
        self.turn()
        self.store = Alternating(url, trust=self.writer.trust)
        self.engine = FollowingEngine(self.store, NAME, REGISTRY, clock=lambda: START, tell=self.told.append)
        self.turn()
        self.engine.refresh()

    def turn(self) -> None:
        """A new version takes its three steps."""
        version = texts(self.folder, f"1.{self.number}.0", rate_of(self.number))
        self.margins[version.policy.digest] = 1000 * Decimal(rate_of(self.number))
        put_in_force(self.writer, version, self.number)
        self.number += 1

    def swap(self, turn: bool) -> bool:
        """One swap; whether there was one."""
        if turn:
            self.turn()
        self.store.again = not turn
        return self.engine.refresh()


def work(scene: Scene, batches: int, swapped: threading.Event, seen: Seen) -> None:
    """Evaluates batches until there were enough of them and all swaps are done."""
    held = {"id": "p", "instrument": "BTCUSDT", "mode": "isolated", "quantity": "1", "entry_price": "100"}
    accounts = [decode_account({"account": "A", "positions": [held | {"margin": "500"}]})] * BATCH
    time = at(AFTER_ALL).isoformat()
    market = decode_market({"as_of": time, "instruments": {"BTCUSDT": {"mark_price": "1000", "time": time}}})
    last = ""
    while seen.batches < batches or not swapped.is_set():
        began = perf_counter()
        engine = scene.engine.at(market)
        ready = perf_counter()
        answers = engine.evaluate_all(accounts)
        ended = perf_counter()
        seen.longest_wait = max(seen.longest_wait, ready - began)
        seen.longest_batch = max(seen.longest_batch, ended - began)
        found = {(each.policy.digest, each.positions[0].maintenance_margin) for each in answers}
        digest, margin = next(iter(found))
        if len(found) != 1 or scene.margins.get(digest) != margin:
            seen.wrong.append(f"{found}")
        seen.batches += 1
        seen.evaluations += len(answers)
        seen.versions[digest] += 1
        seen.changes += digest != last
        last = digest


def run(folder: Path, evaluations: int, swaps: int, turn_every: int) -> dict[str, Any]:
    """All of it, and what was seen."""
    scene, done, seen = Scene(folder), threading.Event(), [Seen() for _ in range(THREADS)]
    batches = -(-evaluations // (BATCH * THREADS))
    threads = [threading.Thread(target=work, args=(scene, batches, done, each)) for each in seen]
    began = perf_counter()
    for thread in threads:
        thread.start()
    made = turns = missed = 0
    for number in range(1, swaps + 1):
        answered = sum(each.evaluations for each in seen)
        while answered < evaluations * (number - 1) // swaps and all(thread.is_alive() for thread in threads):
            sleep(0.0005)
            answered = sum(each.evaluations for each in seen)
        turn = number % turn_every == 0
        changed = scene.swap(turn)
        made, turns, missed = made + changed, turns + turn, missed + (not changed)
    done.set()
    for thread in threads:
        thread.join()
    wait, batch = (max(getattr(each, name) for each in seen) for name in ("longest_wait", "longest_batch"))
    wrong = [text for each in seen for text in each.wrong] + [str(problem) for problem in scene.told]
    wrong += ["a thread ended early"] * (sum(each.evaluations for each in seen) < evaluations)
    wrong += [f"{missed} swaps changed nothing"] * (missed > 0) + ["a wait is longer than a batch"] * (wait > batch)
    return {
        "evaluations": sum(each.evaluations for each in seen),
        "batches": sum(each.batches for each in seen),
        "swaps": made,
        "turns of the store": turns,
        "versions that answered": len(set().union(*(each.versions for each in seen))),
        "changes of version seen by threads": sum(each.changes - 1 for each in seen),
        "seconds": round(perf_counter() - began, 1),
        "longest wait for an engine, ms": round(wait * 1000, 2),
        "longest batch, ms": round(batch * 1000, 2),
        "wrong": wrong,
    }


def main() -> int:
    """Prints what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=1_000_000)
    parser.add_argument("--swaps", type=int, default=1_000)
    parser.add_argument("--turn-every", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), asked.evaluations, asked.swaps, asked.turn_every)
    for name, figure in found.items():
        print(f"{name}: {figure}")
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
