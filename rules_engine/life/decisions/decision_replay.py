"""Replay: every logged decision evaluated again, and what differs from what was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from typing import Any, Final, Literal

import msgspec

from rules_engine.errors import DocumentError, Mark
from rules_engine.life.decisions.answering import Answering, AnsweringInMarket
from rules_engine.life.decisions.decision_documents import (
    account_of,
    answer_document,
    hash_of,
    input_hash,
    market_of,
    order_of,
)
from rules_engine.life.decisions.decision_lines import Line, LogProblem, read_log
from rules_engine.life.decisions.decision_records import KINDS
from rules_engine.numbers.text import NumberError
from rules_engine.terms.evaluation import PolicyIdentity

MOST_FIELDS: Final = 5
"""Figures of one decision that are told to differ."""
ENGINES_KEPT: Final = 16
"""Engines in markets that are kept at a time: decisions of one market mostly stand together."""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found. Counts are of decisions; `unkept` are those without inputs, sweeps among them.

    `dropped` are those that the log says it had no room for, `head` the number and hash of the last line.
    """

    records: int
    decisions: Mapping[str, int]
    equal: int
    different: int
    unkept: int
    dropped: int
    problems: tuple[LogProblem, ...]
    head: tuple[int, str]

    @property
    def clean(self) -> bool:
        """Whether every line stands as it was written and every answer is the same."""
        return all(problem.severity == "warning" for problem in self.problems)


def replay(
    path: str | PathLike[str], engine_for: Callable[[PolicyIdentity], Answering | None], *, head: str | None = None
) -> Replay:
    """Evaluates every decision of a log again whose inputs were kept, under the policy that answered.

    `engine_for` gives the engine of an identity, None where there is none; one whose digest is another counts as none.
    `head` is the hash of a line that must be in the log, kept elsewhere: without it lines cut off at the end cannot be
    noticed. Raises OSError where there is no such log.
    """
    replaying = Replaying(engine_for)
    problems: list[LogProblem] = []
    kinds: Counter[str] = Counter()
    records = dropped = 0
    found = head is None
    line: Line | None = None
    for line in read_log(path):
        found = found or line.hash == head
        problems += line.problems
        kind = line.record.get("kind")
        records += bool(line.record)
        if kind == "header":
            replaying.markets.clear()
        elif kind == "market":
            problems += replaying.take_market(line)
        elif kind == "dropped":
            dropped += int(line.record.get("count", 0))
        elif kind in KINDS:
            kinds[kind] += 1
            problems += replaying.judge(line)
    line = line or Line(mark=Mark(str(path), 1, 1), hash="", record={})
    if not found:
        what = f"no line has the hash {head}"
        problems.append(line.problem("LOG_CUT", what, "lines were cut off at the end, or it is another log"))
    return Replay(
        records=records,
        decisions=dict(sorted(kinds.items())),
        equal=replaying.equal,
        different=replaying.different,
        unkept=replaying.unkept,
        dropped=dropped,
        problems=tuple(problems),
        head=(int(line.record.get("sequence", 0)), line.hash),
    )


class Replaying:
    """Evaluates decisions, and keeps the engines and markets that those share."""

    def __init__(self, engine_for: Callable[[PolicyIdentity], Answering | None]) -> None:
        self.equal = self.different = self.unkept = 0
        self.markets: dict[str, Mapping[str, Any]] = {}
        self._engine_for = engine_for
        self._engines: dict[PolicyIdentity, Answering | None] = {}
        self._in_markets: dict[tuple[PolicyIdentity, str], AnsweringInMarket] = {}

    def take_market(self, line: Line) -> Iterator[LogProblem]:
        """Keeps a market for the decisions that refer to it."""
        document, hashed = line.record.get("market"), line.record.get("market_hash")
        if not isinstance(document, dict) or hash_of(document) != hashed:
            yield line.problem("LOG_RECORD_EDITED", "the market does not have the hash that stands beside it")
        elif isinstance(hashed, str):
            self.markets[hashed] = document

    def judge(self, line: Line) -> Iterator[LogProblem]:
        """What is wrong with a decision; counts it."""
        record = line.record
        if record["kind"] == "sweep" or "inputs" not in record:
            self.unkept += 1
            return
        try:
            found = [*_edited(line), *self._replayed(line)]
        except (DocumentError, NumberError, msgspec.ValidationError, KeyError, TypeError, AttributeError) as error:
            what = f"the record cannot be evaluated: {type(error).__name__}: {error}"
            found = [line.problem("LOG_INPUT_UNUSABLE", what)]
        self.equal += not found
        self.different += bool(found)
        yield from found

    def _replayed(self, line: Line) -> Iterator[LogProblem]:
        """The answer evaluated again, against the one that was given."""
        record = line.record
        identity = msgspec.convert(record["policy"], PolicyIdentity)
        if record["market_hash"] not in self.markets:
            yield line.problem("LOG_INPUT_UNUSABLE", "its market does not stand before it in this file")
            return
        engine = self._engine(identity, record["market_hash"])
        if engine is None:
            what = f"there is no policy {identity.name} {identity.version} with the digest {identity.digest}"
            yield line.problem("LOG_POLICY_UNKNOWN", what, "give the folder that holds the version that answered")
            return
        answer = _answered(engine, record)
        if hash_of(answer) == record["answer_hash"]:
            return
        logged, told = (record["answer"], answer) if "answer" in record else (_summary(record), _summarised(answer))
        differing = list(differences(logged, told))
        fields = "; ".join(differing[:MOST_FIELDS]) or "in a figure; the log does not keep answers"
        more = len(differing) - MOST_FIELDS
        yield line.problem("LOG_ANSWER_DIFFERS", fields + (f"; and {more} more" if more > 0 else ""))

    def _engine(self, identity: PolicyIdentity, market_hash: str) -> AnsweringInMarket | None:
        if identity not in self._engines:
            engine = self._engine_for(identity)
            known = engine is not None and engine.policy.digest == identity.digest
            self._engines[identity] = engine if known else None
        engine = self._engines[identity]
        key = (identity, market_hash)
        if engine is not None and key not in self._in_markets:
            if len(self._in_markets) >= ENGINES_KEPT:
                self._in_markets.pop(next(iter(self._in_markets)))
            self._in_markets[key] = engine.at(market_of(self.markets[market_hash]))
        return self._in_markets.get(key)


def _answered(engine: AnsweringInMarket, record: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a record's inputs."""
    account = account_of(record["inputs"]["account"])
    if record["kind"] == "order":
        return answer_document(engine.check_order(account, order_of(record["inputs"]["order"])))
    return answer_document(engine.evaluate_all([account])[0])


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
