"""Files of guards: all that is wrong with one is told, where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules_engine.life.store.guards import MOST_APPROVALS
from tests.life.offices import Office, answer, run
from tests.life.people import NAME

APPROVALS = f"a whole number from 1 to {MOST_APPROVALS}"
FRACTION = "a fraction such as 0.2, not below zero"
STEP = "rate_change[0]"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A store with its people."""
    return Office(tmp_path, monkeypatch)


def test_guards__from_a_file(office: Office) -> None:
    """Set for one policy by the administrator, and shown by status; what is no guard is refused."""
    Path("guards.yaml").write_text("approvals: 2\nrate_change: [{above: 0.2, ask: forbid}]\n")
    assert office.step("store", "guards", NAME, "guards.yaml", by="ada").exit_code == 0
    office.step("submit", f"policies/{NAME}/1.0.0.yaml", by="sam")
    line = answer(run("status", "--json"))["policies"][0]  # type: ignore[index]
    assert line["guards"]["rate_change"] == [{"above": "0.2", "ask": "forbid"}]
    assert line["versions"][0]["approvals"] == 2
    shown = " ".join(run("status").stdout.split())
    assert f"{NAME} 2 above 0.2: forbid (any other) 1" in shown


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("approvals: 0\n", "1:12", f"approvals: found the number 0, wanted {APPROVALS}\n"),
        ("approvals: 2.5\n", "1:12", f"approvals: found the number 2.5, wanted {APPROVALS}\n"),
        ("approvals: 2\nlooser: many\n", "2:9", f"looser: found text 'many', wanted {APPROVALS}, or forbid\n"),
        ("looser: 2\n\naprovals: 1\n", "3:1", "there is no key 'aprovals' here (did you mean approvals?)\n"),
        ("rate_change:\n  - above: 0.2\n    ask: 99\n", "3:10", f"{STEP}.ask: found the number 99, wanted {APPROVALS}"),
        ("rate_change:\n  - above: 0.2\n    asks: 2\n", "3:5", "there is no key 'asks' here (did you mean ask?)\n"),
        ("rate_change:\n  - above: 0.2\n", "2:5", f"{STEP}: the key ask is missing (add `ask:`)\n"),
        ("rate_change: [{above: -1, ask: 2}]\n", "1:23", f"{STEP}.above: found the number -1, wanted {FRACTION}\n"),
        ("rate_change: [{above: 20%, ask: 2}]\n", "1:23", f"{STEP}.above: found text '20%', wanted {FRACTION} (rates "),
        ("rate_change: {above: 1}\n", "1:14", "rate_change: found a mapping, wanted a list of steps such as ["),
        ("looser: 2\nrate_change: [2]\n", "2:15", f"{STEP}: found the number 2, wanted a step such as {{above: 0.2, "),
    ],
)
def test_guards__that_are_none_are_refused_where_they_stand(office: Office, text: str, place: str, told: str) -> None:
    """By line and column, as policies are; what is found, and what is wanted."""
    refused = office.guarded(text)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith(f"guards.yaml:{place}: GUARDS_INVALID {told}")


@pytest.mark.parametrize("text", ["", "- 2\n"])
def test_guards__of_nothing_are_told_how_guards_begin(office: Office, text: str) -> None:
    """Not how policies do."""
    assert office.guarded(text).stderr.endswith(" (guards are keys such as `approvals: 2`)\n")


def test_guards__are_told_all_that_is_wrong_with_them(office: Office) -> None:
    """In the order of the text, at once."""
    refused = office.guarded("looser: 0\nrate_change:\n  - {above: 1%, ask: none}\naprovals: 1\n")
    places = [line.partition(": ")[0] for line in refused.stderr.splitlines()]
    assert places == [f"guards.yaml:{place}" for place in ("1:9", "3:13", "3:22", "4:1")]


def test_guards__of_what_can_be_no_policy_are_refused_before_the_key_is_read(office: Office) -> None:
    """By the words for policies' names, not for statements."""
    refused = run("store", "guards", "ACME", "none.yaml", "--key", "none.key")
    assert refused.exit_code == 2
    said = "NAME_INVALID 'ACME' is no policy name (wanted 1 to 64 small letters, digits and hyphens, such as usdt-"
    assert refused.stderr.startswith(said)
