"""The commands of stores: JSON for programs, exit codes, passphrases."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rules_engine.life.store.changes import rollback
from rules_engine.life.store.keys import new_key, read_private_key
from rules_engine.life.store.store import Signer, Store
from tests.life.offices import Office, answer, run
from tests.life.people import NAME, REGISTRY


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


def test_history__does_not_say_that_texts_are_verified_where_they_are_not(office: Office) -> None:
    """Its last line is what people look at; a store that is not there is no finding, but exit code 2."""
    office.in_force("1.0.0", "0.01")
    assert run("history", "--verify").stdout.splitlines()[-2].startswith("7 entries verified, with all texts and")
    with sqlite3.connect("risk.db") as database:
        database.execute("UPDATE rules_engine_documents SET text = text || x'0A'")
    found = run("history", "--verify")
    assert found.exit_code == 1
    assert "7 entries verified; NOT all texts and figures: " in found.stdout.splitlines()[-2]
    assert [run("history", *each, "--store", "none.db").exit_code for each in ([], ["--verify"])] == [2, 2]


def test_hash__that_is_cut_short_is_told_as_that(office: Office) -> None:
    """Tables show the first digits of a hash; one of those is no sign of a cut log."""
    for option, text in (("--head", "sha256:0ddfa1be6c3d"), ("--trust", "foo")):
        told = run("status", option, text)
        assert (told.exit_code, f"{text!r} is no hash of a log: wanted sha256: and 64" in told.stderr) == (2, True)


def test_status__shows_guards_of_the_lines_that_have_their_own(office: Office) -> None:
    """And those of any other line."""
    office.in_force("1.0.0", "0.01")
    tables = run("status").stdout
    assert NAME not in tables[tables.index("guards") : tables.index("keys")]
    office.guarded("approvals: 2\n")
    tables = run("status").stdout
    assert NAME in tables[tables.index("guards") : tables.index("keys")]


def test_version__that_ends_is_told_before_each_step_and_by_status(office: Office) -> None:
    """From its end on there is none in force, and nobody learns it from the engine first."""
    path = office.version("1.0.0", "0.01")
    Path(path).write_text(Path(path).read_text() + "effective_until: 2999-01-01T00:00:00Z\n")
    told = "WARNING usdt-perpetuals@1.0.0 ends at 2999-01-01T00:00:00Z: from then on no version is in force"
    steps = [("submit", path, "sam"), ("approve", f"{NAME}@1.0.0", "mira"), ("activate", f"{NAME}@1.0.0", "sam")]
    for verb, what, who in steps:
        assert told in office.step(verb, what, by=who).stderr
    for at, state, said in (
        ("2998-12-31T23:59:59Z", "in force", "in force until 2999-01-01T00:00:00Z"),
        ("2999-01-01T00:00:00Z", "ended", "ended, none is in force since 2999-01-01T00:00:00Z"),
    ):
        (version,) = answer(run("status", "--at", at, "--json"))["policies"][0]["versions"]  # type: ignore[index]
        assert (version["state"], version["ends"]) == (state, "2999-01-01T00:00:00Z")
        assert said in " ".join(run("status", "--at", at).stdout.split())


def test_clock__of_the_log_is_set_back_by_an_administrator(office: Office) -> None:
    """Where there is nothing to set back it is refused, and where another one tries."""
    refused = office.step("store", "clock", by="ada")
    assert (refused.exit_code, "STORE_CLOCK" in refused.stderr) == (2, True)
    ahead = Signer(key=read_private_key("ada.key"), now=datetime(2999, 1, 1, tzinfo=UTC))
    Store("risk.db").grant(new_key().public, "bea", ["approver"], ahead)
    assert "store clock" in office.step("submit", office.version("1.0.0", "0.01"), by="sam").stderr
    assert "STORE_ROLE" in office.step("store", "clock", by="sam").stderr
    assert "the clock of the log is set back" in office.step("store", "clock", by="ada").stdout
    assert office.step("submit", office.version("1.0.0", "0.01"), by="sam").exit_code == 0
    assert "the clock is set back" in run("history").stdout


def test_clock__tells_what_is_so_to_come_and_a_revocation_what_stays(office: Office) -> None:
    """Nothing of it falls by itself: an activator rolls it back."""
    first, second = office.in_force("1.0.0", "0.01"), office.in_force("1.1.0", "0.011")
    far = datetime(2999, 1, 1, tzinfo=UTC)
    ahead = Signer(key=read_private_key("sam.key"), now=far)
    rollback(Store("risk.db"), second, REGISTRY, ahead)
    told = office.step("store", "clock", by="ada").stdout
    assert f"; {second} is undone from 2999-01-01T00:00:00Z on: roll it back again" in told
    assert "in force until 2999-01-01T00:00:00Z" in " ".join(run("status").stdout.split())
    assert f"{second} is undone; {first} is in force again" in office.step("rollback", second, by="sam").stdout
    third = office.in_force("1.2.0", "0.012", "--at", "2998-01-01T00:00:00Z")
    Store("risk.db").grant(new_key().public, "bea", ["approver"], Signer(key=read_private_key("ada.key"), now=far))
    scheduled = f"; {third} is scheduled for 2998-01-01T00:00:00Z"
    assert f"{scheduled}\n" in office.step("store", "clock", by="ada").stdout
    revoked = office.step("store", "revoke", "mira", by="ada").stdout
    assert f"{third} stays scheduled for 2998-01-01T00:00:00Z, with keys behind it that are revoked: roll it" in revoked
    assert "scheduled 2998-01-01T00:00:00Z 0 of 1" in " ".join(run("status").stdout.split())


def test_name__that_could_be_taken_for_another_makes_no_key(office: Office) -> None:
    """Nor does it come into a store by an option."""
    for name in ("mira ", "m\u0456ra"):
        made = run("keys", "new", "x.key", "--name", name, "--unprotected")
        assert (made.exit_code, "KEY_NAME" in made.stderr, Path("x.key").exists()) == (2, True, False)
        granted = office.step("store", "grant", "mira.key.pub", "--role", "approver", "--name", name, by="ada")
        assert (granted.exit_code, "KEY_NAME" in granted.stderr) == (2, True)


def test_trust__that_is_not_stated_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr; and another one than the store's is refused."""
    monkeypatch.delenv("RULES_ENGINE_TRUST")
    assert "no --trust" in run("status").stderr
    refused = run("status", "--trust", "sha256:" + 64 * "0")
    assert (refused.exit_code, "AUDIT_ANCHOR" in refused.stderr) == (2, True)


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


def test_passphrase__that_nobody_can_type_is_asked_for_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process without a terminal, for a key to be made and for one to be read: one message, and no key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RULES_ENGINE_PASSPHRASE", "open sesame")
    assert run("keys", "new", "ada.key").exit_code == 0
    monkeypatch.delenv("RULES_ENGINE_PASSPHRASE")
    program = [sys.executable, "-c", "from rules_engine.cli.main import main; main()"]
    for verb, file, otherwise in (
        (["keys", "new", "eve.key"], "eve.key", ", or make a key without one: --unprotected"),
        (["store", "init", "--store", "risk.db", "--name", "ada", "--key", "ada.key"], "ada.key", ""),
    ):
        alone: Any = {"stdin": subprocess.DEVNULL, "start_new_session": True}
        ended = subprocess.run([*program, *verb], capture_output=True, text=True, check=False, **alone)
        said = f"Error: the passphrase of {file} cannot be asked for, as there is no terminal; give it in "
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.endswith(f"\n\n{said}RULES_ENGINE_PASSPHRASE{otherwise}\n")
        assert "Warning" not in ended.stderr
    assert not Path("eve.key").exists()


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
    report = run("impact", *paths, "--book", "book.csv", "--market", "market.json", "--json")
    Path("impact.json").write_text(report.stdout)
    stopped = office.step("submit", paths[1], by="sam")
    assert (stopped.exit_code, "GUARD_FIGURE_MISSING" in stopped.stdout) == (1, True)
    assert "--impact FILE, which `rules-engine impact BEFORE AFTER --book BOOK" in stopped.stdout
    told = office.step("submit", paths[1], "--impact", "impact.json", by="sam")
    seen = ": 1 position, 0 rows at fault, 100.000000% of the notional newly liquidatable, or undecided"
    assert seen in told.stderr
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
    approved = office.step("approve", f"{NAME}@1.1.0", "--impact", "impact.json", by="mira")
    assert (approved.exit_code, seen in approved.stderr) == (0, True)
    for rows in ("", "A,p,BTCUSDT,isolated,one,10000,120,10\n"):
        Path("book.csv").write_text(f"account,id,instrument,mode,quantity,entry_price,margin,leverage\n{rows}")
        report = run("impact", *paths, "--book", "book.csv", "--market", "market.json", "--json")
        Path("hidden.json").write_text(report.stdout)
        hidden = office.step("submit", paths[1], "--impact", "hidden.json", by="sam")
        assert (hidden.exit_code, "REPORT_INCOMPLETE" in hidden.stderr) == (2, True)
