"""Replay: every logged decision evaluated again, and what differs from what was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from rules_engine.errors import DocumentError, Mark
from rules_engine.life.answering import Answering, AnsweringInMarket
from rules_engine.life.decisions.decision_documents import account_of, answer_document, hash_of, input_hash, order_of
from rules_engine.life.decisions.decision_engines import Engines, PolicyUnknown
from rules_engine.life.decisions.decision_lines import Line, LogProblem, is_hash
from rules_engine.life.decisions.decision_places import read_log, shown_log
from rules_engine.life.decisions.decision_records import KINDS
from rules_engine.life.decisions.decision_sweeps import Books, Sweeps
from rules_engine.life.decisions.decision_trial import Question, Trial
from rules_engine.life.decisions.shadow_differences import Differences, evaluations_differ, orders_differ, sweeps_differ
from rules_engine.numbers.text import NumberError
from rules_engine.terms.account import Account, Order
from rules_engine.terms.evaluation import Evaluation, OrderDecision, PolicyIdentity

if TYPE_CHECKING:
    from rules_engine.engine.book import Book

MOST_FIELDS: Final = 5
"""Figures of one decision that are told to differ."""
UNUSABLE: Final = (DocumentError, NumberError, msgspec.ValidationError, KeyError, TypeError, AttributeError)
"""What a record raises that is not what the log writes."""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found. Counts are of decisions; `unkept` are those without inputs.

    `unmatched` are sweeps whose book was not given, `dropped` decisions that the log says it had no room for, `head`
    is the number and hash of the last line. `trial` is how a candidate differs, where one was asked.
    """

    records: int
    decisions: Mapping[str, int]
    equal: int
    different: int
    unkept: int
    unmatched: int
    dropped: int
    problems: tuple[LogProblem, ...]
    head: tuple[int, str]
    trial: Differences | None = None

    @property
    def clean(self) -> bool:
        """Whether every line stands as it was written and every answer is the same."""
        return all(problem.severity == "warning" for problem in self.problems)


def replay(
    path: str | PathLike[str],
    engine_for: Callable[[PolicyIdentity], Answering | None],
    *,
    head: str | None = None,
    books: Books = lambda _: (),
    key: bytes = b"",
    candidate: Answering | None = None,
) -> Replay:
    """Evaluates every decision of a log again whose inputs were kept, under the policy that answered.

    `engine_for` gives the engine of an identity, None where there is none; one whose digest is another counts as none.
    `head` is the hash of a line that must be in the log, kept elsewhere: without it lines cut off at the end cannot be
    noticed. Sweeps whose book is among `books` are swept again; where the log is masked, their hashes are under its
    `key`. A `candidate` is asked all that is replayed, and how it differs is counted. Raises OSError where there is no
    such log.
    """
    if head is not None and not is_hash(head):
        raise ValueError(f"{head!r} is no hash of a line: wanted 64 hexadecimal digits, `head[1]` of a log or replay")
    trial = None if candidate is None else Trial(candidate)
    replaying = Replaying(engine_for, Sweeps(key), trial)
    problems: list[LogProblem] = []
    kinds: Counter[str] = Counter()
    records = 0
    found = head is None
    last = Line(mark=Mark(shown_log(path), 1, 1), hash="", record={})
    for line in read_log(path):
        last = line if line.record else last  # a torn end is no line
        found = found or line.hash == head
        problems += line.problems
        kind = line.record.get("kind")
        records += bool(line.record)
        if kind in ("header", "opened"):
            replaying.sweeps.take_mask(line.record.get("mask"))
        if kind == "header":
            replaying.markets.clear()
        elif kind == "market":
            problems += replaying.take_market(line)
        elif kind == "dropped":
            problems += replaying.take_dropped(line)
        elif kind in KINDS:
            kinds[kind] += 1
            problems += replaying.judge(line)
    problems += replaying.judge_sweeps(books)
    problems.sort(key=lambda problem: problem.mark or Mark("", 0, 0))
    if not found:
        what = f"no line has the hash {head}"
        problems.append(last.problem("LOG_CUT", what, "lines were cut off at the end, or it is another log"))
    return Replay(
        records=records,
        decisions=dict(sorted(kinds.items())),
        equal=replaying.equal,
        different=replaying.different,
        unkept=replaying.unkept,
        unmatched=replaying.sweeps.waiting,
        dropped=replaying.dropped,
        problems=tuple(problems),
        head=(int(last.record.get("sequence", 0)), last.hash),
        trial=None if trial is None else trial.found,
    )


class Replaying:
    """Evaluates decisions, and keeps the engines and markets that those share."""

    def __init__(
        self, engine_for: Callable[[PolicyIdentity], Answering | None], sweeps: Sweeps, trial: Trial | None
    ) -> None:
        self.equal = self.different = self.unkept = self.dropped = 0
        self.markets: dict[str, Mapping[str, Any]] = {}
        self.sweeps, self._trial = sweeps, trial
        self._engines = Engines(engine_for)

    def take_market(self, line: Line) -> Iterator[LogProblem]:
        """Keeps a market for the decisions that refer to it."""
        document, hashed = line.record.get("market"), line.record.get("market_hash")
        if not isinstance(document, dict) or hash_of(document) != hashed:
            yield line.problem("LOG_RECORD_EDITED", "the market does not have the hash that stands beside it")
        elif isinstance(hashed, str):
            self.markets[hashed] = document

    def take_dropped(self, line: Line) -> Iterator[LogProblem]:
        """Adds up what the log had no room for."""
        count = line.record.get("count")
        if isinstance(count, int):
            self.dropped += count
        else:
            yield line.problem("LOG_LINE_INVALID", "it does not say how many decisions were dropped")

    def judge(self, line: Line) -> list[LogProblem]:
        """What is wrong with a decision; counts it, but for a sweep, which waits for its book."""
        record = line.record
        if record["kind"] != "sweep":
            if "inputs" in record:
                return self._counted(line, chain(_edited(line), self._replayed(line)))
        elif "answer_hash" in record and record.get("market_hash") in self.markets:
            found = self._found(line, self._waits(line))
            self.different += bool(found)
            return found
        self.unkept += 1
        return []

    def judge_sweeps(self, books: Books) -> Iterator[LogProblem]:
        """What is wrong with the sweeps of these books, and which sweeps are of none of them."""
        for currency in self.sweeps.currencies:
            for book in books(currency):
                for one in self.sweeps.of(book, currency):
                    yield from self._counted(one.line, self._swept(one.line, one.market, book))
        yield from self.sweeps.problems()

    def _counted(self, line: Line, judged: Iterable[LogProblem]) -> list[LogProblem]:
        """What is wrong with a decision, which counts as equal where nothing is."""
        found = self._found(line, judged)
        self.equal += not found
        self.different += bool(found)
        return found

    def _found(self, line: Line, judged: Iterable[LogProblem]) -> list[LogProblem]:
        """What is wrong with a decision, be it that it cannot be evaluated."""
        try:
            return list(judged)
        except PolicyUnknown as error:
            hint = "give the folder or the store that holds the version that answered"
            return [line.problem("LOG_POLICY_UNKNOWN", str(error), hint)]
        except UNUSABLE as error:
            what = f"the record cannot be evaluated: {type(error).__name__}: {error}"
            return [line.problem("LOG_INPUT_UNUSABLE", what)]

    def _replayed(self, line: Line) -> Iterator[LogProblem]:
        """The answer evaluated again, against the one that was given."""
        record = line.record
        if record["market_hash"] not in self.markets:
            yield line.problem("LOG_INPUT_UNUSABLE", "its market does not stand before it")
            return
        market = self.markets[record["market_hash"]]
        engine = self._engines.at(record, market)
        account = account_of(record["inputs"]["account"])
        order = order_of(record["inputs"]["order"]) if record["kind"] == "order" else None
        answer, differs = _answered(engine, account, order)
        if self._trial is not None:
            self._trial.ask(record, engine, market, differs)
        told = answer_document(answer)
        if hash_of(told) != record["answer_hash"]:
            logged, now = (record["answer"], told) if "answer" in record else (_summary(record), _summarised(told))
            fields = list(differences(logged, now))
            yield _differs(line, fields, "in a figure; the log does not keep answers")

    def _waits(self, line: Line) -> Iterator[LogProblem]:
        """A sweep is taken down, where it is what the log writes."""
        record = line.record
        inputs = {"book": record["book_hash"], "market": record["market_hash"]}
        if hash_of(inputs) != record["input_hash"]:
            yield line.problem("LOG_RECORD_EDITED", "its inputs do not have the hash that stands beside them")
            return
        engine = self._engines.of(record)
        self.sweeps.take(line, self.markets[record["market_hash"]], engine.policy.settlement_currency)

    def _swept(self, line: Line, market: Mapping[str, Any], book: Book) -> Iterator[LogProblem]:
        """The book swept again: the status of every row, and how many there are of each."""
        from rules_engine.life.decisions.decision_books import row_statuses, status_counts, statuses_hash

        record = line.record
        engine = self._engines.at(record, market)
        answer = engine.sweep(book)
        if self._trial is not None:
            statuses = row_statuses(answer)
            self._trial.ask(record, engine, market, lambda candidate: sweeps_differ(statuses, candidate.sweep(book)))
        now = {"positions": len(book), "accounts": len(book.names), "status": status_counts(answer)}
        fields = list(differences({name: record[name] for name in now}, now))
        if statuses_hash(answer) != record["answer_hash"]:
            yield _differs(line, fields, "in the status of rows; as many have each")
        elif fields:
            yield line.problem("LOG_RECORD_EDITED", f"its counts are not those of its statuses: {fields[0]}")


def _answered(
    engine: AnsweringInMarket, account: Account, order: Order | None
) -> tuple[Evaluation | OrderDecision, Question]:
    """The answer to a record's inputs, and how a candidate's differs from it."""
    if order is None:
        answer = engine.evaluate_all([account])[0]
        return answer, lambda candidate: evaluations_differ(answer, candidate.evaluate_all([account])[0])
    decision = engine.check_order(account, order)
    return decision, lambda candidate: orders_differ(decision, candidate.check_order(account, order))


def _differs(line: Line, fields: Sequence[str], otherwise: str) -> LogProblem:
    """What is another today: the first fields, or what else is known of it."""
    more = f"; and {len(fields) - MOST_FIELDS} more" if len(fields) > MOST_FIELDS else ""
    return line.problem("LOG_ANSWER_DIFFERS", ("; ".join(fields[:MOST_FIELDS]) or otherwise) + more)


def _edited(line: Line) -> Iterator[LogProblem]:
    """Where what a record keeps does not have the hash that stands beside it."""
    record, inputs = line.record, line.record["inputs"]
    if input_hash(inputs["account"], record["market_hash"], inputs.get("order")) != record["input_hash"]:
        yield line.problem("LOG_RECORD_EDITED", "its inputs do not have the hash that stands beside them")
    if "answer" in record:
        if hash_of(record["answer"]) != record["answer_hash"]:
            yield line.problem("LOG_RECORD_EDITED", "its answer does not have the hash that stands beside it")
        for field in differences(_summary(record), _summarised(record["answer"])):
            yield line.problem("LOG_RECORD_EDITED", f"its summary is not that of its answer: {field}")


def _summary(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says beside hashes."""
    members = ("account", "status", "reasons", "order", "accepted", "refusals")
    return {name: record[name] for name in members if name in record}


def _summarised(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says of an answer."""
    evaluation = answer.get("evaluation", answer)
    summary = {
        "account": evaluation["account"],
        "status": {pool["pool"]: pool["status"] for pool in evaluation["pools"]},
        "reasons": {pool["pool"]: pool["reasons"] for pool in evaluation["pools"] if pool["reasons"]},
    }
    if "order" in answer:
        summary |= {"order": answer["order"], "accepted": answer["accepted"], "refusals": answer["reasons"]}
    return summary


def differences(logged: Any, now: Any, path: str = "") -> Iterator[str]:
    """Where two documents differ, each with what was logged and what is now."""
    if isinstance(logged, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*logged, *now]):
            place: Literal["", "."] = "." if path else ""
            yield from differences(logged.get(key), now.get(key), f"{path}{place}{key}")
    elif isinstance(logged, list) and isinstance(now, list) and len(logged) == len(now):
        for index, (one, other) in enumerate(zip(logged, now, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif logged != now:
        yield f"{path}: logged {_shown(logged)}, now {_shown(now)}"


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."
