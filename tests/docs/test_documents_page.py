"""The page of documents and the engine name the same fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from rules_engine.engine.documents import OBJECTS
from rules_engine.errors import Doubt
from rules_engine.terms.evaluation import (
    BufferFigure,
    Closing,
    Evaluation,
    OrderDecision,
    PolicyIdentity,
    PoolFigures,
    PositionFigures,
    Status,
)

PAGE = (Path(__file__).parents[2] / "docs" / "documents.md").read_text(encoding="utf-8")
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \|(.*)\|$", re.MULTILINE)

ONE = Decimal(1)
DOUBT = Doubt(code="MARK_STALE", message="old", position="p1", instrument="BTCUSDT")
BUFFER = BufferFigure(name="volatility", multiply=ONE, add_rate=ONE)
POSITION = PositionFigures(
    id="p1", instrument="BTCUSDT", mode="cross", pool=None, buffers=(BUFFER,), version="0.9.0", figures={"levels": ONE}
)
CLOSING = Closing(position="p1", quantity=ONE, reason="restores", figures={"limit_price": ONE})
POOL = PoolFigures(
    pool="A/cross",
    mode="cross",
    status="healthy",
    draw_limit=ONE,
    close_out=(CLOSING,),
    evidence=(DOUBT,),
    figures={"worst": ONE},
)
POLICY = PolicyIdentity(name="a", version="1.0.0", digest="sha256:00")
EVALUATION = Evaluation(
    policy=POLICY, as_of=datetime(2026, 12, 2, tzinfo=UTC), account="A", positions=(POSITION,), pools=(POOL,)
)
DECISION = OrderDecision(
    order="o1",
    accepted=True,
    reasons=(),
    pool=None,
    required_margin=None,
    available_margin=None,
    largest_quantity=None,
    evaluation=EVALUATION,
)
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "Evaluation": EVALUATION.to_dict(),
    "Policy": POLICY.to_dict(),
    "Position figures": POSITION.to_dict(),
    "Buffer figure": BUFFER.to_dict(),
    "Pool figures": POOL.to_dict(),
    "Close-out step": CLOSING.to_dict(),
    "Doubt": POOL.to_dict()["evidence"][0],
    "Decision": DECISION.to_dict(),
}


def documented() -> dict[str, dict[str, str]]:
    """The fields of each section of the page, with the rest of their lines."""
    parts = HEADING.split(PAGE)
    return {name: dict(ROW.findall(text)) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_documents__has_a_section_for_every_object_and_no_others() -> None:
    assert list(documented()) == [*OBJECTS, *ANSWERS]


@pytest.mark.parametrize("name", OBJECTS)
def test_documents__names_the_fields_that_are_read_and_those_that_must_be_there(name: str) -> None:
    rows = documented()[name]
    stated = {field: rest.split("|")[2].strip() == "required" for field, rest in rows.items()}
    assert stated == OBJECTS[name].required


@pytest.mark.parametrize("name", ANSWERS)
def test_documents__names_the_fields_that_are_written_in_their_order(name: str) -> None:
    assert list(documented()[name]) == list(ANSWERS[name])


def test_documents__names_every_status() -> None:
    assert all(f"`{status}`" in documented()["Pool figures"]["status"] for status in get_args(Status))
