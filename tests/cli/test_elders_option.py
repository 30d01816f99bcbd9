"""`diff` and `impact` of a version for all positions after one for new ones alone: older positions change hands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]

TEXT = """\
schema: rules-engine/policy/1
policy: line
version: {version}
{header}
settlement: {{currency: USDT, quantum: 0.01}}
modes: {{isolated: {{}}}}
tables: {{t: {{tiers: [{{up_to: unlimited, maintenance_rate: {rate}, initial_rate: 0.1}}]}}}}
instruments: {{BTC: {{payoff: linear, table: t}}}}
"""
LINE = {
    "1.0.0": ("0.01", "applies_to: all_positions"),
    "2.0.0": ("0.03", "effective_from: 2026-03-01T00:00:00Z\napplies_to: new_positions"),
    "3.0.0": ("0.03", "effective_from: 2026-05-01T00:00:00Z"),
}


@pytest.fixture
def ask(tmp_path: Path, run: Run) -> Callable[..., Any]:
    """A command under a folder of the three versions; what it prints as JSON."""
    folder = tmp_path / "policies" / "line"
    folder.mkdir(parents=True)
    for version, (rate, header) in LINE.items():
        (folder / f"{version}.yaml").write_text(TEXT.format(version=version, rate=rate, header=header))
    book = "account,id,instrument,mode,quantity,entry_price,margin,opened_at\n"
    for account, opened in (("old", "2026-02-01T00:00:00Z"), ("new", "2026-04-01T00:00:00Z")):
        book += f"{account},p,BTC,isolated,10,100,20,{opened}\n"
    (tmp_path / "book.csv").write_text(book)
    as_of = "2026-05-02T00:00:00Z"
    market = {"as_of": as_of, "instruments": {"BTC": {"mark_price": "100", "time": as_of}}}
    (tmp_path / "market.json").write_text(json.dumps(market))

    def asked(verb: str, *options: str) -> Any:
        policies = ("--policies", str(tmp_path / "policies"))
        result = run(verb, "line@2.0.0", "line@3.0.0", *options, *policies, "--json")
        assert result.exit_code in (0, 1), result.stderr
        return json.loads(result.stdout)

    return asked


def test_diff__says_that_older_positions_keep_more(ask: Callable[..., Any]) -> None:
    """From 1 % under 1.0.0 to 3 %, though the two versions have the same rates."""
    assert {each["direction"] for each in ask("diff")["changes"]} >= {"tightened"}


def test_impact__liquidates_the_older_position(ask: Callable[..., Any], tmp_path: Path) -> None:
    """Notional 1,000 with 20 behind it: 10 was enough under 1.0.0, and 30 are wanted; the newer one had to have 30."""
    found = ask("impact", "--book", str(tmp_path / "book.csv"), "--market", str(tmp_path / "market.json"))
    moves = {(each["before"], each["after"]): each["positions"] for each in found["transitions"] if each["positions"]}
    assert moves == {("healthy", "liquidate"): 1, ("liquidate", "liquidate"): 1}
    assert found["newly_liquidated"]["positions"] == 1
