"""Kills at random instants while versions are submitted, approved, put in force and undone.

    python -m tests.life.crash 2000 [URL]

Each time a child process takes steps as fast as it can, and tells of each that was acknowledged; it is killed
(SIGKILL) after a random time. Then the store is opened: it must verify, with all that was acknowledged in it, and
exactly one version must be in force.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from rules_engine.life.store.changes import activate, approve, rollback, submit
from rules_engine.life.store.ledger import Ledger
from rules_engine.life.store.log import Entry
from rules_engine.life.store.store import Signer, Store, turn_at
from rules_engine.life.store.texts import Texts, kept_texts
from tests.life.people import BASE, NAME, POLICY, REGISTRY, at, founded, key

LONGEST = 0.25
"""Seconds after which a child is killed at the latest: some five steps."""
KILLS_A_STORE = 50
BEGIN = time.time()


class Outcome(NamedTuple):
    """What came of the kills: steps acknowledged, steps kept without, the slowest restart in seconds."""

    kills: int
    acknowledged: int
    unacknowledged: int
    slowest: float


def now() -> datetime:
    """A clock that runs from the time at which the store was founded."""
    return at(0) + timedelta(seconds=time.time() - BEGIN)


def signer(name: str) -> Signer:
    """Somebody, now."""
    return Signer(key=key(name), now=now())


def version(number: int) -> Texts:
    """One version of a policy, with a rate of its own."""
    own = POLICY.replace("VERSION", f"1.0.{number}").replace("RATE", f"0.0{1 + number % 9}")
    texts = {f"{NAME}@1.0.{number}": own.encode(), "house-base@1.0.0": BASE.encode()}
    return kept_texts(f"{NAME}@1.0.{number}", texts.get, REGISTRY)


def next_step(store: Store, ledger: Ledger) -> Entry:
    """The step that is next: a version is submitted, approved and put in force; every third one is undone."""
    line = ledger.line(NAME)
    count = len(line.submissions)
    newest = line.submissions[max(line.submissions)] if count else None
    if newest is None or (newest.activation and (count % 3 or line.turns[-1].rolled_back)):
        return submit(store, version(count + 1), REGISTRY, signer("sam"))
    if newest.activation:
        return rollback(store, newest.pin, REGISTRY, signer("otto"))
    if not newest.approvals:
        return approve(store, newest.pin, REGISTRY, signer("mira"))
    return activate(store, newest.pin, REGISTRY, signer("otto"))


def child(url: str, trust: str, pipe: int) -> None:
    """Takes steps until it is killed."""
    store = Store(url, trust=trust)
    while True:
        entry = next_step(store, store.ledger())
        os.write(pipe, f"{entry.sequence} {entry.hash}\n".encode())


def killed(url: str, trust: str, after: float) -> list[tuple[int, str]]:
    """What a child was told before it was killed."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        try:
            child(url, trust, writing)
        finally:
            os._exit(1)
    os.close(writing)
    time.sleep(after)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    with os.fdopen(reading, "rb") as pipe:
        told = [line.decode().split() for line in pipe.read().splitlines()]
    assert os.WTERMSIG(status) == signal.SIGKILL, "the child ended by itself: it was refused a step"
    return [(int(sequence), digest) for sequence, digest in told]


def crashed(new_store: str, kills: int, random_times: random.Random) -> Outcome:
    """One store under so many kills; raises AssertionError or StoreError where it is not what it must be."""
    store = founded(new_store)
    trust, acknowledged, slowest = str(store.trust), 0, 0.0
    while not store.ledger().line(NAME).turns:  # something is in force before the first kill
        next_step(store, store.ledger())
    store.close()
    begun = seen = len(store.ledger().steps)
    for _ in range(kills):
        told = killed(new_store, trust, random_times.uniform(0, LONGEST))
        begin = time.perf_counter()
        store = Store(new_store, trust=trust)
        policy = store.load(NAME, REGISTRY, now=now())
        slowest = max(slowest, time.perf_counter() - begin)
        ledger = store.ledger()
        hashes = {step.entry.sequence: step.entry.hash for step in ledger.steps}
        assert all(hashes.get(sequence) == digest for sequence, digest in told), "an acknowledged step is lost"
        assert len(hashes) >= seen, "an earlier step is lost"
        assert turn_at(ledger, NAME, now()).submission.statement.digest == policy.digest
        acknowledged += len(told)
        seen = len(hashes)
        store.close()
    return Outcome(kills, acknowledged, seen - begun - acknowledged, slowest)


def main(kills: int, url: str | None) -> None:
    """As many kills as are wanted, in stores of fifty each, so that no log grows long."""
    random_times = random.Random(20261201)
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(0, kills, KILLS_A_STORE):
            where = url or f"{folder}/{number}.db"
            outcomes.append(crashed(where, min(KILLS_A_STORE, kills - number), random_times))
    done, told, untold, slowest = zip(*outcomes, strict=True)
    print(f"{sum(done)} kills; {sum(told)} steps were acknowledged, none is lost; {sum(untold)} were kept and not")
    print(f"acknowledged yet; slowest restart {max(slowest):.3f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
