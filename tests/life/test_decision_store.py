"""`rules-engine replay --store`: decisions under versions whose texts only the store has."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from rules_engine.life.decisions.logged import LoggedEngine
from tests.life.decisions import log_at
from tests.life.followers import HELD, RATES, begun, following, market
from tests.life.people import NAME, put_in_force, texts
from tests.life.test_decision_command import run


@pytest.fixture
def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Decisions under two versions of a store, whose folder of policies is gone; gives the hash to trust."""
    monkeypatch.chdir(tmp_path)
    with begun(tmp_path) as store:
        put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), hours=2)
        with log_at(tmp_path / "log") as log:
            engine = LoggedEngine(following(store), log)
            for hours in (1, 2):
                engine.evaluate(HELD, market(hours))
        shutil.rmtree("policies")
        assert store.trust is not None
        return store.trust


def test_replay__under_versions_of_a_store(trust: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named on the command line or by the environment; a folder that is named is asked instead."""
    found = run("log", "--store", "store.db", "--trust", trust, "--json")
    assert (found.exit_code, json.loads(found.stdout)["equal"]) == (0, 2)
    assert run("log").exit_code == 1
    monkeypatch.setenv("RULES_ENGINE_STORE", "store.db")
    monkeypatch.setenv("RULES_ENGINE_TRUST", trust)
    assert run("log").exit_code == 0
    assert run("log", "--policies", "policies").exit_code == 1
    both = run("log", "--policies", "policies", "--store", "store.db")
    assert (both.exit_code, "give one" in both.stderr) == (2, True)


def test_candidate__may_be_a_version_of_the_store(trust: str) -> None:
    """12 of maintenance instead of 10, for 11 of equity: asked of what the first version answered, and of its own."""
    arguments = ("--candidate", f"{NAME}@1.1.0", "--store", "store.db", "--trust", trust, "--json")
    document = json.loads(run("log", *arguments).stdout)["candidate"]
    assert (document["compared"], document["differing"]) == (2, 1)
    assert document["kinds"]["status healthy -> liquidate"] == 1


def test_replay__under_a_store_that_cannot_be_trusted(trust: str) -> None:
    """It is refused whole, as everywhere."""
    refused = run("log", "--store", "store.db")
    assert (refused.exit_code, "STORE_UNTRUSTED" in refused.stderr) == (2, True)
    with sqlite3.connect("store.db") as database:
        database.execute("UPDATE rules_engine_documents SET text = x'00'")
    found = run("log", "--store", "store.db", "--trust", trust)
    assert found.exit_code == 1
    assert "DOCUMENT_ALTERED" in found.stderr
    assert found.stdout.count("LOG_POLICY_UNKNOWN") == 2
