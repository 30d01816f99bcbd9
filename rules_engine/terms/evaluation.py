"""The answer: figures per position and per pool, rounded once, and the reasons behind what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

from rules_engine.errors import Doubt
from rules_engine.terms.rendering import evidence, figure, figures, instant, ratio, stated

Status: TypeAlias = Literal["healthy", "margin_call", "liquidate", "bankrupt", "undetermined"]


class PolicyIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Which policy gave an answer."""

    name: str
    version: str
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """The identity in plain values."""
        return {"name": self.name, "version": self.version, "digest": self.digest}


class BufferFigure(msgspec.Struct, frozen=True, kw_only=True):
    """What one buffer did to the rates of a position; None where it does not speak of it."""

    name: str
    multiply: Decimal | None = None
    add_rate: Decimal | None = None

    def to_dict(self) -> dict[str, Any]:
        """The figure in plain values; what the buffer does not speak of is left out."""
        return stated({"name": self.name, "multiply": figure(self.multiply), "add_rate": figure(self.add_rate)})


class PositionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One position's figures; money in the settlement currency. A figure that is not known is None, with a note.

    `tier` counts from 1; `maintenance_rate` is that tier's rate with buffers applied. `notes` are codes. `figures` are
    those that the margin mode reports beside its requirement, by its own names and rounding. `version` is that of the
    policy which is still for this position, where it is not the one in force.
    """

    id: str
    instrument: str
    mode: str
    pool: str | None
    notional: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    tier: int | None = None
    maintenance_rate: Decimal | None = None
    buffers: tuple[BufferFigure, ...] = ()
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    liquidation_price: Decimal | None = None
    bankruptcy_price: Decimal | None = None
    notes: tuple[str, ...] = ()
    figures: Mapping[str, Decimal] = {}
    version: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The figures in plain values; numbers are decimal strings, null where not known."""
        return {
            "id": self.id,
            "instrument": self.instrument,
            "mode": self.mode,
            "pool": self.pool,
            "notional": figure(self.notional),
            "unrealized_pnl": figure(self.unrealized_pnl),
            "tier": self.tier,
            "maintenance_rate": figure(self.maintenance_rate),
            "buffers": [buffer.to_dict() for buffer in self.buffers],
            "initial_margin": figure(self.initial_margin),
            "maintenance_margin": figure(self.maintenance_margin),
            "liquidation_price": figure(self.liquidation_price),
            "bankruptcy_price": figure(self.bankruptcy_price),
            "notes": list(self.notes),
            **({} if self.version is None else {"version": self.version}),
            **figures(self.figures),
        }


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a close-out: how many contracts of a position to close (positive), and why.

    `figures` are what the plan says beside it, such as a limit price, by its own names and rounding.
    """

    position: str
    quantity: Decimal
    reason: str
    figures: Mapping[str, Decimal] = {}

    def to_dict(self) -> dict[str, Any]:
        """The step in plain values."""
        step = {"position": self.position, "quantity": figure(self.quantity), "reason": self.reason}
        return {**step, **figures(self.figures)}


class PoolFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One pool's figures and its status. `reasons` are the codes of its doubts, `evidence` says each in a sentence.

    `own_equity`, `draw_limit` and `draw` are given for pools that may borrow from the shared pool; there `equity`
    includes the limit.
    """

    pool: str
    mode: str
    status: Status
    reasons: tuple[str, ...] = ()
    equity: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    margin_ratio: Decimal | None = None
    free_margin: Decimal | None = None
    withdrawable: Decimal | None = None
    top_up: Decimal | None = None
    close_out: tuple[Closing, ...] = ()
    own_equity: Decimal | None = None
    draw_limit: Decimal | None = None
    draw: Decimal | None = None
    notes: tuple[str, ...] = ()
    evidence: tuple[Doubt, ...] = ()
    figures: Mapping[str, Decimal] = {}

    def to_dict(self) -> dict[str, Any]:
        """The figures in plain values; what concerns borrowing is left out of pools that never borrow."""
        borrowing = {"own_equity": self.own_equity, "draw_limit": self.draw_limit, "draw": self.draw}
        borrows = any(value is not None for value in borrowing.values())
        return {
            "pool": self.pool,
            "mode": self.mode,
            "equity": figure(self.equity),
            **({name: figure(value) for name, value in borrowing.items()} if borrows else {}),
            "initial_margin": figure(self.initial_margin),
            "maintenance_margin": figure(self.maintenance_margin),
            "margin_ratio": ratio(self.margin_ratio),
            "status": self.status,
            "reasons": list(self.reasons),
            "free_margin": figure(self.free_margin),
            "withdrawable": figure(self.withdrawable),
            "top_up": figure(self.top_up),
            "close_out": [closing.to_dict() for closing in self.close_out],
            "notes": list(self.notes),
            "evidence": evidence(self.evidence),
            **figures(self.figures),
        }


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy says of one account at one instant."""

    policy: PolicyIdentity
    as_of: datetime
    account: str
    positions: tuple[PositionFigures, ...]
    pools: tuple[PoolFigures, ...]
    evidence: tuple[Doubt, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The published JSON document in plain values: decimal strings, times in UTC, null where not known."""
        return {
            "policy": self.policy.to_dict(),
            "as_of": instant(self.as_of),
            "account": self.account,
            "positions": [position.to_dict() for position in self.positions],
            "pools": [pool.to_dict() for pool in self.pools],
            "evidence": evidence(self.evidence),
        }


class OrderDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an order is accepted, in which pool it reserves margin, and how large it could be.

    `required_margin` is what the order adds to initial margin, `available_margin` the free margin before it;
    `largest_quantity` counts contracts on the order's side, None where it is not known or has no limit.
    """

    order: str
    accepted: bool
    reasons: tuple[str, ...]
    pool: str | None
    required_margin: Decimal | None
    available_margin: Decimal | None
    largest_quantity: Decimal | None
    evaluation: Evaluation
    evidence: tuple[Doubt, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The decision in plain values, the evaluation after it included."""
        return {
            "order": self.order,
            "accepted": self.accepted,
            "reasons": list(self.reasons),
            "pool": self.pool,
            "required_margin": figure(self.required_margin),
            "available_margin": figure(self.available_margin),
            "largest_quantity": figure(self.largest_quantity),
            "evidence": evidence(self.evidence),
            "evaluation": self.evaluation.to_dict(),
        }
