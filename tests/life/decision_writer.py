"""A process that decides without end and says what it has decided, until it is killed: `python -m ... LOG THREADS`."""

from __future__ import annotations

import os
import sys
import threading
import warnings

from rules_engine.life.decisions.decision_log import TornLogWarning
from rules_engine.life.decisions.logged import LoggedEngine
from tests.builders import engine_of
from tests.life.decisions import ACCOUNT, MARKET, log_at


def main(path: str, threads: int) -> None:
    """Decides in threads; each id goes to stdout, in one write, when its answer has been given."""
    warnings.simplefilter("ignore", TornLogWarning)
    log = log_at(path, file_size=20_000)  # type: ignore[arg-type]
    engine = LoggedEngine(engine_of(), log)
    os.write(1, b"ready\n")

    def decide(thread: int) -> None:
        number = 0
        while True:
            number += 1
            decision = f"{os.getpid()}-{thread}-{number}"
            engine.evaluate(ACCOUNT, MARKET, decision)
            os.write(1, f"{decision}\n".encode())

    workers = [threading.Thread(target=decide, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
