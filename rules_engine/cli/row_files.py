"""A sweep's rows on their way into a file: CSV, plain or compressed, and Parquet."""

from __future__ import annotations

import csv
import gzip
import lzma
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rules_engine.cli.table_files import PARQUET, arrow
from rules_engine.engine.book_cells import Cells


class RowFile:
    """A sweep's rows on their way into a file of CSV."""

    def __init__(self, stream: Any, columns: Sequence[str]) -> None:
        self.writer = csv.writer(stream, lineterminator="\n")
        self.writer.writerow(columns)

    def write(self, columns: Sequence[Cells]) -> None:
        """Rows, column by column; None is a figure that is not known."""
        self.writer.writerows(zip(*columns, strict=True))


class ParquetRows:
    """The same as Parquet: the first columns are texts, the others doubles, or texts too where figures are exact."""

    def __init__(self, file: Path, columns: Sequence[str], texts: int) -> None:
        self.pyarrow = arrow()
        kinds = [self.pyarrow.string()] * texts + [self.pyarrow.float64()] * (len(columns) - texts)
        self.schema = self.pyarrow.schema(list(zip(columns, kinds, strict=True)))
        self.writer = self.pyarrow.parquet.ParquetWriter(file, self.schema)

    def write(self, columns: Sequence[Cells]) -> None:
        """Rows, column by column; None is a figure that is not known."""
        arrays = [self.pyarrow.array(cells, field.type) for cells, field in zip(columns, self.schema, strict=True)]
        self.writer.write_table(self.pyarrow.Table.from_arrays(arrays, schema=self.schema))

    def close(self) -> None:
        """Writes what belongs at the end."""
        self.writer.close()


Rows = RowFile | ParquetRows


@contextmanager
def row_file(file: str, columns: Sequence[str], texts: int) -> Iterator[Rows]:
    """Writes beside the target and renames, so that nobody ever reads half an answer."""
    target = Path(file)
    half = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if file.endswith(PARQUET):
            arrow()
            half.touch()  # what the system says of a file that cannot be written is what is told
            rows = ParquetRows(half, columns, texts)
            yield rows
            rows.close()
        else:
            opener: Any = gzip.open if file.endswith(".gz") else lzma.open if file.endswith(".xz") else open
            with opener(half, "wt", encoding="utf-8", newline="") as stream:
                yield RowFile(stream, columns)
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)
