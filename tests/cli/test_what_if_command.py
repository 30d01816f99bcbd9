"""`rules-engine what-if`: a grid of moves in, counts and notional out, as tables, JSON and a picture."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
BOOK = EXAMPLES / "book"
GIVEN = {
    "policy": ROOT / "policies" / "usdt-perpetuals" / "1.2.0.yaml",
    "book": BOOK / "book.csv",
    "collateral": BOOK / "collateral.csv",
    "market": EXAMPLES / "market.json",
}


def options(**others: object) -> list[str]:
    """The command on the published book, with other options beside or in place of these."""
    words = {name.replace("_", "-"): value for name, value in (GIVEN | others).items() if value is not None}
    return ["what-if", *(word for name, value in words.items() for word in (f"--{name}", str(value)))]


def answered(run: Run, **others: object) -> dict[str, Any]:
    """The document of an answer; one row of the published book is at fault, so the exit code is 1."""
    result = run(*options(**others), "--json")
    assert result.exit_code == 1, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def liquidated(document: dict[str, Any]) -> list[tuple[int, str]]:
    """Positions liquidated by scenario, and their notional."""
    found = [one["liquidated"] for one in document["scenarios"]]
    return [(one["positions"], one["notional"]) for one in found]


def test_what_if__says_for_each_market_what_a_sweep_of_it_says(run: Run, tmp_path: Path) -> None:
    """The market of each scenario is written to a file, and swept by the command."""
    document = answered(run, price="-30%,-10%,+10%", measure="realized_24h=0,1")
    assert [axis["moves"] for axis in document["axes"]] == [["-0.3", "-0.1", "0.1"], ["0", "1"]]
    assert len(document["scenarios"]) == 6
    marks = {"0.7": {"BTCUSDT": "42700", "ETHUSDT": "1715", "SOLUSDT": "106.75"},
             "0.9": {"BTCUSDT": "54900", "ETHUSDT": "2205", "SOLUSDT": "137.25"},
             "1.1": {"BTCUSDT": "67100", "ETHUSDT": "2695", "SOLUSDT": "167.75"}}  # fmt: skip
    volatility = {"0": ("0.7", "0.75", "0.9"), "1": ("1.4", "1.5", "1.8")}
    cells = [(price, measures) for price in marks for measures in volatility]
    for (price, move), scenario in zip(cells, document["scenarios"], strict=True):
        market = json.loads((EXAMPLES / "market.json").read_text())
        for (name, mark), measure in zip(marks[price].items(), volatility[move], strict=True):
            del market["instruments"][name]["index_price"]
            market["instruments"][name] |= {"mark_price": mark, "measures": {"realized_24h": measure}}
            market["instruments"][name]["index_price"] = mark
        market["instruments"]["BTCUSDT"]["measures"]["depth_1pct"] = "9000000"
        (tmp_path / "market.json").write_text(json.dumps(market))
        given = [word for name in ("policy", "book", "collateral") for word in (f"--{name}", str(GIVEN[name]))]
        swept = json.loads(run("sweep", *given, "--market", tmp_path / "market.json", "--json").stdout)
        assert scenario["statuses"] == swept["statuses"]
        assert scenario["notional_at_risk"] == swept["notional_at_risk"]
        assert scenario["measure_moves"] == {"realized_24h": move}


def test_what_if__tells_what_stands_what_moves_and_what_is_new(run: Run) -> None:
    """1 BTC at 61,000 and 10 ETH at 2,450 are liquidated now; a fall of a tenth adds 40 SOL at 137.25."""
    document = answered(run, price="-10%,0")
    assert document["moved"] == {"instruments": ["BTCUSDT", "ETHUSDT", "SOLUSDT"], "assets": []}
    assert document["now"]["liquidated"] == {"positions": 2, "notional": "85500"}
    fallen, still = document["scenarios"]
    assert fallen["newly_liquidated"] == {"positions": 1, "notional": "5490"}
    assert {name: still[name] for name in document["now"]} == document["now"]
    assert (fallen["price_move"], document["rows_at_fault"]) == ("-0.1", 1)


def test_what_if__prints_a_row_for_each_move(run: Run) -> None:
    result = run(*options(price="-10%:+10%:3"))
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["-10%", "3", "0", "0", "3", "2", "1", "82440"] in lines
    assert ["now", "3", "1", "1", "1", "2", "0", "85500"] in lines
    assert "moved: 3 instruments; collateral assets: none; BTC stays at its price" in result.stdout
    assert "ROW_INVALID" in result.stderr
    moved = run(*options(price="0", instrument="BTC*", move_asset="*")).stdout
    assert "moved: 1 instrument; collateral assets: BTC\n" in moved


def test_what_if__prints_two_axes_as_tables(run: Run) -> None:
    """A column for each move of the measure; what is undetermined is shown where there is any."""
    printed = run(*options(price="-10%,0", measure="realized_24h=0%,100%")).stdout
    lines = [line.split() for line in printed.splitlines()]
    assert ["price", "realized_24h", "0%", "realized_24h", "+100%"] in lines
    assert ["0%", "85500", "91600"] in lines
    for title in ("positions liquidated (now 2)", "of these newly (now 0)", "notional liquidated (now 85500)"):
        assert title in printed
    assert "positions undetermined (now 2)" in printed


def test_what_if__takes_a_measure_alone(run: Run) -> None:
    document = answered(run, measure="realized_24h=0:1:2")
    assert [axis["name"] for axis in document["axes"]] == ["realized_24h"]
    assert liquidated(document) == [(2, "85500"), (3, "91600")]


def test_what_if__adds_up_the_parts_of_a_book(run: Run, tmp_path: Path) -> None:
    """Account by account, two rows at a time: what stands in the tables beside counts once."""
    header, *rows = (BOOK / "book.csv").read_text().splitlines()
    (tmp_path / "book.csv").write_text("\n".join([header, *sorted(rows)]))
    (tmp_path / "c.csv").write_text((BOOK / "collateral.csv").read_text() + "Z-99,,USDT,one\n")
    given = {"price": "-10%:10%:3", "book": tmp_path / "book.csv", "collateral": tmp_path / "c.csv"}
    whole = answered(run, **given)
    assert answered(run, **given, part_rows=2) == whole
    assert (whole["accounts"], whole["rows_at_fault"]) == (5, 2)
    assert (
        "positions undetermined" not in run(*options(price="0", measure="realized_24h=0", book=clean(tmp_path))).stdout
    )


def clean(path: Path) -> Path:
    """A book of one good row."""
    file = path / "clean.csv"
    file.write_text("\n".join((BOOK / "book.csv").read_text().splitlines()[:2]))
    return file


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({}, "nothing moves; give --price A:B:N, --measure NAME=A:B:N, or both"),
        ({"price": "-30%:30%"}, "'-30%:30%' is no range; wanted A:B:N such as"),
        ({"price": "0:1:-2"}, "'0:1:-2' is no range"),
        ({"price": "0:1:1"}, "has 1 moves; wanted 2 to 1000"),
        ({"price": "0:1:2000"}, "has 2000 moves; wanted 2 to 1000"),
        ({"price": "ten"}, "'ten' is no move: 'ten' is not a number"),
        ({"price": "1,000%,1e40"}, "'1e40' is no move"),
        ({"price": "-100%"}, "a price's move is above -100%"),
        ({"price": "-1.01"}, "'-1.01' leaves less than nothing"),
        ({"measure": "0,1"}, "'0,1' is no NAME=A:B:N"),
        ({"measure": "realised_24h=0,1"}, "has a measure realised_24h; did you mean realized_24h?"),
        ({"measure": "depth_1pct=0", "instrument": "E*"}, "nothing that moves has a measure depth_1pct"),
        ({"price": "0", "instrument": "XRP*"}, "--instrument XRP* matches nothing in the market; there is BTCUSDT"),
        ({"price": "0", "move_asset": "USDT"}, "--move-asset USDT matches nothing in the market; there is BTC"),
        ({"price": "0", "picture": "grid.gif"}, "--picture grid.gif ends in neither .png nor .svg"),
        ({"price": "0", "book": "-", "market": "-"}, "only one document can be read from stdin"),
    ],
)
def test_what_if__refuses_what_cannot_be_meant(run: Run, others: dict[str, object], told: str) -> None:
    """With what was found, what is wanted, and nothing swept."""
    result = run(*options(**others))
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_what_if__without_matplotlib_says_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run(*options(price="0", picture="grid.png"))
    assert result.exit_code == 2
    assert "pip install 'rules-engine[plots]'" in result.stderr


def texts_of(picture: Path) -> Iterator[str]:
    """What is written in a picture."""
    from xml.etree import ElementTree

    for element in ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text"):
        yield "".join(element.itertext())


def test_what_if__draws_lines_over_one_axis_and_a_heat_map_over_two(run: Run, tmp_path: Path) -> None:
    """Axes say what they show, in which unit; the same grid gives the same file."""
    pytest.importorskip("matplotlib")
    lines, heat, again = (tmp_path / name for name in ("lines.svg", "heat.svg", "again.svg"))
    assert f"wrote {lines}" in run(*options(price="-10%:10%:3", picture=lines)).stderr
    assert {"positions", "notional at the moved mark (USDT)", "move of price (%)"} < set(texts_of(lines))
    assert {"margin call", "liquidate", "bankrupt", "newly liquidated"} < set(texts_of(lines))
    for file in (heat, again):
        run(*options(price="-10%,0", measure="realized_24h=0,1", picture=file))
    assert {"move of price", "move of realized_24h", "-10%", "+100%", "3", "91.6k"} < set(texts_of(heat))
    assert heat.read_bytes() == again.read_bytes()
    run(*options(price="-10%,0", picture=tmp_path / "lines.png"))
    assert (tmp_path / "lines.png").read_bytes().startswith(b"\x89PNG")
    run(*options(price="-50%:50%:51", measure="realized_24h=0:1:10", picture=heat, book=clean(tmp_path)))
    assert "0\n0" not in set(texts_of(heat)), "more cells than numbers could be read in"
    failed = run(*options(price="0", picture=tmp_path / "none" / "x.png"))
    assert (failed.exit_code, "FILE_UNUSABLE" in failed.stderr) == (2, True)


def test_what_if__tells_of_progress_on_a_terminal_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, written over, and gone at the end."""
    from rules_engine.cli import what_if

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert "markets" not in run(*options(price="0,0.1")).stderr
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert list(what_if.watched(iter("ab"), 2)) == ["a", "b"]
    assert terminal.getvalue() == "\r\x1b[K1 of 2 markets\r\x1b[K"
