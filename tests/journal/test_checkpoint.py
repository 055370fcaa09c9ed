"""A truncated or damaged journal gives a prefix of the settled lines, or an error."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import records, track, write_events
from support.journals import put
from support.resuming import (
    JOURNAL,
    LimitedVendor,
    Segcli,
    Serve,
    records_in,
    settled_lines,
    to_webhook,
)
from support.tables import for_each

from segcli.journal import checkpoint
from segcli.journal.checkpoint import Checkpoint, Header
from segcli.lines.fingerprint import Mark

HEADER = Header(destination="webhook", endpoint="https://acme.example", inputs=["/a", "/b"])


@pytest.fixture
def small_run(
    segcli: Segcli, vendor: Serve, tmp_path: Path
) -> tuple[LimitedVendor, list[str], bytes]:
    """Stop a run with settled lines of every state; return its vendor, command and journal."""
    events = [track(number, f"u{number % 3}") for number in range(12)]
    events[4] = track(4, note="POISON")
    lines = [*events[:3], b"no JSON", b"", {"type": "page", "userId": "u"}, *events[3:]]
    limited_vendor = LimitedVendor(left=8)
    path = write_events(tmp_path / "events.jsonl", lines)
    command = to_webhook(vendor(limited_vendor).url, "--type", "track", path)
    assert segcli(*command).code == 3
    return limited_vendor, command, (tmp_path / JOURNAL).read_bytes().rstrip(b"\0")


def settled_by(past: Checkpoint | None) -> set[tuple[int, int]]:
    """Return the settled lines as (input, line)."""
    settled = past.settled if past else {}
    return {
        (place, number)
        for place, lines in settled.items()
        for first, last in lines.ranges()
        for number in range(first, last + 1)
    }


def test_journal_has_the_settled_lines_of_every_state(
    small_run: tuple[LimitedVendor, list[str], bytes], tmp_path: Path
) -> None:
    limited_vendor, _, _ = small_run
    states = Counter(state for state, _, _ in settled_lines(tmp_path / JOURNAL))
    assert states == {
        "delivered": len(limited_vendor.taken),
        "refused": 1,
        "rejected": 1,
        "skipped": 2,
    }


# Nothing, room, garbage, and a record.
@for_each("behind", [b"", b"\0" * 5000, b"\xff\n\xff\n", b'"}\n00000000 {}\n'])
def test_journal_cut_at_any_byte_gives_a_prefix_of_settled_lines(
    small_run: tuple[LimitedVendor, list[str], bytes], tmp_path: Path, behind: bytes
) -> None:
    path = tmp_path / "cut.journal"
    _, _, content = small_run
    beyond_header = content.index(b"\n") + 1
    for cut in range(len(content) + 1):
        put(path, content[:cut] + behind)
        if behind.strip(b"\0") and cut < beyond_header:
            with pytest.raises(ValueError, match="is not a segcli journal"):
                checkpoint.read_checkpoint(path)
            continue
        found = checkpoint.read_checkpoint(path)
        expected = records_in(content[:cut])
        assert (found is None) == (not expected)
        assert settled_by(found) == lines_of(expected)
        assert sum(found.totals.values() if found else ()) == len(lines_of(expected))


def lines_of(said: list[dict[str, list[tuple[int, int, int]]]]) -> set[tuple[int, int]]:
    return {
        (place, number)
        for record in said
        for place, first, last in record.get("lines", ())
        for number in range(first, last + 1)
    }


def test_damage_in_the_last_record_keeps_the_earlier_records(
    small_run: tuple[LimitedVendor, list[str], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "damaged.journal"
    _, _, content = small_run
    whole = content.rindex(b"\n", 0, -1) + 1
    for place in range(whole, len(content)):
        put(path, damaged(content, place))
        assert settled_by(checkpoint.read_checkpoint(path)) == lines_of(records_in(content[:whole]))


def test_damaged_bit_in_the_middle_is_an_error_that_names_the_line(
    small_run: tuple[LimitedVendor, list[str], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "damaged.journal"
    _, _, content = small_run
    second = content.index(b"\n") + 1
    # Stop at the line break before the last record: without it, no complete line follows.
    for place in range(second, content.rindex(b"\n", 0, -1)):
        for bit in bits_to_damage(content, place):
            put(path, damaged(content, place, bit) + bytes(5000))
            line = content.count(b"\n", 0, place) + 1
            with pytest.raises(checkpoint.Damaged, match=rf"\.journal is damaged in line {line}$"):
                checkpoint.read_checkpoint(path)


def bits_to_damage(content: bytes, place: int) -> list[int]:
    """Return the bits of a byte to flip: every one that may count for more than the checksum.

    A line break and a zero byte may come or go, and a checksum may be written in another way. All
    else is text, of which the checksum alone is read: one bit, of each byte another one.
    """
    start = content.rindex(b"\n", 0, place) + 1
    is_checksum = place - start < len("00000000 ") or content[place] == ord("\n")
    special = {bit for bit in range(8) if is_checksum or content[place] ^ 1 << bit in b"\n\0"}
    return sorted({place % 8} | special)


@pytest.mark.parametrize("damage", ["a bit", "two zeros"])
def test_damaged_journal_cannot_be_resumed_but_can_be_restarted(
    damage: str, small_run: tuple[LimitedVendor, list[str], bytes], segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor, command, content = small_run
    limited_vendor.accept_all()
    limited_vendor.taken.clear()
    place = content.index(b"\n") + 20
    journal = damaged(content, place) if damage == "a bit" else zeroed(content, place, 2)
    (tmp_path / JOURNAL).write_bytes(journal)
    for how in ([], ["--resume"]):
        said = segcli(*command, *how)
        assert said.code == 2
        assert f"the journal {JOURNAL} is damaged in line 2" in said.err
        assert "--restart" in said.err
        assert (tmp_path / JOURNAL).read_bytes() == journal
    assert not limited_vendor.taken

    assert segcli(*command, "--restart").code == 1
    assert set(limited_vendor.taken) == {f"m{n}" for n in range(12) if n != 4}


def damaged(content: bytes, place: int, bit: int = 0) -> bytes:
    """Return the content with one bit flipped."""
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def zeroed(content: bytes, start: int, size: int) -> bytes:
    return content[:start] + bytes(size) + content[start + size :]


def test_damaged_header_is_an_error_and_not_a_new_run(
    small_run: tuple[LimitedVendor, list[str], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "damaged.journal"
    _, _, content = small_run
    for place in range(content.index(b"\n")):
        put(path, damaged(content, place))
        with pytest.raises(ValueError, match="is not a segcli journal"):
            checkpoint.read_checkpoint(path)


def test_resume_from_a_journal_cut_anywhere_loses_no_event(
    small_run: tuple[LimitedVendor, list[str], bytes], segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor, command, content = small_run
    limited_vendor.accept_all()
    taken_before = list(limited_vendor.taken)
    rejects = (tmp_path / "webhook.rejects.ndjson").read_bytes()
    # The size of the rejects file is on disk before any line is written there.
    begun = content.index(b'{"rejects":')
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("\n") and place > begun]
    for cut in sorted({near for end in ends for near in (end, end + 30)}):
        (tmp_path / JOURNAL).write_bytes(content[:cut])
        (tmp_path / "webhook.rejects.ndjson").write_bytes(rejects)
        known = {number for _, number in lines_of(records_in(content[:cut]))}
        limited_vendor.taken.clear()
        said = segcli(*command, "--resume")

        assert said.code in (0, 1)
        assert set(taken_before) | set(limited_vendor.taken) == {
            f"m{n}" for n in range(12) if n != 4
        }
        assert len(limited_vendor.taken) + len([n for n in known if n not in (4, 5, 6, 8)]) == 11
        kept = [record["line"] for record in records(tmp_path / "webhook.rejects.ndjson")]
        assert sorted(kept) == [4, 8]


POSITIONS = st.tuples(
    st.integers(0, 2), st.integers(min_value=1, max_value=40), st.integers(0, 10)
).map(lambda found: (found[0], found[1], found[1] + found[2]))
RECORDS = st.one_of(
    st.fixed_dictionaries(
        {
            "state": st.sampled_from(["delivered", "refused", "rejected", "skipped"]),
            "lines": st.lists(POSITIONS),
        }
    ),
    st.builds(
        lambda place, to, *, is_open: {"marks": [(place, to, f"{to:032x}", is_open)]},
        st.integers(0, 2),
        st.integers(1, 10**12),
        is_open=st.booleans(),
    ),
    st.builds(
        lambda name, size: {"rejects": {name: size}}, st.sampled_from("ab"), st.integers(0, 99)
    ),
)


@given(st.lists(RECORDS))
def test_compacted_checkpoint_is_equivalent(
    tmp_path_factory: pytest.TempPathFactory, applied: list[dict[str, object]]
) -> None:
    past = Checkpoint(HEADER)
    for record in applied:
        past.apply(record)
    path = tmp_path_factory.getbasetemp() / "again.journal"
    put(path, b"".join(map(checkpoint.encode, past.records())))
    again = checkpoint.read_checkpoint(path)

    assert again is not None
    assert again.header == HEADER
    assert settled_by(again) == settled_by(past)
    assert +again.totals == +past.totals
    assert again.marks == past.marks
    assert again.rejects == past.rejects
    assert list(again.records()) == list(past.records())


def test_header_is_read_back_unchanged(tmp_path: Path) -> None:
    header = Header(
        destination="gist",
        endpoint="https://api.getgist.com",
        inputs=["/data/ä.jsonl", "-"],
        options={"--type": ["track"], "--limit": 3, "--since": "7d"},
        moments={"since": "2026-02-03T10:11:12+00:00"},
    )
    path = tmp_path / "a.journal"
    path.write_bytes(b"".join(map(checkpoint.encode, Checkpoint(header).records())))
    found = checkpoint.read_checkpoint(path)
    assert found is not None
    assert found.header == header
    assert found.marks == {}


def test_mark_has_its_position_and_whether_a_line_is_open() -> None:
    past = Checkpoint(HEADER)
    past.apply({"marks": [checkpoint.mark_fields(1, Mark(99, "ab", is_open=True))]})
    assert past.marks == {1: Mark(99, "ab", is_open=True)}


def test_line_recorded_as_settled_twice_counts_once() -> None:
    past = Checkpoint(HEADER)
    for lines in ([(0, 1, 5)], [(0, 3, 6)], [(0, 6, 6), (1, 1, 1)]):
        past.apply({"state": "delivered", "lines": lines})
    assert past.totals == {"delivered": 7}


def test_first_recorded_size_of_the_rejects_file_is_kept() -> None:
    past = Checkpoint(HEADER)
    for size in (10, 20, 0):
        past.apply({"rejects": {"/r": size}})
    assert past.rejects == {"/r": 10}


def test_a_journal_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    for header in ({"segcli": {"format": 3}}, {"segcli": {**_plain(HEADER), "format": 3}}):
        path.write_bytes(checkpoint.encode(header))
        with pytest.raises(ValueError, match="another version of segcli"):
            checkpoint.read_checkpoint(path)


def _plain(header: Header) -> dict[str, object]:
    record = checkpoint.encode(checkpoint.header_record(header))
    found: dict[str, object] = json.loads(record[9:])["segcli"]
    return found


@pytest.mark.parametrize(
    "content",
    [b'{"type":"track"}\n', b"x", b"12\n", b"notes\n", b"\x1f\x8b\x08", b"00000000 {}\n"],
    ids=range(6),
)
@pytest.mark.parametrize("how", [[], ["--resume"], ["--restart"]], ids=str)
def test_file_that_is_not_a_journal_is_refused_and_unchanged(
    content: bytes, how: list[str], segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)
    limited_vendor = LimitedVendor()
    events = write_events(tmp_path / "events.jsonl", [track()])
    command = to_webhook(vendor(limited_vendor).url, events)
    said = segcli(*command, "--journal", other, *how)

    assert said.code == 2
    assert f"{other} is not a segcli journal" in said.err
    assert other.read_bytes() == content
    assert not limited_vendor.taken


def test_missing_or_empty_file_gives_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    assert checkpoint.read_checkpoint(path) is None
    path.touch()
    assert checkpoint.read_checkpoint(path) is None
