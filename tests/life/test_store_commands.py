"""The commands of stores: JSON for programs, exit codes, passphrases."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules_engine.cli.impact import impact
from tests.life.offices import Office, answer, run
from tests.life.people import NAME


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A store with its people."""
    return Office(tmp_path, monkeypatch)


def test_walk__as_json(office: Office) -> None:
    """Each step tells its entry and the head; status and history tell the rest."""
    submitted = office.step("submit", f"policies/{NAME}/1.0.0.yaml", "--json", by="sam")
    assert answer(submitted)["entry"] == 5
    wanting = office.step("activate", f"{NAME}@1.0.0", "--json", by="sam")
    assert (wanting.exit_code, answer(wanting)["problems"][0]["code"]) == (1, "STORE_APPROVALS")  # type: ignore[index]
    office.step("approve", f"{NAME}@1.0.0", by="mira")
    done = answer(office.step("activate", f"{NAME}@1.0.0", "--json", by="sam"))
    status = answer(run("status", "--json"))
    assert (status["head"], status["entries"]) == (done["head"], 7)
    (version,) = status["policies"][0]["versions"]  # type: ignore[index]
    assert (version["state"], version["approved_by"], version["submitted_by"]) == ("in force", ["mira"], "sam")
    history = run("history", "--verify", "--head", str(done["head"]), "--json")
    assert history.exit_code == 0
    told = answer(history)
    assert (told["cut_tail"], told["problems"]) == ("none", [])
    assert told["entries"][-1]["statement"]["action"] == "activate"  # type: ignore[index]


def test_status__for_people(office: Office) -> None:
    """What waits for approvals, and who holds which key."""
    office.step("submit", f"policies/{NAME}/1.0.0.yaml", by="sam")
    told = run("status").stdout
    assert "submitted" in told and "0 of 1" in told and "mira" in told


def test_history__finds_what_somebody_changed(office: Office) -> None:
    """It exits with 1 and names it; a cut tail only with a head."""
    head = str(answer(run("status", "--json"))["head"])
    with sqlite3.connect("risk.db") as database:
        database.execute("DELETE FROM rules_engine_log WHERE sequence = (SELECT max(sequence) FROM rules_engine_log)")
    cut = run("history", "--verify")
    assert cut.exit_code == 0
    assert "cannot be seen" in cut.stdout
    found = run("history", "--verify", "--head", head)
    assert found.exit_code == 1
    assert "AUDIT_CUT" in found.stdout
    with sqlite3.connect("risk.db") as database:
        database.execute("UPDATE rules_engine_log SET signature = zeroblob(64) WHERE sequence = 2")
    found = run("history", "--verify", "--json")
    assert (found.exit_code, answer(found)["problems"][0]["code"]) == (1, "AUDIT_SIGNATURE")  # type: ignore[index]
    for command in ("history", "status"):
        refused = run(command)
        assert refused.exit_code == 2
        assert "log entry 2: AUDIT_SIGNATURE" in refused.stderr


def test_trust__that_is_not_stated_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr; and another one than the store's is refused."""
    monkeypatch.delenv("RULES_ENGINE_TRUST")
    assert "no --trust" in run("status").stderr
    refused = run("status", "--trust", "sha256:" + 64 * "0")
    assert (refused.exit_code, "AUDIT_ANCHOR" in refused.stderr) == (2, True)


def test_guards__from_a_file(office: Office) -> None:
    """Set for one policy by the administrator, and shown by status; what is no guard is refused."""
    Path("guards.yaml").write_text("approvals: 2\nrate_change: [{above: 0.2, ask: forbid}]\n")
    assert office.step("store", "guards", NAME, "guards.yaml", by="ada").exit_code == 0
    office.step("submit", f"policies/{NAME}/1.0.0.yaml", by="sam")
    line = answer(run("status", "--json"))["policies"][0]  # type: ignore[index]
    assert line["guards"]["rate_change"] == [{"above": "0.2", "ask": "forbid"}]
    assert line["versions"][0]["approvals"] == 2
    for text in ("approvals: 0\n", "approvals: many\n", "approval: 1\n"):
        Path("guards.yaml").write_text(text)
        assert "GUARDS_INVALID" in office.step("store", "guards", NAME, "guards.yaml", by="ada").stderr


def test_rollback_and_revoke(office: Office) -> None:
    """The second version is undone, and the key of who approved it is revoked."""
    for version, rate in (("1.0.0", "0.01"), ("1.1.0", "0.011")):
        office.step("submit", office.version(version, rate), by="sam")
        office.step("approve", f"{NAME}@{version}", by="mira")
        assert office.step("activate", f"{NAME}@{version}", by="sam").exit_code == 0
    undone = office.step("rollback", f"{NAME}@1.1.0", by="sam")
    assert f"{NAME}@1.0.0 is in force" in undone.stdout
    key = answer(run("keys", "show", "mira.key.pub", "--json"))["key"]
    assert office.step("store", "revoke", str(key), by="ada").exit_code == 0
    refused = office.step("store", "grant", "mira.key.pub", "--role", "approver", by="ada")
    assert (refused.exit_code, "STORE_KEY_REVOKED" in refused.stderr) == (2, True)


def test_times__without_a_zone_are_refused(office: Office) -> None:
    """Before anything is signed."""
    office.step("submit", f"policies/{NAME}/1.0.0.yaml", by="sam")
    refused = office.step("activate", f"{NAME}@1.0.0", "--at", "2999-12-01T08:00:00", by="sam")
    assert (refused.exit_code, "zone" in refused.stderr) == (2, True)


def test_passphrase__is_asked_for_or_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key without one is made only where that is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RULES_ENGINE_PASSPHRASE", "open sesame")
    assert run("keys", "new", "ada.key", "--name", "ada").exit_code == 0
    assert b"ENCRYPTED" in Path("ada.key").read_bytes()
    assert run("store", "init", "--store", "risk.db", "--key", "ada.key", "--name", "ada").exit_code == 0
    monkeypatch.setenv("RULES_ENGINE_PASSPHRASE", "close sesame")
    refused = run("store", "init", "--store", "other.db", "--key", "ada.key", "--name", "ada")
    assert (refused.exit_code, "KEY_INVALID" in refused.stderr) == (2, True)
    assert run("keys", "new", "ada.key").exit_code == 2


def test_store__that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only `store init` makes one; a typing error must not."""
    monkeypatch.chdir(tmp_path)
    refused = run("status", "--store", "risk.bd")
    assert (refused.exit_code, "STORE_MISSING" in refused.stderr) == (2, True)
    assert not Path("risk.bd").exists()


def test_impact_report__of_the_command_goes_into_a_submission(office: Office) -> None:
    """One long of 10,000 on a margin of 120: at 1 % it is healthy, at 1.5 % it is to be liquidated: all of the book."""
    Path("guards.yaml").write_text("newly_liquidatable: [{above: 0.5, ask: 2}]\n")
    office.step("store", "guards", NAME, "guards.yaml", by="ada")
    office.step("submit", f"policies/{NAME}/1.0.0.yaml", by="sam")
    office.step("approve", f"{NAME}@1.0.0", by="mira")
    assert office.step("activate", f"{NAME}@1.0.0", by="sam").exit_code == 0
    Path("book.csv").write_text(
        "account,id,instrument,mode,quantity,entry_price,margin,leverage\nA,p,BTCUSDT,isolated,1,10000,120,10\n"
    )
    mark = {"mark_price": "10000", "index_price": "10000", "time": "2026-12-02T00:00:00Z"}
    Path("market.json").write_text(json.dumps({"as_of": mark["time"], "instruments": {"BTCUSDT": mark}}))
    paths = (f"policies/{NAME}/1.0.0.yaml", office.version("1.1.0", "0.015"))
    report = CliRunner().invoke(impact, [*paths, "--book", "book.csv", "--market", "market.json", "--json"])
    Path("impact.json").write_text(report.stdout)
    stopped = office.step("submit", paths[1], by="sam")
    assert (stopped.exit_code, "GUARD_FIGURE_MISSING" in stopped.stdout) == (1, True)
    assert "--impact FILE, which `rules-engine impact BEFORE AFTER --book BOOK" in stopped.stdout
    told = office.step("submit", paths[1], "--impact", "impact.json", by="sam")
    assert "guard: the part of notional newly liquidatable is 1, above 0.5: 2 to approve" in told.stderr
    assert "needs 2 approvals" in told.stdout
    unseen = office.step("approve", f"{NAME}@1.1.0", by="mira")
    assert unseen.exit_code == 2
    assert (
        "STORE_REPORT" in unseen.stderr
        and "none is given (give the file that sam submitted: --impact FILE" in unseen.stderr
    )
    assert f"rules-engine impact {NAME}@1.0.0 {NAME}@1.1.0" in unseen.stderr
    Path("other.json").write_text(report.stdout + " ")
    assert "STORE_REPORT" in office.step("approve", f"{NAME}@1.1.0", "--impact", "other.json", by="mira").stderr
    assert office.step("approve", f"{NAME}@1.1.0", "--impact", "impact.json", by="mira").exit_code == 0
