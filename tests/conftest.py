"""Tests import each other as `tests.…`; the repository stands last on the path, so an installed wheel is tested."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.append(ROOT)
