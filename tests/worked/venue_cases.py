"""Cases of venue files as documents: a venue file says how a venue reckons, and gives cases with their sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any, Final, NamedTuple

import rules_engine_standard_modes
import yaml

import tests.worked.venue_modes as venue_modes
from rules_engine import Engine
from rules_engine.extension.registry import build_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from tests.worked.case_arithmetic import decimal_text, evaluated

FOLDER: Final = Path(__file__).parent
REGISTRY: Final = build_registry([rules_engine_standard_modes, venue_modes])
NO_PARENTS: Final = policy_finder(None)


class Case(NamedTuple):
    """One case and the part of its venue's file in which it stands."""

    venue: str
    part: Mapping[str, Any]
    case: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The case's id, and which of the venue's conventions it is held to."""
        return f"{self.case['id']}/{self.part['part']}"

    def inputs(self) -> dict[str, Any]:
        """What the source gives, and what the part derives from it, in order."""
        names = dict(self.case["given"])
        for name, expression in self.part.get("derive", {}).items():
            value = evaluated(expression, names)
            assert value is not None
            names[name] = decimal_text(value)
        return names

    def figures(self) -> dict[str, Any]:
        """The evaluation's figures by position id; `position`, `pool` and `order` are the first of each."""
        inputs = self.inputs()
        engine = self._engine(inputs)
        account, market = self._document("account", inputs), self._document("market", inputs)
        if "order" in self.part:
            decision = engine.check_order(account, market, self._document("order", inputs))
            return {"order": decision.to_dict()}
        evaluation = engine.evaluate(account, market).to_dict()
        positions = {position["id"]: position for position in evaluation["positions"]}
        return positions | {"position": evaluation["positions"][0], "pool": evaluation["pools"][0]}

    def _engine(self, inputs: Mapping[str, str]) -> Engine:
        text = Template(self.part["policy"]).substitute(inputs)
        policy, problems = check_policy(text.encode(), f"{self.venue}.yaml", REGISTRY, NO_PARENTS)
        assert policy is not None, "\n".join(map(str, problems))
        return Engine(policy)

    def _document(self, kind: str, inputs: Mapping[str, str]) -> Any:
        return yaml.load(Template(self.part[kind]).substitute(inputs), yaml.BaseLoader)


def cases() -> Iterator[Case]:
    """Every case of every venue file. All scalars are text: no number passes through a float."""
    for file in sorted(FOLDER.glob("*.yaml")):
        for part in yaml.load_all(file.read_text(), yaml.BaseLoader):
            for case in part["cases"]:
                yield Case(file.stem, part, case)
