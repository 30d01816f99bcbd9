"""Documents to records, strictly and losslessly: accounts, markets and orders as JSON text, as dicts, or as records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, Final, TypeAlias, TypeVar

from rules_engine.engine import values
from rules_engine.engine.json_text import Lines, Place, find_places, read_json, written
from rules_engine.engine.shapes import Either, Fault, Fields, Items, Names, Shape, Value
from rules_engine.engine.values import Refusal, or_null
from rules_engine.errors import DocumentError, Mark, Problem
from rules_engine.terms.account import Account, Order, Position
from rules_engine.terms.market import AssetPrice, InstrumentMarket, Market, Measure

Record = TypeVar("Record", Account, Market, Order)
Source: TypeAlias = Mapping[str, Any] | bytes | str
"""A document: JSON text, or what it spells. Numbers in dicts are text, int or Decimal."""


def decode_account(document: Account | Source, file: str = "account") -> Account:
    """The account that a document describes; raises `DocumentError` with every problem, in document order."""
    return _decode(document, file, Account, _ACCOUNT)


def decode_market(document: Market | Source, file: str = "market") -> Market:
    """The market that a document describes; raises `DocumentError` with every problem, in document order."""
    return _decode(document, file, Market, _MARKET)


def decode_order(document: Order | Source, file: str = "order") -> Order:
    """The order that a document describes; raises `DocumentError` with every problem, in document order."""
    return _decode(document, file, Order, _ORDER)


def decode_two(account: Account | Source, market: Market | Source) -> tuple[Account, Market]:
    """The account and the market; raises one `DocumentError` with the problems of both."""
    one, other = _all((decode_account, account), (decode_market, market))
    return one, other


def decode_three(
    account: Account | Source, market: Market | Source, order: Order | Source
) -> tuple[Account, Market, Order]:
    """The account, the market and the order; raises one `DocumentError` with the problems of all three."""
    one, other, third = _all((decode_account, account), (decode_market, market), (decode_order, order))
    return one, other, third


def _all(*readings: tuple[Callable[[Any], Any], Any]) -> list[Any]:
    """What each decoder makes of its document."""
    records: list[Any] = []
    problems: list[Problem] = []
    for decode, document in readings:
        try:
            records.append(decode(document))
        except DocumentError as error:
            problems += error.problems
    if problems:
        raise DocumentError(problems)
    return records


_TEXT: Final = Value(values.text)
_TEXT_OR_NULL: Final = Value(or_null(values.text))
_NUMBER: Final = Value(values.number)
_NUMBER_OR_NULL: Final = Value(or_null(values.number))
_POSITIVE_OR_NULL: Final = Value(or_null(values.positive))
_TIME: Final = Value(values.time)
_TIME_OR_NULL: Final = Value(or_null(values.time))

_POSITION: Final = Fields(
    Position,
    id=_TEXT,
    instrument=_TEXT,
    mode=_TEXT,
    quantity=_NUMBER,
    # What no position can have (an entry price of 0, say) is doubtful, not malformed: its pool ends undetermined.
    entry_price=_NUMBER,
    margin=_NUMBER_OR_NULL,
    leverage=_NUMBER_OR_NULL,
    group=_TEXT_OR_NULL,
    opened_at=_TIME_OR_NULL,
    accrued=_NUMBER,
)

_ORDER: Final = Fields(
    Order,
    id=_TEXT,
    instrument=_TEXT,
    mode=_TEXT,
    quantity=Value(values.not_zero),
    price=_POSITIVE_OR_NULL,
    position=_TEXT_OR_NULL,
    leverage=_POSITIVE_OR_NULL,
    reduce_only=Value(values.truth),
)

_ACCOUNT: Final = Fields(
    Account,
    account=_TEXT,
    collateral=Names(_NUMBER),
    group_margins=Names(_NUMBER),
    positions=Items(_POSITION),
    orders=Items(_ORDER),
    fee_rate=Value(or_null(values.fee_rate)),
)


def _bare_measure(value: object) -> Measure:
    return Measure(value=values.number(value))


_FULL_MEASURE: Final = Fields(Measure, value=_NUMBER, time=_TIME_OR_NULL)
_MEASURES: Final = Names(Either(_FULL_MEASURE, Value(_bare_measure)))

_INSTRUMENT: Final = Fields(
    InstrumentMarket,
    # A figure of any size is a fact about the market, not a fault of the document: its pools end undetermined.
    mark_price=_NUMBER_OR_NULL,
    index_price=_NUMBER_OR_NULL,
    time=_TIME_OR_NULL,
    confidence=_NUMBER_OR_NULL,
    measures=_MEASURES,
    terms=Names(_NUMBER),
    expires_at=_TIME_OR_NULL,
    contract_size=_NUMBER_OR_NULL,
    conversion=_NUMBER_OR_NULL,
    price_tick=_NUMBER_OR_NULL,
    quantity_step=_NUMBER_OR_NULL,
    underlying=_TEXT_OR_NULL,
)

_PRICE: Final = Fields(AssetPrice, price=_NUMBER, time=_TIME_OR_NULL, measures=_MEASURES)

_MARKET: Final = Fields(
    Market,
    as_of=_TIME,
    instruments=Names(_INSTRUMENT),
    prices=Names(_PRICE),
)

OBJECTS: Final[Mapping[str, Fields]] = {
    "Account": _ACCOUNT,
    "Position": _POSITION,
    "Order": _ORDER,
    "Market": _MARKET,
    "Instrument": _INSTRUMENT,
    "Measure": _FULL_MEASURE,
    "Price": _PRICE,
}
"""Every object of the documents that are read, by the name that the documentation gives it."""


def _decode(document: Record | Source, file: str, record: type[Record], shape: Shape) -> Record:
    if isinstance(document, record):
        return document
    text, value = read_json(document, file) if isinstance(document, bytes | str) else (None, document)
    if isinstance(document, PathLike):
        refusal = Refusal(
            "TYPE_WRONG", f"found the path {str(document)!r}, wanted a document", "pass what is in the file"
        )
        raise DocumentError([_problem(Fault((), "value", refusal), None, file)])
    try:
        return shape.decode(value)  # type: ignore[no-any-return]
    except Refusal:
        faults = list(shape.faults(value, ()))
    assert faults, f"{file} was refused without a reason"
    raise DocumentError(_unmarked(faults, file) if text is None else _marked(faults, text, file))


def _unmarked(faults: list[Fault], file: str) -> list[Problem]:
    """The problems of a document that has no text, but a name."""
    return [_problem(fault, None, file) for fault in faults]


def _problem(fault: Fault, mark: Mark | None, document: str = "") -> Problem:
    code, message, hint = fault.refusal.code, fault.refusal.message, fault.refusal.hint
    return Problem(code=code, message=message, hint=hint, path=written(fault.path), mark=mark, document=document)


def _marked(faults: list[Fault], text: str, file: str) -> list[Problem]:
    """The problems with their places in the text, in the order of the text."""
    lines = Lines(text, file)
    root = find_places(text, [fault.path for fault in faults])
    problems = [_problem(fault, lines.mark(_offset(fault, root))) for fault in faults]
    return sorted(problems, key=lambda problem: problem.mark or Mark(file, 0, 0))


def _offset(fault: Fault, place: Place) -> int:
    for part in fault.path[:-1] if fault.place == "parent" else fault.path:
        place = place.inner[part]
    return place.key if fault.place == "key" else place.value
