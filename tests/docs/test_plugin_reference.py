"""The reference of plugins is complete and current: every exported name, field, verb and method, as it is declared."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rules_engine import plugin
from rules_engine.numbers import exact, system
from rules_engine.terms import components
from rules_engine.terms.exposure import ClosingFee, Schedule
from rules_engine.terms.market import Measure

PAGE = (Path(__file__).parents[2] / "docs" / "plugins" / "reference.md").read_text(encoding="utf-8")
ITEM = re.compile(r"^- `([^`]+)`: .", re.MULTILINE)
INSIDE = (Schedule, ClosingFee, Measure)
"""Records that are not exported, but stand in those that are."""
EXPORTED = {name: getattr(plugin, name) for name in plugin.__all__}
RECORDS = {
    thing.__name__: thing
    for thing in (*EXPORTED.values(), *INSIDE)
    if inspect.isclass(thing) and thing is not Any and not issubclass(thing, Exception)
}
FORMULAS = {name: thing for name, thing in EXPORTED.items() if inspect.isfunction(thing)}
ASSIGNED = {
    "Types of numbers": (system, ("Number", "Direction")),
    "Parameters and schemas": (components, ("Parameters", "ParameterSchema")),
}
CONSTANTS = ((components, ("MIRROR", "SIZE", "COLLATERAL")), (exact, ("EXACT",)))


def plain(code: str) -> str:
    """A declaration as the parser writes it, so that quotes and blanks make no difference."""
    try:
        return ast.unparse(ast.parse(code))
    except SyntaxError:  # a signature
        return ast.unparse(ast.parse(f"def {code}: ..."))


def items(title: str, level: str = "###") -> list[str]:
    """The declarations that stand as a list under a heading."""
    assert PAGE.count(f"\n{level} {title}\n") == 1, f"docs/plugins/reference.md has no heading {title}, or several"
    section = re.split(r"^#{2,3} ", PAGE.partition(f"\n{level} {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return [plain(item) for item in ITEM.findall(section)]


def signature(function: ast.FunctionDef) -> str:
    """A function without its body; a property is declared as what it gives, and a method without itself."""
    assert function.returns is not None
    if any(ast.unparse(decorator) == "property" for decorator in function.decorator_list):
        return plain(f"{function.name}: {ast.unparse(function.returns)}")
    if function.args.args and function.args.args[0].arg == "self":
        del function.args.args[0]
    return plain(f"{function.name}({ast.unparse(function.args)}) -> {ast.unparse(function.returns)}")


def declared(thing: Any) -> Iterator[str]:
    """The fields, members, properties and methods of a class, as the source has them."""
    (cls,) = ast.parse(inspect.getsource(thing)).body
    assert isinstance(cls, ast.ClassDef)
    for node in cls.body:
        if isinstance(node, (ast.AnnAssign, ast.Assign)):
            yield ast.unparse(node)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield signature(node)


def assigned(module: Any, names: tuple[str, ...]) -> Iterator[str]:
    """Constants and aliases of a module, without the annotation."""
    tree = ast.parse(inspect.getsource(module))
    values = {ast.unparse(node.target): node.value for node in tree.body if isinstance(node, ast.AnnAssign)}
    for name in names:
        value = values[name]
        assert value is not None
        yield plain(f"{name} = {ast.unparse(value)}")


@pytest.mark.parametrize("name", RECORDS)
def test_record__its_members_stand_on_the_page_as_declared(name: str) -> None:
    """Fields with type and default, methods with signature, in the order of the source."""
    assert items(name) == list(declared(RECORDS[name]))


@pytest.mark.parametrize("title", ASSIGNED)
def test_alias__stands_on_the_page_as_declared(title: str) -> None:
    module, names = ASSIGNED[title]
    assert items(title) == list(assigned(module, names))


def test_constants__stand_on_the_page_as_declared() -> None:
    assert items("Constants", "##") == [one for module, names in CONSTANTS for one in assigned(module, names)]


def test_formulas__stand_on_the_page_as_declared() -> None:
    functions = [ast.parse(inspect.getsource(formula)).body[0] for formula in FORMULAS.values()]
    wanted = [signature(function) for function in functions if isinstance(function, ast.FunctionDef)]
    assert sorted(items("Standard formulas", "##")) == sorted(wanted)


def test_missing_input__stands_on_the_page_as_declared() -> None:
    (parameters,) = re.findall(r"^`MissingInput\((.*?)\)`:", PAGE, re.MULTILINE)
    taken = [str(one) for one in inspect.signature(plugin.MissingInput).parameters.values()]
    assert parameters.split(", ") == [one.replace("'", "") for one in taken]


def test_page__names_everything_that_is_exported() -> None:
    """Records by the tests above; what is left is an alias, a constant, a formula, the exception or the marker."""
    others = {name for _, names in (*ASSIGNED.values(), *CONSTANTS) for name in names}
    assert {*EXPORTED} - {*RECORDS} == others | {*FORMULAS} | {"MissingInput", "hookimpl"}
    index = PAGE.partition("| group | names |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", index)) == set(EXPORTED)


def test_page__describes_no_record_that_does_not_exist() -> None:
    headings = re.findall(r"^### (.*)$", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted([*RECORDS, *ASSIGNED, "MissingInput"])
