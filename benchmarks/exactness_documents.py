"""Policies, markets and accounts for the exactness run, drawn from a seed: any rows, or rows aimed at a line.

An aimed row stands on a line of its pool (liquidation, margin call, bankruptcy) as exactly as a decimal of 30 digits
can, or beside it by at most one part in 10^12. Its expected status is the oracle's for the numbers as they are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from random import Random
from typing import Any, Final

from exactness_oracle import NOTHING, ZERO, Contract, Needs, Row, contracts, decision, needs

from rules_engine.terms.account import Account, Position

DIGITS: Final = Context(prec=30)
KINDS: Final = ("isolated", "cross", "hybrid")
PAYOFFS: Final = (("linear", "1"), ("linear", "0.01"), ("inverse", "100"), ("quanto", "10"), ("linear", "1"))
MARKS: Final = ("0.3", "4", "25", "137.7", "1456.84", "20000", "61000.5")
BUFFERS: Final[dict[str, Any]] = {
    "volatility": {
        "kind": "volatility",
        "measure": "realized",
        "bands": [{"from": "0", "multiply": "1"}, {"from": "0.8", "multiply": "1.25"}, {"from": "1.5", "multiply": 2}],
    },
    "thin_book": {
        "kind": "depth",
        "measure": "depth",
        "bands": [{"from": "0", "add_rate": "0.01"}, {"from": "500000", "add_rate": "0"}],
    },
    "smooth": {
        "kind": "volatility",
        "measure": "realized",
        "curve": {"reference": "0.6", "slope": "0.5", "cap": "1.5"},
    },
}
RATES: Final = ("0.004", "0.005", "0.0075", "0.01", "0.015", "0.02", "0.03", "0.045", "0.06", "0.08")
LEVERAGES: Final = ("100", "90", "75", "50", "30", "25", "20", "12", "10", "8")
BESIDE: Final = tuple(Fraction(n, 10**d) for d in (12, 13, 15, 17, 20) for n in (-1, 1)) + (ZERO,) * 6


@dataclass(frozen=True)
class Held:
    """An account, and the status that each of its rows must be given."""

    account: Account
    statuses: tuple[str, ...]


def policy_of(random: Random) -> dict[str, Any]:
    """A policy with four tables, five instruments and the three standard modes."""
    tables = {f"{unit}_{form}": _table(random, unit, form) for unit in ("notional", "quantity") for form in FORMS}
    instruments = {
        f"{payoff.upper()}{number}": {
            "payoff": payoff,
            "contract_size": size,
            "table": random.choice(sorted(tables)),
            "underlying": f"U{number % 3}",
            "price_tick": "0.1",
            "quantity_step": "0.001",
            "buffers": random.sample(sorted(BUFFERS), random.choice((0, 1, 2))),
        }
        | ({"conversion": "0.003"} if payoff == "quanto" else {})
        for number, (payoff, size) in enumerate(PAYOFFS)
    }
    places = random.sample(("initial", "maintenance", "trigger"), random.choice((0, 1, 2, 3)))
    return {
        "schema": "rules-engine/policy/1",
        "policy": "exactness",
        "version": "1.0.0",
        "settlement": {"currency": "USDT", "quantum": "0.00000001"},
        "tables": tables,
        "buffers": BUFFERS,
        "modes": {
            "isolated": {},
            "cross": {},
            "hybrid": {"group_by": "underlying", "shared_draw_cap": random.choice(("0", "0.25", "1"))},
        },
        "instruments": instruments,
        "liquidation": {
            "trigger": random.choice(("at_or_below", "below")),
            "margin_call": random.choice(("1", "1.1", "1.25")),
            "closing_fee": {
                "rate": "0.0005",
                "counts_in": places,
                "valued_at": random.choice(("mark", "bankruptcy")),
            },
            "close_out": {"plan": "smallest"},
            "restore_to": "1.5",
        },
        "conventions": {
            "maintenance_priced_at": random.choice(("mark", "mark", "entry")),
            "initial_priced_at": random.choice(("mark", "mark", "entry")),
        },
    }


FORMS: Final = ("marginal", "whole")


def _table(random: Random, unit: str, form: str) -> dict[str, Any]:
    tiers, first = [], 1000 if unit == "notional" else 10
    for tier, (rate, leverage) in enumerate(zip(RATES, LEVERAGES, strict=True)):
        edge = "unlimited" if tier == len(RATES) - 1 else str(first * random.choice((2, 3)) ** tier + tier)
        tiers.append({"up_to": edge, "maintenance_rate": rate, "initial_rate": _initial(rate, leverage)})
    edges = sorted({int(tier["up_to"]) for tier in tiers[:-1]})
    kept = [tier | {"up_to": str(edge)} for tier, edge in zip(tiers, edges, strict=False)]
    return {"unit": unit, "form": form, "tiers": [*kept, tiers[-1]]}


def _initial(rate: str, leverage: str) -> str:
    """Far enough above maintenance for any buffer and fee."""
    return str(Decimal(rate) * 2 + Decimal("0.01") + Decimal(1) / Decimal(1000) * len(leverage))


def market_of(random: Random, policy: dict[str, Any]) -> dict[str, Any]:
    """A market with all that the policy asks for."""
    as_of = "2026-12-02T00:00:00Z"
    measures = {"realized": ("0.5", "0.79", "0.8", "3"), "depth": ("499999", "500000")}
    rows = {
        name: {
            "mark_price": random.choice(MARKS),
            "time": as_of,
            "measures": {key: random.choice(levels) for key, levels in measures.items()},
        }
        for name in policy["instruments"]
    }
    return {"as_of": as_of, "instruments": rows}


def decimal_of(x: Fraction) -> Decimal:
    """The number, rounded to 30 digits where it has more."""
    return DIGITS.divide(Decimal(x.numerator), Decimal(x.denominator))


class Drawing:
    """Accounts under one policy in one market. `aimed` is whether their pools stand at lines."""

    def __init__(self, random: Random, policy: dict[str, Any], market: dict[str, Any], aimed: bool) -> None:
        self.random, self.aimed = random, aimed
        self.contracts = list(contracts(policy, market).values())
        self.world = self.contracts[0].world
        self.marks = {name: Fraction(row["mark_price"]) for name, row in market["instruments"].items()}
        self.cap = Fraction(policy["modes"]["hybrid"]["shared_draw_cap"])

    def accounts(self, rows: int) -> Iterator[Held]:
        """Accounts with at least so many rows together."""
        number = 0
        while rows > 0:
            make = getattr(self, f"_{KINDS[number % len(KINDS)]}")
            held: Held = make(f"a{number}")
            rows -= len(held.statuses)
            number += 1
            yield held

    def _isolated(self, name: str) -> Held:
        """One to five positions, each with margin of its own."""
        chosen = self.random.sample(self.contracts, self.random.randint(1, len(self.contracts)))
        made = [self._ringfenced(f"p{index}", contract) for index, contract in enumerate(chosen)]
        account = Account(account=name, positions=tuple(position for position, _ in made))
        return Held(account, tuple(status for _, status in made))

    def _ringfenced(self, name: str, contract: Contract) -> tuple[Position, str]:
        """A position and its status."""
        position, row = self._position(name, contract, "isolated", ZERO)

        def beyond(own: Fraction) -> tuple[Fraction, Needs]:
            needed = needs(Row(row.contract, row.quantity, row.entry_value, row.leverage, own))
            return own + needed.pnl, needed

        accrued = Fraction(position.accrued)
        margin = decimal_of(max(ZERO, self._aim(beyond) - accrued))
        equity, needed = beyond(Fraction(margin) + accrued)
        return Position(**{**_fields(position), "margin": margin}), decision(self.world, equity, needed)

    def _cross(self, name: str) -> Held:
        """One to five positions on the account's collateral."""
        chosen = self.random.sample(self.contracts, self.random.randint(1, len(self.contracts)))
        positions, needed, accrued = self._pool(chosen, "cross")
        amount = decimal_of(self._aim(lambda backing: (backing + needed.pnl + accrued, needed)))
        status = decision(self.world, Fraction(amount) + needed.pnl + accrued, needed)
        account = Account(account=name, collateral={"USDT": amount}, positions=tuple(positions))
        return Held(account, (status,) * len(positions))

    def _hybrid(self, name: str) -> Held:
        """One to three groups, each with margin of its own and what it may draw on collateral that is free."""
        groups = self.random.sample(("U0", "U1", "U2"), self.random.randint(1, 3))
        free = Fraction(self.random.choice((0, 0, 10, 12345)))
        limit = free * min(self.cap, Fraction(1, len(groups)))
        margins, positions, statuses = {}, [], []
        for group in groups:
            chosen = self.random.choice([one for one in self.contracts if one.underlying == group])
            made, needed, accrued = self._pool([chosen], "hybrid", prefix=group)
            own = self._aim(lambda backing, n=needed, a=accrued: (backing + n.pnl + a + limit, n))
            margins[group] = decimal_of(max(ZERO, own))
            equity = Fraction(margins[group]) + needed.pnl + accrued + limit
            positions += made
            statuses += [decision(self.world, equity, needed)]
        account = Account(
            account=name,
            collateral={"USDT": decimal_of(free)},
            group_margins=margins,
            positions=tuple(positions),
        )
        return Held(account, tuple(statuses))

    def _pool(self, chosen: list[Contract], mode: str, prefix: str = "p") -> tuple[list[Position], Needs, Fraction]:
        made = [self._position(f"{prefix}{index}", one, mode, None) for index, one in enumerate(chosen)]
        accrued = sum((Fraction(position.accrued) for position, _ in made), ZERO)
        return [position for position, _ in made], sum((needs(row) for _, row in made), NOTHING), accrued

    def _position(self, name: str, contract: Contract, mode: str, own: Fraction | None) -> tuple[Position, Row]:
        """A position of any size up to 10^7; an aimed one has lost, and every fifth stands at a floor or beside it."""
        random, mark = self.random, self.marks[contract.name]
        size = Fraction(round(10 ** random.uniform(1, 7) * random.random() + 1)) / abs(contract.value)
        if self.aimed and random.random() < 0.2:
            size = random.choice(contract.floors[1:]) / (1 if contract.by_quantity else abs(contract.value))
            size *= 1 + random.choice(BESIDE)
        side = random.choice((-1, 1))
        quantity = decimal_of(side * size) if random.random() < 0.2 else Context(prec=7).plus(decimal_of(side * size))
        moved = random.uniform(0, 0.1) * side if self.aimed else random.uniform(-0.08, 0.1)
        entry = Context(prec=random.choice((5, 12))).multiply(decimal_of(mark), Decimal(1 + moved))
        leverage = random.choice((None, "3", "10", "20", "75"))
        position = Position(
            id=name,
            instrument=contract.name,
            mode=mode,
            quantity=quantity,
            entry_price=entry,
            leverage=None if leverage is None else Decimal(leverage),
            accrued=Decimal(random.choice(("0", "0", "-0.25", "-7"))),
        )
        value = contract.entry_value(Fraction(entry))
        return position, Row(contract, Fraction(quantity), value, None if leverage is None else Fraction(leverage), own)

    def _aim(self, beyond: Any) -> Fraction:
        """What stands behind a pool: on a line where pools are aimed, otherwise anything from nothing to much.

        `beyond` gives equity and needs for an amount. Away from zero a line's distance is linear in the amount, also
        where a fee valued at bankruptcy depends on it; so two points find where it is zero.
        """
        multiple = self.random.choice((None, Fraction(1), self.world.policy.margin_call))

        def distance(amount: Fraction) -> Fraction:
            equity, needed = beyond(amount)
            line = ZERO if multiple is None else multiple * needed.maintenance + needed.fee
            return Fraction(equity - line)

        first = distance(ZERO)
        found = -first / (distance(Fraction(1, 1000)) - first) / 1000
        if not self.aimed:
            return found * Fraction(round(self.random.uniform(0, 3000)), 1000)
        return found + self.random.choice(BESIDE) * (beyond(found)[1].maintenance if multiple is not None else found)


def _fields(position: Position) -> dict[str, Any]:
    return {name: getattr(position, name) for name in position.__struct_fields__}
