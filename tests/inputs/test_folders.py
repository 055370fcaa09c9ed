"""A folder means all files below it, in the order of their names."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.compression import gz, zst
from support.fakes import CommandResult, records, track, write_events

from segcli.errors import InputError
from segcli.lines import chunks

Segcli = Callable[..., CommandResult]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with four events in three files, and files that are not events."""
    folder = tmp_path / "events"
    for name in ("b", "a/z", "a-1", "c/d/e"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    write_events(folder / "b.jsonl", [track(4)])
    (folder / "a" / "z.gz").write_bytes(
        gz(write_events(tmp_path / "plain", [track(3)]).read_bytes())
    )
    (folder / "a-1.zst").write_bytes(zst(write_events(tmp_path / "plain", [track(1)]).read_bytes()))
    write_events(folder / "a.jsonl", [track(2)])
    write_events(folder / "c" / "d" / "e", [track(5)])
    for hidden in (".DS_Store", ".git/config", "dummy-object.txt", "c/dummy-object.txt"):
        (folder / hidden).parent.mkdir(exist_ok=True)
        (folder / hidden).write_bytes(b"\0no event")
    return folder


def names(*given: object) -> list[str]:
    return [entry.name for entry in chunks.inputs([str(name) for name in given])]


def test_files_of_a_folder_are_read_in_order_of_their_paths(folder: Path, segcli: Segcli) -> None:
    for name in (folder, f"{folder}/"):
        said = segcli("transform", "-q", "-d", "webhook", name)
        assert [line.split('"messageId": "m')[1][0] for line in said.out.splitlines()] == [*"12345"]
        assert said.code == 0


def test_rejects_name_a_file_of_a_folder_by_its_path(
    folder: Path, segcli: Segcli, tmp_path: Path
) -> None:
    (folder / "a" / "zz.jsonl").write_bytes(b"{}\n{]")
    segcli("transform", "-q", "-d", "webhook", "--rejects", "rejects", "events")

    assert [(kept["file"], kept["line"]) for kept in records(tmp_path / "rejects")] == [
        ("events/a/zz.jsonl", 1),
        ("events/a/zz.jsonl", 2),
    ]


def test_given_folders_and_files_keep_their_order(folder: Path, tmp_path: Path) -> None:
    write_events(tmp_path / "x.jsonl", [track()])

    assert names(tmp_path / "x.jsonl", folder / "c", folder / "a")[::2] == [
        str(tmp_path / "x.jsonl"),
        str(folder / "a" / "z.gz"),
    ]


def test_file_given_with_its_folder_is_given_twice(folder: Path) -> None:
    for other in (folder / "b.jsonl", folder / "c", folder / ".." / "events" / "a" / "z.gz"):
        with pytest.raises(InputError, match=r"is given twice"):
            names(folder, other)


def test_hidden_folder_is_read_if_named(folder: Path) -> None:
    (folder / ".hidden").mkdir()
    write_events(folder / ".hidden" / "a.jsonl", [track()])
    assert names(folder / ".hidden") == [str(folder / ".hidden" / "a.jsonl")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"%PDF-1.7 ...", " is a PDF document, not lines of JSON"),
        (b"userId,email\nu1,a@example.com\n", ":1 is CSV, not lines of JSON"),
        (b"some notes\n", " is not lines of JSON"),
        (b"[{}]", " is a JSON array"),
        (b"PK\x03\x04", " is a zip archive"),
        (gz(b"not JSON"), " is not lines of JSON"),
        (gz(b"{}")[:12], " cannot be read: its gzip data is cut off"),
    ],
)
@pytest.mark.parametrize("command", ["transform", "check", "send"])
def test_file_that_is_not_ndjson_is_named_before_any_work(
    command: str, content: bytes, says: str, folder: Path, segcli: Segcli
) -> None:
    (folder / "z.pdf").write_bytes(content)
    more = ("--sandbox",) if command == "send" else ()
    said = segcli(command, "-d", "webhook", *more, "events")

    assert said.code == 2
    assert f"Error: events/z.pdf{says}" in said.err
    assert "read\n" not in said.err
    assert said.out == ""


def test_file_of_a_folder_may_be_empty_or_start_with_blank_lines(
    folder: Path, segcli: Segcli
) -> None:
    (folder / "empty.jsonl").touch()
    (folder / "blank.jsonl").write_bytes(b"\n \n")
    (folder / "bom.jsonl").write_bytes(b"\xef\xbb\xbf" + b" " * 20 + b"{}")
    said = segcli("transform", "-d", "webhook", folder)

    assert said.code == 1
    assert "5  mapped" in said.err
    assert "2  blank line" in said.err


def test_folder_without_readable_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "events" / "inner").mkdir(parents=True)
    with pytest.raises(InputError, match="events has no files to read"):
        names(tmp_path / "events")
    (tmp_path / "events" / "dummy-object.txt").touch()
    with pytest.raises(InputError, match="has no files"):
        names(tmp_path / "events")


@pytest.mark.parametrize(
    "command",
    [
        ("transform", "-d", "webhook"),
        ("check",),
        ("send", "-d", "gist", "--sandbox"),
        ("send", "-d", "gist", "--dry-run"),
        ("engage", "audience", "VIP", "-d", "gist", "--sandbox"),
    ],
    ids=" ".join,
)
def test_empty_file_name_is_an_error_and_lists_no_folder(
    command: tuple[str, ...], segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.inputs.discover.add_files_in", pytest.fail)
    said = segcli(*command, "")

    assert (said.code, said.out) == (2, "")
    assert "Error: a file name is empty\nIs a variable not set?" in said.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_folder_is_an_error_that_names_it(folder: Path) -> None:
    (folder / "c").chmod(0)
    with pytest.raises(InputError, match="events/c cannot be read: Permission denied"):
        names(folder)


def test_output_inside_an_input_folder_is_refused(folder: Path, segcli: Segcli) -> None:
    for option in ("--rejects", "--report", "--journal"):
        inner = f"events/c/{option[2:]}"
        said = segcli("send", "-d", "webhook", "--sandbox", option, inner, "events")
        assert said.code == 2
        assert f"{option} {inner} is in a folder that is read" in said.err
    said = segcli("check", "--expect", "events/golden", "events")
    assert "--expect events/golden is in a folder that is read" in said.err
    assert len(names(folder)) == 5


@pytest.mark.parametrize("where", [(), ("--rejects", "../r")], ids=["here", "elsewhere"])
def test_current_folder_can_be_sent_again_and_never_reads_its_rejects(
    folder: Path, segcli: Segcli, monkeypatch: pytest.MonkeyPatch, where: tuple[str, ...]
) -> None:
    """The events of old rejects are in the other files too: they would be sent twice."""
    monkeypatch.chdir(folder)
    failing = ("send", "-d", "webhook", "--sandbox", "--fault", "422:100%", *where, ".")
    for _ in range(2):
        said = segcli(*failing)
        assert said.code == 1
        assert "5  refused" in said.err
    for destination in ("webhook", "gist"):
        (folder / f"{destination}.rejects.2.ndjson").write_bytes(b"{}\n")
    said = segcli("send", "-d", "webhook", "--sandbox", *where, ".")

    assert said.code == 0
    assert "5  delivered" in said.err
    assert "gist.rejects.2.ndjson" in said.err.splitlines()[0]


def test_rejects_files_in_a_folder_are_left_out_with_a_note(folder: Path, segcli: Segcli) -> None:
    left_out = ["c/gist.rejects.ndjson", "gist.rejects.12.ndjson", "gist.sandbox.rejects.ndjson"]
    for name in (*left_out, "rejects.ndjson", "gist.rejects.jsonl", "gist.rejects.ndjson.d/f"):
        (folder / name).parent.mkdir(exist_ok=True)
        write_events(folder / name, [track(9)])
    note = (
        "events has 3 rejects files, which are left out: events/c/gist.rejects.ndjson and 2 more. "
        "Their events may be in the other files too. Name a rejects file to read it."
    )

    for command in ("transform", "check", "send --sandbox"):
        assert note in segcli(*command.split(), "-d", "webhook", "events").err.splitlines()
    assert len(names(folder)) == 5 + 3
    assert names(folder / left_out[0], folder / left_out[1]) == [
        str(folder / name) for name in left_out[:2]
    ]


def test_folder_that_has_only_rejects_files_says_so(folder: Path) -> None:
    for place in ("only/gist.rejects.ndjson", "none/.hidden"):
        (folder / place).parent.mkdir()
        (folder / place).write_bytes(b"{}\n")
    with pytest.raises(InputError, match="has no files to read") as raised:
        names(folder / "only")

    assert raised.value.hint == (
        f"It has 1 rejects file: {folder}/only/gist.rejects.ndjson. Name a rejects file to read it."
    )
    with pytest.raises(InputError) as raised:
        names(folder / "none")
    assert raised.value.hint.startswith("Hidden files and Segment's dummy-object.txt")


def test_stdout_into_an_input_file_is_refused(
    folder: Path, clean_environment: dict[str, str]
) -> None:
    with (folder / "out.jsonl").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "segcli", "transform", folder],
            stdout=out,
            stderr=subprocess.PIPE,
            env=clean_environment,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert b"out.jsonl, which is also an input" in done.stderr


def test_engage_accepts_a_compressed_list_but_no_folder(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "members.csv.gz").write_bytes(gz(b"userId,email\nu1,ada@example.com\n"))
    command = ("engage", "audience", "Vips", "-d", "gist", "--dry-run")

    assert '"userId":"u1"' in segcli(*command, "lists/members.csv.gz").out
    refused = segcli(*command, "lists")
    assert (refused.code, refused.out) == (2, "")
    assert "lists is a folder" in refused.err


def test_engage_sends_nothing_from_a_truncated_list(segcli: Segcli, tmp_path: Path) -> None:
    rows = "".join(f"u{number},u{number}@example.com\n" for number in range(20_000))
    (tmp_path / "members.csv.gz").write_bytes(gz(f"userId,email\n{rows}".encode())[:-1000])
    said = segcli("engage", "audience", "Vips", "-d", "gist", "--sandbox", "--state", "s.sqlite",
                  "members.csv.gz")  # fmt: skip

    assert said.code == 3
    assert "members.csv.gz:" in said.err
    assert "could not be read past this point: its gzip data is cut off" in said.err
    assert "read\n" not in said.err
    assert "Vips" not in segcli("engage", "status", "--state", "s.sqlite").out
