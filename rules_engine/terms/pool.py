"""Who shares collateral with whom: what a margin mode answers about a position's labels."""

from __future__ import annotations

import enum
from decimal import Decimal

import msgspec


class Backing(enum.Enum):
    """Which collateral backs a pool."""

    POSITION = "position"
    """The position's own `margin`."""
    GROUP = "group"
    """The group's margin (`group_margins`)."""
    ACCOUNT = "account"
    """The account's shared collateral. An account has exactly one such pool."""


class PositionLabels(msgspec.Struct, frozen=True, kw_only=True):
    """What a mode may know of a position when it says to which pool it belongs: labels, no amounts."""

    id: str
    instrument: str
    underlying: str | None = None
    group: str | None = None


class PoolLabel(msgspec.Struct, frozen=True, kw_only=True):
    """A mode's answer: the pool's key within the mode, what backs it, and what it may draw from the shared pool.

    `key` is empty for the pool of the whole account, None where the labels do not tell the pool. `draw_cap` is the
    largest fraction of the shared pool's free margin that this pool may borrow; None means that it borrows nothing.
    """

    key: str | None
    backing: Backing
    draw_cap: Decimal | None = None
