"""Errors about inputs that are not lines of events: they name the input and give a hint."""

import bz2
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from segcli.errors import InputError, Stopped
from segcli.inputs import look, open
from segcli.lines import chunks


@pytest.mark.parametrize(
    ("start", "says", "type_next"),
    [
        (bz2.compress(b"{}"), "is bzip2", "bzip2 -dc"),
        (b"\xfd7zXZ\x00", "is xz", "xz -dc"),
        (b"\xff\xfe{\x00", "is UTF-16", "iconv -f UTF-16"),
        (b"\xfe\xff\x00{", "is UTF-16", "iconv -f UTF-16"),
        (b"PK\x03\x04", "is a zip", "unzip -p"),
        (b'\xef\xbb\xbf \n [{"type": 1}]', "is a JSON array", "jq -c '.[]'"),
        (b'{\n  "type": 1\n}', "over several lines", "jq -c ."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_input_that_cannot_be_ndjson_is_refused_before_sending(
    start: bytes, says: str, type_next: str, file_of: Callable[[bytes], Path]
) -> None:
    path = file_of(start)
    with pytest.raises(InputError, match=says) as raised:
        look(chunks.inputs([str(path)]))

    assert type_next in raised.value.hint
    assert str(path) in raised.value.hint


def test_missing_or_repeated_input_is_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").touch()
    for names, says, hint in (
        ([str(tmp_path / "event.jsonl")], "does not exist", str(tmp_path / "events.jsonl")),
        ([str(tmp_path / "no" / "such")], "does not exist", "does not exist either"),
        ([str(tmp_path / "events.jsonl")] * 2, "is given twice", "sent twice"),
    ):
        with pytest.raises(InputError, match=says) as raised:
            chunks.inputs(names)
        assert hint in raised.value.hint


def test_read_error_during_the_run_stops_it(
    file_of: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > chunks.BLOCK:
                raise OSError(5, "Input/output error")
            return super().read(size) or b""

    path = file_of(b"x\n" * chunks.BLOCK)
    monkeypatch.setattr(
        open, "open", lambda *_, **__: io.BufferedReader(Failing(path)), raising=False
    )
    found = chunks.inputs([str(path)])

    with pytest.raises(Stopped, match=r"could not be read past this point: Input/output error"):
        list(chunks.chunks(found))


def test_read_error_at_the_start_is_an_input_error() -> None:
    # Its first page is never readable.
    with pytest.raises(InputError, match="cannot be read"):
        look(chunks.inputs(["/proc/self/mem"]))


@pytest.mark.parametrize("left", [0, chunks.BLOCK // 2, chunks.BLOCK + 1, 2 * chunks.BLOCK - 1])
def test_file_truncated_while_read_stops_the_run_after_its_whole_lines(
    left: int, file_of: Callable[[bytes], Path]
) -> None:
    path = file_of(b"xyz\n" * (chunks.BLOCK // 2))
    reading = chunks.chunks(chunks.inputs([str(path)]))
    first = next(reading)
    os.truncate(path, left)
    read = [*first.lines]
    with pytest.raises(Stopped, match="it became shorter while it was read") as raised:
        read.extend(line for chunk in reading for line in chunk.lines)

    assert len(read) == max(left, first.size) // 4
    assert set(read) == {b"xyz"}
    assert f"{path}:{len(read) + 1}: could not be read past this point" in raised.value.message
    assert "Name a copy" in raised.value.hint


def test_file_emptied_and_rewritten_while_read_is_detected(
    file_of: Callable[[bytes], Path],
) -> None:
    path = file_of(b"xyz\n" * chunks.BLOCK)
    reading = chunks.chunks(chunks.inputs([str(path)]))
    next(reading)
    path.write_bytes(b"new\n")

    with pytest.raises(Stopped, match="it became shorter while it was read"):
        list(reading)


def test_file_that_grows_while_read_is_read_to_its_new_end(
    file_of: Callable[[bytes], Path],
) -> None:
    path = file_of(b"xyz\n" * chunks.BLOCK)
    reading = chunks.chunks(chunks.inputs([str(path)]))
    read = [*next(reading).lines]
    with path.open("ab") as file:
        file.write(b"new\n")
    read.extend(line for chunk in reading for line in chunk.lines)

    assert read == [b"xyz"] * chunks.BLOCK + [b"new"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and /sys")
@pytest.mark.parametrize("name", ["/proc/self/stat", "/sys/kernel/mm/transparent_hugepage/enabled"])
def test_file_with_a_wrong_reported_size_is_read_to_its_end(name: str) -> None:
    if not Path(name).exists():
        pytest.skip("there is no such file")
    assert sum(len(chunk.lines) for chunk in chunks.chunks(chunks.inputs([name]))) == 1


def test_partly_consumed_file_on_stdin_is_not_reported_as_shorter(
    file_of: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with file_of(b"header\nxyz\n").open("rb", buffering=0) as file:
        file.seek(7)
        monkeypatch.setattr("sys.stdin", file)
        read = [line for chunk in chunks.chunks(chunks.inputs(["-"])) for line in chunk.lines]

    assert read == [b"xyz"]
