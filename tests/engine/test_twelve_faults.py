"""Sixteen faulty plugins beside the standard modes in one registry: each is contained and named, and no digit moves."""

from __future__ import annotations

import textwrap
import warnings
from pathlib import Path
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.extension.registry import QuarantineWarning, Registry, load_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from tests.builders import FLAT, FLAT_INSTRUMENTS, SECTIONS, account, market, one_pool, order, position

IMPORTS = """
from decimal import Decimal, getcontext
from rules_engine.plugin import Backing, PoolLabel, Requirement, hookimpl, tiered_requirement
"""
MODE = (
    IMPORTS
    + """
class Faulty:
    name = "{name}"
    parameters = {{}}
    def pool(self, position, parameters):
        return PoolLabel(key=position.id, backing=Backing.POSITION)
    def requirement(self, num, exposure, parameters):
        {body}

@hookimpl
def rules_engine_margin_modes():
    return [{supplied}]
"""
)
HOOK = "from rules_engine.plugin import hookimpl\n@hookimpl\n"


def mode(name: str, body: str, supplied: str = "Faulty()") -> str:
    """The source of a plugin that supplies a mode of this name."""
    return MODE.format(name=name, body=body, supplied=supplied)


LOADING = {
    "import_error": ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    "exits_at_import": ("raise SystemExit(3)", "it called for the program's exit (3)"),
    "wrong_type": (
        HOOK + "def rules_engine_margin_modes(): return 7",
        "rules_engine_margin_modes returned int, wanted",
    ),
    "one_name_twice": (
        mode("one_name_twice", "return tiered_requirement(num, exposure)", "Faulty(), Faulty()"),
        "it supplies two margin modes named 'one_name_twice'",
    ),
    "unknown_hook": (HOOK + "def rules_engine_prices(): return []", "it implements a hook that does not exist: "),
    "next_contract": ("rules_engine_contract = 99", "it is written for contract 99; this version supports 1"),
}
"""By distribution: what cannot even be loaded, and the reason that is given."""

ANSWERING = {
    "raises": ("raise ValueError('no')", "raised ValueError: no (file_raises.py:11)"),
    "exits": ("raise SystemExit(3)", "raised SystemExit: 3 (file_exits.py:11)"),
    "not_a_number": (
        "return Requirement(Decimal('NaN'), Decimal(1))",
        "requires initial margin NaN, wanted a finite amount, not below 0",
    ),
    "infinite": (
        "return Requirement(Decimal(1), Decimal('Infinity'))",
        "requires maintenance margin Infinity, wanted a finite amount, not below 0",
    ),
    "negative": (
        "return Requirement(Decimal(1), Decimal(-1))",
        "requires maintenance margin -1, wanted a finite amount, not below 0",
    ),
    "wrong_shape": ("return (Decimal(1), Decimal(1))", "returned tuple, wanted a Requirement"),
    "changes_a_position": (
        "exposure.quantity = Decimal(0)",
        "raised AttributeError: immutable type: 'Exposure' (file_changes_a_position.py:11)",
    ),
    "changes_terms": (
        "exposure.market.terms['strike'] = Decimal(0)",
        "raised TypeError: 'mappingproxy' object does not support item assignment (file_changes_terms.py:11)",
    ),
    "changes_numbers": (
        "num.absolute = lambda x: Decimal(0)",
        "raised AttributeError: 'ExactNumbers' object attribute 'absolute' is read-only (file_changes_numbers.py:11)",
    ),
    "changes_precision": (
        "getcontext().prec = 3; return tiered_requirement(num, exposure)",
        "changed the precision of decimal arithmetic",
    ),
}
"""By file: what fails while it answers, and what is said of it."""

STANDARD = "isolated: {}, cross: {}, hybrid: {shared_draw_cap: 0.25}"
SOUND = [
    position("1.3", "99.7", margin="0.5", id="alone"),
    position("-3.1", "90.3", mode="cross", id="shared", instrument="ETHUSDT"),
    position("70", "101.1", mode="hybrid", id="grouped", instrument="SOLUSDT"),
]
FUNDS = {"collateral": {"USDT": "1500"}, "group_margins": {"SOL": "77"}, "orders": [order("0.7", price="98")]}
MARKET = market("100", ETHUSDT="93.7")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """The registry of what is installed with all faulty plugins: six as distributions, the others as files."""
    folder: Path = tmp_path_factory.mktemp("faulty")
    files = []
    for name, (source, _) in LOADING.items():
        (folder / f"faulty_{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = folder / f"{name}-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[rules_engine]\n{name} = faulty_{name}\n", encoding="utf-8")
    for name, (body, _) in ANSWERING.items():
        files.append(folder / f"file_{name}.py")
        files[-1].write_text(mode(name, body), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.syspath_prepend(str(folder))
        warnings.simplefilter("ignore", QuarantineWarning)
        return load_registry(files=files)


def engine(registry: Registry, modes: str) -> Engine:
    sections = {**SECTIONS, "tables": FLAT, "instruments": FLAT_INSTRUMENTS, "modes": f"{{{modes}}}"}
    text = "".join(f"{name}: {section}\n" for name, section in sections.items())
    policy, problems = check_policy(text.encode(), "faults.yaml", registry, policy_finder(None))
    assert policy is not None, problems
    return Engine(policy)


@pytest.fixture(scope="module")
def documents(registry: Registry) -> tuple[Any, Any]:
    """The sound positions' evaluation without any faulty plugin, and the whole account's with all of them."""
    without = engine(load_registry(), STANDARD).evaluate(account(*SOUND, **FUNDS), MARKET)
    everything = engine(registry, ", ".join([STANDARD, *(f"{name}: {{}}" for name in ANSWERING)]))
    faulty = [position("1", margin="50", mode=name, id=f"of {name}") for name in ANSWERING]
    mixed = [row for pair in zip(faulty, [*SOUND, *[None] * len(faulty)], strict=False) for row in pair if row]
    return without, everything.evaluate(account(*mixed, **FUNDS), MARKET)


@pytest.mark.parametrize("name", LOADING)
def test_plugin__that_cannot_be_loaded_is_quarantined_by_name_version_and_reason(registry: Registry, name: str) -> None:
    """Beside fifteen others."""
    plugin = next(one for one in registry.quarantined if one.name == name)
    assert (plugin.distribution, plugin.version, plugin.origin) == (name, "1.2.3", f"faulty_{name}")
    assert plugin.reason.startswith(LOADING[name][1])


@pytest.mark.parametrize("name", LOADING)
def test_policy__that_needs_a_plugin_in_quarantine_is_refused(registry: Registry, name: str) -> None:
    """There is no such mode, at the line that names it, and the plugins that are not loaded are named."""
    text = f"schema: rules-engine/policy/1\npolicy: p\nversion: 1.0.0\nmodes:\n  {name}: {{}}\n"
    policy, problems = check_policy(text.encode(), "p.yaml", registry, policy_finder(None))
    assert policy is None
    problem = next(one for one in problems if one.code == "MODE_UNKNOWN")
    assert (problem.mark and problem.mark.line, problem.message) == (5, f"there is no margin mode {name}")
    assert "rules-engine plugins list` says why" in problem.hint
    assert all(plugin.name in problem.hint for plugin in registry.quarantined)


@pytest.mark.parametrize("name", ANSWERING)
def test_plugin__that_fails_while_it_answers_is_named_with_the_position(documents: tuple[Any, Any], name: str) -> None:
    """Its pool is undetermined; the sentence has position, component, supplier and what happened."""
    pool = one_pool(documents[1], f"A/{name}/of {name}")
    assert (pool.status, pool.reasons) == ("undetermined", ("PLUGIN_FAULT",))
    assert pool.evidence[0].message == f"of {name}: {name} of file_{name}.py (a file) {ANSWERING[name][1]}"
    assert pool.evidence[0].position == f"of {name}"


def test_evaluation__of_every_other_pool_is_the_same_to_the_digit(documents: tuple[Any, Any]) -> None:
    """Documents of pools and positions, compared as they are published."""
    without, everything = (document.to_dict() for document in documents)
    assert [one for one in everything["pools"] if one["mode"] not in ANSWERING] == without["pools"]
    assert [one for one in everything["positions"] if one["mode"] not in ANSWERING] == without["positions"]
    assert {pool["status"] for pool in without["pools"]} == {"healthy", "liquidate"}
    assert len(everything["pools"]) == len(without["pools"]) + len(ANSWERING)
