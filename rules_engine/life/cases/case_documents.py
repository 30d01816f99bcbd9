"""Documents of cases: text in, cases and laws out that can be run, or everything that is wrong with the text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from importlib import resources
from typing import Any, Final, TypeAlias

import msgspec

from rules_engine.engine.documents import decode_account, decode_market
from rules_engine.engine.json_text import read_json
from rules_engine.errors import DocumentError, Mark, PolicyError, Problem
from rules_engine.life.cases.case_parts import Kind, Part, Row, as_written, decoded, merged
from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.text import shown
from rules_engine.policy.document import Document, Path
from rules_engine.policy.findings import in_text_order, nearest, path_text
from rules_engine.policy.reader import read_document
from rules_engine.policy.schema import schema_problems
from rules_engine.terms.account import Account, Order
from rules_engine.terms.market import Market

ReadFile: TypeAlias = Callable[[str], bytes]
"""The bytes of a file that a document names; raises `OSError` where there is none."""

REMARK: Final = "source"
"""The column of a table that need not be used."""
SPACED: Final = 3
"""Sizes between two floors where a law states no other number."""
MOST_SPACED: Final = 1000


class Expectation(msgspec.Struct, frozen=True):
    """One figure that must come out: where it stands in the answer (`pools`, a name, `status`), and its value."""

    place: tuple[str, ...]
    value: Any
    mark: Mark


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case, ready to be run: a row of a table is one of its own."""

    name: str
    mark: Mark
    account: Account
    market: Market
    order: Order | None
    expectations: tuple[Expectation, ...]
    tolerance: Decimal
    source: str = ""


class AskedLaw(msgspec.Struct, frozen=True, kw_only=True):
    """A law that is asked for: where it is tried, None for wherever it can be; sizes are in the unit of the table."""

    law: str
    mark: Mark
    market: Market | None
    instruments: tuple[str, ...] | None
    modes: tuple[str, ...] | None
    smallest: Decimal | None
    largest: Decimal | None
    spaced: int
    leverage: Decimal | None
    account: Account | None


class CaseFile(msgspec.Struct, frozen=True, kw_only=True):
    """The cases and laws of one document; `policy` is the pin that it states, None for none."""

    file: str
    policy: str | None
    policy_mark: Mark
    cases: tuple[Case, ...]
    laws: tuple[AskedLaw, ...]


def cases_schema() -> dict[str, Any]:
    """The published schema of documents of cases (JSON Schema 2020-12) as plain values."""
    text = resources.files("rules_engine.life.cases").joinpath("cases-1.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return schema


def read_cases(data: bytes, file: str, read_file: ReadFile) -> CaseFile:
    """What a document of cases asks for. Raises `PolicyError` with every problem of it at once."""
    document = read_document(data, file)
    if problems := schema_problems(document, cases_schema):
        raise PolicyError(problems)
    reading = _Reading(document, read_file)
    if not (document.value.get("cases") or document.value.get("laws")):
        reading.problem("CASE_DOCUMENT", (), "there is neither a case nor a law", "add `cases:` or `laws:`")
    cases = tuple(reading.cases())
    laws = tuple(reading.laws())
    if reading.problems:
        raise PolicyError(in_text_order(reading.problems, [file]))
    return CaseFile(
        file=file,
        policy=document.value.get("policy"),
        policy_mark=document.mark(("policy",)),
        cases=cases,
        laws=laws,
    )


class _Reading:
    """A document as it is read; what is wrong is taken down, and the rest is read all the same."""

    def __init__(self, document: Document, read_file: ReadFile) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self._read_file = read_file
        self._markets: dict[Path, Market | None] = {}
        self._market = self._stated_market()

    def problem(self, code: str, path: Path, message: str, hint: str = "") -> None:
        mark = self.document.mark(path)
        self.problems.append(Problem(code=code, message=message, hint=hint, mark=mark, path=path_text(path)))

    def _stated_market(self) -> Part | None:
        """The document's own market, stated or in a file."""
        value = self.document.value
        if "market" in value and "market_file" in value:
            self.problem("CASE_DOCUMENT", ("market_file",), "there are a `market` and a `market_file`", "keep one")
        if "market_file" in value:
            return self._in_file(("market_file",), decode_market)
        return as_written(self.document, "market") if "market" in value else None

    def _in_file(self, path: Path, decode: Callable[..., object]) -> Part | None:
        """A document that stands in a file, which is judged by itself."""
        name = as_written(self.document, *path).value
        try:
            data = self._read_file(name)
            decode(data, name)
            return Part(read_json(data, name)[1], {(): path})
        except DocumentError as error:
            self.problems += error.problems
        except OSError as error:
            self.problem("FILE_UNUSABLE", path, f"{name}: {error.strerror or error}")
        return None

    def cases(self) -> Iterator[Case]:
        """Every case, a row of a table by itself."""
        names: dict[str, int] = {}
        for index, stated in enumerate(self.document.value.get("cases", ())):
            path: Path = ("cases", index)
            name = stated["name"]
            if (first := names.setdefault(name, index)) != index:
                line = self.document.mark(("cases", first)).line
                text = f"the case on line {line} has this name too"
                self.problem("CASE_NAME_TWICE", (*path, "name"), text, "give each its own")
            if "table" not in stated:
                yield from self._case(path, name, None)
                continue
            rows = [Row(self.document, (*path, "table", number)) for number in range(len(stated["table"]))]
            for number, row in enumerate(rows):
                yield from self._case(path, f"{name} [{number + 1}]", row)
                self._unused_columns(row)
            self._unknown_columns(rows)

    def _unused_columns(self, row: Row) -> None:
        for column in row.values:
            if column != REMARK and column not in row.used and not row.unknown:
                text = f"nothing in the case uses the column {column}"
                self.problem("CASE_COLUMN_UNUSED", (*row.path, column), text, f"write ${{{column}}} where it belongs")

    def _unknown_columns(self, rows: Sequence[Row]) -> None:
        """What asks for a column that no row has is told once, other such places for each row."""
        columns = {column for row in rows for column in row.values}
        for name, path in dict.fromkeys(asked for row in rows for asked in row.unknown):
            if name not in columns:
                text = f"the table has no column {shown(name)}"
                self.problem("CASE_COLUMN_UNKNOWN", path, text, nearest(name, columns))
                continue
            for row in rows:
                if (name, path) in row.unknown:
                    text = f"the row on line {self.document.mark(row.path).line} has no column {shown(name)}"
                    self.problem("CASE_COLUMN_UNKNOWN", path, text, "every row needs it")

    def _case(self, path: Path, name: str, row: Row | None) -> Iterator[Case]:
        stated = as_written(self.document, *path).value
        account = self._account(path, stated, row)
        market = self._market_of(path, stated, row)
        order = self._part((*path, "order"), row) if "order" in stated else None
        placed = None if order is None else self._decoded(order, "Order", row)
        expectations = self._expectations(path, row)
        if "order" in stated["expect"] and order is None:
            self.problem("CASE_DOCUMENT", (*path, "expect", "order"), "the case states no order", "add `order:`")
        if account is None or market is None or (order is not None and placed is None):
            return
        yield Case(
            name=name,
            mark=self.document.mark(path if row is None else row.path),
            account=account,
            market=market,
            order=placed,
            expectations=expectations,
            tolerance=stated.get("tolerance", ZERO),
            source=stated.get("source", ""),
        )

    def _part(self, path: Path, row: Row | None) -> Part:
        part = as_written(self.document, *path)
        return part if row is None else row.filled(part)

    def _decoded(self, part: Part, kind: Kind, row: Row | None) -> Any:
        """The record of a part; None where it cannot be used, or where the row lacks a column."""
        return None if row is not None and row.unknown else decoded(part, kind, self.document, self.problems)

    def _account(self, path: Path, stated: Mapping[str, Any], row: Row | None) -> Account | None:
        if ("account" in stated) == ("account_file" in stated):
            both = "both `account` and `account_file`" if "account" in stated else "no account"
            self.problem("CASE_DOCUMENT", path, f"the case states {both}", "state one of `account` and `account_file`")
            return None
        if "account" in stated:
            part: Part | None = self._part((*path, "account"), row)
        else:
            part = self._in_file((*path, "account_file"), decode_account)
        account: Account | None = None if part is None else self._decoded(part, "Account", row)
        return account

    def _market_of(self, path: Path, stated: Mapping[str, Any], row: Row | None) -> Market | None:
        """The market of a case or law: its own over the document's. It is read once where no row changes it."""
        own = self._part((*path, "market"), row) if "market" in stated else None
        if own is None and self._market is None:
            if "market_file" not in self.document.value:
                text = "neither this nor the document states a market"
                self.problem("CASE_DOCUMENT", path, text, "add `market:` here or at the top of the document")
            return None
        key: Path = path if own else ()
        if key in self._markets and (own is None or len(own.origins) == 1):
            return self._markets[key]
        part = own if self._market is None else self._market if own is None else merged(self._market, own)
        assert part is not None
        market: Market | None = self._decoded(part, "Market", row)
        self._markets[key] = market
        return market

    def _expectations(self, path: Path, row: Row | None) -> tuple[Expectation, ...]:
        part = self._part((*path, "expect"), row)
        found = tuple(self._expected(part, part.value, (), row))
        if not found:
            text = "the case expects no figure"
            self.problem("CASE_EXPECTS_NOTHING", (*path, "expect"), text, "name one of a position or pool")
        return found

    def _expected(self, part: Part, value: Any, place: tuple[str, ...], row: Row | None) -> Iterator[Expectation]:
        if isinstance(value, dict) and (value or len(place) < 3):
            for key, inner in value.items():
                yield from self._expected(part, inner, (*place, key), row)
            return
        origin = part.origin(place)
        at = row.path if row is not None and origin[: len(row.path)] != row.path else origin
        yield Expectation(place, value, self.document.mark(at))

    def laws(self) -> Iterator[AskedLaw]:
        """Every law that is asked for."""
        for index, stated in enumerate(self.document.value.get("laws", ())):
            path: Path = ("laws", index)
            spaced = stated.get("spaced", Decimal(SPACED))
            if spaced != spaced.to_integral_value() or spaced > MOST_SPACED:
                text = f"found the number {spaced:f}, wanted a whole one of at most {MOST_SPACED}"
                self.problem("SCHEMA_VALUE", (*path, "spaced"), text)
                continue
            account = self._account_of_law(path, stated)
            needs_market = "market" in stated or self._market is not None
            yield AskedLaw(
                law=stated["law"],
                mark=self.document.mark(path),
                market=self._market_of(path, stated, None) if needs_market else None,
                instruments=_names(stated, "instruments"),
                modes=_names(stated, "modes"),
                smallest=stated.get("from"),
                largest=stated.get("to"),
                spaced=int(spaced),
                leverage=stated.get("leverage"),
                account=account,
            )

    def _account_of_law(self, path: Path, stated: Mapping[str, Any]) -> Account | None:
        if "account" not in stated:
            return None
        part = as_written(self.document, *path, "account")
        account: Account | None = self._decoded(part, "Account", None)
        return account


def _names(stated: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    return tuple(stated[key]) if key in stated else None
