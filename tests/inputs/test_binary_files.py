"""A named file that is binary is refused as what it is; a bad first line is only rejected."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import Said, track


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PAR1\x15\x04\x15\x10", "is a Parquet file, not lines of JSON"),
        (b"Obj\x01\x04\x16avro.schema", "is an Avro file, not lines of JSON"),
        (b"SQLite format 3\0\x10\0", "is an SQLite database, not lines of JSON"),
        (b"\x7fELF\x02\x01\x01", "is a program, not lines of JSON"),
        (b"\x00\x01\xff\xfe\x80" * 10, "is binary data, not lines of JSON"),
    ],
)
@pytest.mark.parametrize("command", ["transform", "check"])
def test_a_binary_file_is_named_as_what_it_is(
    command: str, content: bytes, says: str, segcli: Callable[..., Said], tmp_path: Path
) -> None:
    (tmp_path / "events.bin").write_bytes(content)
    said = segcli(command, "events.bin")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"Error: events.bin {says}\nExport the events as NDJSON")


@pytest.mark.parametrize("line", [b"\xfe not text", b"\0\0 zeros", b"\xff\n\0", b"plain text"])
def test_a_bad_first_line_is_rejected_and_the_rest_is_read(
    line: bytes, segcli: Callable[..., Said], tmp_path: Path
) -> None:
    good = json.dumps(track()).encode()
    (tmp_path / "events.jsonl").write_bytes(line + b"\n" + good + b"\n")

    assert segcli("transform", "-q", "events.jsonl").out.count("\n") == 1
