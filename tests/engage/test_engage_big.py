"""A list may have any length: only files grow with it, memory does not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.engage import STATE

# Not `getrusage`: what that says of a young process is as much as its parent had.
MEASURED = """
import sys
from segcli.cli import main
try:
    main(sys.argv[1:])
finally:
    sys.__stderr__.write(open("/proc/self/status").read())
"""
PEAK = re.compile(rb"VmHWM:\s+(\d+) kB")


def mib(folder: Path, env: dict[str, str], members: int) -> float:
    """Return the most memory that a rehearsal of this many members needs."""
    file = folder / "m.csv"
    with file.open("w") as out:
        out.write("userId,email\n")
        for user in range(members):
            out.write(f"{user * 7919 % members},user{user}@example.com\n")
    command = ["engage", "audience", "Big", str(file), "--dest", "gist", "--dry-run", "-q"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command, "--state", STATE],
        cwd=folder,
        env=env,
        capture_output=True,
        timeout=60,
        check=True,
    )
    peak = PEAK.search(done.stderr)
    assert done.stdout.count(b"\n") == members
    assert peak
    return int(peak[1]) / 1024


def test_memory_does_not_grow_with_the_list(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    few, many = (mib(tmp_path, clean_environment, count) for count in (20_000, 80_000))

    assert many == pytest.approx(few, abs=3)
