"""Compressed inputs with any name are decompressed while they are read."""

import io
import json
import os
import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chunk_lines import MIB, byte_chunks, lines, with_peak_memory
from support.compression import PACKS, SKIPPABLE, Pack, gz, zst
from support.tables import for_each

from segcli.errors import InputError, Stopped
from segcli.inputs import decompress, look
from segcli.inputs.decompress import is_named_as_compressed
from segcli.inputs.judgement import accept_all
from segcli.lines import chunks

LINES = [b'{"number":%d}' % number for number in range(40)]
TEXT = b"\n".join(LINES) + b"\n"


@pytest.fixture(params=PACKS)
def pack(request: pytest.FixtureRequest) -> Pack:
    return PACKS[request.param]


@pytest.fixture(params=["isal", "standard library"])
def _each_gzip_unpacker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "isal":
        pytest.importorskip("isal")
    else:
        monkeypatch.setitem(__import__("sys").modules, "isal", None)


@for_each(
    ("name", "is_compressed"),
    [
        ("a.gz", True),
        ("a.jsonl.gzip", True),
        ("s3://bucket/a.zst", True),
        ("a.zstd", True),
        ("a.jsonl", False),
        ("a.gz/b", False),
        ("a.xz", False),
        ("gz", False),
    ],
)
def test_name_of_a_file_says_whether_it_is_compressed(name: str, is_compressed: bool) -> None:
    assert is_named_as_compressed(name) is is_compressed


def read(path: Path) -> tuple[list[bytes], str]:
    """Return the lines of an input, and the error after them."""
    found: list[bytes] = []
    try:
        for chunk in chunks.chunks(look(chunks.inputs([str(path)]), accept_all)):
            found += [line for line in chunk.lines if isinstance(line, bytes)]
    except (InputError, Stopped) as error:
        return found, error.message
    return found, ""


@pytest.mark.usefixtures("_each_gzip_unpacker")
@pytest.mark.parametrize("name", ["events.jsonl", "events.gz", "events.zst", "events"])
def test_compression_is_detected_by_content_and_not_by_name(
    name: str, pack: Pack, tmp_path: Path
) -> None:
    path = tmp_path / name
    for content in (TEXT, pack(TEXT)):
        path.write_bytes(content)
        assert read(path) == (LINES, "")


def test_sizes_are_counted_decompressed_and_as_stored(pack: Pack, tmp_path: Path) -> None:
    text = b"".join(b'{"number":%d}\n' % random.Random(n).getrandbits(90) for n in range(20_000))
    path = tmp_path / "events"
    path.write_bytes(pack(text))
    found = byte_chunks(path)

    assert len(found) > 5
    assert sum(chunk.size for chunk in found) == len(text)
    assert sum(chunk.stored for chunk in found) == path.stat().st_size
    assert chunks.total_size(chunks.inputs([str(path)])) == path.stat().st_size


@pytest.mark.usefixtures("_each_gzip_unpacker")
@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=6), padding=st.integers(0, 5))
def test_gzip_members_are_concatenated_at_any_cut(
    cuts: list[int], padding: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "members.gz"
    borders = [0, *sorted(cuts), len(TEXT)]
    members = [gz(TEXT[a:b]) for a, b in pairwise(borders)]
    path.write_bytes((b"\0" * padding).join(members) + b"\0" * padding)

    assert read(path) == (LINES, "")


@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=6), skippable=st.booleans())
def test_zstandard_frames_are_concatenated_and_skippable_frames_skipped(
    cuts: list[int], skippable: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "frames.zst"
    borders = [0, *sorted(cuts), len(TEXT)]
    frames = [zst(TEXT[a:b]) for a, b in pairwise(borders)]
    between = SKIPPABLE if skippable else b""
    path.write_bytes(between + between.join(frames) + between)

    assert read(path) == (LINES, "")


@pytest.mark.usefixtures("_each_gzip_unpacker")
@pytest.mark.parametrize("block", [1, 64, decompress._BLOCK])
@pytest.mark.parametrize("between", [b"\n", b"\r\n", b" \t\n\n", b"\n" * 5000], ids=len)
def test_white_space_between_and_after_members_is_skipped(
    between: bytes, block: int, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decompress, "_BLOCK", block)
    path = tmp_path / "events"
    for cuts in ((0, 100, 200, len(TEXT)), (0, 0, len(TEXT), len(TEXT))):
        members = [pack(TEXT[a:b]) for a, b in pairwise(cuts)]
        path.write_bytes(between.join(members) + between)
        assert read(path) == (LINES, "")
        path.write_bytes(between.join(members) + between + b"{}")
        found, error = read(path)
        assert found == LINES
        assert f"something else follows its {'gzip' if pack is gz else 'Zstandard'} data" in error
        assert f"at byte {path.stat().st_size - 2:,}" in error


@pytest.mark.usefixtures("_each_gzip_unpacker")
@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_compressed_bytes_may_come_in_any_block_size(
    block: int, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decompress, "_BLOCK", block)
    path = tmp_path / "events"
    path.write_bytes(pack(TEXT[:200]) + pack(b"") + pack(TEXT[200:]))

    assert read(path) == (LINES, "")


@pytest.mark.usefixtures("_each_gzip_unpacker")
def test_truncated_file_gives_its_whole_lines_and_an_error_with_the_position(
    pack: Pack, tmp_path: Path
) -> None:
    first, second = (pack(b"\n".join(part) + b"\n") for part in (LINES[:25], LINES[25:]))
    path = tmp_path / "events"
    for length in range(5, len(first + second)):
        path.write_bytes((first + second)[:length])
        found, error = read(path)

        assert found == LINES[: len(found)]
        if length == len(first):
            # A missing further member cannot be noticed.
            assert (found, error) == (LINES[:25], "")
            continue
        assert len(found) >= (25 if length > len(first) else 0)
        assert str(path) in error
        # A start that is too short to be recognized counts as other data.
        at = len(first) if 0 < length - len(first) < 4 else length
        assert f"at byte {at:,}" in error or f"at byte {length:,}" in error
        assert not found or f":{len(found) + 1}: could not be read past this point" in error


@pytest.mark.usefixtures("_each_gzip_unpacker")
def test_damaged_file_is_an_error_unless_all_lines_are_intact(pack: Pack, tmp_path: Path) -> None:
    packed = pack(TEXT)
    path = tmp_path / "events"
    harmless = []
    for place in range(5, len(packed)):
        path.write_bytes(packed[:place] + bytes([packed[place] ^ 0x20]) + packed[place + 1 :])
        found, error = read(path)

        assert error or found == LINES
        if not error:
            harmless.append(place)

    # The name and the time in a gzip header, and the last bits before a checksum, may change.
    assert len(harmless) < 25


@pytest.mark.usefixtures("_each_gzip_unpacker")
def test_other_data_after_a_member_is_an_error_with_the_position(
    pack: Pack, tmp_path: Path
) -> None:
    path = tmp_path / "events"
    path.write_bytes(pack(TEXT) + b"something else")
    found, error = read(path)

    assert found == LINES
    assert f"{path}:41: could not be read past this point: something else follows" in error
    assert f"at byte {len(pack(TEXT)):,}" in error


@pytest.mark.usefixtures("_each_gzip_unpacker")
def test_input_damaged_at_its_start_is_refused_before_sending(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(pack(TEXT)[:9])
    with pytest.raises(InputError, match=r"events cannot be read: its .* data is cut off"):
        look(chunks.inputs([str(path)]))


@pytest.mark.parametrize(
    ("text", "says", "type_next"),
    [
        (json.dumps([{"type": "track"}]), "is a JSON array", "| jq -c '.[]' | segcli … -"),
        (json.dumps({"type": "track"}, indent=2), "over several lines", "| jq -c . | segcli … -"),
        ("\ufeff{}", "", ""),
    ],
)
def test_first_look_recognizes_the_form_of_compressed_content(
    text: str, says: str, type_next: str, pack: Pack, tmp_path: Path
) -> None:
    path = tmp_path / "events"
    path.write_bytes(pack(text.encode()))
    if not says:
        assert read(path) == ([text.encode()], "")
        return
    with pytest.raises(InputError, match=says) as raised:
        look(chunks.inputs([str(path)]))

    assert type_next in raised.value.hint
    assert f"-dc {path}" in raised.value.hint


@pytest.mark.skipif(shutil.which("zstd") is None, reason="only zstd makes such a frame")
def test_frame_that_needs_too_much_memory_is_an_error_with_a_command(tmp_path: Path) -> None:
    path = tmp_path / "long.zst"
    with path.open("wb") as out:
        zstd = subprocess.Popen(["zstd", "-q", "--long=31"], stdin=subprocess.PIPE, stdout=out)
        zstd.communicate(b"{}\n" * MIB)
    with pytest.raises(InputError, match="needs more than 128 MiB of memory") as raised:
        look(chunks.inputs([str(path)]))

    assert "zstd -dc --long=31" in raised.value.hint


def test_doubly_compressed_input_is_an_error_with_a_command(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "events.gz"
    path.write_bytes(gz(pack(TEXT)))
    with pytest.raises(InputError, match="is compressed twice") as raised:
        look(chunks.inputs([str(path)]))

    assert raised.value.hint.startswith(f"Type: gzip -dc {path} | ")


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes, int], None]]:
    """Write bytes to standard input, this many at a time."""
    read, write = os.pipe()

    def pour(data: bytes, block: int) -> None:
        def run() -> None:
            with os.fdopen(write, "wb", buffering=0) as pipe:
                for at in range(0, len(data), block):
                    pipe.write(data[at : at + block])

        threading.Thread(target=run).start()

    with os.fdopen(read) as stream:
        monkeypatch.setattr("sys.stdin", stream)
        yield pour


@pytest.mark.parametrize("block", [1, 1000])
def test_compressed_stdin_is_decompressed(
    block: int, pack: Pack, stdin: Callable[[bytes, int], None]
) -> None:
    stdin(pack(TEXT), block)

    assert lines(list(chunks.chunks(chunks.inputs([])))) == LINES


def test_decompression_bomb_line_uses_bounded_memory(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(pack(b"{}\n") + pack(b" " * (64 * MIB)) + pack(b"\n{}"))
    assert path.stat().st_size < MIB
    (first, bomb, last), peak = with_peak_memory(lambda: lines(byte_chunks(path)))

    assert (first, last) == (b"{}", b"{}")
    assert getattr(bomb, "size", 0) == 64 * MIB
    assert peak < 4 * MIB


@pytest.mark.usefixtures("_each_gzip_unpacker")
def test_decompressed_block_is_never_larger_than_requested(pack: Pack) -> None:
    bomb = io.BytesIO(pack(bytes(4 * MIB)))
    packing = decompress.packing_of(bomb.getvalue())
    assert packing
    unpacked = decompress.Unpacked(_Stored(bomb), packing)
    blocks = list(iter(lambda: unpacked.read1(1000), b""))

    assert max(map(len, blocks)) == 1000
    assert sum(map(len, blocks)) == 4 * MIB


class _Stored:
    """Compressed bytes in memory, as a stream."""

    stored = 0

    def __init__(self, packed: io.BytesIO) -> None:
        self.read1 = packed.read1
