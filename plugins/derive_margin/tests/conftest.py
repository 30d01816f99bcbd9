"""Lets the tests import this package, the one it builds on, and what they share, without anything being installed."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDERS = (HERE, HERE.parent, HERE.parents[1] / "portfolio_margin")
sys.path[:0] = [path for path in map(str, FOLDERS) if path not in sys.path]
