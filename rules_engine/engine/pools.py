"""From positions to pools: which positions share collateral, what backs them, and what is doubtful about them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from rules_engine.engine.assets import shared_assets
from rules_engine.engine.backing import backed_twice
from rules_engine.engine.calls import Caller, PluginFault, label_of
from rules_engine.engine.quote import Quote, Quotes
from rules_engine.errors import Doubt
from rules_engine.numbers.exact import EXACT, ZERO
from rules_engine.numbers.system import Number
from rules_engine.terms.account import Account, Order, Position
from rules_engine.terms.exposure import AssetExposure, RestingOrder
from rules_engine.terms.market import Market
from rules_engine.terms.policy import AllowedMode, Policy
from rules_engine.terms.pool import Backing, PoolLabel, PositionLabels


class Holding(msgspec.Struct, frozen=True):
    """A position with its instrument's quote."""

    position: Position
    quote: Quote

    @property
    def open(self) -> bool:
        """Whether anything is held, or may be: of a row at fault nobody knows."""
        return self.position.quantity != 0 or self.position.fault is not None

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What is doubtful about an open position: its instrument's mark and terms, and the row itself."""
        if not self.open:
            return ()
        return (*self.quote.doubts, *_doubts_of_row(self.position))


def _doubts_of_row(position: Position) -> Iterator[Doubt]:
    """What keeps a row from being used: it cannot be read, or has figures that no position can have."""
    if position.fault is not None:
        yield _row_invalid(position)
        return
    for code, name, figure in (
        ("ENTRY_PRICE_INVALID", "entry_price", position.entry_price),
        ("LEVERAGE_INVALID", "leverage", position.leverage),
    ):
        if figure is not None and figure <= 0:
            text = f"{position.id}: {name} is {figure}; it must be above 0"
            yield Doubt(code=code, message=text, position=position.id, instrument=position.instrument)


def _row_invalid(row: Position | Order) -> Doubt:
    position = row.id if isinstance(row, Position) else None
    return Doubt(code="ROW_INVALID", message=f"{row.id}: {row.fault}", position=position, instrument=row.instrument)


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """Positions that share collateral. `doubts` leave the pool undetermined, `order_doubts` only its initial margin.

    `collateral` is what backs it, after haircut, without the positions' unrealized PnL; None where it is not known.
    `assets` are what that is made of, in the pool of the whole account. `orders` rest on its positions, by id; for a
    mode that looks at orders itself, `opening` are the empty holdings on which rest those that open a position.
    """

    name: str
    allowed: AllowedMode
    label: PoolLabel
    as_of: datetime
    holdings: tuple[Holding, ...] = ()
    collateral: Number = None
    assets: tuple[AssetExposure, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    notes: tuple[str, ...] = ()
    orders: Mapping[str, tuple[RestingOrder, ...]] = {}
    opening: tuple[Holding, ...] = ()

    @property
    def open(self) -> list[Holding]:
        return [holding for holding in self.holdings if holding.open]

    @property
    def judged(self) -> list[Holding]:
        """The holdings that the mode is asked about."""
        return [*self.open, *self.opening]

    @property
    def backing(self) -> Number:
        """Collateral, and what accrued to the positions but is not in it yet."""
        return EXACT.total([self.collateral, *(holding.position.accrued for holding in self.holdings)])

    @property
    def may_draw(self) -> bool:
        """Whether the pool may borrow from the shared one."""
        return self.label.draw_cap is not None and self.label.backing is not Backing.ACCOUNT


class Pools(msgspec.Struct, frozen=True):
    """All pools of an account by name, the shared one's name, and doubts that reach every pool.

    `held` gives the holdings of a mode and instrument, for orders to find the position that they act on.
    """

    by_name: Mapping[str, Pool]
    shared: str
    doubts: tuple[Doubt, ...]
    pool_of: Mapping[str, str]
    held: Mapping[tuple[str, str], Sequence[Holding]]


def pool_name(account: str, mode: str, label: PoolLabel) -> str:
    """`A-17/hybrid/SOL`, or `A-17/cross` for the pool of the whole account."""
    return f"{account}/{mode}/{label.key}" if label.key else f"{account}/{mode}"


class Unplaced(Exception):
    """A position or order whose pool cannot be told; carries the doubt."""

    def __init__(self, doubt: Doubt) -> None:
        self.doubt = doubt


def place(policy: Policy, quote: Quote, row: Position | Order) -> tuple[AllowedMode, PoolLabel]:
    """The mode and pool label of a position or of an order that would open one. Raises `Unplaced`."""
    try:
        return _place(policy, quote, row)
    except Unplaced as unplaced:
        raise unplaced if row.fault is None else Unplaced(_row_invalid(row)) from unplaced


def _place(policy: Policy, quote: Quote, row: Position | Order) -> tuple[AllowedMode, PoolLabel]:
    allowed = policy.modes.get(row.mode)
    if allowed is None:
        raise _unplaced(row, "MODE_NOT_ALLOWED", f"the policy does not allow margin mode {row.mode}")
    group = row.group if isinstance(row, Position) else None
    labels = PositionLabels(id=row.id, instrument=row.instrument, underlying=quote.underlying, group=group)
    try:
        label = label_of(allowed, labels)
    except PluginFault as fault:
        raise Unplaced(fault.doubt) from fault
    if label.key is None:
        raise _unplaced(row, "GROUP_UNKNOWN", f"{row.instrument} has nothing to tell its group by")
    if label.backing is Backing.GROUP and group is not None and group != label.key:
        raise _unplaced(row, "GROUP_CONTRADICTS", f"the account says group {group}, the policy {label.key}")
    return allowed, label


def _unplaced(row: Position | Order, code: str, message: str) -> Unplaced:
    return Unplaced(Doubt(code=code, message=f"{row.id}: {message}", position=row.id, instrument=row.instrument))


def pools_of(policy: Policy, account: Account, market: Market, quote_of: Quotes) -> Pools:
    """Every pool of the account, in the order of its positions; the shared pool is always among them."""
    members: dict[str, list[Holding]] = {}
    places: dict[str, tuple[AllowedMode, PoolLabel]] = {}
    pool_of: dict[str, str] = {}
    doubts: list[Doubt] = []
    for position in account.positions:
        holding = Holding(position, quote_of.held(position))
        try:
            allowed, label = place(policy, holding.quote, position)
        except Unplaced as unplaced:
            if holding.open or position.accrued:
                doubts.append(unplaced.doubt)
            continue
        name = pool_name(account.account, allowed.name, label)
        members.setdefault(name, []).append(holding)
        places[name] = allowed, label
        pool_of[position.id] = name
    for order in account.orders:
        _open_group(policy, account, order, quote_of(order.instrument), places)
    shared = _shared_place(policy, places)
    shared_name = pool_name(account.account, shared[0].name, shared[1])
    places.setdefault(shared_name, shared)
    split = _split_positions(members, places)
    for name, doubt in backed_twice(members, places):
        split.setdefault(name, []).append(doubt)
    pools = {
        name: _pool(name, allowed, label, tuple(members.get(name, ())), split.get(name, []), policy, account, market)
        for name, (allowed, label) in places.items()
    }
    held: dict[tuple[str, str], list[Holding]] = {}
    for pool in pools.values():
        for holding in pool.holdings:
            held.setdefault((holding.position.mode, holding.position.instrument), []).append(holding)
    return Pools(pools, shared_name, tuple(doubts), pool_of, held)


def _open_group(
    policy: Policy, account: Account, order: Order, quote: Quote, places: dict[str, tuple[AllowedMode, PoolLabel]]
) -> None:
    """The group pool that an order would open, so that it can reserve there."""
    try:
        allowed, label = place(policy, quote, order)
    except Unplaced:
        return
    if label.backing is Backing.GROUP:
        places.setdefault(pool_name(account.account, allowed.name, label), (allowed, label))


_NOWHERE = PositionLabels(id="", instrument="", underlying="", group="")


def _shared_place(policy: Policy, places: Mapping[str, tuple[AllowedMode, PoolLabel]]) -> tuple[AllowedMode, PoolLabel]:
    """The pool of the whole account: one that has positions, else that of an allowed mode, else a nameless stand-in."""
    for allowed, label in places.values():
        if label.backing is Backing.ACCOUNT:
            return allowed, label
    for allowed in policy.modes.values():
        with contextlib.suppress(PluginFault):
            label = label_of(allowed, _NOWHERE)
            if label.backing is Backing.ACCOUNT:
                return allowed, label
    any_mode = next(iter(policy.modes.values()))
    return msgspec.structs.replace(any_mode, name="shared"), PoolLabel(key="", backing=Backing.ACCOUNT)


def _split_positions(
    members: Mapping[str, list[Holding]], places: Mapping[str, tuple[AllowedMode, PoolLabel]]
) -> dict[str, list[Doubt]]:
    """Pools in which one instrument and side is held more than once; for position-backed pools, across the account."""
    seen: dict[tuple[str, str, bool], tuple[str, str]] = {}
    doubts: dict[str, list[Doubt]] = {}
    for name, holdings in members.items():
        allowed, label = places[name]
        scope = allowed.name if label.backing is Backing.POSITION else name
        for holding in holdings:
            position = holding.position
            if not position.quantity or (allowed.split_positions and label.backing is Backing.POSITION):
                continue
            key = (scope, position.instrument, position.quantity > 0)
            if key in seen:
                other, other_pool = seen[key]
                text = f"{position.id} and {other} are both {'long' if key[2] else 'short'} {position.instrument}"
                doubt = Doubt(
                    code="POSITIONS_SPLIT", message=text, position=position.id, instrument=position.instrument
                )
                for pool in {name, other_pool}:
                    doubts.setdefault(pool, []).append(doubt)
            seen.setdefault(key, (position.id, name))
    return doubts


def _pool(
    name: str,
    allowed: AllowedMode,
    label: PoolLabel,
    holdings: tuple[Holding, ...],
    doubts: list[Doubt],
    policy: Policy,
    account: Account,
    market: Market,
) -> Pool:
    for holding in holdings:
        doubts = [*doubts, *holding.doubts]
    notes: list[str] = []
    assets: list[AssetExposure] = []
    if label.backing is not Backing.POSITION:
        key = label.key if label.backing is Backing.GROUP else ""
        doubts = [
            *doubts,
            *(account.collateral_doubts[each] for each in (None, key) if each in account.collateral_doubts),
        ]
    if label.backing is Backing.POSITION:
        if len(holdings) > 1:
            ids = ", ".join(holding.position.id for holding in holdings)
            what = f"puts {ids} into one pool, backed by one's own margin"
            doubts = [*doubts, Caller(allowed.mode, allowed.supplier).fault(what).doubt]
        margin = holdings[0].position.margin
        if margin is None:
            text = f"{holdings[0].position.id} has no margin of its own"
            doubts = [*doubts, Doubt(code="MARGIN_MISSING", message=text, position=holdings[0].position.id)]
        collateral: Number = margin
    elif label.backing is Backing.GROUP:
        collateral = account.group_margins.get(label.key or "", ZERO)
    else:
        assets, found, notes = shared_assets(EXACT, policy, account, market)
        collateral = EXACT.total([asset.value for asset in assets])
        doubts = [*doubts, *found]
    return Pool(
        name=name,
        allowed=allowed,
        label=label,
        as_of=market.as_of,
        holdings=holdings,
        collateral=collateral,
        assets=tuple(assets),
        doubts=tuple(dict.fromkeys(doubts)),
        notes=tuple(notes),
    )
