"""Masking: names of accounts and of their positions and orders, as tokens that say nothing but still join.

A token is the HMAC-SHA256 of a name under a key that stands in no record. The same name has the same token in every
record, and nobody without the key can tell or guess the name. Numbers stay as they are, and no margin depends on a
name, so a masked record can be evaluated again. Ties between positions go by their ids: the token of an id therefore
begins with its place among the ids of its account, `2-8f0c...`; what follows the hyphen is what joins.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from rules_engine.engine.calls import PluginFault, label_of
from rules_engine.numbers.exact import exactly
from rules_engine.terms.policy import AllowedMode, Policy
from rules_engine.terms.pool import PositionLabels

FIELDS: Final = ("account", "id")
"""What can be masked: the account's name; the ids of its positions and orders."""
SHORTEST_KEY: Final = 16
"""Bytes: a shorter key could be found by trying."""
DIGITS: Final = 32
"""Hexadecimal digits of a token: 128 bits, so that no two names share one."""
MASKED: Final = "masked"
"""Stands for text in which a name may be written: what is wrong with a row of a book."""


class Mask:
    """Which fields are masked, and the key; the same key gives the same tokens in every log.

    Raises `ValueError` for a field that cannot be masked and for a key that is too short.
    """

    __slots__ = ("_key", "fields")

    def __init__(self, fields: Iterable[str] = (), key: bytes = b"") -> None:
        self.fields = tuple(dict.fromkeys(fields))
        self._key = key
        if unknown := [field for field in self.fields if field not in FIELDS]:
            raise ValueError(f"cannot mask {', '.join(unknown)}; known: {', '.join(FIELDS)}")
        if self.fields and len(key) < SHORTEST_KEY:
            raise ValueError(f"the key has {len(key)} bytes; wanted {SHORTEST_KEY} or more")

    def token(self, field: str, name: str) -> str:
        """What stands for a name."""
        return hmac.new(self._key, f"{field}\0{name}".encode(), hashlib.sha256).hexdigest()[:DIGITS]

    def to_dict(self) -> dict[str, Any]:
        """What a log says of its mask: the fields, and a mark by which logs under the same key are known."""
        return {"fields": list(self.fields), "key": self.token("key", "") if self.fields else None}

    def names(self, account: Mapping[str, Any], *orders: Mapping[str, Any]) -> Names:
        """What stands for the names in the document of an account, and of orders beside it."""
        name = str(account["account"])
        every = [*account.get("positions", ()), *account.get("orders", ()), *orders]
        ids = sorted({str(row[field]) for row in every for field in ("id", "position") if row.get(field) is not None})
        width = len(str(len(ids)))
        return Names(
            self,
            name,
            self.token("account", name) if "account" in self.fields else name,
            {id: f"{place:0{width}d}-{self.token('id', id)}" for place, id in enumerate(ids)}
            if "id" in self.fields
            else {},
        )

    def text(self, text: str) -> str:
        """A text of the decision that only people read."""
        return MASKED if self.fields else text

    def hash(self, digest: str) -> str:
        """A hash of what holds names: under the key where something is masked, for else names could be guessed."""
        return self.token("hash", digest) if self.fields else digest


UNMASKED: Final = Mask()


class Names:
    """What stands for the names of one decision."""

    __slots__ = ("_account", "_ids", "_mask", "_masked_account")

    def __init__(self, mask: Mask, account: str, masked_account: str, ids: Mapping[str, str]) -> None:
        self._mask, self._account, self._masked_account, self._ids = mask, account, masked_account, ids

    def account(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document of an account with its names masked."""
        masked = {**document, "account": self._masked_account}
        for field in ("positions", "orders"):
            if field in masked:
                masked[field] = [self.row(row) for row in masked[field]]
        if "collateral_doubts" in masked:
            masked["collateral_doubts"] = [
                {**doubt, "message": self._mask.text(doubt["message"])} for doubt in masked["collateral_doubts"]
            ]
        return masked

    def row(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document of a position or an order."""
        masked = {**document, **{field: self._id(document[field]) for field in ("id", "position") if field in document}}
        if "fault" in masked:
            masked["fault"] = self._mask.text(masked["fault"])
        return masked

    def evaluation(self, document: Mapping[str, Any], by_position: frozenset[str]) -> dict[str, Any]:
        """The document of an evaluation; `by_position` are the modes that call pools by positions (`named_by_id`)."""
        pools = {
            position["pool"]: self._masked_pool(position["pool"], position["mode"], partial(self._own, position["id"]))
            for position in document["positions"]
            if position["pool"] is not None and position["mode"] in by_position
        }
        pools |= {
            pool["pool"]: self._masked_pool(pool["pool"], pool["mode"], self._any)
            for pool in document["pools"]
            if pool["mode"] in by_position and pool["pool"] not in pools
        }
        return {
            **document,
            "account": self._masked_account,
            "positions": [
                {**each, "id": self._id(each["id"]), "pool": self._pool(each["pool"], pools)}
                for each in document["positions"]
            ],
            "pools": [
                {
                    **each,
                    "pool": self._pool(each["pool"], pools),
                    "close_out": [{**step, "position": self._id(step["position"])} for step in each["close_out"]],
                    "evidence": self._evidence(each["evidence"]),
                }
                for each in document["pools"]
            ],
            "evidence": self._evidence(document["evidence"]),
        }

    def order_decision(self, document: Mapping[str, Any], by_position: frozenset[str]) -> dict[str, Any]:
        """The document of a decision on an order."""
        plain, masked = document["evaluation"], self.evaluation(document["evaluation"], by_position)
        pools = {one["pool"]: other["pool"] for one, other in zip(plain["pools"], masked["pools"], strict=True)}
        return {
            **document,
            "order": self._id(document["order"]),
            "pool": self._pool(document["pool"], pools),
            "evidence": self._evidence(document["evidence"]),
            "evaluation": masked,
        }

    def _id(self, id: Any) -> Any:
        """What stands for an id, or for a text made of one, such as that of the position which an order opens."""
        if id in self._ids or id is None:
            return self._ids.get(id)
        return self._any(id)

    def _any(self, text: str) -> str:
        """A text with every id in it masked, the longest first."""
        if not self._ids:
            return text
        longest_first = sorted(self._ids, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), lambda found: self._ids[found[0]], text)

    def _own(self, id: str, text: str) -> str:
        """A text with one id in it masked."""
        return text.replace(id, self._ids.get(id, id))

    def _evidence(self, doubts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**doubt, **({"position": self._id(doubt["position"])} if "position" in doubt else {})} for doubt in doubts
        ]

    def _masked_pool(self, name: str, mode: str, masked: Callable[[str], str]) -> str:
        """The name of a pool that is called by a position."""
        return f"{self._masked_account}/{mode}/{masked(name.removeprefix(f'{self._account}/{mode}/'))}"

    def _pool(self, name: str | None, pools: Mapping[str, str]) -> str | None:
        if name is None or name in pools:
            return name and pools[name]
        return f"{self._masked_account}/{name.removeprefix(f'{self._account}/')}"


def named_by_id(policy: Policy) -> frozenset[str]:
    """The modes of a policy that call a pool by the id of its position, or may: those that fail to name one."""
    with exactly():
        return frozenset(name for name, allowed in policy.modes.items() if _by_id(allowed))


def _by_id(allowed: AllowedMode) -> bool:
    """Whether positions of two ids, otherwise alike, stand in two pools of a mode, be it that they state a group."""
    for group in (None, "-"):
        try:
            one, other = (
                label_of(allowed, PositionLabels(id=id, instrument="-", underlying="-", group=group)) for id in "ab"
            )
        except PluginFault:
            return True
        if one.key != other.key:
            return True
    return False
