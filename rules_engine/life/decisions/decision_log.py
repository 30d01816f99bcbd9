"""The decision log: every answer written down, before it is given (strict) or as far as there is room (lossy)."""

from __future__ import annotations

import atexit
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, Final, Literal, TypeAlias, get_args

from rules_engine.errors import Problem
from rules_engine.life.decisions.decision_ends import LogEnd
from rules_engine.life.decisions.decision_lines import DecisionLogError
from rules_engine.life.decisions.decision_masks import UNMASKED, Mask
from rules_engine.life.decisions.decision_places import open_end
from rules_engine.life.decisions.decision_records import Manner, own_entry
from rules_engine.life.decisions.decision_writers import Build, LossyWriter, StrictWriter
from rules_engine.terms.rendering import instant

LogMode: TypeAlias = Literal["strict", "lossy"]
FILE_SIZE: Final = 64 * 1024 * 1024
"""Bytes at which a file is full: ours; what can be read whole in about a second."""
WAITING: Final = 10_000
"""Decisions that may wait to be written in lossy mode: ours."""


class TornLogWarning(UserWarning):
    """A log ended in a line that was never finished, for its writer was killed. It was cut off; no answer is lost."""


class DecisionLog:
    """A log of decisions, for `LoggedEngine` to write. Safe to share between threads; one process has it open.

    `torn` are the bytes of an unfinished line that opening it cut off. `logged` and `dropped` count decisions since.
    """

    def __init__(
        self, end: LogEnd, mode: LogMode, manner: Manner, clock: Callable[[], datetime], waiting: int = WAITING
    ) -> None:
        self.manner, self.torn = manner, end.torn
        self._end, self._clock = end, clock
        self._writer: StrictWriter | LossyWriter = StrictWriter(end)
        if end.resumed:
            self._writer.write([own_entry("opened", self.now(), **settings(mode, manner), torn=self.torn)])
        if mode == "lossy":
            self._writer = LossyWriter(end, waiting, lambda count: own_entry("dropped", self.now(), count=count))
        atexit.register(self.close)

    @classmethod
    def open(
        cls,
        path: str | PathLike[str],
        *,
        clock: Callable[[], datetime],
        mode: LogMode = "strict",
        mask: Mask = UNMASKED,
        keep_inputs: bool = True,
        keep_answers: bool = True,
        file_size: int = FILE_SIZE,
        waiting: int = WAITING,
    ) -> DecisionLog:
        """Opens the log NAME for `NAME.jsonl` or NAME, and begins it where there is none.

        `sqlite:///FILE` and `postgresql://...` are a log in a database, with `?log=NAME` one of several. `clock` gives
        aware times. An unfinished line at the end of a file is cut off, with a `TornLogWarning` and a record. Raises
        `DecisionLogError` where another process has the log open, or where it is damaged in any other way.
        """
        if mode not in get_args(LogMode):
            raise ValueError(f"mode is {mode!r}; wanted strict or lossy")
        manner = Manner(mask, keep_inputs, keep_answers)

        def header() -> Mapping[str, Any]:
            return {"time": instant(aware(clock())), **settings(mode, manner)}

        end = open_end(path, file_size, header)
        try:
            if end.torn:
                text = f"{end.name}: the last {end.torn} bytes were a line that was never finished; they were cut off"
                warnings.warn(text, TornLogWarning, stacklevel=2)
            return cls(end, mode, manner, clock, waiting)
        except BaseException:  # that it was opened could not be written: another one may try
            end.close()
            raise

    @property
    def logged(self) -> int:
        """Decisions that were written since the log was opened."""
        return self._writer.logged

    @property
    def dropped(self) -> int:
        """Decisions that were not written since, for want of room or because a write failed; 0 in strict mode."""
        return self._writer.dropped

    @property
    def head(self) -> tuple[int, str | None]:
        """The number of the last line and its hash: keep it elsewhere, and a log that was cut shorter can be told."""
        return self._end.head

    def now(self) -> datetime:
        """The time of the log's clock."""
        return aware(self._clock())

    def record(self, builds: Sequence[Build]) -> None:
        """Takes decisions, each as what makes its record.

        In strict mode it returns when all are on the disk, and raises `DecisionLogError` where they are not; in lossy
        mode it returns at once, and never raises.
        """
        self._writer.record(builds)

    def flush(self) -> None:
        """Waits until nothing waits to be written any more."""
        self._writer.flush()

    def close(self) -> None:
        """Writes what waits, and closes the log; a second time does nothing."""
        atexit.unregister(self.close)
        self._writer.close()

    def __enter__(self) -> DecisionLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def settings(mode: LogMode, manner: Manner) -> dict[str, Any]:
    """How a log was opened, as it says of itself."""
    keeps = {"inputs": manner.inputs, "answers": manner.answers}
    return {"mode": mode, "mask": manner.mask.to_dict(), "keeps": keeps}


def aware(time: datetime) -> datetime:
    """The time itself, where it carries a zone; else `DecisionLogError`."""
    if time.utcoffset() is None:
        what = f"the clock says {time.isoformat()}, without a zone"
        raise DecisionLogError([Problem(code="TIME_WITHOUT_ZONE", message=what, hint="give datetime.now(UTC)")])
    return time
