"""Shared by the tests of resuming: runs that stop early, and the journals that they leave."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.fakes import PATIENCE, Answer, CommandResult, ReceivedRequest, Vendor

Segcli = Callable[..., CommandResult]
Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]
JOURNAL = "the.journal"


@dataclass(slots=True)
class LimitedVendor:
    """A vendor that accepts a number of events, and then refuses the key until it accepts all.

    With `status` 503 it is down instead. It always refuses poison.
    """

    left: int = 1_000_000
    status: int = 401
    taken: list[str] = field(default_factory=list)

    def __call__(self, got: ReceivedRequest) -> Answer:
        if self.left == 0:
            return Answer(self.status)
        self.left -= 1
        if b"POISON" in got.body:
            return Answer(400)
        self.taken.append(json.loads(got.body)["messageId"])
        return Answer()

    def accept_all(self) -> None:
        self.left = 1_000_000


def to_webhook(url: str, *more: object) -> list[str]:
    """Return a command line that sends one event after the other, with a journal and a report."""
    files = ["--journal", JOURNAL, "--report", "report.json"]
    how = ["--concurrency", "1", *files, *map(str, more)]
    return ["send", "--dest", "webhook", "--endpoint", url, *how]


def settled_lines(journal: Path) -> list[tuple[str | None, int, int]]:
    """Return what a journal says is settled, as (state, input, line), without segcli's help."""
    return [
        (record.get("state"), place, number)
        for record in records_in(journal.read_bytes())
        for place, first, last in record.get("lines", ())
        for number in range(first, last + 1)
    ]


def records_in(content: bytes) -> list[dict[str, Any]]:
    """Return the records of a journal's whole lines."""
    whole = content.rstrip(b"\0").rpartition(b"\n")[0]
    return [json.loads(line[9:]) for line in whole.split(b"\n") if line]


def printed_command(err: str) -> str:
    """Return the command that a stopped run printed, as it would be copied from the screen."""
    lines = err.splitlines()
    return lines[lines.index("To continue where it stopped, type:") + 1]


def pasted(command: str, cwd: Path, env: dict[str, str], stdin: bytes = b"") -> CommandResult:
    """Run a command line in a shell."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=cwd,
        env=env,
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout.decode(), done.stderr.decode())


def duplicates(taken: Sequence[str]) -> int:
    """Return how many of these came again."""
    return len(taken) - len(set(taken))
