"""Nothing that was acknowledged is lost: under kills, on a full disk, in a folder that nobody may write to."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rules_engine.life.store.changes import submit
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.store import Store
from tests.life.crash import crashed
from tests.life.people import NAME, REGISTRY, at, by, founded, key, put_in_force, texts

KILLS = 30
ROOT = Path(__file__).parents[2]


def test_kills__at_random_instants_leave_one_version_in_force_and_lose_nothing(url: str) -> None:
    """`python -m tests.life.crash 2000` does it two thousand times."""
    outcome = crashed(url, KILLS, random.Random(20261201))
    assert outcome.acknowledged > 0
    assert outcome.slowest < 1


def filled(store: Store, folder: Path) -> str:
    """Steps until one is refused; its problem."""
    for number in range(1, 10_000):
        try:
            submit(store, texts(folder, f"1.1.{number}", extra=f"# {number}\n" * 500), REGISTRY, by("sam", 1))
        except StoreError as error:
            return str(error)
    return ""


def test_full_disk__a_step_that_does_not_fit_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    """The file may not grow: the step is refused by name, all others are there, and it goes on when there is room."""
    store = founded(str(tmp_path / "store.db"))
    put_in_force(store, texts(tmp_path, "1.0.0"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        assert re.search("STORE_UNUSABLE .*look at the history", filled(store, tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    steps = len(store.ledger().steps)
    assert steps > 10
    submit(store, texts(tmp_path, "1.2.0"), REGISTRY, by("sam", 1))
    assert len(store.ledger().steps) == steps + 1
    assert store.load(NAME, REGISTRY, now=at(1)).version == "1.0.0"


def test_full_disk__of_a_small_file_system(tmp_path: Path) -> None:
    """The same on a disk that really is full, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        store = founded(str(disk / "store.db"))
        put_in_force(store, texts(tmp_path, "1.0.0"))
        assert re.search("STORE_UNUSABLE .*make room on the disk, then look", filled(store, tmp_path))
        assert store.load(NAME, REGISTRY, now=at(1)).version == "1.0.0"
        assert len(store.ledger().steps) > 10
    finally:
        subprocess.run(["umount", str(disk)], check=True)


READER = """
import os, sys
from tests.life.people import NAME, REGISTRY, at, by, key
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.store import Store
def opened():
    store = Store(sys.argv[1], trust=sys.argv[2])
    return store, store.load(NAME, REGISTRY, now=at(1))
if os.geteuid() == 0:
    opened()  # imports all that nobody may not be allowed to read
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
store, policy = opened()
print(policy.version)
try:
    store.grant(key("abe").public, "abe", ["approver"], by("ada", 1))
except StoreError as error:
    print(error.code, "see who may read and write it" in str(error))
"""


def test_read_only__it_can_be_loaded_from_and_a_step_is_refused(tmp_path: Path) -> None:
    """By somebody who may read the file and its folder, and write neither."""
    folder = Path("/var/tmp") / f"rules-engine-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        store = founded(str(folder / "store.db"))
        put_in_force(store, texts(tmp_path, "1.0.0"))
        (folder / "store.db").chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        folder.chmod(0o555)
        assert store.trust is not None
        program = [sys.executable, "-c", READER, str(folder / "store.db"), store.trust]
        paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        run = subprocess.run(
            program, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, check=False
        )
        assert run.stdout.split() == ["1.0.0", "STORE_UNUSABLE", "True"], run.stderr
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
    assert key("abe").public.id
