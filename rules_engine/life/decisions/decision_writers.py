"""How records come into a log: strictly, before the answer is given, or lossily, from a queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Lock, Thread
from typing import Final, TypeAlias

import msgspec

from rules_engine.errors import Problem
from rules_engine.life.decisions.decision_ends import LogEnd
from rules_engine.life.decisions.decision_lines import DecisionLogError
from rules_engine.life.decisions.decision_records import Entry

Build: TypeAlias = Callable[[], Entry]
"""Makes the record of one decision."""
AT_ONCE: Final = 1_000
"""Decisions that are taken from the queue at a time."""


class Batch(msgspec.Struct):
    """Records of several threads that go to the disk together."""

    entries: list[Entry]
    done: bool = False
    error: BaseException | None = None


class StrictWriter:
    """Returns when records are on the disk. Threads that come while another one writes share the next sync."""

    dropped = 0

    def __init__(self, end: LogEnd) -> None:
        self._end = end
        self.logged = 0
        self._door, self._writing = Lock(), Lock()
        self._gathering = Batch([])

    def record(self, builds: Sequence[Build]) -> None:
        """Makes the records and writes them."""
        try:
            entries = [build() for build in builds]
        except (TypeError, ValueError) as error:
            what = f"the decision cannot be written down: {error}"
            raise DecisionLogError([Problem(code="LOG_UNWRITABLE", message=what)]) from error
        self.write(entries, decisions=len(entries))

    def write(self, entries: Sequence[Entry], decisions: int = 0) -> None:
        """Writes records with those of other threads; whoever comes first writes for all."""
        with self._door:
            batch = self._gathering
            batch.entries += entries
        with self._writing:
            if not batch.done:
                self._write(batch)
            if batch.error is None:
                self.logged += decisions
        if batch.error is not None:
            problems = getattr(batch.error, "problems", ())
            raise DecisionLogError(
                problems or [Problem(code="LOG_UNWRITABLE", message=f"the write was interrupted: {batch.error!r}")]
            ) from batch.error

    def _write(self, batch: Batch) -> None:
        with self._door:  # what comes from here on gathers for the next batch
            self._gathering = Batch([])
        try:
            self._end.append(batch.entries, durable=True)
        except BaseException as error:
            batch.error = error
            if not isinstance(error, DecisionLogError):
                raise
        finally:
            batch.done = True

    def flush(self) -> None:
        """Nothing ever waits."""

    def close(self) -> None:
        """Closes the log."""
        with self._writing:
            self._end.close()


class LossyWriter:
    """Takes records into a queue that a thread empties. What finds no room is counted, and the count is written down.

    Every decision is in the end either `logged` or `dropped`, unless the process is killed: what waits then is lost.
    """

    def __init__(self, end: LogEnd, waiting: int, count_entry: Callable[[int], Entry]) -> None:
        self._end, self._limit, self._count_entry = end, waiting, count_entry
        self.logged = self.dropped = 0
        self._untold = 0
        self._waiting: deque[Build] = deque()
        self._door = Condition()
        self._busy = self._failing = self._closed = False
        self._thread = Thread(target=self._run, name="decision log", daemon=True)
        self._thread.start()

    def record(self, builds: Sequence[Build]) -> None:
        """Takes as many as there is room for, and counts the others."""
        with self._door:
            room = 0 if self._closed else max(self._limit - len(self._waiting), 0)
            self._waiting.extend(builds[:room])
            self._drop(len(builds[room:]))
            self._door.notify_all()

    def _drop(self, count: int) -> None:
        self.dropped += count
        self._untold += count

    def _run(self) -> None:
        while True:
            with self._door:
                self._busy = False
                self._door.notify_all()
                while not (self._waiting or self._to_tell or self._closed):
                    self._door.wait()
                if not (self._waiting or self._untold):
                    return
                ending = self._closed and not self._waiting
                builds = [self._waiting.popleft() for _ in range(min(len(self._waiting), AT_ONCE))]
                untold, self._untold, self._busy = self._untold, 0, True
            self._write(builds, untold)
            if ending:
                return

    @property
    def _to_tell(self) -> bool:
        """Whether a count of drops can be written; after a failed write it waits for the next decision."""
        return self._untold > 0 and not self._failing

    def _write(self, builds: Sequence[Build], untold: int) -> None:
        """Writes records, and how many were dropped since that was last written."""
        entries: list[Entry] = []
        for build in builds:
            try:
                entries.append(build())
            except Exception:
                untold += 1
        unmade = len(builds) - len(entries)
        try:
            counts = [self._count_entry(untold)] if untold else []
            self._end.append([*entries, *counts], durable=False)
            written = True
        except Exception:
            written = False
        with self._door:
            self._failing = not written
            self.dropped += unmade
            if written:
                self.logged += len(entries)
            else:
                self._untold += untold
                self._drop(len(entries))

    def flush(self) -> None:
        """Waits until the queue is empty, and written."""
        with self._door:
            while self._thread.is_alive() and (self._waiting or self._busy or self._to_tell):
                self._door.wait(1)

    def close(self) -> None:
        """Writes what waits, and closes the log; what comes later is dropped."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._door.notify_all()
        self._thread.join()
        try:
            self._end.sync()
        finally:
            self._end.close()
