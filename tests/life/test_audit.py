"""Tampering with the database: each kind is tried on every field of every row, none is accepted, each has a name.

The store that is tampered with has an entry of every kind: 1 found, 2-5 grants, 6-8 first version, 9 guards,
10-13 second version, 14-16 third version, 17 rollback, 18 revocation.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rules_engine.life.store.keys import new_key
from rules_engine.life.store.log import sha256
from rules_engine.life.store.statements import decoded
from rules_engine.life.store.store import Store
from tests.life.people import at, by, key
from tests.life.tampering import DOCUMENTS, LOG, Hands, chained, changed, field_edits, other_value, signed, walked

ENTRIES = 18
EVERY = range(ENTRIES)
FORGED = {
    "AUDIT_SIGNATURE",
    "AUDIT_MALFORMED",
    "AUDIT_FOREIGN",
    "AUDIT_REPLAYED",
    "AUDIT_CHAIN",
    "AUDIT_SIGNER",
    "AUDIT_REVOKED",
}
"""What is said of a statement that was changed: its signature is not for these bytes, or they say so themselves."""


@pytest.fixture
def hands(url: str, tmp_path: Path) -> Hands:
    """The store that was walked through, with hands on its tables."""
    return walked(url, tmp_path)


def test_audit__finds_nothing_in_a_store_that_nobody_touched(hands: Hands) -> None:
    """The example holds every kind of step, and the version that was rolled back to is in force."""
    assert {decoded(row["statement"]).__struct_config__.tag for row in hands.log} == {
        *("found", "grant", "revoke", "guards", "submit", "approve", "activate", "rollback")
    }
    assert len(hands.log) == ENTRIES
    assert hands.found(head=hands.log[-1]["hash"]) == set()
    assert hands.loaded() == hands.before


def test_1_edit__every_column_of_every_entry(hands: Hands) -> None:
    """One bit, in each column."""
    for index in EVERY:
        row = hands.log[index]
        for column in LOG:
            value = row[column] + ENTRIES if column == "sequence" else other_value(row[column])
            codes = hands.codes(changed(hands.log, index, **{column: value}))
            assert codes <= {"AUDIT_ORDER", "AUDIT_HASH", "AUDIT_ANCHOR", *FORGED}, (index, column)


def test_2_edit__every_field_of_every_statement_with_hashes_computed_anew(hands: Hands) -> None:
    """Roles, keys, effective times, digests, figures, guards, notes: hashes need no key, signatures do."""
    for index in EVERY:
        for field, data in field_edits(hands.log[index]):
            codes = hands.codes(chained(changed(hands.log, index, statement=data)))
            assert codes <= ({"AUDIT_ANCHOR"} if index == 0 else FORGED), (index, field)


def test_3_removal__of_every_entry(hands: Hands) -> None:
    """With the gap left as it is, and with all that follows moved up. The last one is the cut tail, below."""
    for index in EVERY[:-1]:
        rest = hands.log[:index] + hands.log[index + 1 :]
        first = "AUDIT_ANCHOR" if index == 0 else None
        assert hands.codes(rest) == {"AUDIT_ORDER"}
        assert hands.codes(chained(rest)) == {first or "AUDIT_REPLAYED"}
    with hands.put(log=[]):
        assert hands.loaded() == "AUDIT_EMPTY"


def test_4_reordering__of_every_two_entries(hands: Hands) -> None:
    """Each entry trades its place with each of those after it."""
    for index in EVERY:
        for other in EVERY[index + 1 :]:
            rows = list(hands.log)
            rows[index], rows[other] = rows[other], rows[index]
            assert hands.codes(chained(rows)) == {"AUDIT_ANCHOR" if index == 0 else "AUDIT_REPLAYED"}


def test_5_duplicates__of_every_entry_anywhere(hands: Hands) -> None:
    """An approval that is there twice, a revoked grant that comes again."""
    for index in EVERY:
        for place in range(1, ENTRIES + 1):
            rows = [*hands.log[:place], hands.log[index], *hands.log[place:]]
            assert hands.codes(chained(rows)) == {"AUDIT_FOUNDING" if index == 0 else "AUDIT_REPLAYED"}


def test_6_cut_tail__is_found_with_a_head_that_was_noted_and_only_then(hands: Hands) -> None:
    """The one thing that a log cannot say by itself: what is not there any more."""
    head = hands.log[-1]["hash"]
    for length in range(1, ENTRIES):
        with hands.put(log=hands.log[:length]):
            assert hands.found(head=head) == {"AUDIT_CUT"}
            assert hands.found() <= {"DOCUMENT_STRAY"}


def test_7_signatures__of_every_two_entries_swapped(hands: Hands) -> None:
    """A signature holds for its own bytes alone, also where both are the same person's."""
    for index in EVERY:
        for other in EVERY[index + 1 :]:
            rows = changed(hands.log, index, signature=hands.log[other]["signature"])
            rows = changed(rows, other, signature=hands.log[index]["signature"])
            assert hands.codes(chained(rows)) == {"AUDIT_ANCHOR" if index == 0 else "AUDIT_SIGNATURE"}


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(65)])
def test_8_signatures__stripped(hands: Hands, signature: bytes) -> None:
    """An entry without a signature is none."""
    for index in EVERY:
        rows = chained(changed(hands.log, index, signature=signature))
        assert hands.codes(rows) == {"AUDIT_UNSIGNED"}


def test_8_signatures__of_zeros(hands: Hands) -> None:
    """Neither is one of zeros."""
    for index in EVERY[1:]:
        assert hands.codes(chained(changed(hands.log, index, signature=bytes(64)))) == {"AUDIT_SIGNATURE"}


def test_9_foreign_key__signs_in_the_place_of_everybody(hands: Hands) -> None:
    """A stranger signs each statement anew: as the person who signed it, and as himself."""
    stranger = new_key()
    for index in EVERY[1:]:
        data = hands.log[index]["statement"]
        rows = changed(hands.log, index, signature=stranger.sign(data))
        assert hands.codes(chained(rows)) == {"AUDIT_SIGNATURE"}
        rows = signed(hands, stranger, index, index, lambda statement: statement)
        assert hands.codes(rows) == {"AUDIT_SIGNER"}


def test_10_other_store__its_entries_and_the_whole_of_it(new_database: Callable[[], str], tmp_path: Path) -> None:
    """The same people took the same steps in a store for trials: none of that counts here."""
    hands, trial = walked(new_database(), tmp_path), walked(new_database(), tmp_path)
    for index in EVERY:
        rows = chained(changed(hands.log, index, **{name: trial.log[index][name] for name in LOG}))
        assert hands.codes(rows) == {"AUDIT_ANCHOR" if index == 0 else "AUDIT_FOREIGN"}
        rows = chained([*hands.log, trial.log[index]])
        assert hands.codes(rows) == {"AUDIT_FOUNDING" if index == 0 else "AUDIT_FOREIGN"}
    with hands.put(log=trial.log, documents=trial.documents):
        assert hands.loaded() == "AUDIT_ANCHOR"


def test_11_documents__every_column_of_every_text(hands: Hands) -> None:
    """Changed, under another name, swapped or taken away; and one more that nobody signed."""
    for index, row in enumerate(hands.documents):
        for column in DOCUMENTS:
            with hands.put(documents=changed(hands.documents, index, **{column: other_value(row[column])})):
                assert hands.loaded() in {"DOCUMENT_ALTERED", "DOCUMENT_MISSING", hands.before}
                assert hands.found() & {"DOCUMENT_ALTERED", "DOCUMENT_MISSING"}
        with hands.put(documents=hands.documents[:index] + hands.documents[index + 1 :]):
            assert hands.found() == {"DOCUMENT_MISSING"}
        swapped = changed(hands.documents, index, text=hands.documents[index - 1]["text"])
        with hands.put(documents=swapped):
            assert hands.found() == {"DOCUMENT_ALTERED"}
    stray = {"sha256": sha256(b"eve"), "text": b"eve"}
    with hands.put(documents=[*hands.documents, stray]):
        assert hands.found() == {"DOCUMENT_STRAY"}
        assert hands.loaded() == hands.before


def test_11_documents__those_in_force_are_never_loaded_altered(hands: Hands) -> None:
    """Every text that the version in force is made of."""
    ledger = hands.store.ledger()
    turn = ledger.line("usdt-perpetuals").at(at(48))
    assert turn is not None
    for digest in turn.submission.statement.documents.values():
        altered = [{**row, "text": row["text"] + b"\n"} if row["sha256"] == digest else row for row in hands.documents]
        with hands.put(documents=altered):
            assert hands.loaded() == "DOCUMENT_ALTERED"


def test_12_revocation__a_revoked_key_does_nothing_any_more(hands: Hands) -> None:
    """Mira's key is stolen: with it and the database in hand, entries are added after it was revoked, or before."""
    mira = key("mira")
    assert hands.codes(signed(hands, mira, ENTRIES, 6, lambda said: said)) == {"AUDIT_REVOKED"}
    back = lambda said: msgspec.structs.replace(said, time=at(7) + timedelta(minutes=5))  # noqa: E731
    assert hands.codes(signed(hands, mira, ENTRIES, 6, back)) == {"AUDIT_REVOKED"}
    assert hands.codes(signed(hands, mira, ENTRIES - 1, 6, back)) == {"STORE_ACTIVATED"}


def test_12_revocation__is_not_dated_back(hands: Hands) -> None:
    """Not by its time, which is signed and never before that of the entry before; not by its place."""
    ada = key("ada")
    dated = signed(hands, ada, ENTRIES, 17, lambda said: msgspec.structs.replace(said, time=at(1)))
    assert hands.codes(dated) == {"AUDIT_TIME"}
    for place in range(1, ENTRIES - 1):
        moved = [*hands.log[:place], hands.log[-1], *hands.log[place:-1]]
        assert hands.codes(chained(moved)) == {"AUDIT_REPLAYED"}


def test_insiders__write_past_the_commands_and_get_no_further(hands: Hands) -> None:
    """People with keys of their own write to the database themselves: the rules are the reader's, not the writer's."""
    later = {"time": at(9)}
    noor, sam, otto = key("noor"), key("sam"), key("otto")
    new = {"version": "1.9.0", "digest": "sha256:" + 64 * "1", "effective": None, **later}

    def replaced(**fields: object) -> Callable[[Any], Any]:
        return lambda said: msgspec.structs.replace(said, **fields)

    submitted = decoded(hands.log[9]["statement"])
    parent, documents = submitted.digest, {"usdt-perpetuals@1.9.0": sha256(b"")}  # type: ignore[union-attr]
    proposal = replaced(**new, parent=parent, documents=documents)
    assert hands.codes(signed(hands, otto, ENTRIES, 9, proposal)) == {"STORE_ROLE"}
    log = signed(hands, noor, ENTRIES, 9, proposal)
    own = Hands.__new__(Hands)
    own.__dict__ = {**hands.__dict__, "log": log}
    told = {**new, "parent": parent, "submission": ENTRIES + 1, "time": at(10)}
    assert hands.codes(signed(own, noor, ENTRIES + 1, 10, replaced(**told))) == {"STORE_FOUR_EYES"}
    activations = {at(10): "STORE_APPROVALS", at(1): "STORE_TOO_LATE"}
    for effective, code in activations.items():
        rows = signed(own, otto, ENTRIES + 1, 12, replaced(**{**told, "effective": effective}))
        assert hands.codes(rows) == {code}
    assert hands.codes(signed(own, sam, ENTRIES + 1, 1, replaced(time=at(10)))) == {"STORE_ROLE"}


def test_database__without_its_tables_is_refused(url: str, tmp_path: Path) -> None:
    """Nor does a file of something else pass for a store."""
    file = tmp_path / "other.db"
    file.write_bytes(b"something else" * 100)
    hands = Hands.__new__(Hands)
    hands.trust = "sha256:" + 64 * "0"
    hands.store = Store(str(file), trust=hands.trust)
    assert hands.loaded() == "STORE_UNUSABLE"
    assert hands.found() == {"STORE_UNUSABLE"}


@pytest.mark.parametrize("value", [None, 0, 7, 10**12, 1.5, "text", b""])
def test_sqlite__other_types_in_every_column(tmp_path: Path, value: object) -> None:
    """SQLite keeps whatever it is given, where somebody makes the tables anew without their constraints."""
    hands = walked(str(tmp_path / "typed.db"), tmp_path)
    with hands._engine.begin() as connection:
        for table in ("log", "documents"):
            connection.exec_driver_sql(f"CREATE TABLE other AS SELECT * FROM rules_engine_{table}")
            connection.exec_driver_sql(f"DROP TABLE rules_engine_{table}")
            connection.exec_driver_sql(f"ALTER TABLE other RENAME TO rules_engine_{table}")
    for index, column in product(EVERY, LOG):
        if value != hands.log[index][column]:
            codes = hands.codes(changed(hands.log, index, **{column: value}))
            assert codes <= {"AUDIT_ORDER", "AUDIT_UNSIGNED", "AUDIT_HASH", "AUDIT_MALFORMED", "AUDIT_ANCHOR"}, (
                index,
                column,
            )
    for index in range(len(hands.documents)):
        for column in DOCUMENTS:
            with hands.put(documents=changed(hands.documents, index, **{column: value})):
                assert hands.found() & {"DOCUMENT_ALTERED", "DOCUMENT_MISSING"}


def test_sqlite__a_trigger_that_swallows_steps_is_noticed(tmp_path: Path) -> None:
    """What was written is looked up before the step is acknowledged."""
    hands = walked(str(tmp_path / "trigger.db"), tmp_path)
    with hands._engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER eve BEFORE INSERT ON rules_engine_log BEGIN SELECT RAISE(IGNORE); END"
        )
    with pytest.raises(Exception, match="STORE_NOT_KEPT"):
        hands.store.grant(key("abe").public, "abe", ["approver"], by("ada", 9))
