"""Folders with dates as names are read in order of time, with a note if the order is doubtful."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.fakes import CommandResult, track
from support.tables import for_each

from segcli.inputs import inputs
from segcli.inputs.dated_folder import UNREADABLE, moment_of

Segcli = Callable[..., CommandResult]
EVENT = json.dumps(track()).encode()

# The files of each layout, in the order in which they must be read.
LAYOUTS: dict[str, Sequence[str]] = {
    "RudderStack": (
        "rudder-logs/b/12-31-2025/1.gz",
        "rudder-logs/a/01-01-2026/2.gz",
        "rudder-logs/b/01-01-2026/3.gz",
        "rudder-logs/a/10-02-2026/1.gz",
    ),
    "Firehose": (
        "web/2025/12/31/23/z",
        "app/2026/01/01/00/a",
        "web/2026/01/01/00/b",
        "web/2026/01/01/10/a",
    ),
    "Firehose, no leading zeros": ("2026/9/1/5/z", "2026/9/1/12/a", "2026/9/2/z", "2026/10/1/a"),
    "Hive": (
        "x/year=2026/month=9/day=30/hour=7/z",
        "x/year=2026/month=9/day=30/hour=12/y",
        "a/year=2026/month=10/day=1/hour=0/b",
        "x/year=2026/month=10/day=2/a",
    ),
    "Hive, months": ("year=2025/month=12/z", "year=2026/month=2/z", "year=2026/month=11/a"),
    "Hive, a day in one key": (
        "b/dt=2026-02-09/hour=9/z",
        "b/dt=2026-02-09/hour=10/a",
        "a/dt=2026-02-10/a",
    ),
    "ISO days of several sources": ("b/2026-02-09/z", "a/2026-02-10/a", "b/2026-02-10/b"),
    "other marks": ("b/2026_2_9/z", "a/2026.02.10/a", "b/2026_2_10/b", "b/2026_02_11/a"),
    "months": ("b/2025-12/z", "a/2026-9/a", "b/2026-10/a", "a/2026_11/a"),
    "days without dashes": ("b/20260209/z", "a/20260210/a", "b/20260210/b"),
    "before 1970": ("a/12-31-1969/a", "b/01-01-1970/a", "a/01-02-1970/a"),
    "Segment": ("b/1769904000000/z", "a/1769990400000/a", "b/1769990400000/b"),
}  # fmt: skip


def names_in(folder: Path) -> list[str]:
    found = inputs([str(folder)])
    assert found.notes == []
    return [str(Path(entry.name).relative_to(folder)) for entry in found]


def put(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(EVENT)
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dated_folders_are_read_in_order_of_time(layout: str, tmp_path: Path) -> None:
    names = LAYOUTS[layout]
    assert names_in(put(tmp_path / "in", names)) == list(names)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dated_objects_are_read_in_order_of_time(layout: str) -> None:
    memory: Any = pytest.importorskip("fsspec").filesystem("memory")
    memory.store.clear()
    memory.pipe({f"/logs/{name}": EVENT for name in LAYOUTS[layout]})
    found = inputs(["memory://logs"])

    assert [entry.name.partition("logs/")[2] for entry in found] == list(LAYOUTS[layout])
    assert found.notes == []


@pytest.mark.parametrize("top", ["2026", "2026/9"])
def test_part_of_a_date_layout_can_be_named(top: str, tmp_path: Path) -> None:
    names = ["2026/9/9/z", "2026/9/10/a"]
    put(tmp_path / "in", names)
    found = inputs([str(tmp_path / "in" / top)])

    assert [entry.name.removeprefix(f"{tmp_path}/in/") for entry in found] == names


def test_date_above_the_given_folder_is_ignored(tmp_path: Path) -> None:
    names = ["a/2.jsonl", "b/1.jsonl"]
    assert names_in(put(tmp_path / "2026" / "02" / "01" / "in", names)) == names


@for_each(
    ("path", "moment"),
    [
        ("02-01-2026/x", "2026-02-01"),
        ("2026/02/01/05/x", "2026-02-01T05"),
        ("2026/02/01/05/30/x", "2026-02-01T05:30"),
        ("2026-02-01/05/part-1/x", "2026-02-01T05"),
        ("2026-02-01-05/x", "2026-02-01T05"),
        ("2026020105/x", "2026-02-01T05"),
        ("YEAR=2026/Month=02/x", "2026-02-01"),
        ("year=2026/month=2/day=1/hour=5/minute=7/x", "2026-02-01T05:07"),
        ("date=20260201/x", "2026-02-01"),
        ("1769904000/x", "2026-02-01"),
        ("31-01-2026/x", None),
        ("2026-13-01/x", None),
        ("year=2026/month=Feb/x", None),
    ],
)
def test_path_is_parsed_as_a_date_and_time(path: str, moment: str | None) -> None:
    expected = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() if moment else None
    assert moment_of(path) == (UNREADABLE if expected is None else expected)


@for_each(
    "path", ["x", "v2/2026/x", "20261399/x", "2026/99/x", "12345678/x", "12-34/x", "y=1/m=a/x"]
)
def test_other_names_are_not_dates(path: str) -> None:
    assert moment_of(path) is None


@pytest.mark.parametrize(
    "names",
    [
        ["e_2026-01-10", "e_2026-01-11"],
        ["2026-02-01/x-1-2-2026", "2026-02-02/x-12-31-2025"],
        ["part-1-2-3", "v1.2.20260", "x-12-31-2025"],
    ],
    ids=["in order", "below a dated folder", "a single file, or no date"],
)
def test_names_in_unambiguous_order_give_no_note(names: list[str], tmp_path: Path) -> None:
    assert names_in(put(tmp_path / "in", names)) == names


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (["01-02-2026/b", "31-01-2026/a"], "in is read in the order of names, not of time: in/31-"),
        (["year=2026/month=Feb/a", "year=2026/month=Jan/b"], "in the order of names, not of time"),
        (
            ["01_01_2026/a", "12_31_2025/a"],
            "order of names, not of time: in/01_01_2026/a has a date",
        ),
        (["x-01-01-2026/a", "x-12-31-2025/a"], "of names, not of time: in/x-01-01-2026/a has a"),
        (["01-01-2026.gz", "12-31-2025.gz"], "of names, not of time: in/01-01-2026.gz has a date"),
        (["e_2026-1-10", "e_2026-1-9"], "of names, not of time: in/e_2026-1-10 has a date"),
        (["01-02-2026/a", "other/b", "c"], "in has 2 files outside of its folders named by time"),
    ],
)
@pytest.mark.parametrize("command", ["transform", "check", "send"])
def test_ambiguous_order_gives_a_note(
    names: list[str], note: str, command: str, segcli: Segcli, tmp_path: Path
) -> None:
    put(tmp_path / "in", names)
    more = ["--sandbox"] if command == "send" else []
    said = segcli(command, "-d", "webhook", *more, "in")

    assert said.code == 0
    assert note in said.err
    assert "may be sent in the wrong order" in said.err
    assert note not in segcli(command, "-q", "-d", "webhook", *more, "in").err


def test_files_outside_dated_folders_are_read_first_by_name(tmp_path: Path) -> None:
    put(tmp_path / "in", ["12-31-2025/a", "01-01-2026/a", "z/a", "b"])
    found = inputs([str(tmp_path / "in")])

    assert [entry.name.removeprefix(f"{tmp_path}/in/") for entry in found] == [
        "b",
        "z/a",
        "12-31-2025/a",
        "01-01-2026/a",
    ]
