"""An input must still start with the bytes that an earlier run read, or an error names it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from segcli.errors import InputError
from segcli.inputs import Input
from segcli.lines.fingerprint import Fingerprint, Mark
from segcli.lines.fingerprint import verify as verify_input

TEXT = b'{"a":1}\n{"b":2}\n{"c":3}\n'


def mark_of(text: bytes, *, is_open: bool = False) -> Mark:
    fingerprint = Fingerprint("")
    fingerprint.update(text)
    return fingerprint.mark(is_open=is_open)


def verify(text: bytes, mark: Mark, sizes: list[int] | None = None) -> Fingerprint:
    """Add a text in blocks of these sizes, and the rest as one block."""
    fingerprint = Fingerprint("events.jsonl", mark)
    for size in sizes or []:
        if block := text[:size]:
            fingerprint.update(block)
        text = text[size:]
    if text:
        fingerprint.update(text)
    fingerprint.end()
    return fingerprint


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(TEXT)
    return path


def test_unchanged_file_is_verified(events: Path) -> None:
    verify_input(Input(str(events), None), mark_of(TEXT))


def test_file_with_appended_lines_is_verified(events: Path) -> None:
    mark = mark_of(TEXT)
    events.write_bytes(TEXT + b'{"d":4}\n')
    verify_input(Input(str(events), None), mark)


def test_only_bytes_that_were_read_are_compared(events: Path) -> None:
    mark = mark_of(TEXT[:16])
    events.write_bytes(TEXT[:16] + b"something else altogether\n")
    verify_input(Input(str(events), None), mark)


@pytest.mark.parametrize("place", range(len(TEXT)))
def test_any_changed_byte_is_an_error_that_names_the_file(events: Path, place: int) -> None:
    events.write_bytes(TEXT[:place] + bytes([TEXT[place] ^ 1]) + TEXT[place + 1 :])
    with pytest.raises(InputError, match=r"events\.jsonl has changed") as caught:
        verify_input(Input(str(events), None), mark_of(TEXT))
    assert "--restart" in caught.value.hint


@pytest.mark.parametrize("length", range(len(TEXT)))
def test_shortened_file_is_an_error_that_names_it(events: Path, length: int) -> None:
    events.write_bytes(TEXT[:length])
    with pytest.raises(InputError, match=r"events\.jsonl is shorter than it was"):
        verify_input(Input(str(events), None), mark_of(TEXT))


def test_reordered_lines_are_an_error(events: Path) -> None:
    events.write_bytes(b"".join(reversed(TEXT.splitlines(keepends=True))))
    with pytest.raises(InputError, match="has changed"):
        verify_input(Input(str(events), None), mark_of(TEXT))


@for_each("more", [b"", b"\n", b"\r\n", b"\n{}", b'\n{"d":4}\n'])
def test_line_break_after_the_last_line_may_be_added(more: bytes) -> None:
    mark = mark_of(b'{"a":1}\n{"b":2', is_open=True)
    assert verify(b'{"a":1}\n{"b":2' + more, mark).is_verified


@pytest.mark.parametrize("more", [b"2", b"2}", b" \n", b"{}\n"])
def test_extended_last_line_is_an_error(more: bytes) -> None:
    mark = mark_of(b'{"a":1}\n{"b":2', is_open=True)
    with pytest.raises(InputError, match="has changed"):
        verify(b'{"a":1}\n{"b":2' + more, mark)


@given(
    st.lists(st.integers(min_value=1, max_value=30)),
    st.integers(min_value=1, max_value=len(TEXT)),
)
def test_fingerprint_is_independent_of_block_sizes(sizes: list[int], to: int) -> None:
    fingerprint = verify(TEXT, mark_of(TEXT[:to]), sizes)
    assert fingerprint.is_verified
    assert fingerprint.mark() == mark_of(TEXT)


@given(
    st.lists(st.integers(min_value=1, max_value=30)),
    st.integers(min_value=0, max_value=15),
)
def test_change_is_found_with_any_block_sizes(sizes: list[int], place: int) -> None:
    changed = bytearray(TEXT)
    changed[place] ^= 1
    with pytest.raises(InputError, match="has changed"):
        verify(bytes(changed), mark_of(TEXT[:16]), sizes)


def test_fingerprint_is_verified_only_after_all_read_bytes() -> None:
    fingerprint = Fingerprint("events.jsonl", mark_of(TEXT))
    fingerprint.update(TEXT[:-1])
    assert not fingerprint.is_verified
