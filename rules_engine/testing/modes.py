"""The laws of margin modes, and the check of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rules_engine.testing import account_laws, call_laws, number_laws
from rules_engine.testing.examples import STANDARD, Examples
from rules_engine.testing.judging import Statute, named, report_on
from rules_engine.testing.mode_subject import ModeSubject, mode_subject
from rules_engine.testing.parameter_law import misfits
from rules_engine.testing.reports import Report
from rules_engine.testing.units_law import units


def _parameters(subject: ModeSubject) -> Iterator[str]:
    return misfits(subject.document, subject.registry, ("modes", subject.mode.name), subject.mode.parameters)


MODE_LAWS: Final = (
    Statute("amounts", "what it requires is exact, finite and not below zero", call_laws.amounts),
    Statute("attribution", "the shares of a pool's positions add up to what the pool requires", call_laws.attribution),
    Statute("opaque", "it branches on no number and uses only what every number system has", number_laws.opaque),
    Statute("traced", "on traced numbers it comes to the same figures", number_laws.traced),
    Statute("mark", "with the mark unknown it is the same function, wherever that is read", number_laws.piecewise_mark),
    Statute("quantity", "with the quantity unknown it is the same function", number_laws.piecewise_quantity),
    Statute("units", "unlike units are neither added nor compared, and it requires currency", units),
    Statute("order", "the order of positions does not matter", account_laws.order),
    Statute("mirror", "a long requires what a short of the same size does", call_laws.mirror),
    Statute("collateral", "more collateral never worsens a status", account_laws.collateral),
    Statute("size", "a position alone never requires less when it grows", call_laws.size),
    Statute("isolation", "what other pools hold does not matter", account_laws.isolation),
    Statute("parameters", "what its schema does not allow is refused at its place in the policy", _parameters),
    Statute("repeatable", "asked again it answers the same, and it changes nothing", call_laws.repeatable),
    Statute("outside", "it asks no clock, no random number and no file", call_laws.outside),
)  # fmt: skip
"""Every law of margin modes, in the order in which they are reported."""


def check_mode(
    mode: Any,
    parameters: Mapping[str, Any] = {},
    *,
    examples: Examples | None = None,
    beside: Mapping[str, Mapping[str, Any]] = {},
    seed: int = 0,
    cases: int = 50,
) -> Report:
    """How a margin mode stands to its laws. `parameters` are those of the built-in policy; examples have their own.

    `beside` are further components, by shelf (such as `payoffs`) and name, that the examples' policy needs and that
    are not installed. The same seed and number of cases give the same report.
    """
    return report_on(
        f"margin mode {named(mode)}",
        MODE_LAWS,
        lambda: mode_subject(mode, parameters, examples or STANDARD, beside, seed, cases),
    )
