"""Where a mode puts the rows of a group: a pool each, or one that follows from the instrument and the group alone."""

from __future__ import annotations

from typing import Any, Final

from rules_engine.engine.book import Group
from rules_engine.engine.calls import PluginFault, label_of
from rules_engine.engine.quote import Quote
from rules_engine.numbers.columns import NotColumns
from rules_engine.terms.policy import AllowedMode
from rules_engine.terms.pool import Backing, PoolLabel, PositionLabels


def _looked(*_: object, **__: object) -> Any:
    raise NotColumns("a mode looks at the id of a position")


class AnyId(str):
    """Stands for the ids of all rows. It may be passed on as it is; whoever looks into it is told that he cannot."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other or (other != "" and _looked())

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = _looked

    def __getattribute__(self, name: str) -> Any:
        return _looked() if name in _LOOKS else super().__getattribute__(name)


_NOT_LOOKS: Final = {"__eq__", "__ne__", "__hash__", "__new__", "__init__", "__getattribute__", "__class__", "__doc__"}
_LOOKS: Final = frozenset(dir(str)) - frozenset(dir(object))
for _name in (frozenset(dir(str)) & {"__format__", "__str__", "__repr__", *_LOOKS}) - _NOT_LOOKS:
    setattr(AnyId, _name, _looked)
ANY_ID: Final = AnyId("a")


def label_of_rows(allowed: AllowedMode, group: Group, quote: Quote) -> PoolLabel | None:
    """The label of a group's rows, whose key is `ANY_ID` where each row is a pool of its own.

    None where that cannot be told of all rows at once: it depends on their ids in another way, or the mode fails.
    """
    told = PositionLabels(id=ANY_ID, instrument=group.instrument, underlying=quote.underlying, group=group.group)
    try:
        label = label_of(allowed, told)
    except (PluginFault, NotColumns):
        return None
    each = label.key is ANY_ID
    if label.key is None or each is not (label.backing is Backing.POSITION):
        return None
    if label.backing is Backing.GROUP and group.group not in (None, label.key):
        return None
    return label
