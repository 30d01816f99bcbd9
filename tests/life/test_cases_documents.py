"""Documents of cases that cannot be used: every problem at once, each at its place."""

from __future__ import annotations

from pathlib import Path

import msgspec

from rules_engine.life.cases.case_documents import cases_schema
from rules_engine.life.cases.case_laws import LAWS
from rules_engine.terms.evaluation import OrderDecision, PoolFigures, PositionFigures
from tests.life.case_examples import HEAD, LONG, document, read, refused

EXPECT = "expect: {positions: {p1: {tier: 2}}}\n"
CASE = "name: it\n" + LONG + EXPECT


def test_document__says_which_format_it_has() -> None:
    assert refused("cases: []\n") == [
        "small.cases.yaml:1:1: SCHEMA_MISSING_KEY the key schema is missing at the top of the document (add `schema:`)"
    ]


def test_figure__that_no_answer_has_is_refused_with_what_is_meant() -> None:
    """Position, pool and order have figures of their own."""
    pools = "pools: {A/cross: {stauts: healthy}}"
    text = f"expect: {{positions: {{p1: {{maintenance_margn: 1}}}}, {pools}, order: {{accept: true}}}}\n"
    problems = refused(document("name: it\n" + LONG + text))
    assert [problem.partition(": ")[2] for problem in problems] == [
        "SCHEMA_UNKNOWN_KEY there is no key 'maintenance_margn' in p1 (did you mean maintenance_margin?)",
        "SCHEMA_UNKNOWN_KEY there is no key 'stauts' in A/cross (did you mean status?)",
        "SCHEMA_UNKNOWN_KEY there is no key 'accept' in order (did you mean accepted?)",
    ]


def test_account__that_is_malformed_is_told_at_its_place() -> None:
    """Each fault of an account, market or order stands where the text has it; all are told at once."""
    case = CASE.replace("quantity: 2", "quantity: two").replace("entry_price: 50000, ", "")
    market = "market: {as_of: yesterday, instruments: {BTCUSDT: {mark_prize: 1}}}\n"
    assert refused(document(case + market)) == [
        "small.cases.yaml:10:19: KEY_MISSING `entry_price` is missing",
        'small.cases.yaml:10:75: NUMBER_INVALID \'two\' is not a number (digits as in "-0.005" or "5e-3")',
        "small.cases.yaml:12:21: TIME_INVALID 'yesterday' is not a time "
        "(RFC 3339 with a zone, to the microsecond, such as 2026-12-02T00:00:00Z)",
        "small.cases.yaml:12:56: KEY_UNKNOWN 'mark_prize' is not a key here (did you mean `mark_price`?)",
    ]


def test_row__whose_value_is_malformed_is_told_at_the_cell() -> None:
    case = "name: it\n" + LONG.replace("quantity: 2", 'quantity: "${size}"') + EXPECT + "table:\n  - {size: big}\n"
    assert refused(document(case)) == [
        'small.cases.yaml:13:16: NUMBER_INVALID \'big\' is not a number (digits as in "-0.005" or "5e-3")'
    ]


def test_column__that_the_table_does_not_have_is_told_once_with_the_nearest() -> None:
    """A hundred rows would say the same."""
    table = "table:\n  - {size: 1}\n  - {size: 2}\n"
    case = "name: it\n" + LONG.replace("quantity: 2", 'quantity: "${sise}"') + EXPECT + table
    assert refused(document(case)) == [
        "small.cases.yaml:10:75: CASE_COLUMN_UNKNOWN the table has no column 'sise' (did you mean size?)"
    ]


def test_column__that_one_row_does_not_have_is_told_with_its_line() -> None:
    table = "table:\n  - {size: 1}\n  - {note: 2}\n"
    case = "name: it\n" + LONG.replace("quantity: 2", 'quantity: "${size}"') + EXPECT + table
    assert refused(document(case)) == [
        "small.cases.yaml:10:75: CASE_COLUMN_UNKNOWN the row on line 14 has no column 'size' (every row needs it)"
    ]


def test_column__that_nothing_uses_is_refused() -> None:
    """It would look as if it tested something; `source` is for people."""
    assert refused(document(CASE + "table:\n  - {size: 1, source: by hand}\n")) == [
        "small.cases.yaml:13:16: CASE_COLUMN_UNUSED nothing in the case uses the column size "
        "(write ${size} where it belongs)"
    ]


def test_case__needs_one_account_and_a_market() -> None:
    """None, two, and a market that neither the case nor the document states."""
    head = "schema: rules-engine/cases/1\n"
    problems = refused(document("name: none\n" + EXPECT, CASE + "account_file: a.json\n", head=head))
    assert [problem.partition(" (")[0] for problem in problems] == [
        "small.cases.yaml:3:5: CASE_DOCUMENT the case states no account",
        "small.cases.yaml:3:5: CASE_DOCUMENT neither this nor the document states a market",
        "small.cases.yaml:5:5: CASE_DOCUMENT the case states both `account` and `account_file`",
        "small.cases.yaml:5:5: CASE_DOCUMENT neither this nor the document states a market",
    ]


def test_case__that_expects_nothing_is_refused() -> None:
    assert refused(document("name: it\n" + LONG + "expect: {positions: {p1: {}}}\n")) == [
        "small.cases.yaml:11:13: CASE_EXPECTS_NOTHING the case expects no figure (name one of a position or pool)"
    ]


def test_case__that_expects_of_an_order_states_one() -> None:
    assert refused(document("name: it\n" + LONG + "expect: {order: {accepted: true}}\n")) == [
        "small.cases.yaml:11:21: CASE_DOCUMENT the case states no order (add `order:`)"
    ]


def test_case__has_a_name_of_its_own() -> None:
    assert refused(document(CASE, CASE)) == [
        "small.cases.yaml:12:11: CASE_NAME_TWICE the case on line 7 has this name too (give each its own)"
    ]


def test_order__that_has_the_id_of_a_resting_one_is_told_at_its_case() -> None:
    """What only the decision itself can see is told at the case."""
    order = "{id: o1, instrument: BTCUSDT, mode: cross, quantity: 1}"
    case = (
        f"name: it\naccount: {{account: A, orders: [{order}]}}\norder: {order}\nexpect: {{order: {{accepted: true}}}}\n"
    )
    assert refused(document(case)) == [
        "small.cases.yaml:7:5: ID_DUPLICATE the account already has an order 'o1' (give the new order an id of its own)"
    ]


def test_policy__that_the_cases_name_is_the_one_beside_them() -> None:
    assert refused(document(CASE, head=HEAD + "policy: small@1.0.1\n")) == [
        "small.cases.yaml:6:9: CASES_POLICY the cases are for small@1.0.1, the policy beside them is small@1.0.0 "
        "(write `policy: small@1.0.0`)"
    ]


def test_files__hold_accounts_and_markets_instead(tmp_path: Path) -> None:
    """Both are read from where the cases stand, and parts of the market are replaced as if it stood there."""
    (tmp_path / "market.json").write_text(
        '{"as_of": "2026-12-02T00:00:00Z", "instruments": {"BTCUSDT": {"mark_price": "50000", "price_tick": "0.1"}}}'
    )
    (tmp_path / "account.json").write_text('{"account": "A", "collateral": {"USDT": "5"}}')
    head = "schema: rules-engine/cases/1\nmarket_file: market.json\n"
    case = "name: it\naccount_file: account.json\nexpect: {pools: {A/cross: {equity: 5}}}\n"
    (one,) = read(document(case + "market: {instruments: {BTCUSDT: {mark_price: 7}}}\n", head=head), tmp_path).cases
    quote = one.market.instruments["BTCUSDT"]
    assert (one.account.account, quote.mark_price, quote.price_tick) == (
        "A",
        7,
        msgspec.convert("0.1", type(quote.mark_price)),
    )


def test_files__that_are_missing_or_malformed_are_told(tmp_path: Path) -> None:
    """A missing one at the line that names it, a malformed one at its own place."""
    (tmp_path / "market.json").write_text('{\n "instruments": {}}')
    head = "schema: rules-engine/cases/1\nmarket_file: market.json\n"
    case = "name: it\naccount_file: gone.json\nexpect: {pools: {A/cross: {equity: 5}}}\n"
    assert refused(document(case, head=head), tmp_path) == [
        "small.cases.yaml:5:19: FILE_UNUSABLE gone.json: No such file or directory",
        "market.json:1:1: KEY_MISSING `as_of` is missing",
    ]


def test_spaced__is_a_whole_number_within_reason() -> None:
    """A thousand sizes between two floors are the most."""
    law = "  - {law: long_mirrors_short, spaced: %s}\n"
    for number in ("2.5", "1001"):
        (problem,) = refused(document(laws=law % number))
        assert problem.endswith(f"SCHEMA_VALUE found the number {number}, wanted a whole one of at most 1000")


def test_schema__names_every_figure_of_the_answers() -> None:
    """What can be expected is what the documents have, but for the names under which it stands."""
    expect = cases_schema()["properties"]["cases"]["items"]["properties"]["expect"]["properties"]
    positions = expect["positions"]["additionalProperties"]["properties"]
    pools = expect["pools"]["additionalProperties"]["properties"]
    assert set(positions) == set(PositionFigures.__struct_fields__) - {"id"}
    assert set(pools) == set(PoolFigures.__struct_fields__) - {"pool"}
    assert set(expect["order"]["properties"]) == set(OrderDecision.__struct_fields__) - {"order", "evaluation"}


def test_schema__names_every_law() -> None:
    laws = cases_schema()["properties"]["laws"]["items"]["properties"]["law"]["enum"]
    assert sorted(laws) == sorted(LAWS)


def test_document__of_neither_cases_nor_laws_is_refused() -> None:
    """Nobody should believe that it tests something; whoever begins with laws may."""
    for text in (HEAD, HEAD + "cases: []\n"):
        (problem,) = refused(text)
        assert (
            problem == "small.cases.yaml:1:1: CASE_DOCUMENT there is neither a case nor a law (add `cases:` or `laws:`)"
        )
    assert len(read(document(laws="- {law: long_mirrors_short}\n")).laws) == 1
