"""The digest: the same for every layout of one meaning, different for every other meaning."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rules_engine.policy.digest import canonical, digest_of
from tests.policy.policy_examples import EXAMPLE, changed, policy


@pytest.mark.parametrize(
    ("number", "text"),
    [("0.00400", "0.004"), ("4e-3", "0.004"), ("1E+3", "1000"), ("-0", "0"), ("-1.50", "-1.5"), ("100", "100")],
)
def test_canonical__numbers_are_plain_decimal_strings(number: str, text: str) -> None:
    assert canonical({"n": Decimal(number)}) == b'{"n":"' + text.encode() + b'"}'


def test_canonical__a_number_of_40_digits_keeps_them_all() -> None:
    digits = "1234567890123456789.123456789012345678901"
    assert digits.encode() in canonical({"n": Decimal(digits)})


def test_canonical__keys_are_sorted_by_code_point_and_nothing_is_spaced() -> None:
    assert canonical({"é": None, "b": [True, "x y"], "Z": {}}) == '{"Z":{},"b":[true,"x y"],"é":null}'.encode()


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("2026-12-01T08:00:00Z", "2026-12-01T08:00:00Z"),
        ("2026-12-01T10:00:00+02:00", "2026-12-01T08:00:00Z"),
        ("2026-12-01t08:00:00.250z", "2026-12-01T08:00:00.25Z"),
        ("0099-12-01T08:00:00Z", "0099-12-01T08:00:00Z"),
        ("soon", "soon"),
        ("2026-13-01T08:00:00Z", "2026-13-01T08:00:00Z"),
        ("0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00+01:00"),
        ("2026-12-01T08:00:00", "2026-12-01T08:00:00"),
    ],
)
def test_canonical__times_are_in_utc(written: str, text: str) -> None:
    document = {"effective_from": written, "instruments": {"A": {"expires_at": written}}}
    expected = f'{{"effective_from":"{text}","instruments":{{"A":{{"expires_at":"{text}"}}}}}}'
    assert canonical(document) == expected.encode()


def test_canonical__other_text_stays_as_written() -> None:
    document = {"change": {"reason": "from 2026-12-01T10:00:00+02:00"}, "market_data": {"stale_after": "60s"}}
    assert canonical(document) == (
        b'{"change":{"reason":"from 2026-12-01T10:00:00+02:00"},"market_data":{"stale_after":"60s"}}'
    )


def test_canonical__malformed_instruments_are_written_all_the_same() -> None:
    assert canonical({"instruments": {"A": "linear"}}) == b'{"instruments":{"A":"linear"}}'
    assert canonical({"instruments": "none"}) == b'{"instruments":"none"}'


def test_canonical__the_parents_digest_is_a_member() -> None:
    assert canonical({"policy": "child"}, "sha256:00") == b'{"parent":"sha256:00","policy":"child"}'


def test_digest_of__is_the_sha256_of_the_canonical_text() -> None:
    # The SHA-256 of `{}`, as `printf {} | sha256sum` prints it.
    assert digest_of({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_policy_digest__does_not_depend_on_layout() -> None:
    other = changed(
        ("{currency: USDT, quantum: 0.01}", "{quantum: 1e-2, currency: 'USDT'}"), ("2026-12-01T08:", "2026-12-01t08:")
    )
    assert policy("# remark\n" + other).digest == policy(EXAMPLE).digest


def test_policy_digest__changes_with_any_value() -> None:
    assert policy(changed(("stale_after: 10s", "stale_after: 11s"))).digest != policy(EXAMPLE).digest
