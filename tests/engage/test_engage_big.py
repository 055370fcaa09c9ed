"""A list may have any length: only files grow with it, memory does not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.engage import STATE

# SQLite holds some megabytes of pages, so memory would grow with the first 30,000 members. With
# small pages, and few of them, it does not grow from 5,000 on.
# Not `getrusage`: what that says of a young process is as much as its parent had.
MEASURED = """
import sqlite3, sys
connect = sqlite3.connect
def connected(*given, **more):
    db = connect(*given, **more)
    db.executescript("PRAGMA page_size = 512; PRAGMA cache_size = 20; PRAGMA temp.cache_size = 20")
    return db
sqlite3.connect = connected
from segcli.cli import main
for file in "few.csv", "many.csv":
    try:
        main(["engage", "audience", "Big", file, *sys.argv[1:]])
    except SystemExit as ended:
        assert not ended.code
    sys.__stderr__.write(open("/proc/self/status").read())
"""
PEAK = re.compile(rb"VmHWM:\s+(\d+) kB")
FEW, MANY = 5_000, 25_000


def write_members(file: Path, count: int) -> None:
    with file.open("w") as out:
        out.write("userId,email\n")
        out.writelines(f"{user * 7919 % count},user{user}@example.com\n" for user in range(count))


def test_memory_does_not_grow_with_the_list(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    write_members(tmp_path / "few.csv", FEW)
    write_members(tmp_path / "many.csv", MANY)
    how = ["--dest", "gist", "--dry-run", "-q", "--state", STATE]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *how],
        cwd=tmp_path,
        env=clean_environment,
        capture_output=True,
        timeout=60,
        check=True,
    )
    # The most memory that the process has needed so far: after few members, and after many.
    few, many = (int(peak) / 1024 for peak in PEAK.findall(done.stderr))

    assert done.stdout.count(b"\n") == FEW + MANY
    assert many == pytest.approx(few, abs=1)
