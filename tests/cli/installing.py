"""A distribution as if it were installed: its metadata beside its package, and both on the path of a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path


def install(distribution: Path) -> Mapping[str, str]:
    """The environment of processes in which this distribution is installed, as its setup.cfg says."""
    config = ConfigParser(delimiters=("=",))
    config.read(distribution / "setup.cfg", encoding="utf-8")
    name, version = config["metadata"]["name"], config["metadata"]["version"]
    metadata = distribution / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    points = "".join(f"[{group}]{lines}\n" for group, lines in config["options.entry_points"].items())
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(distribution), *sys.path])}


def run(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`python -m ...` as a process of its own, in a folder."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
