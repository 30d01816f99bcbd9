"""Writing the files of a decision log: whole lines or none, and a new file when one is full."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from rules_engine.errors import Problem
from rules_engine.life.decisions.decision_lines import (
    SCHEMA,
    DecisionLogError,
    Reader,
    file_of,
    files_of,
    line_hash,
    written,
)
from rules_engine.life.decisions.decision_records import Entry

try:
    import fcntl
except ImportError:  # pragma: no cover - where there is none, nothing keeps a second process out
    fcntl = None  # type: ignore[assignment]


class LogFiles:
    """The files of one log, open for writing by one process; one thread at a time writes.

    Opening reads the last file, cuts off what was torn (`torn` says how many bytes) and refuses a file that is damaged
    otherwise; `resumed` says that there was one. `header` gives what every file begins with, beside what all headers
    have.
    """

    def __init__(self, name: Path, limit: int, header: Callable[[], Mapping[str, Any]]) -> None:
        self.name, self.limit, self._header = name, limit, header
        self.torn, self.resumed = 0, False
        self._descriptor = -1
        self._broken = False
        self._markets: set[str] = set()
        self._lock = -1
        try:
            self._lock = _locked(name)
            self._open()
        except BaseException as error:
            self.close()
            if not isinstance(error, OSError):
                raise
            what = f"the log cannot be opened: {error.strerror or error}"
            raise DecisionLogError([_problem(name, "LOG_UNWRITABLE", what)]) from error

    @property
    def head(self) -> tuple[int, str | None]:
        """The number of the last line and its hash."""
        return self._sequence, self._hash

    def _open(self) -> None:
        files = files_of(self.name)
        reader, kept = Reader(), 0
        # A file that was torn in its very first line holds nothing; what the next line follows stands in the one before
        for number, file in list(files.items())[-2:]:
            kept = 0
            for line in reader.lines(number, file, last=number == max(files)):
                self._judge(line.problems)
                if line.record:
                    kept += 1
        self._number, self._sequence, self._hash = reader.file or 0, reader.sequence, reader.hash
        if not files:
            self._start_file()
            return
        self.resumed = True
        path = files[self._number]
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        self.size = self._cut(path)
        if not kept:
            self._write([], start=True, durable=True)

    def _judge(self, problems: Sequence[Problem]) -> None:
        faults = [problem for problem in problems if problem.severity == "error"]
        if faults:
            raise DecisionLogError([*faults, _problem(self.name, "LOG_DAMAGED", "the log is damaged", _ANOTHER)])

    def _cut(self, path: Path) -> int:
        """Cuts off what stands behind the last line feed; gives the size of what is left."""
        whole = path.read_bytes().rfind(b"\n") + 1
        self.torn = path.stat().st_size - whole
        if self.torn:
            os.ftruncate(self._descriptor, whole)
            os.fsync(self._descriptor)
        return whole

    def append(self, entries: Sequence[Entry], *, durable: bool) -> None:
        """Writes records, all or none; `durable` waits until the disk has them. Raises `DecisionLogError`."""
        if self._broken:
            raise DecisionLogError([_problem(self.name, "LOG_UNWRITABLE", "an earlier write failed", _REOPEN)])
        try:
            if self.size >= self.limit:
                self._start_file()
            self._write(entries, durable=durable)
        except OSError as error:
            what = f"the log takes no record: {error.strerror or error}"
            raise DecisionLogError([_problem(self.name, "LOG_UNWRITABLE", what)]) from error

    def _start_file(self) -> None:
        """Begins the next file with its header, durably: what is in it stands on what came before."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
        path = file_of(self.name, self._number + 1)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        old, self._descriptor = self._descriptor, descriptor
        if old >= 0:
            os.close(old)
        self._number, self.size, self._markets = self._number + 1, 0, set()
        _sync_folder(path.parent)
        self._write([], start=True, durable=True)

    def _write(self, entries: Sequence[Entry], *, durable: bool, start: bool = False) -> None:
        """Writes entries, with the markets that do not stand in this file yet; a write that fails leaves nothing."""
        records, markets = [], set(self._markets)
        if start or not self.size:
            header = {"kind": "header", "schema": SCHEMA, "file": self._number, **self._header()}
            records.append(msgspec.json.encode(header))
        for entry in entries:
            if entry.market is not None and entry.market.hash not in markets:
                markets.add(entry.market.hash)
                records.append(entry.market.record)
            records.append(entry.record)
        sequence, previous, lines = self._sequence, self._hash, []
        for record in records:
            sequence += 1
            line = written(sequence, previous, record)
            previous = line_hash(line)
            lines += [line, b"\n"]
        data = b"".join(lines)
        self._put(data, durable=durable)
        self._sequence, self._hash, self._markets, self.size = sequence, previous, markets, self.size + len(data)

    def _put(self, data: bytes, *, durable: bool) -> None:
        """Writes bytes at the end, or leaves the file as it was.

        After a sync that failed nobody knows what the disk has: the log then takes nothing until it is reopened.
        """
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except BaseException:
            self._broken = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
                self._broken = False
            raise
        if durable:
            self._broken = True
            os.fsync(self._descriptor)
            self._broken = False

    def sync(self) -> None:
        """Waits until the disk has all that was written."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Closes the file and lets another process have the log."""
        for descriptor in (self._descriptor, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._lock = -1
        self._broken = True


_ANOTHER = "keep its files as they are, find out who changed them, and begin a log of another name"
_REOPEN = "close the log and open it again"


def _problem(name: Path, code: str, message: str, hint: str = "") -> Problem:
    return Problem(code=code, message=message, hint=hint, document=str(name))


def _locked(name: Path) -> int:
    """Keeps other processes out of the log for as long as this one lives; gives what holds the lock."""
    descriptor = os.open(name.with_name(f"{name.name}.lock"), os.O_RDWR | os.O_CREAT, 0o640)
    if fcntl is None:  # pragma: no cover
        return descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        what = "another process, or another part of this one, has the log open"
        raise DecisionLogError([_problem(name, "LOG_IN_USE", what, "give each process a log of its own")]) from error
    return descriptor


def _sync_folder(folder: Path) -> None:
    """Makes a new file's name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
