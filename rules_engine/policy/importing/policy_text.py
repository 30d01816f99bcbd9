"""An imported policy as YAML text, laid out for people: tiers and instruments in columns."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import PurePath
from typing import Final

import msgspec

from rules_engine.policy.importing.records import Market, PublishedTier, Table
from rules_engine.policy.importing.symbols import shown

_PLAIN: Final = re.compile(r"[^\W_](?:[^\W_]|-(?=[^\W_]))*")
_LIKE_A_NUMBER: Final = re.compile(r"[0-9][0-9a-fxo_e.:-]*", re.IGNORECASE)
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "unlimited"})
_MEMBERS_SHOWN: Final = 6

_HEAD: Final = """\
# Leverage tiers of contracts settled in {currency}. Contracts: {contracts}; tiers: {tiers}; distinct tables: {tables}.
#
# From {file} (sha256 {digest}),
# a venue's published list in the shape of ccxt's fetch_leverage_tiers. Written by
#   {command}
# so do not edit it: a policy of your own extends it (`extends: {policy}@{version}`).
#
# The list gives tiers and nothing else. What it does not give is marked as ours below, or comes with the market
# (price ticks, quantity steps).
schema: rules-engine/policy/1
policy: {policy}
version: {version}

settlement: {{currency: {currency}, quantum: 0.00000001}}

modes:                                  # the venue's two; it has no hybrid
  isolated: {{}}
  cross: {{}}

collateral:                             # ours: the settlement currency alone, as in single-asset mode
  {currency}: {{haircut: 0}}

liquidation:
  trigger: at_or_below                  # the venue liquidates when the margin ratio reaches 100 %
  margin_call: 1.25                     # ours; the venue publishes none
  close_out: {{plan: smallest}}           # ours; the venue's clearance fee is not in the list, so none is charged

"""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where an import comes from, and what its policies are called."""

    file: str
    digest: str
    name: str
    version: str

    @classmethod
    def of(cls, data: bytes, file: str, name: str, version: str) -> Origin:
        """Only the name of the file is kept, without its folder and compression: the text is the same everywhere."""
        path = PurePath(file.replace("\\", "/"))
        base = path.stem if path.suffix in {".gz", ".xz"} else path.name
        return cls(file=shown(base) or "-", digest=hashlib.sha256(data).hexdigest(), name=name, version=version)

    def policy(self, currency: str) -> str:
        """The policy's name."""
        return f"{self.name}-{currency.lower()}"

    def command(self) -> str:
        """The command that writes these policies again."""
        name = "" if self.name == "binance-usdm" else f" --name {self.name}"
        version = "" if self.version == "1.0.0" else f" --version {self.version}"
        return f"rules-engine import tiers --from ccxt {self.file} --out DIR{name}{version}"


def policy_text(origin: Origin, currency: str, markets: Sequence[Market], tables: Sequence[Table]) -> str:
    """The policy of one settlement currency."""
    head = _HEAD.format(
        currency=scalar(currency),
        contracts=len(markets),
        tiers=sum(len(market.tiers) for market in markets),
        tables=len(tables),
        file=origin.file,
        digest=origin.digest,
        command=origin.command(),
        policy=origin.policy(currency),
        version=origin.version,
    )
    return head + "tables:\n" + "\n".join(map(_table_text, tables)) + "\ninstruments:\n" + _instruments(markets, tables)


def _table_text(table: Table) -> str:
    more = len(table.members) - _MEMBERS_SHOWN
    members = ", ".join(table.members[:_MEMBERS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    head = f"  # {members}\n  {scalar(table.name)}:\n    unit: notional\n    form: marginal\n    tiers:\n"
    return head + "".join(f"      - {line}\n" for line in _tier_lines(table.tiers))


def _tier_lines(tiers: Iterable[PublishedTier]) -> list[str]:
    rows = [
        (f"{{up_to: {decimal(tier.up_to)},", f"maintenance_rate: {decimal(tier.maintenance_rate)},",
         f"max_leverage: {decimal(tier.max_leverage)}}}")
        for tier in tiers
    ]  # fmt: skip
    return in_columns(rows)


def _instruments(markets: Sequence[Market], tables: Sequence[Table]) -> str:
    table_of = {member: table.name for table in tables for member in table.members}
    rows = []
    for contract in (market.contract for market in markets):
        row = [
            f"{scalar(contract.instrument)}:",
            "{payoff: linear,",
            f"table: {scalar(table_of[contract.instrument])},",
            f"underlying: {scalar(contract.base)},",
        ]
        if contract.expires_at:
            row.append(f"expires_at: {contract.expires_at:%Y-%m-%dT%H:%M:%SZ},")
        rows.append([*row, f"venue_symbol: {quoted(contract.symbol)}}}"])
    return "".join(f"  {line}\n" for line in in_columns(rows))


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with each cell but the last padded to its column's width."""
    widths = [max(map(columns, cells)) for cells in zip(*(row[:4] for row in rows), strict=False)]
    return [
        " ".join(
            cell + " " * (widths[place] - columns(cell)) if place < min(len(widths), len(row) - 1) else cell
            for place, cell in enumerate(row)
        )
        for row in rows
    ]


def columns(text: str) -> int:
    """How many columns a text takes on a screen: two for wide characters, none for marks on others."""
    return sum(_columns_of(character) for character in text)


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def decimal(number: Decimal) -> str:
    """The number without exponent and trailing zeros: 150.0 is 150."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def scalar(text: str) -> str:
    """A text as YAML, quoted where a plain one could be read as something else."""
    plain = _PLAIN.fullmatch(text) and not _LIKE_A_NUMBER.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else quoted(text)


def quoted(text: str) -> str:
    """A visible text in double quotes, as JSON and YAML both read it."""
    return json.dumps(text, ensure_ascii=False)
