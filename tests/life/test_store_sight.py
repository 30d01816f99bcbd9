"""What a store shows before anybody signs: the texts, what they change, and what guards make of it."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules_engine.life.store.keys import read_private_key
from rules_engine.life.store.statements import Submit
from rules_engine.life.store.store import Signer, Store
from rules_engine.life.store.texts import read_texts
from tests.life.offices import LATER, LATEST, Office, answer, run
from tests.life.people import BASE, NAME, REGISTRY, submission_fields

INSTANT = r"20\d\d-\d\d-\d\dT[\d:.]+Z"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A store with its people, and 1.0.0 in force with a rate of 1 %."""
    found = Office(tmp_path, monkeypatch)
    found.in_force("1.0.0", "0.01")
    return found


def test_show__prints_what_was_submitted_whatever_the_file_says_now(office: Office) -> None:
    """The file is edited afterwards: resolved, as text and as texts, it is what was signed."""
    pin = office.submitted("1.1.0", "0.015")
    signed = Path(f"policies/{NAME}/1.1.0.yaml").read_bytes()
    office.version("1.1.0", "0.05")
    assert answer(run("show", pin, "--json"))["tables"]["majors"]["tiers"][0]["maintenance_rate"] == "0.015"  # type: ignore[index]
    assert run("show", pin, "--text").stdout_bytes == signed
    assert answer(run("show", pin, "--text", "--json")) == {pin: signed.decode(), "house-base@1.0.0": BASE}
    assert f"{pin}:6" in run("show", pin).stdout
    assert "0.05" in run("show", f"policies/{NAME}/1.1.0.yaml", "--text").stdout


def test_show__of_a_name_is_what_is_in_force_at_the_instant(office: Office) -> None:
    """As the store says it, not the folder, where 1.1.0 stands too; before the first version there is none."""
    office.in_force("1.1.0", "0.015", "--at", LATER)
    told = run("show", NAME)
    assert told.stdout.startswith(f"{NAME} 1.0.0\n")
    assert re.search(rf"^{NAME}@1.0.0 of risk.db at {INSTANT}: in force since {INSTANT}$", told.stderr, re.MULTILINE)
    assert run("show", NAME, "--at", LATER).stdout.startswith(f"{NAME} 1.1.0\n")
    early = run("show", NAME, "--at", "2000-01-01T00:00:00Z")
    assert early.exit_code == 2
    assert re.search(rf"VERSION_NONE .* \({NAME}@1.0.0 is from {INSTANT} on, ", early.stderr)


def test_show__says_what_has_become_of_a_version(office: Office) -> None:
    """Waiting, scheduled, overtaken, undone, and stopped by guards that were set since."""
    waiting, other = office.approved("1.1.0", "0.011"), office.submitted("1.2.0", "0.012")
    assert "it waits, and has 1 of 1 approval\n" in run("show", waiting).stderr
    office.guarded("approvals: 2\nrate_change: [{above: 0.15, ask: forbid}]\n")
    assert "it waits, and has 1 of 2 approvals\n" in run("show", waiting).stderr
    assert "it waits, and is stopped by a guard: the largest relative change" in run("show", other).stderr
    assert office.step("approve", waiting, by="noor").exit_code == 0
    office.step("activate", waiting, "--at", LATER, by="sam")
    assert f"scheduled for {LATER}" in run("show", waiting).stderr
    assert "overtaken by another version: it is to be submitted again" in run("show", other).stderr
    office.step("rollback", waiting, by="sam")
    assert "activated by entry 13, and not in force" in run("show", waiting).stderr


def test_show__lists_what_the_store_has_and_packaged_policies_of_other_names(office: Office) -> None:
    """House-base is packaged with the tests' installation or not: it has no line of its own in the store."""
    office.submitted("1.1.0", "0.015")
    names = run("show", "--list").stdout.splitlines()
    assert names[:2] == [f"{NAME}@1.0.0", f"{NAME}@1.1.0"]
    assert "binance-usdm-btc@1.0.0" in names
    assert f"{NAME}@1.2.0" not in names


def test_show__of_what_is_not_there_says_what_is(office: Office) -> None:
    """A version that nobody submitted, a name that the store does not have, and a packaged policy."""
    waiting = office.submitted("1.1.0", "0.015")
    assert f"({waiting} waits: it has 0 of 1 approval)" in run("show", f"{NAME}@7.0.0").stderr
    other = run("show", "other")
    assert (other.exit_code, f"nothing of other was submitted; the store has {NAME}" in other.stderr) == (2, True)
    packaged = run("show", "binance-usdm-btc@1.0.0")
    assert "is the packaged policy: the store has no versions of binance-usdm-btc" in packaged.stderr
    assert packaged.stdout.startswith("binance-usdm-btc 1.0.0")
    assert run("show", "binance-usdm-btc@1.0.0", "--text").stdout.startswith("#") or packaged.exit_code == 0
    assert run("show", "binance-usdm-btc").exit_code == 2


def test_diff__compares_what_is_in_force_with_what_was_submitted_or_with_a_file(office: Office) -> None:
    """By name and pin; a store that is refused is told once."""
    pin = office.submitted("1.1.0", "0.015")
    found = run("diff", NAME, pin)
    assert found.exit_code == 1
    assert f"{NAME} 1.0.0  ->  {NAME} 1.1.0" in found.stdout
    assert "+50%, 0.01 to 0.015" in found.stdout
    assert answer(run("diff", NAME, office.version("1.2.0", "0.02"), "--json"))["after"]["version"] == "1.2.0"  # type: ignore[index]
    assert run("diff", NAME, NAME).exit_code == 0
    refused = run("diff", NAME, pin, "--trust", "sha256:" + 64 * "0")
    assert (refused.exit_code, refused.stderr.count("AUDIT_ANCHOR")) == (2, 1)


def test_source__the_command_line_beats_the_environment(office: Office) -> None:
    """`--policies` reads the folder though the variable names a store; both options, or one in vain, are no usage."""
    office.submitted("1.1.0", "0.015")
    office.version("1.1.0", "0.05")
    table = answer(run("show", f"{NAME}@1.1.0", "--policies", "policies", "--json"))["tables"]["majors"]  # type: ignore[index]
    assert table["tiers"][0]["maintenance_rate"] == "0.05"
    for options in (("show", NAME), ("diff", NAME, NAME)):
        both = run(*options, "--store", "risk.db", "--policies", "policies")
        assert (both.exit_code, "give one" in both.stderr) == (2, True)
    file = f"policies/{NAME}/1.0.0.yaml"
    for options in (("show", file), ("diff", file, file)):
        vain = run(*options, "--store", "risk.db")
        assert (vain.exit_code, "give NAME or NAME@VERSION" in vain.stderr) == (2, True)
        assert run(*options).exit_code == 0


@pytest.mark.parametrize("options", [("--text", "--instrument", "BTCUSDT"), ("--at", LATER)])
def test_show__options_that_contradict_the_rest_are_usage_errors(office: Office, options: tuple[str, ...]) -> None:
    """A part of a raw text; an instant for a version that is named."""
    told = run("show", f"{NAME}@1.0.0", *options)
    assert (told.exit_code, told.stdout) == (2, "")


def test_store__without_a_name_is_a_usage_error_that_says_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = run("status")
    assert (told.exit_code, "--store S, or the variable RULES_ENGINE_STORE" in told.stderr) == (2, True)


def test_approve__tells_what_changes_before_the_key_is_read(office: Office) -> None:
    """With a key that is not there: the summary comes all the same, what loosens first, and nothing is signed."""
    office.guarded("approvals: 2\nlooser: 2\nrate_change: [{above: 0.2, ask: 2}]\n")
    path = office.version("1.1.0", "0.005")
    text = Path(path).read_text().replace("max_leverage: 10}", "max_leverage: 5}")
    Path(path).write_text(text)
    assert office.step("submit", path, "--note", "RISK-7", "--at", LATER, by="sam").exit_code == 0
    office.step("approve", f"{NAME}@1.1.0", by="mira")
    head = answer(run("status", "--json"))["head"]
    told = office.step("approve", f"{NAME}@1.1.0", by="nobody")
    lines = told.stderr.splitlines()
    assert re.fullmatch(
        rf"{NAME}@1.1.0 sha256:\w+, submitted by sam at {INSTANT}: RISK-7, to take effect at {LATER}", lines[0]
    )
    assert re.fullmatch(rf"to follow {NAME}@1.0.0 sha256:\w+, in force since {INSTANT}", lines[1])
    assert lines[2].startswith("  loosened: table majors: maintenance margin, rate 0.01 to rate 0.005, ")
    assert lines[3].startswith("  tightened: table majors: initial margin, rate 0.1 to rate 0.2, ")
    assert lines[4:9] == [
        "1 tightened, 1 loosened, 0 unclear, 0 neutral",
        "largest change of a rate: +100%, 0.1 to 0.2, table majors: initial margin",
        "looser somewhere",
        "guard: the largest relative change of a rate is 1, above 0.2: 2 to approve",
        "guard: it is looser than its parent: 2 to approve",
    ]
    assert lines[9] == "so far it has 1 of 2 approvals, by mira"
    assert (told.exit_code, "FILE_UNUSABLE" in lines[10]) == (2, True)
    assert answer(run("status", "--json"))["head"] == head


def test_submit__counts_changes_beyond_the_tenth(office: Office) -> None:
    """Twelve instruments that were not there."""
    path = office.version("1.1.0", "0.015")
    tables = "".join(
        f"  t{n}: {{tiers: [{{up_to: unlimited, maintenance_rate: 0.02, max_leverage: 10}}]}}\n" for n in range(12)
    )
    text = Path(path).read_text().replace("tables:\n", f"tables:\n{tables}")
    Path(path).write_text(text)
    told = office.step("submit", path, by="sam").stderr
    document = json.loads(run("diff", NAME, path, "--json").stdout)
    deciding = [change for change in document["changes"] if change["direction"] != "neutral"]
    told_of = len(re.findall(r"^  \w+", told, re.MULTILINE))
    more = re.findall(r"and (\d+) changes? more", told)
    assert told_of - len(more) + sum(map(int, more)) == len(deciding)


def test_status__of_a_past_instant_is_what_the_log_said_then(office: Office) -> None:
    """Before an approval it was not there, before a grant nobody had the role, before the founding nothing."""
    pin = office.submitted("1.1.0", "0.015")
    entries = answer(run("history", "--json"))["entries"]
    times = [entry["statement"]["time"] for entry in entries]  # type: ignore[attr-defined]
    office.step("approve", pin, by="mira")
    office.step("activate", pin, "--at", LATER, by="sam")
    then = run("status", "--at", times[-1], "--json")
    assert f"as the log stood at {times[-1]}; 2 later steps left out" in then.stderr
    document = answer(then)
    states = [(each["version"], each["state"], each["approved_by"]) for each in document["policies"][0]["versions"]]  # type: ignore[index]
    assert states == [("1.0.0", "in force", ["mira"]), ("1.1.0", "submitted", [])]
    assert (document["entries"], document["later_entries"]) == (len(times), 2)
    assert document["head"] == entries[-1]["hash"]  # type: ignore[index]
    early = answer(run("status", "--at", times[1], "--json"))
    assert (early["policies"], [key["name"] for key in early["keys"]]) == ([], ["ada", "sam"])  # type: ignore[attr-defined]
    none = run("status", "--at", "2000-01-01T00:00:00Z")
    assert (none.exit_code, f"it was founded at {times[0]}" in none.stderr) == (2, True)


def test_status__of_an_instant_to_come_is_what_will_be_if_nothing_else_happens(office: Office) -> None:
    """And says so."""
    office.in_force("1.1.0", "0.015", "--at", LATER)
    coming = run("status", "--at", LATEST, "--json")
    assert "if no further step is taken" in coming.stderr
    (version,) = answer(coming)["policies"][0]["versions"]  # type: ignore[index]
    assert (version["version"], version["state"]) == ("1.1.0", "in force")


def test_show__warns_of_figures_that_are_false(office: Office) -> None:
    """Whoever looks at a version learns that nobody is answered by it."""
    store, path = Store("risk.db"), office.version("1.1.0", "0.015")
    version = read_texts(path, REGISTRY)
    signer = Signer(key=read_private_key("sam.key"), now=datetime.now(UTC))
    store.append(store.ledger(), signer, Submit, submission_fields(store, version), version.documents)
    told = run("show", f"{NAME}@1.1.0")
    assert told.exit_code == 0
    assert "WARNING nobody is answered by it: STORE_FIGURES" in told.stderr


def test_show__warns_of_what_a_version_is_built_on(office: Office) -> None:
    """Nobody can load the line: its text is good, and that of the version beneath is gone."""
    office.in_force("1.1.0", "0.011")
    assert "WARNING" not in run("show", NAME).stderr
    with sqlite3.connect("risk.db") as database:
        gone = "instr(text, CAST('policy: usdt-perpetuals' || char(10) || 'version: 1.0.0' AS BLOB))"
        assert database.execute(f"DELETE FROM rules_engine_documents WHERE {gone}").rowcount == 1
    assert "WARNING nobody is answered by it: DOCUMENT_MISSING" in run("show", NAME).stderr


def test_report__of_an_edited_text_names_both(office: Office) -> None:
    """The version is the same, the digest is not."""
    identity = {"name": NAME, "version": "1.1.0", "digest": "sha256:0"}
    shares = {"newly_liquidatable_share": "0", "newly_undetermined_share": "0"}
    counts = {"positions": 1, "rows_at_fault": 0, "unpriced_positions": 0}
    moves = [{"before": "healthy", "after": "healthy", "positions": 1, "accounts": 1, "notional": "1"}]
    notional: dict[str, object] = {"newly_liquidatable_notional": {"numerator": "0", "denominator": "1"}}
    notional["newly_liquidated"] = {"positions": 0, "notional": "0"}
    report = {"before": identity, "after": identity, **shares, **counts, **notional, "transitions": moves}
    Path("impact.json").write_text(json.dumps(report))
    told = office.step("submit", office.version("1.1.0", "0.015"), "--impact", "impact.json", by="sam").stderr
    assert f"REPORT_INVALID the report compares {NAME}@1.1.0 sha256:0 with {NAME}@1.1.0 sha256:0 (wanted" in told
    assert f"(wanted {NAME}@1.0.0 sha256:" in told
