"""Results are written for programs as the published format says: decimal strings, UTC, null for what is not known."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from rules_engine.errors import Doubt
from rules_engine.numbers.text import plain
from rules_engine.terms.evaluation import (
    BufferFigure,
    Closing,
    Evaluation,
    OrderDecision,
    PolicyIdentity,
    PoolFigures,
    PositionFigures,
)
from rules_engine.terms.rendering import instant

# The evaluation of the published format, with the members beyond it.
PUBLISHED = """
{"policy": {"name": "usdt-perpetuals", "version": "1.2.0", "digest": "sha256:00"}, "as_of": "2026-12-02T00:00:00Z",
 "account": "A-17",
 "positions": [{"id": "p1", "instrument": "BTCUSDT", "mode": "isolated", "pool": "A-17/isolated/p1",
   "notional": "30500", "unrealized_pnl": "500", "tier": 1, "maintenance_rate": "0.004",
   "buffers": [{"name": "volatility", "multiply": "1"}, {"name": "thin_book", "add_rate": "0"}],
   "initial_margin": "3050", "maintenance_margin": "122", "liquidation_price": "54219.4",
   "bankruptcy_price": "54002.5", "notes": []}],
 "pools": [{"pool": "A-17/isolated/p1", "mode": "isolated", "equity": "3498.75", "initial_margin": "3050",
   "maintenance_margin": "122", "margin_ratio": "0.03486960", "status": "healthy", "reasons": [],
   "free_margin": "448.75", "withdrawable": "0", "top_up": "0", "close_out": [], "notes": [], "evidence": []}],
 "evidence": []}
"""

POSITION = PositionFigures(
    id="p1",
    instrument="BTCUSDT",
    mode="isolated",
    pool="A-17/isolated/p1",
    notional=Decimal("3.0500E+4"),
    unrealized_pnl=Decimal("500.00"),
    tier=1,
    maintenance_rate=Decimal("0.004000"),
    buffers=(
        BufferFigure(name="volatility", multiply=Decimal("1.00")),
        BufferFigure(name="thin_book", add_rate=Decimal("0E-8")),
    ),
    initial_margin=Decimal("3050.00000000"),
    maintenance_margin=Decimal("122"),
    liquidation_price=Decimal("54219.4"),
    bankruptcy_price=Decimal("54002.50"),
)
POOL = PoolFigures(
    pool="A-17/isolated/p1",
    mode="isolated",
    status="healthy",
    equity=Decimal("3498.75"),
    initial_margin=Decimal(3050),
    maintenance_margin=Decimal(122),
    margin_ratio=Decimal("0.0348696"),
    free_margin=Decimal("448.75"),
    withdrawable=Decimal(0),
    top_up=Decimal(0),
)
EVALUATION = Evaluation(
    policy=PolicyIdentity(name="usdt-perpetuals", version="1.2.0", digest="sha256:00"),
    as_of=datetime(2026, 12, 2, tzinfo=UTC),
    account="A-17",
    positions=(POSITION,),
    pools=(POOL,),
)


def test_evaluation__is_the_published_document() -> None:
    published = json.loads(PUBLISHED)
    written = EVALUATION.to_dict()
    assert written == published
    assert list(written["positions"][0]) == list(published["positions"][0])


def test_evaluation__goes_through_json_unchanged() -> None:
    assert json.loads(json.dumps(EVALUATION.to_dict())) == EVALUATION.to_dict()


def test_position__figures_that_are_not_known_are_null() -> None:
    written = PositionFigures(id="p1", instrument="X", mode="cross", pool=None, notes=("MARK_MISSING",)).to_dict()
    known = {"id": "p1", "instrument": "X", "mode": "cross", "buffers": [], "notes": ["MARK_MISSING"]}
    assert {name: value for name, value in written.items() if value is not None} == known
    assert set(written) == set(POSITION.to_dict())


def test_pool__that_never_borrows_says_nothing_of_borrowing() -> None:
    assert not {"own_equity", "draw_limit", "draw"} & set(POOL.to_dict())


def test_pool__that_may_borrow_says_how_much() -> None:
    pool = PoolFigures(
        pool="A/hybrid/SOL", mode="hybrid", status="healthy", own_equity=Decimal("-1.50"), draw_limit=Decimal(0)
    ).to_dict()
    assert (pool["own_equity"], pool["draw_limit"], pool["draw"]) == ("-1.5", "0", None)


def test_pool__close_out_reasons_and_evidence_are_lists() -> None:
    pool = PoolFigures(
        pool="A/cross",
        mode="cross",
        status="undetermined",
        reasons=("MARK_STALE",),
        close_out=(Closing(position="p1", quantity=Decimal("0.500"), reason="RESTORE"),),
        notes=("BEYOND_CAP",),
        evidence=(
            Doubt(code="MARK_STALE", message="the mark is 11 s old", position="p1", instrument="BTCUSDT"),
            Doubt(code="MARK_STALE", message="an old mark"),
        ),
    ).to_dict()
    assert pool["reasons"] == ["MARK_STALE"]
    assert pool["notes"] == ["BEYOND_CAP"]
    assert pool["close_out"] == [{"position": "p1", "quantity": "0.5", "reason": "RESTORE"}]
    assert pool["evidence"] == [
        {"code": "MARK_STALE", "message": "the mark is 11 s old", "position": "p1", "instrument": "BTCUSDT"},
        {"code": "MARK_STALE", "message": "an old mark"},
    ]


def test_pool__ratio_that_does_not_exist_is_null_and_others_have_eight_decimals() -> None:
    pools = [PoolFigures(pool="A", mode="cross", status="healthy", margin_ratio=x) for x in (None, Decimal(0))]
    assert [pool.to_dict()["margin_ratio"] for pool in pools] == [None, "0.00000000"]


def test_order__decision_carries_the_evaluation_after_it() -> None:
    decision = OrderDecision(
        order="o1",
        accepted=False,
        reasons=("MARGIN_INSUFFICIENT",),
        pool="A-17/cross",
        required_margin=Decimal("590.0"),
        available_margin=Decimal("-1E+1"),
        largest_quantity=None,
        evaluation=EVALUATION,
        evidence=(Doubt(code="MARGIN_INSUFFICIENT", message="590 is more than -10"),),
    )
    assert decision.to_dict() == {
        "order": "o1",
        "accepted": False,
        "reasons": ["MARGIN_INSUFFICIENT"],
        "pool": "A-17/cross",
        "required_margin": "590",
        "available_margin": "-10",
        "largest_quantity": None,
        "evidence": [{"code": "MARGIN_INSUFFICIENT", "message": "590 is more than -10"}],
        "evaluation": EVALUATION.to_dict(),
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [("1E+3", "1000"), ("-0", "0"), ("0E-9", "0"), ("100", "100"), ("1.50", "1.5"), ("1E-9", "0.000000001")],
)
def test_figure__has_neither_exponent_nor_trailing_zeros(value: str, written: str) -> None:
    assert plain(Decimal(value)) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (datetime(2026, 12, 2, 1, tzinfo=timezone(timedelta(hours=1))), "2026-12-02T00:00:00Z"),
        (datetime(2026, 12, 2, 0, 0, 0, 500000, tzinfo=UTC), "2026-12-02T00:00:00.500000Z"),
    ],
)
def test_time__is_written_in_utc(value: datetime, written: str) -> None:
    assert instant(value) == written
