"""The product as the properties use it: engines from plain-dict policies, and figures rounded as the semantics say."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rules_engine import Engine, Evaluation
from rules_engine.extension.registry import Registry, load_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.terms.evaluation import PoolFigures
from tests.oracle.numbers import GRAMMAR
from tests.properties.documents import QUANTUM, Document, Documents

REGISTRY: Registry = load_registry()


def yaml_text(value: Any) -> str:
    """The value in YAML's flow style, numbers as plain scalars."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {yaml_text(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(yaml_text, value)) + "]"
    if isinstance(value, str) and GRAMMAR.fullmatch(value):
        return value
    return json.dumps(value)


def engine_of(policy: Document) -> Engine:
    """The engine of a policy; fails with every problem where the check refuses it."""
    text = "".join(f"{key}: {yaml_text(section)}\n" for key, section in policy.items())
    compiled, problems = check_policy(text.encode(), "generated.yaml", REGISTRY, policy_finder(None))
    assert compiled is not None, [(each.code, each.message) for each in problems if each.severity == "error"]
    return Engine(compiled)


def evaluation_of(drawn: Documents) -> Evaluation:
    """The product's answer."""
    return engine_of(drawn.policy).evaluate(drawn.account, drawn.market)


def pools_of(evaluation: Evaluation) -> dict[str, PoolFigures]:
    """The pools by name."""
    return {pool.pool: pool for pool in evaluation.pools}


def up(value: Fraction, unit: Fraction = QUANTUM) -> Fraction:
    """The value, or the next multiple of the unit above it."""
    return math.ceil(value / unit) * unit


def down(value: Fraction, unit: Fraction = QUANTUM) -> Fraction:
    """The value, or the next multiple of the unit below it."""
    return math.floor(value / unit) * unit


def fraction(value: Decimal | None) -> Fraction | None:
    """A printed figure."""
    return None if value is None else Fraction(value)
