"""The guards of a YAML file; all that is wrong with them is told, each by its line and column."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rules_engine.cli.inputs import read
from rules_engine.errors import DocumentError

if TYPE_CHECKING:
    from rules_engine.life.store.guards import Guards, Step
    from rules_engine.policy.document import Path
    from rules_engine.policy.findings import Findings

INVALID: Final = "GUARDS_INVALID"
BEGINNING: Final = "guards are keys such as `approvals: 2`"
_STEP: Final = "a step such as {above: 0.2, ask: 2}"
_STEPS: Final = "a list of steps such as [{above: 0.2, ask: 2}]"
_APPROVALS: Final = "a whole number from 1 to 20"
_WANTED: Final = {
    "approvals": _APPROVALS,
    "ask": f"{_APPROVALS}, or forbid",
    "looser": f"{_APPROVALS}, or forbid",
    "above": "a fraction such as 0.2, not below zero",
    "rate_change": _STEPS,
    "newly_liquidatable": _STEPS,
}


def guards_in(path: str) -> Guards:
    """The guards of a YAML file. Raises `DocumentError`."""
    import msgspec

    from rules_engine.life.store.guards import Guards
    from rules_engine.policy.findings import Findings, in_text_order
    from rules_engine.policy.reader import read_document

    document = read_document(read(path), path, BEGINNING)
    findings = Findings(document)
    _judge(findings, document.value, (), Guards)
    if findings.problems:
        raise DocumentError(in_text_order(findings.problems, [path]))
    return msgspec.convert(_plain(document.value), Guards)


def _judge(findings: Findings, value: Mapping[str, Any], path: Path, kind: type[Guards | Step]) -> None:
    """Notes what is wrong with the guards, or with one of their steps."""
    from msgspec.structs import fields

    from rules_engine.numbers.text import shown
    from rules_engine.policy.findings import nearest, path_text

    known = {field.name: field.required for field in fields(kind)}
    unknown = [name for name in value if name not in known]
    for name in unknown:
        findings.key_error(INVALID, (*path, name), f"there is no key {shown(name)} here", nearest(name, known))
    for name, required in known.items():
        if name in value:
            _judge_member(findings, value[name], (*path, name), kind)
        elif required and not unknown:  # else it may be misspelled
            findings.error(INVALID, path, f"{path_text(path)}: the key {name} is missing", f"add `{name}:`")


def _judge_member(findings: Findings, value: Any, path: Path, kind: type[Guards | Step]) -> None:
    """Notes what is wrong with the value of a key; the other keys are judged by themselves."""
    import msgspec

    from rules_engine.life.store.guards import Step

    name = str(path[-1])
    if _WANTED[name] == _STEPS and isinstance(value, list):
        for index, step in enumerate(value):
            if isinstance(step, dict):
                _judge(findings, step, (*path, index), Step)
            else:
                _refuse(findings, step, (*path, index), _STEP)
        return
    others: dict[str, Any] = {"above": 0, "ask": 1} if kind is Step else {}
    try:
        msgspec.convert(others | {name: _plain(value)}, kind)
    except msgspec.ValidationError:
        _refuse(findings, value, path, _WANTED[name])


def _refuse(findings: Findings, value: Any, path: Path, wanted: str) -> None:
    from rules_engine.policy.findings import path_text
    from rules_engine.policy.wording import found, type_hint

    hint = type_hint(value, ["number"] if path[-1] == "above" else [], {})
    findings.error(INVALID, path, f"{path_text(path)}: found {found(value)}, wanted {wanted}", hint)


def _plain(value: Any) -> Any:
    """The value with whole numbers as such: approvals are counted."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    return [_plain(member) for member in value] if isinstance(value, list) else value
