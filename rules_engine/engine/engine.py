"""The engine: the one object that a back-end holds. Immutable once built, and safe to share between threads."""

from __future__ import annotations

from rules_engine.engine.documents import Source, decode_three, decode_two
from rules_engine.engine.evaluate import QuoteOf, solve
from rules_engine.engine.figures import written
from rules_engine.engine.order_check import check_order
from rules_engine.engine.quote import Quote, quote, rule_for
from rules_engine.errors import DocumentError, Problem
from rules_engine.numbers.exact import exactly
from rules_engine.terms.account import Account, Order
from rules_engine.terms.evaluation import Evaluation, OrderDecision
from rules_engine.terms.explanation import Explanation
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy


class Engine:
    """Evaluates accounts under one policy. To change the policy, build another engine."""

    __slots__ = ("_policy",)

    def __init__(self, policy: Policy) -> None:
        if not isinstance(policy, Policy):
            raise TypeError(f"Engine takes a Policy (from load_policy), not {type(policy).__name__}")
        self._policy = policy

    @property
    def policy(self) -> Policy:
        """The policy that answers."""
        return self._policy

    def evaluate(self, account: Account | Source, market: Market | Source) -> Evaluation:
        """Every position's and pool's figures, prices, status and close-out.

        Documents come as dicts, JSON text or records. Raises one `DocumentError` with every problem of all documents
        that are not well formed; what is doubtful inside a well-formed one ends as `undetermined` pools.
        """
        account, market = decode_two(account, market)
        with exactly():
            return written(self._policy, market.as_of, solve(self._policy, account, market, self._quotes(market)))

    def explain(self, account: Account | Source, market: Market | Source) -> Explanation:
        """How each figure of an evaluation came about, by replaying its formulas. Raises as `evaluate` does."""
        from rules_engine.engine.explain import explain

        account, market = decode_two(account, market)
        with exactly():
            solution = solve(self._policy, account, market, self._quotes(market))
            return explain(self._policy, market, solution, written(self._policy, market.as_of, solution))

    def check_order(
        self,
        account: Account | Source,
        market: Market | Source,
        order: Order | Source,
    ) -> OrderDecision:
        """Whether an order may be accepted, what it requires, and how large it could be. Raises as `evaluate` does."""
        account, market, order = _with_order(account, market, order)
        with exactly():
            return check_order(self._policy, account, market, order, self._quotes(market))

    def explain_order(
        self,
        account: Account | Source,
        market: Market | Source,
        order: Order | Source,
    ) -> Explanation:
        """How a decision on an order came about, and each figure with the order in it. Raises as `evaluate` does."""
        from rules_engine.engine.explain_order import explain_order

        account, market, order = _with_order(account, market, order)
        with exactly():
            return explain_order(self._policy, account, market, order, self._quotes(market))

    def _quotes(self, market: Market) -> QuoteOf:
        """Each instrument's quote in this market, made once."""
        made: dict[str, Quote] = {}

        def quote_of(instrument: str) -> Quote:
            if instrument not in made:
                made[instrument] = quote(self._policy, rule_for(self._policy, instrument), instrument, market)
            return made[instrument]

        return quote_of


def _with_order(
    account: Account | Source,
    market: Market | Source,
    order: Order | Source,
) -> tuple[Account, Market, Order]:
    """The three documents as records, of which the order is a new one."""
    account, market, order = decode_three(account, market, order)
    if any(resting.id == order.id for resting in account.orders):
        text = f"the account already has an order {order.id!r}"
        hint = "give the new order an id of its own"
        raise DocumentError([Problem(code="ID_DUPLICATE", message=text, hint=hint, path="id", document="order")])
    return account, market, order
