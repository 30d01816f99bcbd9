"""Addresses of databases as people see them: never with a password."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import ArgumentError

from rules_engine.life.decisions.decision_places import shown_log
from rules_engine.life.store.databases import url_of, without_password


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://u:secret@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:se?cret@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h/d?user=u&password=secret", "postgresql://h/d?password=***"),
        ("postgresql://h/d?log=desk&user=u&PASSWORD=sec&ret=1", "postgresql://h/d?log=desk&password=***"),
        ("postgresql://h/d?user=u;password=secret&log=a;password=b", "postgresql://h/d?password=***"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ("postgresql://[::1]:5432/d?sslmode=require", "postgresql://[::1]:5432/d?sslmode=require"),
        ("sqlite:////a@b/c:d@e.db", "sqlite:////a@b/c:d@e.db"),
        ("a/b:c@d.db", "a/b:c@d.db"),
    ],
)
def test_address__is_shown_without_its_password(given: str, shown: str) -> None:
    """In either place where a password may stand; what has none is shown as it was given."""
    assert without_password(given) == shown_log(given) == shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    "rest",
    [
        "u:sec@ret@h/d",
        "u:s@ec/ret@h/d",
        "u:s@ec?ret@h/d",
        "h?user=a@b&password=secret",
        "/u:secret@h/d",
        "u/x:secret@h/d",
        "u:secret/d",
    ],
)
def test_address__that_can_be_read_in_several_ways_shows_its_scheme_alone(rest: str) -> None:
    """And it is refused, without a word of it: a server's message would name a part of the password as its host."""
    assert without_password(f"postgresql://{rest}") == "postgresql://***"
    with pytest.raises(ArgumentError, match=r"the address can(not)? be read") as caught:
        url_of(f"postgresql://{rest}")
    assert "ret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("given", "scheme"),
    [
        ("postgresql:/u:secret@h/d", "postgresql"),
        ("postgres+psycopg:u:secret@h/d", "postgres"),
        ("MySQL:/u:secret@h/d", "MySQL"),
        ("postgresql//u:secret@h/d", "postgresql"),
    ],
)
def test_address__that_is_mistyped_is_no_file(given: str, scheme: str) -> None:
    """With one slash, none, or no colon it would be the name of a file, which messages tell."""
    assert without_password(given) == shown_log(given) == f"{scheme}:***"
    with pytest.raises(ArgumentError, match="begins postgresql://, with two slashes") as caught:
        url_of(given)
    assert "secret" not in str(caught.value)


def test_address__without_a_scheme_shows_nothing() -> None:
    """What stands before the first `://` may itself be a password."""
    assert without_password("u:secret@postgresql://h") == "***://***"


def test_address__may_have_its_signs_escaped() -> None:
    """`%40` is the `@` of a password."""
    url = url_of("postgresql://u:a%40b@h/d")
    assert (url.password, url.host) == ("a@b", "h")
