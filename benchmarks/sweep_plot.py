"""The plot of `benchmarks/sweep.py`: what a position costs as one size of the book grows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def plot(growth: dict[str, dict[str, int]], file: Path) -> bool:
    """Writes the picture; false, with a word on stderr, where matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        print("no plot: matplotlib is not installed (extra `plots`)", file=sys.stderr)
        return False
    matplotlib.use("svg")
    from matplotlib import pyplot

    with pyplot.rc_context({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9, "axes.grid": True}):
        figure, panels = pyplot.subplots(1, len(growth), figsize=(11, 2.8), sharey=True, layout="constrained")
        for panel, (name, rates) in zip(panels, growth.items(), strict=True):
            _panel(panel, name, rates)
        panels[0].set_ylabel("nanoseconds a position")
        figure.savefig(file, metadata={"Date": None})
        pyplot.close(figure)
    return True


def _panel(panel: Any, name: str, rates: dict[str, int]) -> None:
    """One size, on scales of powers of ten."""
    sizes = [int(size) for size in rates]
    panel.loglog(sizes, [1e9 / rate for rate in rates.values()], marker="o", color="#1f5a99")
    panel.set_xticks(sizes, [f"{size:,}" if size < 10_000 else f"{size:.0e}".replace("e+0", "e") for size in sizes])
    panel.minorticks_off()
    panel.grid(alpha=0.3)
    panel.set_xlabel(name)
    panel.set_ylim(1, 1e4)
