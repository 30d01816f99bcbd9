"""`rules-engine evaluate` and `rules-engine order`: what a policy says of one account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND
from rules_engine.cli.decisions import LogAsked, log_options
from rules_engine.cli.inputs import (
    account_option,
    all_of,
    json_option,
    market_option,
    name_of,
    plugin_option,
    read,
    refuse_two_from_stdin,
)
from rules_engine.cli.versions import PolicyAsked, policy_options

if TYPE_CHECKING:
    from rules_engine.engine.engine import Engine
    from rules_engine.terms.explanation import Explanation

EVALUATE_EXAMPLES = """\b
Examples:
  rules-engine evaluate --policy usdt-perpetuals@1.2.0 --account account.json --market market.json
  rules-engine evaluate --policy P.yaml --account - --market market.json --json < account.json
  rules-engine evaluate --policy P.yaml --account account.json --market market.json --explain
  rules-engine evaluate --policy usdt-perpetuals --store risk.db --account account.json --market market.json"""

ORDER_EXAMPLES = """\b
Examples:
  rules-engine order --policy P.yaml --account account.json --market market.json --order order.json
  rules-engine order --policy P.yaml --account account.json --market market.json --order - --json < order.json
  rules-engine order --policy P.yaml --account account.json --market market.json --order order.json --explain
  rules-engine order --policy P.yaml --account account.json --market market.json --order order.json --log log.jsonl"""

explain_option = click.option("--explain", is_flag=True, help="Print how each figure was made, step by step.")


@click.command(epilog=EVALUATE_EXAMPLES)
@policy_options
@account_option
@market_option
@plugin_option
@explain_option
@log_options
@json_option
def evaluate(
    policy: PolicyAsked,
    account: str,
    market: str,
    explain: bool,
    log: LogAsked,
    as_json: bool,
) -> None:
    """Evaluate one account under a policy.

    Prints margins, liquidation prices and status of every position and pool. Exits with 0 whatever the status is, and
    with 2 where a document is malformed.
    """
    refuse_two_from_stdin(account, market)
    engine, *records = _engine_and_documents(policy.read, account=account, market=market)
    evaluation = None if explain and log.log is None else _answer(engine, "evaluate", records, log)
    if evaluation is None or explain:
        _print_explanation(engine.explain(*records), as_json)
    elif as_json:
        output.document(evaluation.to_dict())
    else:
        from rules_engine.report.tables import evaluation_tables

        output.tables(evaluation_tables(evaluation))


def _print_explanation(explanation: Explanation, as_json: bool) -> None:
    from rules_engine.report.explanation import explanation_text

    if as_json:
        output.document(explanation.to_dict())
        return
    for line in explanation_text(explanation).splitlines():
        output.line(line)


@click.command(epilog=ORDER_EXAMPLES)
@policy_options
@account_option
@market_option
@click.option(
    "--order", required=True, metavar="O", type=click.Path(allow_dash=True), help="Order document (JSON), or -."
)
@plugin_option
@explain_option
@log_options
@json_option
@click.pass_context
def order(
    context: click.Context,
    policy: PolicyAsked,
    account: str,
    market: str,
    order: str,
    explain: bool,
    log: LogAsked,
    as_json: bool,
) -> None:
    """Say whether an order is accepted.

    Prints reasons, required and available margin, the largest quantity and the evaluation with the order in it. Exits
    with 0 where the order is accepted, 1 where it is refused and 2 where a document is malformed.
    """
    refuse_two_from_stdin(account, market, order)
    engine, *records = _engine_and_documents(policy.read, account=account, market=market, order=order)
    decision = _answer(engine, "check_order", records, log)
    if explain:
        _print_explanation(engine.explain_order(*records), as_json)
    elif as_json:
        output.document(decision.to_dict())
    else:
        from rules_engine.report.tables import order_tables

        output.tables(order_tables(decision))
    context.exit(0 if decision.accepted else FOUND)


def _engine_and_documents(reader: Callable[[], Any], **paths: str) -> list[Any]:
    """An engine and the records of the documents named; raises one DocumentError with the problems of all inputs."""
    from rules_engine.engine.documents import decode_account, decode_market, decode_order

    decoders = {"account": decode_account, "market": decode_market, "order": decode_order}

    def document(kind: str, path: str) -> Any:
        return decoders[kind](read(path), file=name_of(path))

    documents = [partial(document, kind, path) for kind, path in paths.items()]
    engine, *records = all_of([reader, *documents])
    return [engine(records[1]), *records]


def _answer(engine: Engine, verb: str, records: Sequence[Any], log: LogAsked) -> Any:
    """What an engine answers, written into the log before anybody has it."""
    from rules_engine.life.decisions.decision_records import new_decision
    from rules_engine.life.decisions.logged import LoggedEngine

    if log.log is None:
        return getattr(engine, verb)(*records)
    with log.opened() as opened:
        decision = new_decision(opened.now())
        answer = getattr(LoggedEngine(engine, opened), verb)(*records, decision=decision)
    output.message(f"decision {decision} is in {log.shown}")
    return answer
