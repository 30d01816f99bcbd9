"""Where a decision log is: in files, or in a table of a database. What reads or opens one by its name asks here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from typing import Any

from rules_engine.life.decisions.decision_ends import LogEnd
from rules_engine.life.decisions.decision_files import LogFiles, log_name, read_files
from rules_engine.life.decisions.decision_lines import Line
from rules_engine.life.store.addresses import is_address


def read_log(path: str | PathLike[str]) -> Iterator[Line]:
    """Every line of a log, each with what breaks the chain. Raises OSError where there is no log.

    That its beginning is missing is told as a warning: who archives old files does that. Lines that were cut off at the
    end, whole, cannot be seen here: compare the last hash with one kept elsewhere.
    """
    if (address := _address(path)) is None:
        return read_files(path)
    from rules_engine.life.decisions.decision_rows import read_table

    return read_table(address)


def open_end(path: str | PathLike[str], limit: int, header: Callable[[], Mapping[str, Any]]) -> LogEnd:
    """The end of a log, to write on; the log is begun where there is none. Raises `DecisionLogError`."""
    if (address := _address(path)) is None:
        return LogFiles(log_name(path), limit, header)
    from rules_engine.life.decisions.decision_table import LogTable

    return LogTable(address, limit, header)


def shown_log(path: str | PathLike[str]) -> str:
    """The name of a log as people may see it: without a password."""
    if (address := _address(path)) is None:
        return str(path)
    from rules_engine.life.store.databases import without_password

    return without_password(address)


def _address(path: str | PathLike[str]) -> str | None:
    """The address of a database; None for a path."""
    return path if isinstance(path, str) and is_address(path) else None
