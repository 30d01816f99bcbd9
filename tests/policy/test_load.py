"""The door: which text a name or a path leads to, and what is said where it leads to none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.errors import PolicyError
from rules_engine.policy import load
from rules_engine.policy.load import load_policy, policy_pins
from tests.policy.policy_examples import EXAMPLE, REGISTRY

BARE = """\
schema: rules-engine/policy/1
policy: bare
version: 0.1.0
settlement: {currency: USDT, quantum: 0.01}
tables: {flat: {tiers: [{up_to: unlimited, maintenance_rate: 0.01, initial_rate: 0.02}]}}
modes: {isolated: {}}
instruments: {BTCUSDT: {payoff: linear, table: flat}}
"""


def write(folder: Path, text: str, name: str, version: str) -> Path:
    """A policy's text where a policies folder has it."""
    file = folder / name / f"{version}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_load_policy__finds_parents_two_levels_above(tmp_path: Path) -> None:
    write(tmp_path, EXAMPLE, "example", "1.0.0")
    child = BARE.replace("settlement:", "extends: example@1.0.0\nsettlement:")
    loaded = load_policy(write(tmp_path, child, "bare", "0.1.0"), registry=REGISTRY)
    assert set(loaded.tables) == {"flat", "majors"}


def test_load_policy__finds_parents_in_a_given_folder(tmp_path: Path) -> None:
    write(tmp_path / "policies", EXAMPLE, "example", "1.0.0")
    lone = tmp_path / "lone.yaml"
    lone.write_text(BARE.replace("settlement:", "extends: example@1.0.0\nsettlement:"))
    assert "majors" in load_policy(lone, policies=tmp_path / "policies", registry=REGISTRY).tables


def test_load_policy__takes_a_pinned_name(tmp_path: Path) -> None:
    write(tmp_path, BARE, "bare", "0.1.0")
    assert load_policy("bare@0.1.0", policies=tmp_path, registry=REGISTRY).name == "bare"


def test_load_policy__refuses_another_version_than_was_asked_for(tmp_path: Path) -> None:
    """A copy whose text still states the version that it was copied from; its own path is no promise."""
    file = write(tmp_path, BARE, "bare", "0.2.0")
    with pytest.raises(PolicyError, match=r"POLICY_IDENTITY it holds bare@0\.1\.0, and is looked up as bare@0\.2\.0"):
        load_policy("bare@0.2.0", policies=tmp_path, registry=REGISTRY)
    policy = load_policy(file, registry=REGISTRY)
    assert policy.version == "0.1.0"
    assert str(load.misplaced(file, policy)).startswith(f"{file}:3:")
    assert load.misplaced(write(tmp_path, BARE, "bare", "0.1.0"), policy) is None
    assert load.misplaced(tmp_path / "candidate.yaml", policy) is None
    assert load.misplaced(tmp_path / "other" / "0.2.0.yaml", policy) is None


def test_load_policy__takes_a_pinned_name_of_a_packaged_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "packaged_policies", BARE, "bare", "0.1.0")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(load, "PACKAGED", "packaged_policies")
    assert load_policy("bare@0.1.0", registry=REGISTRY).version == "0.1.0"


def test_load_policy__prefers_the_given_folder_to_the_packaged_policies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "packaged_too", BARE, "bare", "0.1.0")
    write(tmp_path / "packaged_too", EXAMPLE, "example", "1.0.0")
    write(tmp_path / "own", BARE.replace("0.01}", "0.5}"), "bare", "0.1.0")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(load, "PACKAGED", "packaged_too")
    assert load_policy("bare@0.1.0", policies=tmp_path / "own", registry=REGISTRY).quantum == Decimal("0.5")
    assert load_policy("example@1.0.0", policies=tmp_path / "own", registry=REGISTRY).name == "example"


def test_load_policy__where_no_policies_are_packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "PACKAGED", "no_such_package_of_policies")
    with pytest.raises(PolicyError, match="POLICY_UNKNOWN there is no file and no policy bare"):
        load_policy("bare@0.1.0", registry=REGISTRY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bare", "bare says no version; a policy that is no file is NAME@VERSION (there is bare@0.9.0, bare@0.10.0)"),
        ("bare@", "bare@ says no version; a policy that is no file is NAME@VERSION (there is bare@0.9.0, bare@0.10.0)"),
        ("bare@1.0.0", "there is no version 1.0.0 of bare (there is bare@0.9.0, bare@0.10.0)"),
        (
            "bars@0.9.0",
            "there is no file and no policy bars@0.9.0; a policy is a file, or NAME@VERSION (there is bare@",
        ),
        ("zebra", "there is no file and no policy zebra; a policy is a file, or NAME@VERSION (`rules-engine show"),
    ],
)
def test_load_policy__an_unknown_name_is_told_which_there_are(tmp_path: Path, text: str, said: str) -> None:
    for version in ("0.10.0", "0.9.0"):
        write(tmp_path, BARE.replace("version: 0.1.0", f"version: {version}"), "bare", version)
    (tmp_path / "README.md").write_text("no policy")
    (tmp_path / "bare" / "notes.txt").write_text("no policy")
    with pytest.raises(PolicyError) as raised:
        load_policy(text, policies=tmp_path, registry=REGISTRY)
    assert str(raised.value).startswith(f"POLICY_UNKNOWN {said}")


def test_policy_pins__of_a_folder_that_is_not_there_are_the_packaged_ones(tmp_path: Path) -> None:
    assert policy_pins(tmp_path / "nowhere") == policy_pins()


def test_load_policy__a_path_that_leads_nowhere_stays_a_missing_file(tmp_path: Path) -> None:
    for path in ("bare.yaml", tmp_path / "bare"):
        with pytest.raises(FileNotFoundError):
            load_policy(path, registry=REGISTRY)


def test_load_policy__a_packaged_policy_is_called_by_its_pin() -> None:
    assert load_policy("house-base@1.0.0").marks[("settlement",)].file == "house-base@1.0.0"


def test_load_policy__loads_what_is_installed_unless_told_otherwise(tmp_path: Path) -> None:
    assert set(load_policy(write(tmp_path, BARE, "bare", "0.1.0")).modes) == {"isolated"}


def test_policy__without_modes_is_refused_and_told_which_there_are(tmp_path: Path) -> None:
    for modes in ("{}", ""):
        with pytest.raises(PolicyError) as raised:
            load_policy(write(tmp_path, BARE.replace("modes: {isolated: {}}", f"modes: {modes}"), "bare", "0.1.0"))
        (problem,) = raised.value.problems
        assert problem.path == "modes"
        assert problem.hint == "name the modes that are allowed, of cross, hybrid, isolated, each as `NAME: {}`"


def test_policy__without_instruments_is_a_base_for_others_and_warned_of(tmp_path: Path) -> None:
    text = BARE[: BARE.index("instruments:")] + "instruments: {}\n"
    loaded = load_policy(write(tmp_path, text, "bare", "0.1.0"))
    assert "INSTRUMENTS_NONE" in [problem.code for problem in loaded.warnings]


def test_policy__shows_its_identity_and_not_its_tables(tmp_path: Path) -> None:
    loaded = load_policy(write(tmp_path, BARE, "bare", "0.1.0"))
    assert repr(loaded) == f"Policy(bare@0.1.0, {loaded.digest})"


def test_load_policy__raises_every_problem_at_once(tmp_path: Path) -> None:
    broken = BARE.replace("table: flat", "table: bumpy").replace("isolated", "isolation")
    with pytest.raises(PolicyError) as raised:
        load_policy(write(tmp_path, broken, "bare", "0.1.0"), registry=REGISTRY)
    assert [problem.code for problem in raised.value.problems] == ["UNUSED", "MODE_UNKNOWN", "TABLE_UNKNOWN"]
