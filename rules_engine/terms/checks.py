"""What a plugin may say of a policy that has been compiled, and how it hears of evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

import msgspec

from rules_engine.terms.evaluation import Evaluation
from rules_engine.terms.policy import Policy


class PolicyFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a check has to say of a policy: a code in capitals, a sentence, and the next step.

    `path` leads to what it is about in `Policy.document`, such as `("modes", "cross")`; the finding is told at the
    place of the nearest part of it that the text has. An error keeps the policy from being used.
    """

    code: Annotated[str, msgspec.Meta(pattern=r"\A[A-Z][A-Z0-9_]*\Z")]
    message: Annotated[str, msgspec.Meta(min_length=1)]
    hint: str = ""
    path: tuple[str | int, ...] = ()
    severity: Literal["error", "warning"] = "error"


class PolicyCheck(Protocol):
    """A house rule that policies are held to, beside our own."""

    @property
    def name(self) -> str:
        """The name by which a fault of the check itself is told."""

    def findings(self, policy: Policy) -> Sequence[PolicyFinding]:
        """What is wrong with a compiled policy; nothing where all is well."""


class Observer(Protocol):
    """Hears of every evaluation, such as a sink of metrics. It can change none."""

    @property
    def name(self) -> str:
        """The name by which a fault of the observer is told."""

    def evaluated(self, evaluations: Sequence[Evaluation]) -> None:
        """What an engine has answered, once a batch; a single evaluation is a batch of one."""
