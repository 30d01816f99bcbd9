from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]


def tier(number: int, floor: int, up_to: int, rate: float, leverage: int, deduction: int) -> dict[str, Any]:
    """One tier in the shape of ccxt's fetch_leverage_tiers."""
    info = {"notionalFloor": floor, "notionalCap": up_to, "cum": deduction}
    return {
        "tier": number,
        "symbol": "BTC/USDT:USDT",
        "currency": "USDT",
        "minNotional": floor,
        "maxNotional": up_to,
        "maintenanceMarginRate": rate,
        "maxLeverage": leverage,
        "info": {"bracket": number, "initialLeverage": leverage, "maintMarginRatio": rate, **info},
    }


def published(deduction: int = 300) -> bytes:
    """Binance's first two tiers of BTCUSDT: 300000 * (0.005 - 0.004) = 300."""
    tiers = [tier(1, 0, 300000, 0.004, 150, 0), tier(2, 300000, 800000, 0.005, 100, deduction)]
    return json.dumps({"BTC/USDT:USDT": tiers}).encode()


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """`import tiers` of a published file into an empty folder."""
    (tmp_path / "tiers.json").write_bytes(published())
    return ["import", "tiers", "--from", "ccxt", str(tmp_path / "tiers.json"), "--out", str(tmp_path / "out")]


def written(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.yaml"))


def test_import_tiers__writes_a_policy_per_currency(run: Run, arguments: list[str], tmp_path: Path) -> None:
    """One market settled in USDT is one policy; every deduction agrees, so 0."""
    result = run(*arguments)
    assert (result.exit_code, written(tmp_path)) == (0, ["binance-usdm-usdt/1.0.0.yaml"])
    assert "BTCUSDT" in (tmp_path / "out" / "binance-usdm-usdt" / "1.0.0.yaml").read_text(encoding="utf-8")


def test_import_tiers__name_and_version_are_those_asked_for(run: Run, arguments: list[str], tmp_path: Path) -> None:
    """Name and version become folder and file."""
    run(*arguments, "--name", "venue", "--version", "2.1.0")
    assert written(tmp_path) == ["venue-usdt/2.1.0.yaml"]


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_import_tiers__reads_compressed_files(
    run: Run, arguments: list[str], tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    """The suffix says how a file is compressed."""
    path = tmp_path / f"tiers.json{suffix}"
    path.write_bytes(compress(published()))
    assert run(*[str(path) if argument.endswith(".json") else argument for argument in arguments]).exit_code == 0


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_import_tiers__a_broken_archive_exits_with_2(
    run: Run, arguments: list[str], tmp_path: Path, suffix: str
) -> None:
    """Bytes that are no archive are a message, not a traceback."""
    path = tmp_path / f"tiers.json{suffix}"
    path.write_bytes(published())
    result = run(*[str(path) if argument.endswith(".json") else argument for argument in arguments])
    assert result.exit_code == 2
    assert "INPUT_COMPRESSION" in result.stderr


def test_import_tiers__never_overwrites_without_force(run: Run, arguments: list[str], tmp_path: Path) -> None:
    """The second run writes nothing and exits with 2."""
    run(*arguments)
    target = tmp_path / "out" / "binance-usdm-usdt" / "1.0.0.yaml"
    target.write_text("mine", encoding="utf-8")
    result = run(*arguments)
    assert (result.exit_code, target.read_text(encoding="utf-8")) == (2, "mine")
    assert "--force" in result.stderr


def test_import_tiers__force_overwrites(run: Run, arguments: list[str], tmp_path: Path) -> None:
    """With --force the file is written anew and nothing else is left beside it."""
    run(*arguments)
    target = tmp_path / "out" / "binance-usdm-usdt" / "1.0.0.yaml"
    text = target.read_text(encoding="utf-8")
    target.write_text("mine", encoding="utf-8")
    assert run(*arguments, "--force").exit_code == 0
    assert target.read_text(encoding="utf-8") == text
    assert [path.name for path in target.parent.iterdir()] == ["1.0.0.yaml"]


def test_import_tiers__a_deduction_that_differs_exits_with_1(run: Run, arguments: list[str], tmp_path: Path) -> None:
    """Published 301 where 300 follows from floors and rates."""
    (tmp_path / "tiers.json").write_bytes(published(deduction=301))
    result = run(*arguments, "--json")
    (difference,) = json.loads(result.stdout)["differences"]
    assert result.exit_code == 1
    assert (difference["derived"], difference["published"]) == ("300", "301")


def test_import_tiers__a_person_sees_counts_and_differences(run: Run, arguments: list[str], tmp_path: Path) -> None:
    """The summary table names the policy; the difference stands in a table of its own."""
    (tmp_path / "tiers.json").write_bytes(published(deduction=301))
    output = run(*arguments).stdout
    assert "binance-usdm-usdt/1.0.0.yaml" in output
    assert "1 of 2 published deductions equal the derived ones" in output
    assert "301" in output


def test_import_tiers__text_that_is_no_json_exits_with_2(run: Run, arguments: list[str], tmp_path: Path) -> None:
    """Nothing is written."""
    (tmp_path / "tiers.json").write_bytes(b"not json")
    result = run(*arguments)
    assert (result.exit_code, result.stdout, written(tmp_path)) == (2, "", [])


def test_import_tiers__a_file_of_something_else_exits_with_2_and_says_so(
    run: Run, arguments: list[str], tmp_path: Path
) -> None:
    """An account is no list of tiers: a sentence, not a refusal of each of its members."""
    (tmp_path / "tiers.json").write_text('{"account": "A", "positions": [{"id": "p1"}]}')
    result = run(*arguments)
    assert (result.exit_code, result.stdout, written(tmp_path)) == (2, "", [])
    (line,) = result.stderr.splitlines()
    assert "TIERS_NONE this is no file of leverage tiers" in line
