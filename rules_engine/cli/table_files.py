"""Tables in files, part by part as they are read: CSV, plain or compressed, and Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from typing import Any, Final

import click

from rules_engine.cli.inputs import STDIN, name_of
from rules_engine.engine.book_cells import PART, Cells
from rules_engine.engine.book_table import Places
from rules_engine.errors import DocumentError, Mark, Problem

LINES: Final = 4_096
"""Lines of CSV that are taken apart at a time: so few stay in a cache."""
PARQUET: Final = (".parquet", ".pq")


def places_of(file: str) -> Places:
    """Where rows of a table stand: lines of a text, numbers of rows in Parquet."""
    return Places(name_of(file), lines=not file.endswith(PARQUET))


def table_parts(file: str, places: Places) -> Iterator[tuple[Mapping[str, Cells], dict[int, str]]]:
    """A table in parts: its columns, and what is wrong with the shape of rows. Raises OSError or DocumentError."""
    if file.endswith(PARQUET):
        yield from _parquet_parts(file)
        return
    try:
        with _opened(file) as stream:
            yield from _csv_parts(stream, places)
    except (gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError) as error:
        raise _refused(places, "INPUT_COMPRESSION", f"the file cannot be decompressed: {error}") from error
    except UnicodeDecodeError as error:
        raise _refused(places, "TABLE_ENCODING", f"the text is not UTF-8: {error.reason}") from error


@contextmanager
def _opened(file: str) -> Iterator[io.TextIOBase]:
    if file == STDIN:
        yield io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", newline="")
        return
    opener: Any = gzip.open if file.endswith(".gz") else lzma.open if file.endswith(".xz") else open
    with opener(file, "rt", encoding="utf-8-sig", newline="") as stream:
        yield stream


def _refused(places: Places, code: str, message: str, line: int = 1) -> DocumentError:
    return DocumentError([Problem(code=code, message=message, mark=Mark(places.file, line, 1))])


def _csv_parts(stream: io.TextIOBase, places: Places) -> Iterator[tuple[dict[str, Cells], dict[int, str]]]:
    reader = csv.reader(stream)
    row = 0
    try:
        header = next(reader, None)
        if not header:
            raise _refused(places, "TABLE_SYNTAX", "the first line names no columns")
        names = _distinct([name.strip() for name in header], places.file)
        while True:
            line = reader.line_num + 1
            part = list(islice(reader, LINES))
            if reader.line_num + 1 - line != len(part):
                _refuse_broken(part, line, places)
            if not part and row:
                return
            places.note(row, line)
            rows = part if all(part) else list(_stated(part, row, line, places))
            yield _columns(names, rows)
            row += len(rows)
            if not part:
                return
    except csv.Error as error:
        raise _refused(places, "TABLE_SYNTAX", str(error), reader.line_num) from error


def _distinct(names: Sequence[str], file: str) -> Sequence[str]:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        text = "column `{}` stands twice"
        raise DocumentError([Problem(code="KEY_DUPLICATE", message=text.format(x), document=file) for x in twice])
    return names


def _stated(part: Sequence[list[str]], row: int, line: int, places: Places) -> Iterator[list[str]]:
    """The rows of a part without its empty lines."""
    for index, cells in enumerate(part):
        if cells:
            places.note(row, line + index)
            row += 1
            yield cells


def _refuse_broken(part: Sequence[Sequence[str]], line: int, places: Places) -> None:
    """A quote that is never closed would swallow rows, and pools without them could look healthy."""
    broken = next(index for index, cells in enumerate(part) if any("\n" in cell or "\r" in cell for cell in cells))
    text = "a quoted cell goes on in the next line; a quote may not be closed"
    raise _refused(places, "TABLE_SYNTAX", text, line + broken)


def _columns(names: Sequence[str], rows: list[list[str]]) -> tuple[dict[str, Cells], dict[int, str]]:
    width = len(names)
    misshapen = {}
    for index, cells in enumerate(rows):
        if len(cells) != width:
            misshapen[index] = f"{len(cells)} cells, where the first line names {width}"
            rows[index] = [*cells, *[""] * width][:width]
    columns: list[Cells] = list(zip(*rows, strict=True)) or [()] * width
    return dict(zip(names, columns, strict=True)), misshapen


def arrow() -> Any:
    """pyarrow, or a usage error that says how to get it."""
    try:
        pyarrow = import_module("pyarrow")
        import_module("pyarrow.parquet")
    except ImportError:
        raise click.UsageError("Parquet needs pyarrow: pip install 'rules-engine[arrow]'") from None
    return pyarrow


def _parquet_parts(file: str) -> Iterator[tuple[dict[str, Cells], dict[int, str]]]:
    with open(file, "rb"):
        pass  # what the system says of a file that cannot be opened is what is told
    pyarrow = arrow()
    try:
        table = pyarrow.parquet.ParquetFile(file)
        names = _distinct(table.schema_arrow.names, file)
        for batch in table.iter_batches(PART):
            yield dict(zip(names, batch.columns, strict=True)), {}
        if not table.metadata.num_rows:
            yield {name: [] for name in names}, {}
    except pyarrow.ArrowException as error:
        text = str(error).splitlines()[0]
        raise DocumentError([Problem(code="TABLE_SYNTAX", message=text, document=file)]) from error
