"""`rules-engine sweep` of books in parts: the answer of the whole, and no pool split."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from rules_engine.cli.account_tables import SeenAccounts
from rules_engine.report.sweep import exact_sum
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
POLICY = str(ROOT / "policies" / "usdt-perpetuals" / "1.2.0.yaml")
MARKET = str(ROOT / "docs" / "examples" / "market.json")
BOOK = "account,id,instrument,mode,quantity,entry_price,margin,leverage,group,accrued"
COLLATERAL = "account,group,asset,amount"
ORDERS = "account,id,instrument,mode,quantity,price,leverage"
MARKS = {"BTCUSDT": 61_000, "ETHUSDT": 2_450, "SOLUSDT": 152}


def table(path: Path, header: str, rows: list[str]) -> Path:
    """A table in a file."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def sweep(run: Run, tables: dict[str, Path], *flags: object) -> Result:
    """A sweep of some tables."""
    given = [word for name, path in tables.items() for word in (f"--{name}", path)]
    return run("sweep", "--policy", POLICY, "--market", MARKET, *given, *flags)


def sometimes(chance: random.Random, plain: str, *odd: str) -> str:
    """A plain cell, or once in thirty times an odd one."""
    return plain if chance.random() > 1 / 30 else chance.choice(odd)


def positions(chance: random.Random, account: str) -> Iterator[str]:
    """Rows of one account: a few at fault, misshapen or empty, or with more digits than doubles have."""
    for number, instrument in enumerate(chance.sample(list(MARKS), chance.randint(1, 3))):
        mode, mark = chance.choice(["isolated", "cross", "hybrid"]), MARKS[instrument]
        quantity = chance.uniform(-90_000, 90_000) / mark
        margin = f"{abs(quantity) * mark * chance.uniform(0, 0.1):.2f}" if mode == "isolated" else ""
        cells = [
            sometimes(chance, f"p{number}", "p0", "", "\x01"),
            instrument,
            sometimes(chance, mode, "", "other"),
            sometimes(chance, f"{quantity:.3f}", "0", "two", "1.000000000000000000001"),
            f"{mark * chance.uniform(0.9, 1.1):.1f}",
            margin,
            "5",
            instrument[:3] * (mode == "hybrid"),
            "",
        ]
        yield ",".join([account, *cells])
        if chance.random() < 1 / 30:
            yield chance.choice(["", f"{account},short"])


def random_tables(chance: random.Random, folder: Path) -> dict[str, Path]:
    """Tables of a random book, its rows by account; other accounts have collateral or orders and no position."""
    accounts = [f"A-{number}" for number in chance.sample(range(1000), 60)]
    book = [row for account in accounts for row in positions(chance, account)]
    amounts = [
        f"{account},{group},{sometimes(chance, asset, 'x', '')},{sometimes(chance, f'{amount:.2f}', 'much', '1e-31')}"
        for account in chance.sample([*accounts, "idle-1", "idle-2"], k=55)
        for group, asset, amount in [
            ("", "USDT", chance.uniform(0, 9_000)),
            ("", sometimes(chance, "BTC", "USDT"), chance.random()),
            *((name, "USDT", chance.uniform(0, 9_000)) for name in ("BTC", "ETH", "SOL")),
        ]
    ]
    chance.shuffle(amounts)
    orders = [
        f"{account},o{number},BTCUSDT,cross,{chance.choice(['0.1', 'none'])},60000,5"
        for number, account in enumerate(chance.choices([*accounts, "idle-2", "idle-3"], k=5))
    ]
    files = {"book": table(folder / "book.csv", BOOK, book)}
    files["collateral"] = table(folder / "collateral.csv", COLLATERAL, amounts)
    return files | {"orders": table(folder / "orders.csv", ORDERS, orders)}


def told(result: Result) -> tuple[int, dict[str, Any], str]:
    """All that a sweep told, but for what ran on exact numbers: how far a bound reaches depends on the rows beside."""
    document = json.loads(result.stdout)
    document.pop("decided_exactly")
    return result.exit_code, document, result.stderr


def rows_of(file: Path) -> tuple[list[list[str]], list[list[float]]]:
    """The names and statuses of an answer, and its figures."""
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()[1:]))
    return [row[:6] for row in rows], [[float(cell or "nan") for cell in row[6:]] for row in rows]


@pytest.mark.parametrize("seed", range(4))
def test_parts__give_the_answer_of_the_whole(run: Run, tmp_path: Path, seed: int) -> None:
    """Rows, summary, faults with their places and exit code, however many rows a part has."""
    chance = random.Random(seed)
    tables, out = random_tables(chance, tmp_path), tmp_path / "rows.csv"
    whole = told(sweep(run, tables, "--out", out, "--json"))
    names, figures = rows_of(out)
    assert whole[1]["rows_at_fault"] > 10
    assert min(whole[1]["statuses"][status] for status in ("healthy", "bankrupt", "undetermined")) > 5
    for part_rows in (1, chance.randint(2, 30), 1_000):
        assert told(sweep(run, tables, "--out", out, "--json", "--part-rows", part_rows)) == whole
        assert rows_of(out)[0] == names
        assert np.allclose(rows_of(out)[1], figures, rtol=1e-12, atol=1e-9, equal_nan=True)


def test_parts__evaluated_exactly_give_every_digit_of_the_whole(run: Run, tmp_path: Path) -> None:
    """With --exact, what is written is the same to the last byte."""
    tables, outs = random_tables(random.Random(4), tmp_path), (tmp_path / "whole.csv", tmp_path / "parts.csv")
    results = [sweep(run, tables, "--exact", "--json", "--out", outs[0])]
    results.append(sweep(run, tables, "--exact", "--json", "--out", outs[1], "--part-rows", 7))
    assert outs[0].read_bytes() == outs[1].read_bytes()
    costs = [json.loads(result.stdout)["decided_exactly"] for result in results]
    assert costs[0]["reasons"] == costs[1]["reasons"] == {"asked for with --exact": costs[0]["positions"]}
    assert told(results[0])[1] == told(results[1])[1]


def test_parts__of_parquet_give_the_answer_of_the_whole(run: Run, tmp_path: Path) -> None:
    """Rows are named by their number in the file; accounts may be integers there."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {
        "account": [7, 7, 3, 3, 3, 12],
        "id": ["a", "b", "a", None, "c", "a"],
        "instrument": ["BTCUSDT"] * 6,
        "mode": ["cross"] * 6,
        "quantity": ["1", "-2", "0.5", "1", "3", "x"],
        "entry_price": [60000.0] * 6,
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "book.parquet")
    tables = {"book": tmp_path / "book.parquet"}
    tables["collateral"] = table(tmp_path / "collateral.csv", COLLATERAL, ["7,,USDT,5", "3,,USDT,900", "9,,USDT,x"])
    out = tmp_path / "rows.csv"
    whole, rows = told(sweep(run, tables, "--out", out, "--json")), out.read_text()
    assert "book.parquet: row 3: id is missing" in whole[2]
    assert "\n3,row 3,BTCUSDT" in rows
    assert told(sweep(run, tables, "--out", out, "--json", "--part-rows", 2)) == whole
    assert out.read_text() == rows


def test_parts__that_split_an_account_are_refused(run: Run, tmp_path: Path) -> None:
    """At the row where it comes again; nothing is written, and what was there stays."""
    rows = [f"{name},p{number},BTCUSDT,cross,1,60000,,,," for number, name in enumerate("ABCA")]
    book = table(tmp_path / "book.csv", BOOK, [*rows[:2], "", *rows[2:]])
    out = tmp_path / "rows.csv"
    out.write_text("yesterday's")
    result = sweep(run, {"book": book}, "--out", out, "--part-rows", 2)
    assert result.exit_code == 2
    assert f"{book}:6:1: ACCOUNT_SPLIT account 'A' stands in an earlier part too" in result.stderr
    assert "sort the tables by account" in result.stderr
    assert (result.stdout, out.read_text(), len(list(tmp_path.iterdir()))) == ("", "yesterday's", 2)
    refused = json.loads(sweep(run, {"book": book}, "--part-rows", 2, "--json").stdout)
    assert (refused["problems"][0]["code"], refused["problems"][0]["line"]) == ("ACCOUNT_SPLIT", 6)
    assert sweep(run, {"book": book}, "--part-rows", 4).exit_code == 0, "both rows of A stand in one part"


def parted(folder: Path, book: str, collateral: str) -> dict[str, Path]:
    """Directories with a part for each of these accounts; a comma parts files."""
    for name, accounts, header, row in (
        ("book", book, BOOK, "p,BTCUSDT,cross,1,60000,,,,"),
        ("collateral", collateral, COLLATERAL, ",USDT,9000"),
    ):
        for number, part in enumerate(accounts.split(",")):
            table(folder / name / f"{number}.csv", header, [f"{account},{row}" for account in part])
    return {"book": folder / "book", "collateral": folder / "collateral"}


def test_directory__holds_parts(run: Run, tmp_path: Path) -> None:
    """In the order of their names; collateral in files of the same names, or in one for all."""
    tables, out = parted(tmp_path, "AB,C,D", "A,CX,D"), tmp_path / "rows.csv"
    (tmp_path / "book" / "_SUCCESS").touch()
    result = sweep(run, tables, "--out", out, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["positions"], document["accounts"], document["statuses"]["healthy"]) == (4, 5, 4)
    assert [line[0] for line in out.read_text().splitlines()] == ["a", "A", "B", "C", "D"]
    one = table(tmp_path / "one.csv", COLLATERAL, [f"{account},,USDT,9000" for account in "CXAD"])
    rows = out.read_text()
    assert told(sweep(run, tables | {"collateral": one}, "--out", out, "--json")) == told(result)
    assert out.read_text() == rows
    assert told(sweep(run, tables, "--part-rows", 1, "--out", out, "--json")) == told(result)


@pytest.mark.parametrize(
    ("book", "collateral", "where"),
    [
        ("A,B,A", "A,B,C", "book/2.csv:2:1"),
        ("A,B,C", "A,AB,C", "collateral/1.csv"),
        ("A,B,C", "A,BC,C", "book/2.csv:2:1"),
        ("A,B,C", "AX,BX,C", "collateral/1.csv"),
    ],
)
def test_directory__of_which_two_parts_have_an_account_is_refused(
    run: Run, tmp_path: Path, book: str, collateral: str, where: str
) -> None:
    """Whichever of the tables says so: what backs an account would be left out of one of them."""
    result = sweep(run, parted(tmp_path, book, collateral))
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{tmp_path}/{where}: ACCOUNT_SPLIT" in result.stderr


def test_directory__that_is_no_book_is_refused(run: Run, tmp_path: Path) -> None:
    """Empty, with a directory inside, or beside tables that are not in parts like it."""
    tables = parted(tmp_path, "A,B", "A,B,C")
    (tmp_path / "empty").mkdir()
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    for wrong, what in (
        (tables, "2.csv is in one alone"),
        ({"book": tmp_path / "empty"}, "there are no files in"),
        ({"book": tmp_path / "deep"}, "FILE_UNUSABLE"),
        (tables | {"orders": table(tmp_path / "orders.csv", ORDERS, [])}, "both be files, or both directories"),
        (tables | {"book": tmp_path / "book" / "0.csv"}, "is a directory, so --book must be one"),
    ):
        result = sweep(run, wrong)
        assert (result.exit_code, what in result.stderr) == (2, True), what


def test_seen_accounts__are_found_again_in_whatever_run_they_are() -> None:
    """Parts of growing and shrinking size; distinct names are never taken for one another."""
    chance, seen = random.Random(1), SeenAccounts()
    names = [f"account {number}" for number in range(2_000)]
    start = 0
    while start < len(names):
        part = names[start : start + chance.randint(1, 200)]
        again = chance.sample(names[:start], min(start, 3))
        assert sorted(seen.add([*part, *again])) == list(range(len(part), len(part) + len(again)))
        start += len(part)
    assert seen.add([]) == []


def test_exact_sum__is_that_of_fractions() -> None:
    """Of doubles of all sizes, in whatever order."""
    chance = random.Random(1)
    sizes = [chance.random() * 10 ** chance.randint(-30, 30) for _ in range(300)] + [0.1] * 10 + [0.0]
    expected = sum(map(Fraction, sizes))
    assert exact_sum(np.array(sizes)) == exact_sum(np.array(sizes[::-1])) == expected
    assert exact_sum(np.array([])) == 0


def test_summary__tells_what_exact_numbers_cost(run: Run, tmp_path: Path) -> None:
    """How many positions, why, and for how long; nothing where there are none."""
    plain = "isolated,{},60000,9000,,,"
    book = table(tmp_path / "book.csv", BOOK, ["A,p,BTCUSDT," + plain.format(1), "B,p,BTCUSDT," + plain.format(0)])
    document = json.loads(sweep(run, {"book": book}, "--json").stdout)["decided_exactly"]
    assert (document["positions"], document["reasons"]) == (1, {"accounts decided whole": 1})
    assert 0 <= document["seconds"] < 60
    assert "in all 1 of 2 positions, for 0." in sweep(run, {"book": book}).stdout
    table(book, BOOK, ["A,p,BTCUSDT," + plain.format(1)])
    assert "decided exactly" not in sweep(run, {"book": book}).stdout
    assert json.loads(sweep(run, {"book": book}, "--json", "--workers", 2).stdout)["decided_exactly"]["reasons"] == {}
