"""`rules-engine sweep`: tables in, rows and a summary out."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import sys
from pathlib import Path
from typing import Any

import pytest

from rules_engine import Engine, load_policy
from rules_engine.engine.book_rows import book_from_rows
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
BOOK = (EXAMPLES / "book" / "book.csv").read_text(encoding="utf-8")
POLICY = str(ROOT / "policies" / "usdt-perpetuals" / "1.2.0.yaml")
MARKET = str(EXAMPLES / "market.json")
HEADER = "account,id,instrument,mode,quantity,entry_price,margin"
FIGURES = ("equity", "initial_margin", "maintenance_margin", "liquidation_price")


def options(**others: object) -> list[str]:
    """The options of a sweep of the published example, with others in their place."""
    given = {"policy": POLICY, "market": MARKET, "book": EXAMPLES / "book" / "book.csv"}
    given["collateral"] = EXAMPLES / "book" / "collateral.csv"
    return ["sweep", *(word for name, value in (given | others).items() if value for word in (f"--{name}", str(value)))]


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of an answer."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_sweep__writes_what_is_published(run: Run, tmp_path: Path) -> None:
    """docs/examples/book holds the answer to its own tables; one row is at fault, so the exit code is 1."""
    for flags, name in (([], "rows.csv"), (["--exact"], "exact-rows.csv")):
        result = run(*options(orders=EXAMPLES / "book" / "orders.csv", out=tmp_path / name), *flags)
        assert result.exit_code == 1
        assert (tmp_path / name).read_text() == (EXAMPLES / "book" / name).read_text()
        assert "book.csv:8: quantity: 'two' is not a number" in result.stderr
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_sweep__with_exact_says_what_evaluation_says(run: Run, tmp_path: Path) -> None:
    """Account by account, figure by figure."""
    run(*options(out=tmp_path / "rows.csv"), "--exact")
    answered = read_rows(tmp_path / "rows.csv")
    tables = [
        list(csv.DictReader((EXAMPLES / "book" / name).open(encoding="utf-8")))
        for name in ("book.csv", "collateral.csv")
    ]
    book = book_from_rows(tables[0], tables[1], currency="USDT")
    market = Engine(load_policy(POLICY)).at(Path(MARKET).read_bytes())
    for place, name in enumerate(book.names):
        evaluation = market.evaluate(book.account(place)).to_dict()
        pools = {pool["pool"]: pool for pool in evaluation["pools"]}
        for row, position in zip([r for r in answered if r["account"] == name], evaluation["positions"], strict=True):
            pool = pools[position["pool"]]
            assert (row["id"], row["pool"], row["status"]) == (position["id"], pool["pool"], pool["status"])
            for figure in FIGURES:
                found = (pool if figure == "equity" else position)[figure]
                assert row[figure] == ("" if found is None else found), figure


def test_sweep__prints_counts_and_notional_at_risk(run: Run) -> None:
    """1 BTC at 61,000 is to be liquidated and 10 ETH at 2,450 are bankrupt."""
    document = json.loads(run(*options(), "--json").stdout)
    assert document["positions"] == 8
    assert document["statuses"] == {"healthy": 3, "margin_call": 1, "liquidate": 1, "bankrupt": 1, "undetermined": 2}
    assert document["notional_at_risk"] == {"liquidate": "61000", "bankrupt": "24500"}
    assert document["modes"]["cross"]["statuses"]["undetermined"] == 2
    assert document["instruments"]["ETHUSDT"]["notional_at_risk"]["bankrupt"] == "24500"
    assert document["rows_at_fault"] == 1
    printed = run(*options()).stdout
    assert "8 positions of 4 accounts at 2026-12-02T00:00:00Z" in printed
    assert "61000" in printed


def test_sweep__prints_the_instruments_with_the_most_at_risk(run: Run, tmp_path: Path) -> None:
    """Twenty of them; programs get all."""
    rows = [f"A,p{i},X{i}USDT,isolated,1,1,1" for i in range(50)]
    book = table(tmp_path / "many.csv", HEADER, *rows, "A,p,BTCUSDT,isolated,1,61000,0")
    printed = run(*options(book=book)).stdout
    assert printed.index("BTCUSDT") < printed.index("X0USDT")
    assert "and 31 instruments more" in printed
    assert (
        "0 positions of 0 accounts" in run(*options(book=table(tmp_path / "none.csv", HEADER), collateral=None)).stdout
    )
    assert len(json.loads(run(*options(book=book), "--json").stdout)["instruments"]) == 51


def table(path: Path, *lines: str) -> Path:
    """A table in a file."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.xz"])
def test_sweep__reads_and_writes_compressed_tables(run: Run, tmp_path: Path, suffix: str) -> None:
    """The same rows, whatever holds them; empty lines between them do not move their places."""
    opened: Any = {".csv": open, ".csv.gz": gzip.open, ".csv.xz": lzma.open}[suffix]
    book, out = tmp_path / f"book{suffix}", tmp_path / f"rows{suffix}"
    with opened(book, "wt", encoding="utf-8-sig") as file:
        file.write(BOOK.replace("\nB-02,p1", "\r\n\r\n\nB-02,p1", 1))
    result = run(*options(book=book, out=out, orders=EXAMPLES / "book" / "orders.csv"))
    with opened(out, "rt", encoding="utf-8") as file:
        assert file.read() == (EXAMPLES / "book" / "rows.csv").read_text()
    assert f"{book}:10: quantity" in result.stderr


def test_sweep__reads_and_writes_parquet(run: Run, tmp_path: Path) -> None:
    """Figures are doubles there, texts where they are exact."""
    pyarrow = pytest.importorskip("pyarrow")
    arrow_csv, parquet = pytest.importorskip("pyarrow.csv"), pytest.importorskip("pyarrow.parquet")
    for name in ("book", "collateral"):
        parquet.write_table(arrow_csv.read_csv(EXAMPLES / "book" / f"{name}.csv"), tmp_path / f"{name}.parquet")
    files = {"book": tmp_path / "book.parquet", "collateral": tmp_path / "collateral.parquet"}
    result = run(*options(**files, orders=EXAMPLES / "book" / "orders.csv", out=tmp_path / "rows.parquet"))
    assert f"{files['book']}: row 6: quantity: 'two' is not a number" in result.stderr
    found = parquet.read_table(tmp_path / "rows.parquet")
    expected = read_rows(EXAMPLES / "book" / "rows.csv")
    assert found.column("pool").to_pylist() == [row["pool"] for row in expected]
    assert found.column("equity").to_pylist() == [float(row["equity"]) if row["equity"] else None for row in expected]
    run(*options(**files, out=tmp_path / "exact.parquet"), "--exact")
    assert parquet.read_table(tmp_path / "exact.parquet").schema.field("equity").type == pyarrow.string()
    empty = arrow_csv.read_csv(EXAMPLES / "book" / "book.csv").slice(0, 0)
    parquet.write_table(empty, tmp_path / "empty.parquet")
    assert json.loads(run(*options(book=tmp_path / "empty.parquet"), "--json").stdout)["positions"] == 0
    (tmp_path / "broken.parquet").write_text("no Parquet")
    refused = run(*options(book=tmp_path / "broken.parquet"))
    assert (refused.exit_code, "TABLE_SYNTAX" in refused.stderr) == (2, True)


@pytest.mark.parametrize("which", ["book", "out"])
def test_sweep__without_pyarrow_says_how_to_get_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "x.parquet").touch()
    result = run(*options(**{which: tmp_path / "x.parquet"}))
    assert result.exit_code == 2
    assert "pip install 'rules-engine[arrow]'" in result.stderr


def test_sweep__reads_a_book_from_stdin(run: Run) -> None:
    result = run(*options(book="-"), "--json", input=BOOK)
    assert json.loads(result.stdout)["positions"] == 8
    assert "stdin:8: quantity" in result.stderr
    assert run(*options(book="-", market="-"), input=BOOK).exit_code == 2


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("", "TABLE_SYNTAX", "book.csv:1:1"),
        (f"{HEADER}\nA,p,BTCUSDT,isolated,1,1,1\n,p,BTCUSDT,isolated,1,1,1\n", "ACCOUNT_MISSING", "book.csv:3:1"),
        (f'{HEADER}\nA,p,BTCUSDT,isolated,1,1,1\n\nA,"p,B\nX,p,BTCUSDT",i,1,1,1\n', "TABLE_SYNTAX", "book.csv:4:1"),
        (f"{HEADER},qty\n", "KEY_UNKNOWN", "book.csv: "),
        ("account,account\n", "KEY_DUPLICATE", "book.csv: "),
        (f"{HEADER}\nA,\x00{'x' * 200_000},B,i,1,1,1\n", "TABLE_SYNTAX", "book.csv:2:1"),
        (b"account,\xff\n", "TABLE_ENCODING", "book.csv:1:1"),
    ],
)
def test_sweep__refuses_what_is_no_table(run: Run, tmp_path: Path, text: str | bytes, code: str, place: str) -> None:
    """A quote that is never closed too: it would swallow rows, and pools without them could look healthy."""
    book = tmp_path / "book.csv"
    book.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run(*options(book=book))
    assert result.exit_code == 2
    assert f"{tmp_path}/{place}" in result.stderr
    assert code in result.stderr


def test_sweep__tells_of_files_that_cannot_be_used(run: Run, tmp_path: Path) -> None:
    """Not there, not compressed, a folder that does not exist; with --json on stdout."""
    (tmp_path / "book.csv.gz").write_text(BOOK)
    for wrong, code in (
        ({"book": tmp_path / "none.csv"}, "FILE_UNUSABLE"),
        ({"book": tmp_path / "none.parquet"}, "FILE_UNUSABLE"),
        ({"book": tmp_path / "book.csv.gz"}, "INPUT_COMPRESSION"),
        ({"out": tmp_path / "none" / "rows.csv"}, "FILE_UNUSABLE"),
    ):
        result = run(*options(**wrong), "--json")
        assert (result.exit_code, json.loads(result.stdout)["problems"][0]["code"]) == (2, code)


def test_sweep__takes_a_misshapen_row_for_a_bad_one(run: Run, tmp_path: Path) -> None:
    """Too few or too many cells: only its account is believed, so every pool of that is undetermined."""
    rows = ["A,p1,BTCUSDT,isolated,1,60000,6000", "A,p2,cross,1", "B,p1,BTCUSDT,isolated,1,60000,6000,9"]
    book = table(tmp_path / "book.csv", HEADER, *rows, "C,p1,BTCUSDT,isolated,1,60000,6000")
    result = run(*options(book=book, out=tmp_path / "rows.csv"))
    found = [row["status"] for row in read_rows(tmp_path / "rows.csv")]
    assert found == ["undetermined", "undetermined", "undetermined", "healthy"]
    assert f"ROW_INVALID {book}:3: 4 cells, where the first line names 7" in result.stderr
    collateral = table(tmp_path / "collateral.csv", "account,group,asset,amount", "A,,USDT")
    result = run(*options(book=book, collateral=collateral))
    assert f"ROW_INVALID {collateral}:2: 3 cells, where the first line names 4" in result.stderr
    orders = table(tmp_path / "orders.csv", "account,id,instrument,mode,quantity", "C,o1,BTCUSDT,isolated")
    assert f"ROW_INVALID {orders}:2: 4 cells" in run(*options(book=book, orders=orders)).stderr


def test_sweep__counts_faults_beyond_a_hundred(run: Run, tmp_path: Path) -> None:
    book = table(tmp_path / "book.csv", HEADER, *(f"A,p{i},BTCUSDT,isolated,x,1,1" for i in range(103)))
    result = run(*options(book=book), "--json")
    assert json.loads(result.stdout)["rows_at_fault"] == 103
    assert "and 3 rows at fault more" in result.stderr


def test_sweep__without_faults_is_clean(run: Run, tmp_path: Path) -> None:
    """Whatever the statuses are; without collateral only what stands alone is decided. Nothing is written unasked."""
    book = table(tmp_path / "book.csv", *(line for line in BOOK.splitlines() if ",two," not in line))
    result = run(*options(book=book, collateral=None), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["modes"]["cross"]["statuses"]["undetermined"] == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["book.csv"]


def test_sweep__tells_of_progress_on_a_terminal_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from rules_engine.cli import book_files

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert "rows" not in run(*options()).stderr.replace("ROW_INVALID", "")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    list(book_files.BookParts(book_files.files_of(str(EXAMPLES / "book" / "book.csv"), None, None), None, "USDT"))
    assert terminal.getvalue().startswith(f"\r\x1b[K{EXAMPLES / 'book' / 'book.csv'}: 8 rows")
