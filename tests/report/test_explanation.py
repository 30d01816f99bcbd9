"""Explanations as text: columns as wide as they need to be, sources in brackets."""

from __future__ import annotations

from rules_engine.report.explanation import explanation_text
from rules_engine.terms.explanation import Explanation, Line, Part


def test_text__begins_with_the_decision_on_an_order() -> None:
    """What was asked stands above the positions and pools that follow from it."""
    order, pool = Part("o1", (Line("accepted", "true", "nothing refuses it"),)), Part("A-17/cross", ())
    explanation = Explanation("A-17 under p", (), (pool,), order)
    assert explanation_text(explanation) == ("A-17 under p\n\no1\n  accepted  true  nothing refuses it\n\nA-17/cross\n")


def test_text__aligns_names_left_and_values_right() -> None:
    """Names and values are padded to the longest of their part; a source stands in brackets, no line ends in blanks."""
    lines = (
        Line("tier", "1", "majors", "policy.yaml:9"),
        Line("maintenance_margin", "122", "0.004 * 30500"),
        Line("x", "?", ""),
    )
    explanation = Explanation("A-17 under p", (Part("p1", lines),), (Part("A-17/cross", ()),))
    assert explanation_text(explanation) == (
        "A-17 under p\n"
        "\n"
        "p1\n"
        "  tier                  1  majors  [policy.yaml:9]\n"
        "  maintenance_margin  122  0.004 * 30500\n"
        "  x                     ?\n"
        "\n"
        "A-17/cross\n"
    )
