"""Links in a folder: each real folder and file is read once, under its best name."""

import inspect
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult, report_in, track, write_events

from segcli.errors import InputError
from segcli.inputs import folder as walking
from segcli.inputs import inputs

Segcli = Callable[..., CommandResult]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one event in each of three files."""
    folder = tmp_path / "events"
    for number, name in enumerate(("a/1.jsonl", "m/2.jsonl", "m/z/3.jsonl")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_events(folder / name, [track(number)])
    return folder


def names(folder: Path) -> list[str]:
    return [str(Path(entry.name).relative_to(folder)) for entry in inputs([str(folder)])]


REAL = ["a/1.jsonl", "m/2.jsonl", "m/z/3.jsonl"]


def test_links_in_a_folder_are_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "in").mkdir(parents=True)
    write_events(tmp_path / "elsewhere" / "in" / "f.jsonl", [track()])
    write_events(tmp_path / "g.jsonl", [track()])
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "b.jsonl").symlink_to(tmp_path / "g.jsonl")

    assert names(folder) == ["a/1.jsonl", "b.jsonl", "link/in/f.jsonl", *REAL[1:]]


@pytest.mark.parametrize("leads_to", [".", "..", "m", "m/z", "../events", "a/../m"])
@pytest.mark.parametrize("place", ["0", "zz", "m/0", "m/z/zz"])
def test_a_link_to_a_folder_that_is_read_adds_nothing(
    leads_to: str, place: str, folder: Path
) -> None:
    (folder / place).symlink_to(folder / leads_to)

    assert names(folder) == REAL


def test_first_of_several_links_to_a_folder_is_used(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    write_events(tmp_path / "elsewhere" / "f.jsonl", [track()])
    for name in ("z", "b", "m/c"):
        (folder / name).symlink_to(tmp_path / "elsewhere")

    assert names(folder) == ["a/1.jsonl", "b/f.jsonl", *REAL[1:]]


def test_folders_with_exponentially_many_link_paths_are_read_once(tmp_path: Path) -> None:
    """Each of forty folders has two links to the next, so there are 2 to the 40 paths."""
    for number in range(40):
        (tmp_path / f"{number}").mkdir()
        write_events(tmp_path / f"{number}" / "f.jsonl", [track(number)])
        for link in ("left", "right"):
            (tmp_path / f"{number}" / link).symlink_to(tmp_path / f"{(number + 1) % 40}")

    found = inputs([str(tmp_path / "0")])
    assert sorted(entry.name.split("/").count("left") for entry in found) == list(range(40))


def test_file_with_several_names_is_read_by_the_name_without_links(
    folder: Path, segcli: Segcli, tmp_path: Path
) -> None:
    (folder / "a" / "0.jsonl").symlink_to("1.jsonl")
    (folder / "0.jsonl").symlink_to(folder / "m" / "z" / "3.jsonl")
    os.link(folder / "m" / "2.jsonl", folder / "m" / "22.jsonl")

    assert names(folder) == REAL
    said = segcli("send", "-d", "webhook", "--sandbox", "--report", "report.json", folder)
    assert "3  delivered" in said.err
    assert [one["name"] for one in report_in(tmp_path)["inputs"]] == [
        f"{folder}/{name}" for name in REAL
    ]


def test_listing_order_of_the_disk_does_not_matter(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    write_events(tmp_path / "elsewhere" / "f.jsonl", [track()])
    for name in ("y", "b", "m/c", "m/z/a"):
        (folder / name).symlink_to(tmp_path / "elsewhere")
        os.link(folder / "a" / "1.jsonl", folder / f"{name}.jsonl")
    found = []
    entries = walking._entries
    for reverse in (False, True):
        monkeypatch.setattr(
            walking,
            "_entries",
            lambda path, reverse=reverse: sorted(
                entries(path), key=lambda one: one[0].name, reverse=reverse
            ),
        )
        found.append(names(folder))

    assert found[0] == found[1] == ["a/1.jsonl", "b/f.jsonl", *REAL[1:]]


def test_file_given_under_two_names_is_an_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder / "m")
    os.link(folder / "a" / "1.jsonl", tmp_path / "hard.jsonl")
    for given in ([folder, tmp_path / "link"], [tmp_path / "hard.jsonl", folder]):
        with pytest.raises(InputError, match="is given twice"):
            inputs([str(name) for name in given])


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("nowhere", "is a link to a missing file"),
        ("x.jsonl", "cannot be read: Too many levels of symbolic links"),
    ],
)
def test_broken_link_is_an_error_that_names_it(
    target: str, says: str, folder: Path, segcli: Segcli
) -> None:
    (folder / "x.jsonl").symlink_to(target)
    said = segcli("transform", folder)

    assert said.code == 2
    assert f"Error: {folder}/x.jsonl {says}" in said.err


def test_pipe_socket_or_device_in_a_folder_is_an_error_that_names_it(
    folder: Path, segcli: Segcli
) -> None:
    os.mkfifo(folder / "pipe")
    said = segcli("transform", folder)
    assert said.code == 2
    assert f"Error: {folder}/pipe is a named pipe, not a file\nMove it out of" in said.err
    (folder / "pipe").unlink()

    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(folder)
        listening.bind("socket")
        assert "socket is a socket, not a file" in segcli("transform", ".").err
    (folder / "socket").unlink()

    (folder / "null").symlink_to("/dev/null")
    assert "null is a device, not a file" in segcli("transform", folder).err


def test_folder_nested_deeper_than_the_recursion_limit_is_read(tmp_path: Path) -> None:
    top = f"{tmp_path}/top/"
    # Fewer folders than the usual limit, which take longer the deeper they are.
    limit, depth = sys.getrecursionlimit(), 200
    folders = [top + "d/" * level for level in range(depth + 1)]
    for folder in folders:
        os.mkdir(folder)
    file = write_events(Path(f"{folders[-1]}f.jsonl"), [track()])
    sys.setrecursionlimit(len(inspect.stack(0)) + depth)
    try:
        found = inputs([top])
    finally:
        sys.setrecursionlimit(limit)
    assert [entry.name for entry in found] == [str(file)]
