"""The published digests: anyone with a SHA-256 program can check a policy's identity."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from rules_engine import load_policy

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PUBLISHED = json.loads((EXAMPLES / "digests.json").read_text(encoding="utf-8"))
ENTRIES = pytest.mark.parametrize("entry", PUBLISHED, ids=[entry["document"] for entry in PUBLISHED])


@ENTRIES
def test_digest__of_the_document_is_the_published_one(entry: dict[str, str]) -> None:
    assert load_policy(EXAMPLES / entry["document"]).digest == entry["digest"]


@ENTRIES
def test_digest__is_the_sha256_of_the_published_canonical_text(entry: dict[str, str]) -> None:
    # The canonical texts were written by hand, and their sums taken with sha256sum.
    assert "sha256:" + hashlib.sha256(entry["canonical"].encode()).hexdigest() == entry["digest"]


def test_digest__of_a_child_holds_that_of_its_parent() -> None:
    parent, child = PUBLISHED
    assert json.loads(child["canonical"])["parent"] == parent["digest"]


def test_digest__does_not_depend_on_the_layout(tmp_path: Path) -> None:
    """Flow or block style, comments, the order of keys, the spelling of numbers and times leave the digest alone."""
    other = tmp_path / "tiny.yaml"
    other.write_text(
        """\
version: 1.0.0
policy: 'tiny'
schema: "rules-engine/policy/1"
instruments: {"*USDT": {table: flat, payoff: linear}}
modes:
  cross: {}
tables:
  flat:
    tiers:
      - max_leverage: 75.0
        maintenance_rate: 5e-3
        up_to: unlimited
settlement: {currency: USDT, quantum: 0.01}
effective_from: 2026-12-01T08:00:00Z
"""
    )
    assert load_policy(other).digest == PUBLISHED[0]["digest"]
