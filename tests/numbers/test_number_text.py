"""The grammar of numbers: what is one, up to which size and length, and how it is written back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rules_engine.numbers.text import NumberError, parse_number, plain, shown, within_limits


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("007.50", "7.5"),
        ("5e-3", "0.005"),
        ("-1.5e+2", "-150"),
        ("1e30", "1e30"),
        ("1e-30", "1e-30"),
        ("0e99999999", "0"),
        ("1" * 20 + "." + "1" * 20, "1" * 20 + "." + "1" * 20),
    ],
)
def test_number__within_grammar_and_limits(text: str, value: str) -> None:
    """Digits, one point and an exponent, up to 40 digits and from 1e-30 to 1e30, both included, are exactly read."""
    assert parse_number(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(
            (text, "NUMBER_INVALID")
            for text in ("", "NaN", "Infinity", "1_000", " 1", "1 ", "+1", "1.", ".5", "1E5", "١", "0x1")
        ),
        *((text, "NUMBER_RANGE") for text in ("1.1e30", "9e-31", "1e31", "1e-99999999", "1" * 41, "0." + "0" * 40)),
    ],
)
def test_number__outside_of_grammar_or_limits(text: str, code: str) -> None:
    """Anything else is refused: spelling as NUMBER_INVALID, size or length as NUMBER_RANGE."""
    with pytest.raises(NumberError) as caught:
        parse_number(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1_000", "write 1000"),
        ("0,004", "write 0.004"),
        ("1,000", "write 1000 or 1.000, as is meant"),
        ("1,000,000", "write 1000000"),
        ("1,000.5", "write 1000.5"),
        ("one", 'digits as in "-0.005" or "5e-3"'),
    ],
)
def test_number__as_people_separate_digits_gets_a_hint(text: str, hint: str) -> None:
    """The refusal says how to write it, and both ways where a comma can mean either."""
    with pytest.raises(NumberError) as caught:
        parse_number(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("value", "code"), [("NaN", "NUMBER_INVALID"), ("0E+99", None), ("1e31", "NUMBER_RANGE"), ("1" * 25 + "e-20", None)]
)
def test_decimal__within_the_same_limits(value: str, code: str | None) -> None:
    """A Decimal from elsewhere stands under the limits of text."""
    if code is None:
        assert within_limits(Decimal(value)) == Decimal(value)
        return
    with pytest.raises(NumberError) as caught:
        within_limits(Decimal(value))
    assert caught.value.code == code


def test_decimal__of_too_many_digits() -> None:
    """41 digits are one too many, also where the number is small."""
    with pytest.raises(NumberError, match="too long"):
        within_limits(Decimal("1." + "1" * 40))


@pytest.mark.parametrize(
    ("value", "text"),
    [("0E-8", "0"), ("-0", "0"), ("1E+3", "1000"), ("100", "100"), ("0.0100", "0.01"), ("-2.50", "-2.5")],
)
def test_plain__has_neither_exponent_nor_trailing_zeros(value: str, text: str) -> None:
    """Figures are written in plain digits."""
    assert plain(Decimal(value)) == text


def test_shown__cuts_what_is_long() -> None:
    """Evidence is quoted, and cut after 40 characters."""
    assert shown("a" * 40) == "'" + "a" * 40 + "'"
    assert shown("a" * 41) == "'" + "a" * 40 + "'..."
