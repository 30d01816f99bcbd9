"""`rules-engine impact` on files: tables, JSON, CSV and one page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from fractions import Fraction as F
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rules_engine.cli import output
from rules_engine.cli.impact import impact
from rules_engine.life.impact.impact import impact_of
from rules_engine.life.impact.impact_pools import RATIO_BINS
from rules_engine.report.impact import MARGINS
from tests.engine.books import MARKET, ROOT
from tests.life.impacts import AFTER, BEFORE, TIGHTER, candidate_text, some_book, some_rows

Run = Callable[..., Result]
POLICY = ROOT / "policies" / "usdt-perpetuals" / "1.2.0.yaml"
HOSTILE = "<script>alert('&')</script>"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command on a book of sixty accounts, two rows of which are odd; other options beside these."""
    rows, collateral = some_rows(60)
    for each in (*rows, *collateral):
        each["account"] = HOSTILE if each["account"] == "A3" else each["account"]
    written(tmp_path / "book.csv", sorted(rows, key=lambda each: each["account"]))
    written(tmp_path / "collateral.csv", collateral)
    (tmp_path / "market.json").write_text(MARKET)
    (tmp_path / "candidate.yaml").write_text(candidate_text(TIGHTER))
    given = {name: str(tmp_path / file) for name, file in (("book", "book.csv"), ("collateral", "collateral.csv"))}

    def command(*words: object, before: object = POLICY, **options: object) -> Result:
        named = given | {"market": str(tmp_path / "market.json"), "policies": str(ROOT / "policies")} | options
        spelled = [part for name, value in named.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        arguments = [str(before), str(tmp_path / "candidate.yaml"), *map(str, words), *spelled]
        names = ["-h", "--help"]  # a command remembers how the first who calls it names help
        return CliRunner().invoke(impact, arguments, catch_exceptions=False, help_option_names=names)

    return command


def written(file: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as CSV; what a row does not have is empty."""
    columns = list(dict.fromkeys(key for each in rows for key in each))
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_json__says_what_the_library_says(run: Run) -> None:
    """Statuses of transitions, and the share by which guards go; one row is at fault, so the exit code is 1."""
    result = run("--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    found = impact_of(BEFORE, AFTER, some_book(60), MARKET)
    assert document["before"]["digest"] == BEFORE.policy.digest
    assert document["after"]["version"] == "1.3.0"
    assert F(document["newly_liquidatable_share"]) == found.newly_liquidatable_share.value > 0
    parts = document["newly_liquidatable_notional"]
    assert F(parts["numerator"]) / F(parts["denominator"]) == found.newly_liquidatable_share.value
    assert sum(each["positions"] for each in document["transitions"]) == document["positions"] == found.positions
    assert sum(each["accounts"] for each in document["transitions"]) == document["accounts"] == 60
    assert [each["before"] for each in document["margin_ratios"]] == list(found.ratios.before)
    assert document["newly_liquidated"]["positions"] == found.newly_liquidated.positions
    assert set(document["modes"]) == {"isolated", "cross", "hybrid", "nothing"}
    assert document["distances"] is None


@pytest.mark.parametrize("options", [{"part_rows": 20}, {"part_rows": 1, "workers": 2}])
def test_parts__add_up_to_the_whole(run: Run, options: dict[str, int]) -> None:
    """Twenty rows at a time, or an account at a time on two workers."""
    assert alike(json.loads(run("--json", **options).stdout), json.loads(run("--json").stdout))


def alike(one: Any, other: Any) -> bool:
    """Whether documents are the same but for the cents of margins: sums of doubles depend on their order."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            alike(one[key], other[key]) or (key in MARGINS and abs(F(one[key]) - F(other[key])) <= F("0.01"))
            for key in one
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


def test_directory__of_parts_is_one_book(run: Run, tmp_path: Path) -> None:
    """Half of the accounts in each file, and one table of collateral beside them."""
    header, *rows = (tmp_path / "book.csv").read_text().splitlines()
    (tmp_path / "parts").mkdir()
    accounts = sorted({row.partition(",")[0] for row in rows})
    for at in (0, 1):
        mine = [row for row in rows if accounts.index(row.partition(",")[0]) % 2 == at]
        (tmp_path / "parts" / f"{at}.csv").write_text("\n".join([header, *mine]))
    assert alike(json.loads(run("--json", book=tmp_path / "parts").stdout), json.loads(run("--json").stdout))


def test_tables__tell_who_is_concerned(run: Run) -> None:
    result = run("--prices")
    titles = ("in short", "positions, before (down) and after", "accounts, by their worst pool", "instruments", "tiers")
    for title in (*titles, "largest accounts", "pools by maintenance margin", "positions by the move of the mark"):
        assert title in " ".join(result.stdout.split()), title
    assert "of the notional is newly to be liquidated" in result.stdout
    assert "ROW_INVALID" in result.stderr


def test_csv__holds_the_same_tables(run: Run, tmp_path: Path) -> None:
    document = json.loads(run("--json", csv=tmp_path / "tables").stdout)
    tables = {file.stem: list(csv.DictReader(file.open())) for file in (tmp_path / "tables").iterdir()}
    assert set(tables) == {"transitions", "instruments", "tiers", "accounts", "distances"}
    assert [row["notional"] for row in tables["transitions"]] == [row["notional"] for row in document["transitions"]]
    assert [row["instrument"] for row in tables["instruments"]] == list(document["instruments"])
    assert len(tables["tiers"]) == len(document["tiers"])
    assert [row["account"] for row in tables["accounts"]] == [row["account"] for row in document["largest_accounts"]]
    assert [row["bin"] for row in tables["distances"]] == list(RATIO_BINS)


class Page(HTMLParser):
    """What a page holds: its tags, what its attributes say, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "br", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect",):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_page__stands_alone_and_escapes_what_it_is_told(run: Run, tmp_path: Path) -> None:
    """Every tag is closed; no script, no link, no image, nothing to be fetched; a hostile name is text."""
    result = run("--prices", html=tmp_path / "impact.html", largest=60)
    assert f"wrote {tmp_path / 'impact.html'}" in result.stderr
    text = (tmp_path / "impact.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "a", "base", "form"} & set(page.tags)
    assert not {name for name, _ in page.attributes} & {"src", "href", "xlink:href", "onload", "data", "action"}
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in text
    assert "@import" not in text
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    assert HOSTILE in page.texts
    assert page.tags.count("svg") == 3
    assert page.tags.count("table") == 7
    assert "usdt-perpetuals 1.3.0" in " ".join(page.texts)


def test_command__refuses_what_cannot_be_compared(run: Run, tmp_path: Path) -> None:
    result = run(before="binance-usdm-usdc@1.0.0")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "A is settled in USDC and B in USDT; a book is in one currency" in result.stderr


def test_progress__is_told_on_a_terminal_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, written over."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert "sweep 1" not in run("--json").stderr
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    output.progress("sweep 1 of 2")
    assert terminal.getvalue() == "\r\x1b[Ksweep 1 of 2"


def test_impact__page_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    """By the name that was asked for, not by that of the half page beside it."""
    page = tmp_path / "none" / "impact.html"
    with pytest.raises(FileNotFoundError) as caught:
        run(html=page)
    assert caught.value.filename == str(page)
