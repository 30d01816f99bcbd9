"""A decision log in numbered files: whole lines or none, and a new file when one is full.

A log NAME is the files NAME.000001.jsonl, NAME.000002.jsonl, ... What was torn by a kill is the end of the last file
behind its last line feed.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from errno import ENOENT
from os import PathLike
from pathlib import Path
from typing import Any, Final

from rules_engine.errors import Mark
from rules_engine.life.decisions.decision_ends import LogEnd, locked
from rules_engine.life.decisions.decision_lines import DecisionLogError, Line, Reader

SUFFIX: Final = ".jsonl"
_NUMBERED: Final = re.compile(r"\.([0-9]{6})\.jsonl")


def log_name(path: str | PathLike[str]) -> Path:
    """The name of a log: the path without `.jsonl`, and without the number where it names one of the files."""
    name = Path(path).name
    return Path(path).with_name(_NUMBERED.sub("", name).removesuffix(SUFFIX))


def file_of(name: Path, number: int) -> Path:
    """One file of a log."""
    return name.with_name(f"{name.name}.{number:06d}{SUFFIX}")


def files_of(path: str | PathLike[str]) -> dict[int, Path]:
    """The files of a log by number, in order; none where there is no such log."""
    name = log_name(path)
    found = {}
    for file in name.parent.iterdir() if name.parent.is_dir() else ():
        match = _NUMBERED.fullmatch(file.name[len(name.name) :]) if file.name.startswith(name.name) else None
        if match is not None:
            found[int(match[1])] = file
    return dict(sorted(found.items()))


def read_files(path: str | PathLike[str]) -> Iterator[Line]:
    """Every line of a log, file after file. Raises OSError where there is none."""
    files = files_of(path)
    if not files:
        raise FileNotFoundError(ENOENT, "there is no such decision log", str(file_of(log_name(path), 1)))
    reader = Reader()
    for number, file in files.items():
        yield from reader.lines(number, _bytes_of(file), last=number == max(files))


def _bytes_of(file: Path) -> Iterator[tuple[Mark, bytes]]:
    with file.open("rb") as source:
        for count, data in enumerate(source, 1):
            yield Mark(str(file), count, 1), data


class LogFiles(LogEnd):
    """The end of a log in files. Opening reads the last file, and cuts off what was torn."""

    def __init__(self, name: Path, limit: int, header: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__(str(name), limit, header)
        self._path = name
        self._descriptor = self._lock = -1
        try:
            self._lock = locked(name)
            self._open()
        except BaseException as error:
            self.close()
            if not isinstance(error, OSError):
                raise
            what = f"the log cannot be opened: {error.strerror or error}"
            raise DecisionLogError([self._problem("LOG_UNWRITABLE", what)]) from error

    def _open(self) -> None:
        files = files_of(self._path)
        reader, kept = Reader(), 0
        # A file that was torn in its very first line holds nothing; what the next line follows stands in the one before
        for number, file in list(files.items())[-2:]:
            kept = self._judge(reader.lines(number, _bytes_of(file), last=number == max(files)))
        self._file, self._sequence, self._hash = reader.file or 0, reader.sequence, reader.hash
        if not files:
            self._begin()
            return
        self.resumed = True
        path = files[self._file]
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        self._size = self._cut(path)
        if not kept:
            self._write([], start=True, durable=True)

    def _cut(self, path: Path) -> int:
        """Cuts off what stands behind the last line feed; gives the size of what is left."""
        whole = path.read_bytes().rfind(b"\n") + 1
        self.torn = path.stat().st_size - whole
        if self.torn:
            os.ftruncate(self._descriptor, whole)
            os.fsync(self._descriptor)
        return whole

    def _begin(self) -> None:
        """Begins the next file with its header, durably: what is in it stands on what came before."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
        path = file_of(self._path, self._file + 1)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        old, self._descriptor = self._descriptor, descriptor
        if old >= 0:
            os.close(old)
        self._file, self._size, self._markets = self._file + 1, 0, set()
        _sync_folder(path.parent)
        self._write([], start=True, durable=True)

    def _put(self, lines: Sequence[bytes], *, durable: bool) -> None:
        """Writes lines at the end, or leaves the file as it was.

        After a sync that failed nobody knows what the disk has: the log then takes nothing until it is reopened.
        """
        left = memoryview(b"".join(line + b"\n" for line in lines))
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except BaseException:
            self._broken = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
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
        self._closed = True


def _sync_folder(folder: Path) -> None:
    """Makes a new file's name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
