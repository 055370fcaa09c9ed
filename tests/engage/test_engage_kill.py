"""A killed sync continues; in the end state and vendor agree on every user."""

import json
import os
import random
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from support.engage import STATE, audience, changes, csv, difference, engage, opened
from support.fakes import CommandResult, wait_until
from support.fork_server import ForkedProcess

from segcli.engage.state import SyncKey
from segcli.sandbox import SandboxServer

Segcli = Callable[..., CommandResult]
Spawn = Callable[..., ForkedProcess]
Told = tuple[str, bool]
# Each list, how many are told at most before a kill, and whether a sync is left to finish at last.
# The second tells 120 to come and 150 to go, and is given up on its way through the latter; by
# the third those who went come back, and most of those who came go.
LISTS = [
    (range(750), 200, True),
    (range(150, 870), 80, False),
    (range(775), 40, True),
]
KILLS = 3
IN_FLIGHT = 10


@dataclass(slots=True)
class Vendor:
    """What the sandbox has kept on disk; each read continues where the last one ended."""

    at: SandboxServer
    keep: Path
    told: list[Told] = field(default_factory=list)
    _read: int = 0
    _before: range = LISTS[0][0]

    @property
    def count(self) -> int:
        return int(self.at.app.counts()["totals"]["accepted"])

    def check(self, members: range) -> None:
        """Check that what was sent since the last call matches this list, except in flight."""
        wrong = mismatches(members, self.listen())
        assert len(wrong) <= IN_FLIGHT
        assert mismatches(self._before, wrong) == [], "left when the list before was synced"
        self._before = members

    def listen(self) -> list[Told]:
        """Return what was sent since the last call."""
        with self.keep.open("rb") as file:
            file.seek(self._read)
            lines = file.readlines()
            self._read = file.tell()
        events = [json.loads(line)["payload"] for line in lines]
        new = [(event["userId"], event["traits"]["big_spenders"]) for event in events]
        self.told += new
        return new


@pytest.fixture
def vendor(start_sandbox: Callable[..., SandboxServer], tmp_path: Path) -> Vendor:
    keep = tmp_path / "kept.ndjson"
    return Vendor(start_sandbox(keep=keep, remember=False), keep)


def killed_after(process: ForkedProcess, happened: Callable[[], bool]) -> None:
    """Kill a sync when the condition holds; it must be running still."""
    wait_until(happened)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def mismatches(members: range, told: Iterable[Told]) -> list[Told]:
    """Return what was sent and does not match this list."""
    return [(user, value) for user, value in told if (int(user) in members) is not value]


def histories(told: Iterable[Told]) -> dict[str, list[bool]]:
    """Return the values that each user was sent, in order."""
    found: dict[str, list[bool]] = {}
    for user, value in told:
        found.setdefault(user, []).append(value)
    return found


def test_repeatedly_killed_sync_sends_every_user_the_final_value(
    segcli: Segcli, spawn: Spawn, vendor: Vendor, tmp_path: Path
) -> None:
    moment = random.Random(5)
    file, url = tmp_path / "m.csv", vendor.at.endpoint("plotline")
    to = engage("plotline", url, file, "--concurrency", IN_FLIGHT, "--quiet")
    for members, most, is_finished in LISTS:
        csv(file, members)
        # Not from what was told by the time of each kill, which may be more than was asked for.
        until = vendor.count
        for _ in range(KILLS):
            until += moment.randrange(most // 3, most)
            killed_after(spawn(*to), lambda until=until: vendor.count >= until)
            vendor.check(members)
        if is_finished:
            assert segcli(*to).code == 0
            vendor.check(members)
            check_agreement(vendor, members, tmp_path / STATE, url)

    again = [repeats(values) for values in histories(vendor.told).values()]
    assert sum(again) <= len(LISTS) * KILLS * IN_FLIGHT, "at most what was in flight goes twice"


def test_sync_killed_while_reading_its_list_has_sent_nothing(
    segcli: Segcli, spawn: Spawn, vendor: Vendor, tmp_path: Path
) -> None:
    file, url = tmp_path / "m.csv", vendor.at.endpoint("plotline")
    os.mkfifo(file)
    to = engage("plotline", url, file)
    process = spawn(*to)
    with file.open("w") as writer:
        writer.write("userId\n" + "".join(f"{user}\n" for user in range(5000)))
        writer.flush()
        killed_after(process, (tmp_path / STATE).exists)
    file.unlink()
    csv(file, range(3))

    assert vendor.count == 0
    assert segcli(*to).code == 0
    assert sorted(vendor.listen()) == [("0", True), ("1", True), ("2", True)]


def repeats(values: Sequence[bool]) -> int:
    """Count the values that were sent twice in a row, or were `false` from the start."""
    return sum(one is other for one, other in pairwise([False, *values]))


def check_agreement(vendor: Vendor, members: range, path: Path, url: str) -> None:
    """Check that the list, the last values at the vendor, and the state agree."""
    final = dict(vendor.told)
    which = SyncKey(destination="plotline", endpoint=url, kind="audience", key="big_spenders")
    with opened(path, dry_run=True) as state:
        missing = difference(state, audience(*map(str, members)), which)
        known = difference(state, [], which)
        in_state = {change.user_id for change in changes(state, known)}

    assert (missing.updated, missing.removed) == (0, 0)
    assert {user for user, value in final.items() if value} == in_state == set(map(str, members))
