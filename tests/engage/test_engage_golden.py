"""The events of a sync and their payloads for each vendor match the golden files.

A line holds an identify event of `segcli engage --dry-run` and its outcome for the destination,
as `segcli transform --outcomes` prints it. `pytest --update-golden` rewrites the files; the diff is
the review.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult
from support.samples import ROOT

Segcli = Callable[..., CommandResult]
GOLDEN = ROOT / "tests" / "golden" / "engage"
DESTINATIONS = ("gist", "plotline", "pointillist")
# The time of a sync is the only thing that differs from one to the next.
CLOCK = re.compile(r'(?<="timestamp":")[^"]+')
THEN = "2026-02-03T10:11:12.000Z"

FIRST = """userId,anonymousId,email,plan,seats
u1,,ada@example.com,pro,5
u2,a2,grace@example.com,,
007,,"o'neil@example.com","free, for now",0
,a4,,,
müller,,müller@example.com,pro,1.5
u6,,,pro,2
"""
LATER = """{"userId": "u1", "email": "ada@example.com"}
{"userId": "müller", "email": "mueller@example.com"}
{"userId": "u6"}
{"userId": 17, "email": "seventeen@example.com"}
{"userId": "007"}
"""
VALUES = """userId;email;Lifetime Value
u1;ada@example.com;1249.50
u2;grace@example.com;12345678901234567890.123
u3;edsger@example.com;gold
u4;barbara@example.com;true
u5;;0
u6;alan@example.com;
"""
AUDIENCE = ("audience", "Order Completed Last 30days")
TRAIT = ("trait", "Lifetime Value")
# For each sync: what it is of, its list, options, and the list that was synced before.
SYNCS: dict[str, tuple[tuple[str, str], str, tuple[str, ...], str | None]] = {
    "first_sync": (AUDIENCE, FIRST, (), None),
    "first_sync_with_traits": (AUDIENCE, FIRST, ("--with-traits",), None),
    "later_sync": (AUDIENCE, LATER, (), FIRST),
    "computed_trait": (TRAIT, VALUES, (), None),
    "computed_trait_later": (
        TRAIT,
        VALUES.replace("gold", "silver").replace("u2;", "u7;"),
        ("--removed", "null"),
        VALUES,
    ),
}


def sent_values(segcli: Segcli, folder: Path, destination: str, name: str) -> str:
    """Return the events of a sync and their outcomes, at a fixed time."""
    what, members, options, before = SYNCS[name]
    file = folder / "members"
    command = ("engage", *what, file, "--dest", destination, "--sandbox", "--quiet", *options)
    if before:
        file.write_text(before)
        assert segcli(*command).code in {0, 1}
    file.write_text(members)
    events = CLOCK.sub(THEN, segcli(*command, "--dry-run").out)
    (folder / "events").write_text(events)
    outcomes = segcli("transform", "--dest", destination, "--outcomes", "-q", folder / "events")
    pairs = zip(events.splitlines(), outcomes.out.splitlines(), strict=True)
    return "".join(f'{{"event":{event},"outcome":{outcome}}}\n' for event, outcome in pairs)


@pytest.mark.parametrize("name", SYNCS)
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_sync_matches_its_golden_file(
    destination: str, name: str, segcli: Segcli, tmp_path: Path, update_golden: bool
) -> None:
    file = GOLDEN / f"{destination}_{name}.ndjson"
    found = sent_values(segcli, tmp_path, destination, name)
    if update_golden:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(found)

    assert found.split("\n") == file.read_text().split("\n"), (
        f"pytest --update-golden rewrites {file.relative_to(ROOT)}"
    )


def test_golden_folder_has_no_other_files() -> None:
    names = {f"{destination}_{name}.ndjson" for destination in DESTINATIONS for name in SYNCS}

    assert {file.name for file in GOLDEN.iterdir()} == names
