"""`--store`: the version in force in a store answers; `--log`: its answer is written down before it is printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from rules_engine.life.store.changes import submit
from rules_engine.life.store.store import Store
from tests.life.decisions import KEY, MASK
from tests.life.followers import HELD, ORDER, begun, market
from tests.life.people import NAME, REGISTRY, at, by, put_in_force, texts

Run = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """1 % in force from the beginning, 1.2 % from 5 hours on; documents of an account with 11 of equity beside it."""
    with begun(tmp_path) as made:
        put_in_force(made, texts(tmp_path, "1.1.0", "0.012"), 1, effective=at(5))
        documents: dict[str, Any] = {"account": HELD, "order": ORDER, "before": market(4), "after": market(5)}
        for name, document in documents.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
        row = {"account": "A", **HELD["positions"][0]}
        (tmp_path / "book.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n", encoding="utf-8")
        yield made


@pytest.fixture
def ask(store: Store, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command under the version in force in the store, in the market of this name."""
    monkeypatch.chdir(tmp_path)

    def asked(verb: str, when: str, *options: str, policy: str = NAME) -> Result:
        inputs = ("--account", "account.json") if verb in ("evaluate", "order") else ("--book", "book.csv")
        where = ("--store", "store.db", "--trust", str(store.trust))
        return run(verb, "--policy", policy, *where, *inputs, "--market", f"{when}.json", *options)

    return asked


@pytest.mark.parametrize(
    ("when", "version", "status"), [("before", "1.0.0", "healthy"), ("after", "1.1.0", "liquidate")]
)
def test_store__answers_by_the_version_of_the_market(ask: Run, when: str, version: str, status: str) -> None:
    """All four commands: 10 of maintenance before the instant, 12 from it on, against 11 of equity."""
    evaluation = json.loads(ask("evaluate", when, "--json").stdout)
    assert (evaluation["policy"]["version"], evaluation["pools"][0]["status"]) == (version, status)
    decision = json.loads(ask("order", when, "--order", "order.json", "--json").stdout)
    assert decision["evaluation"]["policy"]["version"] == version
    swept = json.loads(ask("sweep", when, "--json").stdout)
    assert (swept["policy"]["version"], swept["statuses"][status]) == (version, 1)
    moved = json.loads(ask("what-if", when, "--price", "0,1%", "--json").stdout)
    assert moved["policy"]["version"] == version


def test_store__is_named_by_the_environment_too(store: Store, tmp_path: Path, run: Run) -> None:
    """Then files, which ask for one version, answer as ever."""
    documents = ("--account", str(tmp_path / "account.json"), "--market", str(tmp_path / "after.json"), "--json")
    environment = {"RULES_ENGINE_STORE": store.tables.name, "RULES_ENGINE_TRUST": str(store.trust)}
    file = tmp_path / "policies" / NAME / "1.0.0.yaml"
    for policy, version in ((NAME, "1.1.0"), (str(file), "1.0.0")):
        result = run("evaluate", "--policy", policy, *documents, env=environment)
        assert json.loads(result.stdout)["policy"]["version"] == version


def test_store__answers_by_what_was_submitted_where_a_version_is_named(store: Store, ask: Run, tmp_path: Path) -> None:
    """In force or not, which a message says: 1.1.0 is to come, and 1.2.0 waits. 15 of maintenance against 11."""
    submit(store, texts(tmp_path, "1.2.0", "0.015"), REGISTRY, by("sam", 2))
    texts(tmp_path, "1.2.0", "0.02")  # the file is edited: that is not what was submitted
    for version, status, said in (
        ("1.0.0", "healthy", ""),
        (
            "1.1.0",
            "liquidate",
            "is not in force at 2026-12-01T12:00:01Z, the market's time: scheduled for 2026-12-01T13",
        ),
        ("1.2.0", "liquidate", "the market's time: it waits, and has 0 of 1 approval"),
    ):
        result = ask("evaluate", "before", "--json", policy=f"{NAME}@{version}")
        evaluation = json.loads(result.stdout)
        assert (evaluation["policy"]["version"], evaluation["pools"][0]["status"]) == (version, status)
        assert (said in result.stderr) if said else not result.stderr
    assert evaluation["positions"][0]["maintenance_margin"] == "15"
    unknown = ask("evaluate", "before", policy=f"{NAME}@7.0.0")
    assert (unknown.exit_code, f"{NAME}@1.2.0 waits" in unknown.stderr) == (2, True)


def test_policies__on_the_command_line_beat_a_store_of_the_environment(store: Store, tmp_path: Path, run: Run) -> None:
    """The folder says that 1.1.0 is in force before the instant at which the store puts it in force."""
    texts(tmp_path, "1.1.0", "0.012", "effective_from: 2026-12-01T09:00:00Z\n")
    documents = ("--account", str(tmp_path / "account.json"), "--market", str(tmp_path / "before.json"), "--json")
    environment = {"RULES_ENGINE_STORE": store.tables.name, "RULES_ENGINE_TRUST": str(store.trust)}
    for options, version in (((), "1.0.0"), (("--policies", str(tmp_path / "policies")), "1.1.0")):
        result = run("evaluate", "--policy", NAME, *documents, *options, env=environment)
        assert json.loads(result.stdout)["policy"]["version"] == version


def test_store__that_nobody_vouches_for_or_that_has_no_such_line_is_refused(store: Store, ask: Run, run: Run) -> None:
    """By name, and with what there is instead."""
    inputs = ("--account", "account.json", "--market", "after.json", "--store", "store.db")
    untrusted = run("evaluate", "--policy", NAME, *inputs)
    assert (untrusted.exit_code, "STORE_UNTRUSTED" in untrusted.stderr) == (2, True)
    other = run("evaluate", "--policy", "other", *inputs, "--trust", str(store.trust))
    assert (other.exit_code, "POLICY_UNKNOWN" in other.stderr, NAME in other.stderr) == (2, True, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--policy", "policies/usdt-perpetuals/1.0.0.yaml"), "give NAME or NAME@VERSION, not policies/usdt-perp"),
        (("--policies", "policies"), "give one"),
        (("--log-mask", "account"), "give --log FILE"),
        (("--log", "log", "--log-mask", "account"), "give both"),
        (("--log", "log", "--log-mask", "account", "--log-key", "short.key"), "wanted 16 or more"),
    ],
)
def test_options__that_contradict_each_other_are_usage_errors(
    ask: Run, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    """A store that would say nothing; a mask without a log or a key."""
    (tmp_path / "short.key").write_bytes(b"short")
    result = ask("evaluate", "after", *options)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_log__holds_what_was_printed_and_replays(ask: Run, run: Run, tmp_path: Path) -> None:
    """An evaluation, an order that is refused and an explanation, each with the id that stderr names."""
    before = ask("evaluate", "before", "--log", "log.jsonl", "--json")
    refused = ask("order", "after", "--order", "order.json", "--log", "log.jsonl")
    explained = ask("evaluate", "after", "--explain", "--log", "log.jsonl")
    assert [result.exit_code for result in (before, refused, explained)] == [0, 1, 0]
    lines = [json.loads(line) for line in (tmp_path / "log.000001.jsonl").read_text().splitlines()]
    records = [line for line in lines if line["kind"] in ("evaluate", "order")]
    assert [record["policy"]["version"] for record in records] == ["1.0.0", "1.1.0", "1.1.0"]
    for result, record in zip((before, refused, explained), records, strict=True):
        assert f"decision {record['decision']} is in log.jsonl" in result.stderr
    assert records[0]["answer"]["pools"][0]["status"] == json.loads(before.stdout)["pools"][0]["status"]
    assert run("replay", "log.jsonl", "--policies", "policies").exit_code == 0


def test_log__masked_holds_tokens_in_the_place_of_names(ask: Run, tmp_path: Path) -> None:
    """The token of the account is that of the key."""
    (tmp_path / "mask.key").write_bytes(KEY)
    masks = ("--log-mask", "account", "--log-mask", "id", "--log-key", "mask.key")
    assert ask("evaluate", "after", "--log", "log", *masks).exit_code == 0
    record = json.loads((tmp_path / "log.000001.jsonl").read_text().splitlines()[-1])
    assert record["account"] == MASK.token("account", "A")
    position, pool = record["answer"]["positions"][0], record["answer"]["pools"][0]
    assert pool["pool"] == f"{record['account']}/isolated/{position['id']}"
    assert position["id"] == f"0-{MASK.token('id', 'p')}"


def test_log__that_cannot_be_written_leaves_no_answer(ask: Run, tmp_path: Path) -> None:
    """Nothing is printed that is not written down."""
    (tmp_path / "log.000001.jsonl").write_text("no log\n", encoding="utf-8")
    result = ask("evaluate", "after", "--log", "log.jsonl", "--json")
    assert result.exit_code == 2
    assert "pools" not in result.stdout


def test_log__whose_end_was_torn_says_so(ask: Run, tmp_path: Path) -> None:
    """A line that was never finished is cut off, and told in one line."""
    ask("evaluate", "before", "--log", "log.jsonl")
    with (tmp_path / "log.000001.jsonl").open("a") as file:
        file.write('{"sequence":')
    result = ask("evaluate", "after", "--log", "log.jsonl")
    assert result.exit_code == 0
    assert "the last 12 bytes were a line that was never finished" in result.stderr
