"""Spans of a file give the same lines as a block in memory, for any cuts."""

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segcli.core.line import TooLong
from segcli.inputs import ReadError
from segcli.lines import spans
from segcli.lines.spans import LineBlock, Span, identity, lines_of

DATA = st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"{}", b"bcdefghi" * 3])).map(b"".join)
Lines = list[bytes | TooLong]


def split(data: bytes, max_line: int) -> Lines:
    """Return the expected lines."""
    found = [line + b"\n" for line in data.split(b"\n")]
    found[-1] = found[-1].removesuffix(b"\n")
    return [bounded(line, max_line) for line in found if line]


def bounded(line: bytes, max_line: int) -> bytes | TooLong:
    text = line.removesuffix(b"\n")
    return line if len(text) <= max_line else TooLong(len(text), text[: spans.HEAD_KEPT])


def lines_in(data: LineBlock | Span, max_line: int) -> Lines:
    return [line for few in lines_of(data, max_line) for line in few]


@given(DATA, st.integers(1, 20), st.integers(1, 30))
def test_text_gives_the_same_lines_for_any_group_size(
    data: bytes, at_a_time: int, max_line: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spans, "_GROUP_SIZE", at_a_time)
        found = lines_in(LineBlock(b"", data, len(data)), max_line)

    assert found == split(data, max_line)


@given(
    data=DATA,
    cuts=st.lists(st.integers(0, 200)),
    at_a_time=st.integers(1, 20),
    max_line=st.integers(1, 30),
)
def test_each_line_is_in_the_span_where_it_starts(
    data: bytes,
    cuts: list[int],
    at_a_time: int,
    max_line: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.getbasetemp() / "lines"
    path.write_bytes(data)
    places = sorted({0, len(data), *(place for place in cuts if place < len(data))})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spans, "_GROUP_SIZE", at_a_time)
        patched.setattr(spans, "_SEARCH_STEP", 3)
        found = [
            line
            for start, end in pairwise(places)
            for line in lines_in(Span(str(path), file_at(path), start, end, len(data)), max_line)
        ]

    assert found == split(data, max_line)


def file_at(path: Path) -> tuple[int, int]:
    with path.open("rb") as file:
        return identity(file)


def test_replaced_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"a\nb\n")
    span = Span(str(path), file_at(path), 0, 4, 4)
    other = tmp_path / "other"
    other.write_bytes(b"c\nd\n")
    other.replace(path)

    with pytest.raises(ReadError, match="it was replaced while it was read"):
        lines_in(span, 100)


@pytest.mark.parametrize("left", range(6))
def test_shortened_file_is_an_error_and_no_line_is_cut(left: int, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"a\nb\ncd")
    spans = [Span(str(path), file_at(path), start, start + 2, 6) for start in (0, 2, 4)]
    os.truncate(path, left)

    for span in spans:
        with pytest.raises(ReadError, match="it became shorter while it was read"):
            lines_in(span, 100)


def test_grown_file_is_read_only_up_to_the_end_of_the_span(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"a\nb\n")
    span = Span(str(path), file_at(path), 2, 4, 4)
    path.write_bytes(b"a\nb\nc\n")

    assert lines_in(span, 100) == [b"b\n"]
