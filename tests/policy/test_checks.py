"""The laws of a policy: each one broken alone is found, under its code and at its place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.policy.policy_examples import EXAMPLE, changed, check, place, said

TIER_1 = "{up_to: 50000, maintenance_rate: 0.004, max_leverage: 125}"
TIER_2 = "{up_to: 250000, maintenance_rate: 0.005, max_leverage: 75}"
TIER_3 = "{up_to: unlimited, maintenance_rate: 0.025, max_leverage: 20}"
FEE = "{rate: 0.0005, counts_in: [trigger]}"
BANDS = "[{from: 0, multiply: 1}, {from: 0.8, multiply: 1.25}]"
EXPIRY = "\n  expiry: {kind: expiry, bands: [{from: 0d, multiply: 1}, {from: 1d, multiply: 1}]}"

# What to replace, by what, the code, and the piece of the new text that the problem points at.
LAWS = [
    ("250000", "50000", "TIER_FLOORS", "50000, maintenance_rate: 0.005"),
    ("250000", "unlimited", "TIER_FLOORS", "unlimited, maintenance_rate: 0.005"),
    ("0.005, max_leverage: 75", "0.0039, max_leverage: 75", "TIER_RATE_FALLS", "0.0039"),
    ("max_leverage: 75", "max_leverage: 126", "TIER_LEVERAGE_RISES", "126"),
    ("max_leverage: 75", "initial_rate: 0.0079", "TIER_LEVERAGE_RISES", "0.0079"),
    ("max_leverage: 75", "max_leverage: 75, initial_rate: 0.02", "TIER_BOTH_RATES", "0.02"),
    (", max_leverage: 75", "", "TIER_NO_RATE", "{up_to: 250000"),
    (", max_leverage: 125", "", "TIER_NO_RATE", "{up_to: 50000"),
    ("multiply: 1.25", "multiply: 40", "RATE_NOT_BELOW_ONE", "[volatility], contract_size"),
    ("multiply: 1.25", "add_rate: -0.0041", "RATE_BELOW_ZERO", "[volatility], contract_size"),
    ("table: majors}", "table: minors}", "TABLE_UNKNOWN", "minors"),
    ("buffers: [volatility]", "buffers: [volatile]", "BUFFER_UNKNOWN", "volatile]"),
    ("0.025", "1", "RATE_NOT_BELOW_ONE", "1, max_leverage: 20"),
    ("max_leverage: 20", "initial_rate: 1.01", "INITIAL_RATE_ABOVE_ONE", "{up_to: unlimited"),
    ("haircut: 0.05", "haircut: 1.01", "HAIRCUT_RANGE", "1.01"),
    ("haircut: 0.05", "haircut: -0.01", "HAIRCUT_RANGE", "-0.01"),
    ("kind: volatility", "kind: weather", "BUFFER_KIND_UNKNOWN", "weather"),
    ("isolated: {}", "isolation: {}", "MODE_UNKNOWN", "isolation"),
    ("payoff: linear, table: majors}", "payoff: square, table: majors}", "PAYOFF_UNKNOWN", "square"),
    ("plan: smallest", "plan: largest", "PLAN_UNKNOWN", "largest"),
    ("measure: realized_24h\n    ", "", "PARAMETER_MISSING", "kind: volatility"),
    ("shared_draw_cap", "draw_cap: 1, shared_draw_cap", "PARAMETER_UNKNOWN", "draw_cap"),
    ("from: 0,", "from: 0.1,", "BUFFER_BANDS", "0.1,"),
    ("from: 0.8", "from: 0", "BUFFER_BANDS", "0, multiply: 1.25"),
    (", multiply: 1.25", "", "BUFFER_BANDS", "{from: 0.8"),
    (BANDS, BANDS + EXPIRY.replace("0d", "1h"), "BUFFER_BANDS", "1h"),
    (BANDS, BANDS + EXPIRY.replace("1d", "0h"), "BUFFER_BANDS", "0h"),
    ("2026-12-01T08:00:00Z", "2026-12-01T08:00:00", "TIME_WITHOUT_ZONE", "2026-12-01T08:00:00"),
    ("settlement", "effective_until: 2026-12-01T08:00:00Z\nsettlement", "EFFECTIVE_ORDER", "2026-12-01T08:00:00Z\nset"),
    ("contract_size: 1", "expires_at: 2026-12-25T08:00:00", "TIME_WITHOUT_ZONE", "2026-12-25"),
    ("BTC: {haircut: 0.05", "USDT: {haircut: 0.05", "SETTLEMENT_HAIRCUT", "0.05"),
    ("margin_call: 1.25", "margin_call: 0.99", "MARGIN_CALL_BELOW_ONE", "0.99"),
    ("restore_to: 1.5", "restore_to: 1", "RESTORE_BELOW_ONE", "1\n  closing_fee"),
    ("10s", "400000d", "DURATION", "400000d"),
    ("bands: " + BANDS, "curve: {reference: null, slope: 1, cap: 2}", "PARAMETER_VALUE", "null"),
    ("policy: example", "policy: [example]", "SCHEMA_TYPE", "[example]"),
    ("version: 1.0.0", "version: {major: 1}", "SCHEMA_TYPE", "{major"),
]


@pytest.mark.parametrize(("old", "new", "code", "piece"), LAWS)
def test_check__a_broken_law_is_an_error_at_its_place(old: str, new: str, code: str, piece: str) -> None:
    text = changed((old, new))
    compiled, problems = check(text)
    errors = [(problem.code, str(problem.mark)) for problem in problems if problem.severity == "error"]
    assert (code, f"policy.yaml:{place(text, piece)}") in errors
    assert {found for found, _ in errors} == {code}
    assert compiled is None


def test_check__an_example_that_breaks_no_law_says_nothing() -> None:
    assert said(EXAMPLE) == []


def test_check__all_problems_are_said_at_once_in_the_order_of_the_text() -> None:
    text = changed(("75", "126"), ("kind: volatility", "kind: weather"), ("plan: smallest", "plan: largest"))
    assert [line.split()[0] for line in said(text)] == ["TIER_LEVERAGE_RISES", "BUFFER_KIND_UNKNOWN", "PLAN_UNKNOWN"]


def test_check__parts_are_judged_beside_others_whose_shape_is_wrong() -> None:
    text = changed(("unit: notional", "unit: bananas"), ("margin_call: 1.25", "margin_call: 0.5"))
    codes = [line.split()[0] for line in said(text)]
    assert len(codes) == 2
    assert codes[-1] == "MARGIN_CALL_BELOW_ONE"


def test_check__an_instrument_that_is_no_mapping_hides_no_others() -> None:
    text = changed(("  BTCUSDT:", "  ETHUSDT: 7\n  BTCUSDT:"), ("table: majors}", "table: minors}"))
    assert [line.split()[0] for line in said(text)] == ["SCHEMA_TYPE", "TABLE_UNKNOWN"]


@pytest.mark.parametrize(
    "part", ["tables", "buffers", "modes", "collateral", "instruments", "liquidation", "settlement"]
)
def test_check__a_section_of_the_wrong_shape_is_one_problem_of_shape(part: str) -> None:
    start = EXAMPLE.index(f"\n{part}:") + 1
    text = EXAMPLE.replace("10s}", "400000d}")[:start] + f"{part}: 7\n" + "market_data: {stale_after: 400000d}\n"
    codes = [line.split()[0] for line in said(text)]
    assert "DURATION" in codes
    assert any(code.startswith("SCHEMA") for code in codes)


def test_check__unreadable_text_is_said_alone() -> None:
    assert [line.split()[0] for line in said("a: 1\na: 2\nplan: largest\n")] == ["YAML_DUPLICATE_KEY"]


def test_hint__names_the_nearest() -> None:
    _, problems = check(changed(("table: majors}", "table: major}")))
    assert problems[0].hint == "did you mean majors?"


def test_hint__lists_what_there_is_where_nothing_is_near() -> None:
    _, problems = check(changed(("table: majors}", "table: zzz}")))
    assert problems[0].hint == "there is majors"


def test_hint__says_so_where_there_is_nothing() -> None:
    _, problems = check(changed(("isolated: {}", "isolated: {cap: 1}")))
    assert (problems[0].code, problems[0].hint) == ("PARAMETER_UNKNOWN", "there are none")


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        ("*USDT", "BTC*", "BTCUSDT"),
        ("*", "*USDT", "USDT"),
        ("A?C", "AB?", "ABC"),
        ("A*B*C", "*B?C", "ABBC"),
        ("?", "*", "X"),
        ("*", "**", "X"),
    ],
)
def test_patterns__two_that_match_one_name_collide(one: str, other: str, name: str) -> None:
    text = changed(
        ('"*USDT"', f'"{one}"'), ("liquidation:", f'  "{other}": {{payoff: linear, table: majors}}\nliquidation:')
    )
    _, problems = check(text)
    assert [problem.code for problem in problems] == ["PATTERN_COLLISION"]
    assert problems[0].message == f"{other} and {one} both match {name}"
    assert f"policy.yaml:{place(text, f'{chr(34)}{other}{chr(34)}')}" == str(problems[0].mark)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("*USDT", "*USDC"),
        ("BTC*", "ETH*"),
        ("A?", "A"),
        ("A?C", "A?D"),
        ("A*B?", "A*B"),
        ("??", "???"),
        ("a*b*c", "a*d?c"),
    ],
)
def test_patterns__two_that_share_no_name_do_not_collide(one: str, other: str) -> None:
    line = f'  "{other}": {{payoff: linear, table: majors}}\nliquidation:'
    expected = ["PATTERN_COLLISION"] if one == "A*B?" or one == "a*b*c" else []
    assert [code.split()[0] for code in said(changed(('"*USDT"', f'"{one}"'), ("liquidation:", line)))] == expected


def test_patterns__too_many_alike_to_tell_apart() -> None:
    globs = [f"*{'a*' * 60}{letter}*" for letter in "bcdefghijklm"]
    lines = "".join(f'  "{glob}": {{payoff: linear, table: majors}}\n' for glob in globs)
    codes = [line.split()[0] for line in said(changed(("liquidation:", lines + "liquidation:")))]
    assert codes.count("PATTERNS_TOO_MANY") == 1


def test_initial_margin__equal_to_maintenance_is_an_error_at_the_tier() -> None:
    text = changed((FEE, "{rate: 0}"), ("max_leverage: 125", "initial_rate: 0.004"))
    _, problems = check(text)
    assert [problem.code for problem in problems] == ["INITIAL_NOT_ABOVE_MAINTENANCE"]
    assert f"policy.yaml:{place(text, '{up_to: 50000')}" == str(problems[0].mark)
    assert "initial margin 0.004, maintenance and fee 0.004" in problems[0].message


@pytest.mark.parametrize(
    ("fee", "codes"),
    [
        ("{rate: 0.0039, counts_in: [trigger]}", []),
        ("{rate: 0.004, counts_in: [trigger]}", ["INITIAL_NOT_ABOVE_MAINTENANCE"]),
        ("{rate: 0.004, counts_in: [maintenance]}", ["INITIAL_NOT_ABOVE_MAINTENANCE"]),
        ("{rate: 0.002, counts_in: [maintenance, trigger]}", ["INITIAL_NOT_ABOVE_MAINTENANCE"]),
        ("{rate: 0.004, counts_in: [initial, trigger]}", []),
        # Closing is paid for whether or not a decision counts it.
        ("{rate: 0.0039, counts_in: []}", []),
        ("{rate: 0.004, counts_in: []}", ["INITIAL_NOT_ABOVE_MAINTENANCE"]),
        # At bankruptcy a short at 125 is worth 1.008 of its entry: 0.004 / 1.008 = 0.003968... is the limit.
        ("{rate: 0.00396, counts_in: [trigger], valued_at: bankruptcy}", []),
        ("{rate: 0.00397, counts_in: [trigger], valued_at: bankruptcy}", ["INITIAL_NOT_ABOVE_MAINTENANCE"]),
        # So is one that stands on its own 0.008, and 0.01 * 1.008 for the fee, at 1.01808: that leaves
        # 0.004 - 0.01 * (1.01808 - 1.008). At a fee of 0.5 it stands on 0.512, and its line on 0.004 + 0.5 * 1.512.
        ("{rate: 0.01, counts_in: [initial, trigger], valued_at: bankruptcy}", []),
        (
            "{rate: 0.5, counts_in: [initial, trigger], valued_at: bankruptcy}",
            ["CLOSING_FEE_ABOVE_MAINTENANCE", "INITIAL_NOT_ABOVE_MAINTENANCE"],
        ),
    ],
)
def test_initial_margin__must_exceed_maintenance_and_the_closing_fee(fee: str, codes: list[str]) -> None:
    found = [line.split()[0] for line in said(changed((FEE, fee), ("restore_to: 1.5", "restore_to: 999")))]
    assert sorted(found) == codes


def test_initial_margin__a_deduction_may_save_a_tier_until_a_size() -> None:
    # Tier 3 takes n / 39 against 0.025 n - 5050, and 0.001 n for the fee:
    # no room from n = 5050 / (0.026 - 1/39) = 14,083,571.4 on.
    text = changed(("max_leverage: 20", "max_leverage: 39"), ("0.0005", "0.001"))
    at_large = [problem.message for problem in check(text)[1]]
    assert "a position of 14083" not in "".join(at_large)
    assert "in tier 3 of table majors" in at_large[0]


@pytest.mark.parametrize(("cap", "codes"), [("1000000", []), ("9000000", ["INITIAL_NOT_ABOVE_MAINTENANCE"])])
def test_initial_margin__is_judged_up_to_the_cap(cap: str, codes: list[str]) -> None:
    # n / 40 against 0.025 n - 5050 + 0.001 n: no room from n = 5,050,000 on.
    text = changed(("unlimited", cap), ("max_leverage: 20", "max_leverage: 40"), ("0.0005", "0.001"))
    assert [line.split()[0] for line in said(text)] == codes


def test_initial_margin__says_at_which_size_room_ends() -> None:
    text = changed(("unlimited", "9000000"), ("max_leverage: 20", "max_leverage: 40"), ("0.0005", "0.001"))
    _, problems = check(text)
    assert "in tier 3 of table majors a position of 5050000 notional" in problems[0].message


def test_initial_margin__under_buffers_is_an_error_at_the_instrument() -> None:
    # Only maintenance rises: 0.004 * 2 + 0.0005 exceeds 1 / 125.
    text = changed(("bands: " + BANDS, "requirements: [maintenance]\n    bands: " + BANDS.replace("1.25", "2")))
    _, problems = check(text)
    assert [problem.code for problem in problems] == ["INITIAL_NOT_ABOVE_MAINTENANCE"]
    assert f"policy.yaml:{place(text, '[volatility], contract_size')}" == str(problems[0].mark)


def test_initial_margin__a_buffer_of_initial_margin_alone_can_only_help() -> None:
    text = changed(("bands: " + BANDS, "requirements: [initial]\n    bands: " + BANDS.replace("1.25", "0.1")))
    assert said(text) == []


def test_initial_margin__a_buffer_that_lowers_both_keeps_room_by_the_leverage_limit() -> None:
    # Adjusted rates alone would leave 0.0004 against 0.0002 + 0.0005; the limit of leverage still asks for 0.008.
    assert said(changed(("multiply: 1.25", "multiply: 0.05"))) == []


def test_unused_table__is_judged_all_the_same() -> None:
    spare = TIER_1.replace("max_leverage: 125", "initial_rate: 0.004")
    text = changed(("tables:\n", f"tables:\n  spare: {{tiers: [{spare}]}}\n"))
    assert [line.split()[0] for line in said(text)] == ["UNUSED", "INITIAL_NOT_ABOVE_MAINTENANCE"]


def test_table__that_fails_is_reported_once_however_many_instruments_use_it() -> None:
    text = changed(("max_leverage: 125", "initial_rate: 0.004"), ("multiply: 1.25", "multiply: 1"))
    assert [line.split()[0] for line in said(text)] == ["INITIAL_NOT_ABOVE_MAINTENANCE"]


def test_margin_room__at_exactly_the_fee_is_decided_exactly() -> None:
    # 1/75 - 0.005 = 0.008333...: a fee of 0.0083333333 leaves room in tier 2,
    # and one of 0.0083333334 none at large sizes.
    tiers = changed(
        (TIER_1, "{up_to: 50000, maintenance_rate: 0.005, max_leverage: 75}"), ("restore_to: 1.5", "restore_to: 9")
    )
    room = Decimal("0.0083333333")
    assert said(tiers.replace("0.0005", str(room))) == []
    assert said(tiers.replace("0.0005", str(room + Decimal("1e-10")))) != []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "max_leverage: 75",
            "max_leverage: 126",
            "TIER_LEVERAGE_RISES the largest leverage rises from 125 to 126: a position of 50000 notional needs"
            " 396.82539683 to be opened, at the rate of the tier below 400"
            " (larger positions are never allowed more leverage)",
        ),
        (
            "max_leverage: 75",
            "initial_rate: 0.0079",
            "TIER_LEVERAGE_RISES the initial rate falls from 0.008 to 0.0079: a position of 50000 notional needs"
            " 395 to be opened, at the rate of the tier below 400"
            " (larger positions are never allowed more leverage)",
        ),
        (
            "haircut: 0.05",
            "haircut: 5",
            "HAIRCUT_RANGE found 5, wanted a haircut between 0 and 1 (rates are fractions of one: 5 % is 0.05)",
        ),
    ],
)
def test_problem__says_both_numbers_and_what_to_do(old: str, new: str, problem: str) -> None:
    assert problem in [str(one).partition(": ")[2] for one in check(changed((old, new)))[1]]


def test_problem__a_misspelled_section_is_told_once() -> None:
    assert [line.split()[0] for line in said(changed(("tables:", "tabels:")))] == ["SCHEMA_UNKNOWN_KEY"]
