"""The lines of a decision log: JSON records, each with the hash of the line before.

Every line has a `sequence`, counted from 1, and `previous`, the SHA-256 of the bytes of the line before without its
line feed (null in the very first). A log, and each of its files, begins with a `header`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from rules_engine.errors import DocumentError, Mark, Problem

SCHEMA: Final = "rules-engine/decisions/1"


class DecisionLogError(DocumentError):
    """A decision log cannot be used, or could not take a record: the answer that belongs to it was not given."""


class LogProblem(Problem, frozen=True, kw_only=True):
    """Something wrong with a log, and the decision that it is about, where it is about one."""

    decision: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line as read: where it stands, its hash, its record (empty where it is none), and what is wrong with it."""

    mark: Mark
    hash: str
    record: Mapping[str, Any]
    problems: tuple[LogProblem, ...] = ()

    @property
    def decision(self) -> str | None:
        """The id of its decision; None where it is no decision."""
        decision = self.record.get("decision")
        return decision if isinstance(decision, str) else None

    def problem(
        self, code: str, message: str, hint: str = "", severity: Literal["error", "warning"] = "error"
    ) -> LogProblem:
        """A problem at this line."""
        return LogProblem(
            code=code, message=message, hint=hint, mark=self.mark, severity=severity, decision=self.decision
        )


def line_hash(line: bytes) -> str:
    """The hash of a line, without its line feed."""
    return hashlib.sha256(line).hexdigest()


def is_hash(text: str) -> bool:
    """Whether a text is the hash of a line, whole."""
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) is not None


def written(sequence: int, previous: str | None, record: bytes) -> bytes:
    """A record (JSON of an object) as a line."""
    return b'{"sequence":%d,"previous":%s,%s' % (sequence, msgspec.json.encode(previous), record[1:])


class Reader:
    """Reads lines and remembers what the next one has to follow."""

    def __init__(self) -> None:
        self.file: int | None = None
        self.sequence = 0
        self.hash: str | None = None

    def lines(self, number: int, source: Iterable[tuple[Mark, bytes]], *, last: bool) -> Iterator[Line]:
        """The lines of the next file, each with its line feed; `last` says that its end may be torn."""
        before, self.file, begun = self.file, number, False
        for mark, data in source:
            if not data.endswith(b"\n") and last:
                yield self._torn(mark, data)
                return
            line = self.line(mark, data.removesuffix(b"\n"))
            if not begun:
                line = msgspec.structs.replace(line, problems=(*line.problems, *_at_start(line, number, before)))
            begun = True
            yield line

    def line(self, mark: Mark, data: bytes) -> Line:
        """A line, judged by the one before; the next is judged by this one, so that one fault is told once."""
        try:
            record = msgspec.json.decode(data, type=dict[str, Any])
            sequence = record["sequence"]
            if type(sequence) is not int or not isinstance(record["kind"], str):
                raise ValueError("sequence is no integer, or kind no text")
        except (msgspec.DecodeError, ValueError, KeyError, RecursionError) as error:
            line = Line(mark=mark, hash=line_hash(data), record={})
            self.sequence, self.hash = self.sequence + 1, line.hash
            what = f"the line is no record: {error}"
            return msgspec.structs.replace(line, problems=(line.problem("LOG_LINE_INVALID", what),))
        line = Line(mark=mark, hash=line_hash(data), record=record)
        first = self.hash is None
        follows = first or (record.get("previous") == self.hash and sequence == self.sequence + 1)
        expected = self.sequence + 1
        self.sequence, self.hash = sequence, line.hash
        if follows:
            return line
        what = (
            f"found line {sequence} of the log, wanted {expected}"
            if sequence != expected
            else "this line does not follow from the one before, which was changed, moved or replaced"
        )
        hint = "compare with a copy of the log"
        return msgspec.structs.replace(line, problems=(line.problem("LOG_CHAIN_BROKEN", what, hint),))

    def _torn(self, mark: Mark, data: bytes) -> Line:
        line = Line(mark=mark, hash=line_hash(data), record={})
        what = f"the last {len(data)} bytes are a line that was never finished, so its answer was never given"
        hint = "the log cuts it off when it is opened"
        return msgspec.structs.replace(line, problems=(line.problem("LOG_TORN", what, hint, "warning"),))


def _at_start(line: Line, number: int, before: int | None) -> Iterator[LogProblem]:
    """What is wrong with the first line of a file."""
    record = line.record
    if record.get("kind") != "header" or record.get("schema") != SCHEMA:
        yield line.problem("LOG_LINE_INVALID", f"it does not begin with a header of {SCHEMA}")
    if before is not None and number != before + 1:
        yield line.problem("LOG_FILE_MISSING", f"file {number:06d} comes after {before:06d}", "restore those between")
    if before is None and record.get("previous") is not None:
        what = f"the log begins with its line {record.get('sequence')}; what stood before it is not judged"
        yield line.problem("LOG_FILE_MISSING", what, severity="warning")
