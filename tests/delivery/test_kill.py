"""Kill a run repeatedly at random moments: nothing is lost, and little is sent twice."""

import json
import os
import random
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.fakes import PATIENCE, records, report_in, track, wait_until, write_events
from support.fork_server import ForkedProcess
from support.resuming import JOURNAL, duplicates

Spawn = Callable[..., ForkedProcess]

LINES = 2_000
USERS = 250
IN_FLIGHT = 16
KILLS_ON_THE_WAY = 20
KILLS_AT_THE_START = 5
BAD = frozenset(range(150, LINES, 90))
POISONED = frozenset(range(200, LINES, 90))

# After a fault a run waits a twentieth of the time.
SHORT_WAITS = {"segcli.delivery.retry._FIRST_WAIT": 0.025}
FAULTS = ("--fault", "503:1.2%", "--fault", "429:2%", "--fault", "reset:4%", "--seed", "7")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A faulty sandbox in its own process, and the file of the payloads that it accepted."""

    url: str
    kept: Path

    def faults(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/_sandbox", timeout=PATIENCE) as reply:
            found: dict[str, int] = json.load(reply)["totals"]["faults"]
        return found

    def taken(self) -> list[dict[str, Any]]:
        """Return the payloads in the order in which they were accepted."""
        return [json.loads(line)["payload"] for line in self.kept.read_bytes().splitlines()]


@pytest.fixture
def sandbox(spawn: Spawn, tmp_path: Path) -> Iterator[Sandbox]:
    kept = tmp_path / "kept"
    how = ["--retry-after", "1ms", "--poison", "POISON", "--keep", kept]
    process = spawn("sandbox", "--port", "0", *FAULTS, *how)
    assert process.stdout
    url = process.stdout.readline().partition("listens at ")[2].partition(";")[0]
    yield Sandbox(url, kept)
    process.kill()


def line(number: int) -> dict[str, Any] | bytes:
    if number in BAD:
        return b"no JSON"
    event = track(10_000_000 + number, f"u{number % USERS}")
    return {**event, "note": "POISON"} if number in POISONED else event


@pytest.fixture
def command(sandbox: Sandbox, tmp_path: Path) -> list[str]:
    events = write_events(tmp_path / "events.jsonl", map(line, range(LINES)))
    files = ["--journal", JOURNAL, "--report", "report.json", "--rejects", "rejects"]
    how = ["--concurrency", str(IN_FLIGHT), "--quiet", *files]
    return ["send", "-d", "webhook", "--endpoint", f"{sandbox.url}/webhook", *how, str(events)]


@pytest.mark.timeout(1500)
def test_twenty_five_kills_over_thousands_of_events_lose_nothing(
    command: list[str], sandbox: Sandbox, spawn: Spawn, spawn_python: Spawn, tmp_path: Path
) -> None:
    journal = tmp_path / JOURNAL

    def start(spawn: Spawn, **more: Any) -> ForkedProcess:
        begun = journal.exists() and journal.stat().st_size > 0
        return spawn(*command, *(["--resume"] if begun else []), **more)

    for is_at_the_start, moment in moments():
        process = start(spawn_python) if is_at_the_start else start(spawn, constants=SHORT_WAITS)
        moment(process, sandbox.kept)
        assert process.poll() is None, process.communicate()
        process.kill()
        process.wait()
    last = start(spawn, constants=SHORT_WAITS)
    wait_until(lambda: last.poll() is not None, moving=lambda: sandbox.kept.stat().st_size)

    said = last.communicate()[1].splitlines()
    assert [line.partition(" at ")[0] for line in said] == ["Sending 1 file to webhook"]
    assert not list(tmp_path.glob(f"{JOURNAL}*"))
    check_what_was_sent(sandbox)
    check_the_ledger(tmp_path)


Moment = Callable[[ForkedProcess, Path], None]


def moments() -> list[tuple[bool, Moment]]:
    """Return when to kill: during the start of a process, if true, or after some accepted events.

    Only a process that is killed during its start has to start Python.
    """
    dice = random.Random(20)
    least = len(json.dumps(line(0))) + 40
    # As many events are left behind the last one that none ends before it is killed.
    shares = sorted(dice.uniform(0.01, 0.5) for _ in range(KILLS_ON_THE_WAY))
    found: list[tuple[bool, Moment]] = [
        (False, _when_taken(int(share * LINES * least))) for share in shares
    ]
    for _ in range(KILLS_AT_THE_START):
        place, moment = dice.randrange(len(found)), _when_used(dice.uniform(0.05, 0.3))
        found.insert(place, (True, moment))
    return found


def _when_taken(size: int) -> Moment:
    def moment(process: ForkedProcess, kept: Path) -> None:
        def taken() -> int:
            return kept.stat().st_size

        wait_until(lambda: taken() >= size or process.poll() is not None, moving=taken)

    return moment


def _when_used(seconds: float) -> Moment:
    """Return when a process has used this much processor time: how far its start has come."""

    def moment(process: ForkedProcess, _: Path) -> None:
        def used() -> float:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        wait_until(lambda: used() >= seconds or process.poll() is not None, moving=used)

    return moment


def check_what_was_sent(sandbox: Sandbox) -> None:
    taken = sandbox.taken()
    numbers = [int(event["messageId"][1:]) - 10_000_000 for event in taken]
    assert set(numbers) == set(range(LINES)) - BAD - POISONED

    faults = sandbox.faults()
    assert set(faults) == {"503", "429", "reset before", "reset after"}
    kills = KILLS_ON_THE_WAY + KILLS_AT_THE_START
    twice = duplicates([event["messageId"] for event in taken])
    assert twice <= kills * IN_FLIGHT + faults["reset after"]

    firsts: dict[str, list[int]] = {}
    for number in dict.fromkeys(numbers):
        firsts.setdefault(f"u{number % USERS}", []).append(number)
    assert len(firsts) == USERS
    assert all(before < after for sent in firsts.values() for before, after in pairwise(sent))


def check_the_ledger(folder: Path) -> None:
    report = report_in(folder)
    assert sum(report["ledger"].values()) == report["read"]
    assert report["read_over_all_runs"] == LINES
    assert report["ledger_over_all_runs"] == {
        "delivered": LINES - len(BAD) - len(POISONED),
        "refused": len(POISONED),
        "rejected": len(BAD),
        "skipped": 0,
        "unsent": 0,
    }
    kept = sorted((row["line"] - 1, row["state"]) for row in records(folder / "rejects"))
    assert kept == sorted(
        [(number, "rejected") for number in BAD] + [(number, "refused") for number in POISONED]
    )
