"""A strict log holds every acknowledged decision, wherever its writer was killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

from rules_engine.life.decisions.decision_log import TornLogWarning
from rules_engine.life.decisions.decision_places import read_log
from rules_engine.life.decisions.decision_replay import replay
from tests.life.decisions import engines, log_at

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("DECISION_LOG_KILLS", "50"))
"""Kills of one run; set more for a longer one."""
LONGEST = 0.06
"""Seconds that a writer lives after its first answer."""


def killed(log: Path | str, seconds: float) -> list[str]:
    """Starts a writer, kills it so long after it is ready, and gives the decisions that it acknowledged."""
    paths = os.pathsep.join([str(ROOT), *sys.path])
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.life.decision_writer", str(log), "2"],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"ready\n"
    time.sleep(seconds)
    writer.send_signal(signal.SIGKILL)
    said = writer.stdout.read().decode()
    writer.wait()
    writer.stdout.close()
    return said.splitlines()


def test_strict__loses_no_acknowledged_decision(tmp_path: Path) -> None:
    """The same log, killed and opened again and again: whole, in one chain, and replayed to the same answers."""
    instants, log = random.Random(7), tmp_path / "log"
    acknowledged: set[str] = set()
    for _ in range(KILLS):
        said = killed(log, instants.uniform(0, LONGEST))
        acknowledged |= set(said)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TornLogWarning)
        log_at(log).close()
    lines = list(read_log(log))
    logged = [line.decision for line in lines if line.decision is not None]
    assert len(acknowledged) > KILLS
    assert acknowledged <= set(logged)
    assert len(logged) == len(set(logged))
    assert not any(line.problems for line in lines)
    assert replay(log, engines()).equal == len(logged)
