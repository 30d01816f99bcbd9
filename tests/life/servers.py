"""A PostgreSQL server of the tests' own: started when it is first needed, and gone when they end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = ("initdb", "pg_ctl")
SERVICE_USER = "postgres"
"""The server refuses to run as root; where the tests do, it runs as this user."""


def missing() -> str:
    """Why there can be no server here; empty where there can."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            return f"no {program} here"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "a server does not run as root, and there is no setpriv"
    return ""


def _as_service() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid", SERVICE_USER, "--regid", SERVICE_USER, "--clear-groups"]


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a running server; skips the test where there can be none."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="rules-engine-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, SERVICE_USER)
        data, log = str(folder / "data"), str(folder / "log")
        initdb = [*_as_service(), "initdb", "-D", data, "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder)
        control = [*_as_service(), "pg_ctl", "-D", data, "-w", "-l", log]
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL, cwd=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
