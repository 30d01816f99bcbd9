from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


def cells(line: str) -> list[str]:
    return line.split()


def test_show__tiers_carry_their_derived_deductions(run: Run, policy: Path) -> None:
    """deduction_t = deduction_(t-1) + floor_t * (rate_t - rate_(t-1)): 0, 50000 * 0.001, 50 + 250000 * 0.02."""
    lines = [cells(line) for line in run("show", policy).stdout.splitlines()]
    tiers = [line for line in lines if f"{policy}:10" in line or f"{policy}:11" in line or f"{policy}:12" in line]
    assert [line[:7] for line in tiers] == [
        ["1", "0", "50000", "0.004", "125", "0.008", "0"],
        ["2", "50000", "250000", "0.005", "75", "1/75", "50"],
        ["3", "250000", "unlimited", "0.025", "20", "0.05", "5050"],
    ]


def test_show__a_value_names_the_file_and_line_it_comes_from(run: Run, policy: Path) -> None:
    """The parent's margin call is shown with the parent's line, the child's buffer with the child's."""
    lines = [cells(line) for line in run("show", policy).stdout.splitlines()]
    parent = policy.parent.parent / "house-base" / "1.0.0.yaml"
    assert ["liquidation.margin_call", "1.25", f"{parent}:12"] in lines
    assert ["buffers.volatility.measure", "realized_24h", f"{policy}:16"] in lines


def test_show__a_value_that_no_text_states_is_marked_as_default(run: Run, policy: Path) -> None:
    """restore_to is not in the text; it defaults to margin_call."""
    lines = [cells(line) for line in run("show", policy).stdout.splitlines()]
    assert ["liquidation.restore_to", "1.25", "default"] in lines


def test_show__an_instrument_names_every_file_that_speaks_of_it(run: Run, policy: Path) -> None:
    """OLDUSDT is the parent's, but for the tick that the child adds."""
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text + "  OLDUSDT: {price_tick: 0.5}\n", encoding="utf-8")
    (line,) = [line for line in run("show", policy).stdout.splitlines() if line.startswith("OLDUSDT")]
    assert f"{policy}:23" in line
    assert f"{policy.parent.parent / 'house-base' / '1.0.0.yaml'}:9" in line


def test_show__json_gives_document_sources_and_tables(run: Run, policy: Path) -> None:
    """For programs: the resolved document with numbers as text, the digest, tables with deductions."""
    document = json.loads(run("show", policy, "--json").stdout)
    assert document["policy"]["name"] == "usdt-perpetuals"
    assert document["policy"]["digest"].startswith("sha256:")
    assert document["document"]["liquidation"]["margin_call"] == "1.25"
    assert [tier["deduction"] for tier in document["tables"]["majors"]["tiers"]] == ["0", "50", "5050"]
    assert document["sources"]["buffers.volatility.kind"] == f"{policy}:15"


@pytest.mark.parametrize(("name", "pattern"), [("BTCUSDT", "BTCUSDT"), ("ETHUSDT", "*USDT"), ("OLDUSDT", "OLDUSDT")])
def test_show__an_instrument_resolves_to_its_own_rule_before_a_glob(
    run: Run, policy: Path, name: str, pattern: str
) -> None:
    """The exact name wins over the glob that matches it too."""
    assert json.loads(run("show", policy, "--instrument", name, "--json").stdout)["rule"] == pattern


def test_show__an_instrument_is_shown_with_its_table_only(run: Run, policy: Path) -> None:
    """OLDUSDT uses the parent's table, so the child's is not printed."""
    output = run("show", policy, "--instrument", "OLDUSDT").stdout
    assert "parents" in output
    assert "majors" not in output


def test_show__an_instrument_that_is_not_covered_exits_with_1(run: Run, policy: Path) -> None:
    """No rule matches BTCUSD."""
    result = run("show", policy, "--instrument", "BTCUSD")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "BTCUSD" in result.stderr
    result = run("show", policy, "--instrument", "BTCUSD", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, {"instrument": "BTCUSD", "rule": None})


def test_show__a_policy_with_problems_exits_with_2_and_prints_them_on_stderr(run: Run, policy: Path) -> None:
    """What cannot be used cannot be shown."""
    policy.write_text(policy.read_text(encoding="utf-8").replace("table: majors}", "table: minors}"), encoding="utf-8")
    result = run("show", policy)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{policy}:22:" in result.stderr
    assert "TABLE_UNKNOWN" in result.stderr


def test_show__a_missing_file_exits_with_2(run: Run, policy: Path) -> None:
    """The message names the file."""
    result = run("show", policy.with_name("none.yaml"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "none.yaml" in result.stderr


def test_show__list_names_packaged_policies_and_those_of_a_folder(run: Run, policy: Path) -> None:
    """A line for each, as `--policy` takes them; a list for programs."""
    result = run("show", "--list", "--policies", policy.parents[1])
    names = result.stdout.splitlines()
    assert result.exit_code == 0
    assert {"house-base@1.0.0", "usdt-perpetuals@1.2.0", "binance-usdm-usdt@1.0.0"} <= set(names)
    assert json.loads(run("show", "--list", "--json", "--policies", policy.parents[1]).stdout) == names


def test_show__without_a_policy_is_a_usage_error(run: Run) -> None:
    """And says how to learn the names."""
    result = run("show")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--list" in result.stderr


def test_show__width_of_a_file_is_not_that_of_a_terminal(
    run: Run, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COLUMNS speaks of the terminal from which a command is started; its output goes elsewhere."""
    plain = run("show", policy).stdout
    monkeypatch.setenv("COLUMNS", "40")
    assert run("show", policy).stdout == plain


def test_show__a_packaged_policy_is_called_by_its_name_and_version(run: Run) -> None:
    """Nobody needs to know where Python keeps its packages."""
    assert "binance-usdm-btc@1.0.0:10" in run("show", "binance-usdm-btc@1.0.0").stdout.split()
