"""The rejects file has a record for every rejected or refused line, and is readable as input."""

import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.documents import GUIDES
from support.fakes import records, track
from support.small_disk import files_of_at_most, files_put_on_disk

from segcli.accounting.rejects import Rejects
from segcli.cli.default_rejects import default_rejects
from segcli.core.event import parse
from segcli.core.line import Line, RefusalDetails, Result, TooLong
from segcli.errors import Stopped, UsageError
from segcli.lines import chunks

BOM = b"\xef\xbb\xbf"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rejects.ndjson"


def keep(path: Path, *lines: bytes | TooLong, **more: Any) -> None:
    """Write the lines of a file `events.jsonl` as one batch, numbered from 1."""
    rejects = Rejects(path)
    try:
        rejects.keep(settled(*lines, **more))
    finally:
        rejects.close()


def settled(*lines: bytes | TooLong, **more: Any) -> Result:
    numbered = [Line("events.jsonl", number, text) for number, text in enumerate(lines, 1)]
    return Result(numbered, **({"state": "rejected", "reason": "no good"} | more))


def read_again(path: Path) -> list[bytes]:
    """Return the events of a rejects file as `send` reads them."""
    found = chunks.chunks(chunks.inputs([str(path)]))
    return [parse(line).raw for chunk in found for line in chunk.lines]  # type: ignore[arg-type]


def test_no_rejects_create_no_file(path: Path) -> None:
    rejects = Rejects(path)
    rejects.close()

    assert not path.exists()


def test_record_has_file_line_state_reason_and_event(path: Path) -> None:
    event = json.dumps(track()).encode()
    keep(path, event, state="refused", reason="HTTP 422: no", status=422, attempts=3)

    assert records(path) == [
        {
            "file": "events.jsonl",
            "line": 1,
            "state": "refused",
            "reason": "HTTP 422: no",
            "status": 422,
            "attempts": 3,
            "event": track(),
        }
    ]


def test_records_are_appended(path: Path) -> None:
    for number in range(3):
        keep(path, json.dumps(track(number)).encode())

    assert [record["event"]["messageId"] for record in records(path)] == ["m0", "m1", "m2"]


def test_record_after_a_partial_record_is_complete(path: Path) -> None:
    path.write_bytes(b'{"file": "old", "li')
    keep(path, json.dumps(track()).encode())

    torn, whole = path.read_bytes().splitlines()
    assert torn == b'{"file": "old", "li'
    assert json.loads(whole)["event"] == track()


def test_record_is_readable_before_the_file_is_closed(path: Path) -> None:
    rejects = Rejects(path)
    rejects.keep(settled(b"{}"))

    assert len(records(path)) == 1
    rejects.close()


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (b'{"userId": 1}', {"event": {"userId": 1}}),
        (b"[1]", {"raw": "[1]"}),
        (b"{", {"raw": "{"}),
        (b'{"a": 1}, {"b": 2}', {"raw": '{"a": 1}, {"b": 2}'}),
        (b'{"a": 1}, "b": 2', {"raw": '{"a": 1}, "b": 2'}),
        (b'{"a":' * 100 + b"1" + b"}" * 100, {"raw": '{"a":' * 100 + "1" + "}" * 100}),
        (b"", {"raw": ""}),
        (b" not \t JSON \r", {"raw": " not \t JSON "}),
        (b"  pad ,a@b.c\r\n", {"raw": "  pad ,a@b.c"}),
        ("\u00e9\u2028".encode(), {"raw": "\u00e9\u2028"}),
        (b'{"a": "\xff"}', {"raw_base64": "eyJhIjogIv8ifQ=="}),
        (b"\x00", {"raw": "\x00"}),
        (TooLong(9_999_999, b"abc"), {"bytes": 9_999_999, "begins_base64": "YWJj"}),
        (TooLong(9_999_999, b"\xff"), {"bytes": 9_999_999, "begins_base64": "/w=="}),
    ],
    ids=repr,
)
def test_line_is_kept_as_event_text_or_base64(
    text: bytes | TooLong, content: dict[str, Any], path: Path
) -> None:
    keep(path, text)
    (record,) = records(path)

    assert {key: record[key] for key in list(record)[6:]} == content


def test_the_guide_describes_every_key_in_which_a_line_is_kept(path: Path) -> None:
    keep(path, json.dumps(track()).encode(), b"{", b'"\xff"', TooLong(9_999_999, b"abc"))
    keys = {key for record in records(path) for key in list(record)[6:]}

    assert keys == {"event", "raw", "raw_base64", "bytes", "begins_base64"}
    rows = [row for row in GUIDES["troubleshooting"].read_text().splitlines() if row[:1] == "|"]
    described = {key for row in rows for key in re.findall("`(.*?)`", row.split("|")[1])}
    assert keys <= described


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(track()).encode(),
        b'  {"type":"track", "event":"E" ,"userId":1e400,"n":12345678901234567890123}\r',
        b'{"type":"track","event":"E","userId":"u","properties":{"event":{"a":1.50}},"x":"\\u00e9"}',
        '{"type":"track","event":"\u00e9\u2028","userId":"u"}'.encode(),
        BOM + json.dumps(track()).encode(),
    ],
    ids=["plain", "numbers", "an event within", "unicode", "behind a byte order mark"],
)
def test_kept_event_is_read_again_byte_for_byte(text: bytes, path: Path) -> None:
    keep(path, text)

    assert read_again(path) == [text.strip().removeprefix(BOM)]


def test_rejected_rejects_record_is_kept_as_its_event(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    keep(first, json.dumps(track(7)).encode(), b"{", b'"\xff"', state="refused")
    keep(second, *first.read_bytes().splitlines(), reason="still no good")

    contents = [list(record.items())[6] for record in records(second)]
    assert contents == [("event", track(7)), ("raw", "{"), ("raw_base64", "Iv8i")]
    assert {record["reason"] for record in records(second)} == {"still no good"}


@given(text=st.binary(max_size=40))
def test_any_line_becomes_one_record(text: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / "rejects.ndjson"
    keep(path, text, b"{}")

    assert [record["line"] for record in records(path)] == [1, 2]


# --- refusals

HOSTILE = ',"attempts":9,"event":{"a":1}}\n{"file":"x","line":1,"attempts":'


def refused(*lines: bytes, reply: str = "no") -> Result:
    payloads = [f'{{"payload": {n}, "note": {json.dumps(HOSTILE)}}}' for n, _ in enumerate(lines)]
    more = RefusalDetails(
        'https://acme.example/,"event":', payloads, reply, {"x-request-id": HOSTILE}
    )
    return settled(*lines, state="refused", reason="HTTP 422", status=422, attempts=1, refusal=more)


def test_a_refusal_has_its_own_payload_between_the_file_and_the_event(path: Path) -> None:
    rejects = Rejects(path)
    rejects.keep(refused(b'{"a": 1}', b"no json"))
    rejects.close()

    first, second = records(path)
    assert list(first) == [
        *("file", "line", "state", "reason", "status"),
        *("address", "reply_ids", "reply", "payload", "attempts", "event"),
    ]
    assert [*second][-1] == "raw"
    assert [json.loads(row["payload"])["payload"] for row in (first, second)] == [0, 1]
    assert first["reply_ids"] == {"x-request-id": HOSTILE}


@pytest.mark.parametrize("reply", ["no", HOSTILE, json.dumps({"event": {"a": 2}})])
def test_an_event_behind_a_refusal_is_read_again_byte_for_byte(reply: str, path: Path) -> None:
    event = b'  {"type":"track","event":"E" ,"userId":"u","n":1.50}'
    rejects = Rejects(path)
    rejects.keep(refused(event, reply=reply))
    rejects.close()

    assert read_again(path) == [event.strip()]


def test_a_line_that_a_killed_run_has_kept_is_not_kept_again_though_the_reply_differs(
    path: Path,
) -> None:
    first, second = Rejects(path), Rejects(path)
    first.keep(refused(b'{"a": 1}', b"no json", reply=HOSTILE))
    first.close()
    second.skip_already_written(0, lambda *_: True)
    second.keep(refused(b'{"a": 1}', b"no json", b'{"a": 3}', reply="another"))
    second.close()

    assert [row["line"] for row in records(path)] == [1, 2, 3]
    assert json.loads(records(path)[2]["payload"])["payload"] == 2


# --- a full disk


def test_a_full_disk_stops_the_run() -> None:
    with pytest.raises(Stopped, match="/dev/full cannot be written: No space left") as raised:
        keep(Path("/dev/full"), b"{}")

    assert "count as unsent" in raised.value.hint


def test_disk_that_fills_during_a_record_stops_the_run(path: Path) -> None:
    rejects = Rejects(path)
    rejects.keep(settled(b"{}"))
    with files_of_at_most(path.stat().st_size + 50), pytest.raises(Stopped, match="too large"):
        rejects.keep(settled(b'{"second": 1}'))
    rejects.close()
    keep(path, b'{"third": 1}')

    first, _torn, third = path.read_bytes().splitlines()
    assert json.loads(first)["event"] == {}
    assert json.loads(third)["event"] == {"third": 1}


def test_failed_write_stops_the_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rejects = Rejects(path)
    rejects.keep(settled(b"{}"))

    def failing(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr("segcli.accounting.rejects.write_all", failing)
        with pytest.raises(Stopped, match="cannot be written: Input/output error"):
            rejects.keep(settled(b"{}"))
    rejects.close()
    assert len(records(path)) == 1


def test_path_where_no_file_can_exist_is_an_error_at_start(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "such" / "folder"):
        with pytest.raises(UsageError, match="cannot be written") as raised:
            Rejects(path)
        assert "--rejects PATH" in raised.value.hint


# --- records of a killed run


def kept_again(path: Path, *lines: bytes, since: int = 0) -> list[Any]:
    """Write lines again to a file whose size before the run is known; return its content."""
    rejects = Rejects(path)
    rejects.skip_already_written(since, lambda file, _: file == "events.jsonl")
    rejects.keep(settled(*lines))
    rejects.close()
    return [record.get("event", record.get("raw")) for record in records(path)]


def test_records_of_a_killed_run_are_not_written_again(path: Path) -> None:
    keep(path, b'{"a": "\\",\\"attempts\\":1,"}', b"no json", attempts=7)

    assert len(kept_again(path, b'{"a": "\\",\\"attempts\\":1,"}', b"no json")) == 2


def test_records_of_a_killed_run_are_on_disk_before_they_count_as_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(path, b"no json")
    on_disk = files_put_on_disk(monkeypatch)
    Rejects(path).skip_already_written(0, lambda *_: True)

    assert path.stat().st_ino in on_disk


def test_restored_records_are_on_disk_though_none_was_missing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(path, b"no json")
    [record] = path.read_text().splitlines()
    on_disk = files_put_on_disk(monkeypatch)
    Rejects(path).restore([record], 0)

    assert path.read_text().splitlines() == [record]
    assert path.stat().st_ino in on_disk


def test_record_of_another_run_with_the_same_line_number_is_ignored(path: Path) -> None:
    keep(path, b'{"day": 1}', b"one")

    assert kept_again(path, b'{"day": 2}', b"two") == [{"day": 1}, "one", {"day": 2}, "two"]


def test_partial_record_at_the_end_is_cut_off(path: Path) -> None:
    keep(path, b'{"a": 1}', b'{"a": 2}')
    whole = path.read_bytes()
    for cut in range(len(b'{"file":'), len(whole) // 2 - 3, 7):
        path.write_bytes(whole[: len(whole) // 2 + cut])
        assert kept_again(path, b'{"a": 1}', b'{"a": 2}') == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("last", [b'{"type": "track", "repaired": 1}', b"what a person wrote"])
def test_foreign_last_line_without_a_line_break_is_kept(path: Path, last: bytes) -> None:
    keep(path, b'{"a": 1}')
    record = path.read_bytes()
    path.write_bytes(record + last)
    rejects = Rejects(path)
    rejects.skip_already_written(0, lambda *_: True)
    rejects.keep(settled(b'{"a": 1}', b'{"a": 2}'))
    rejects.close()

    lines = path.read_bytes().splitlines()
    assert lines[:2] == [record.rstrip(), last]
    assert [json.loads(line)["event"] for line in lines[2:]] == [{"a": 2}]


def test_record_without_its_line_break_is_complete(path: Path) -> None:
    keep(path, b'{"a": 1}')
    path.write_bytes(path.read_bytes().rstrip())

    assert kept_again(path, b'{"a": 1}', b'{"a": 2}') == [{"a": 1}, {"a": 2}]


# --- other running processes


@contextmanager
def half_written(
    path: Path, record: bytes, half: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Act as another run that is writing a record; it ends once a process waits for its lock."""
    with path.open("ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(record[:half])

        def go_on(_: float) -> None:
            file.write(record[half:])
            fcntl.flock(file, fcntl.LOCK_UN)

        monkeypatch.setattr("segcli.accounting.rejects.sleep", go_on)
        yield


def test_partial_record_of_a_running_writer_is_not_cut_off(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(path, b'{"a": 1}')
    record = path.read_bytes()
    for half in range(len(b'{"file":'), len(record) - 1, 5):
        path.write_bytes(record)
        with half_written(path, record, half, monkeypatch):
            Rejects(path).skip_already_written(0, lambda *_: True)
        assert path.read_bytes() == record + record


def test_concurrent_runs_do_not_mix_their_records(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(path, b'{"a": 1}')
    record = path.read_bytes()
    with half_written(path, record, 20, monkeypatch):
        keep(path, b'{"a": 2}')

    assert [kept["event"] for kept in records(path)] == [{"a": 1}, {"a": 1}, {"a": 2}]


def test_record_after_a_partial_record_of_another_run_is_complete(path: Path) -> None:
    rejects = Rejects(path)
    rejects.keep(settled(b'{"a": 1}'))
    with path.open("ab") as file:
        file.write(b'{"file":"torn')
    rejects.keep(settled(b'{"a": 2}'))
    rejects.close()

    first, torn, second = path.read_bytes().splitlines()
    assert torn == b'{"file":"torn'
    assert [json.loads(line)["event"] for line in (first, second)] == [{"a": 1}, {"a": 2}]


def test_permanently_locked_rejects_file_stops_the_run(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.accounting.rejects._LOCK_TIMEOUT", 0.0)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Stopped, match=r"rejects\.ndjson cannot be written: another process"):
            keep(path, b"{}")
    keep(path, b"{}")

    assert len(records(path)) == 1


def test_rejects_are_written_and_nothing_is_cut_off_without_file_locks(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    keep(path, b'{"a": 1}')
    record = path.read_bytes()
    path.write_bytes(record[:30])
    rejects = Rejects(path)
    rejects.skip_already_written(0, lambda *_: True)
    rejects.keep(settled(b'{"a": 2}'))
    rejects.close()

    torn, whole = path.read_bytes().splitlines()
    assert torn == record[:30]
    assert json.loads(whole)["event"] == {"a": 2}


# --- the default name


def default_name(inputs: list[str], *, rehearsal: bool = False) -> str:
    return str(default_rejects("gist", inputs, rehearsal=rehearsal))


def test_default_name_has_the_destination() -> None:
    assert default_name(["events.jsonl", "-"]) == "gist.rejects.ndjson"


def test_default_name_is_never_an_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = [str(tmp_path / "gist.rejects.ndjson"), "./gist.rejects.2.ndjson"]

    assert default_name(inputs[:1]) == "gist.rejects.2.ndjson"
    assert default_name(inputs) == "gist.rejects.3.ndjson"


def test_default_name_counts_up_from_a_rejects_file_as_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert default_name(["gist.rejects.2.ndjson"]) == "gist.rejects.3.ndjson"
    assert default_name(["elsewhere/gist.rejects.2.ndjson"]) == "gist.rejects.ndjson"
    assert default_name(["plotline.rejects.ndjson"]) == "gist.rejects.ndjson"


def test_default_name_of_a_rehearsal_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert default_name(["events.jsonl"], rehearsal=True) == "gist.sandbox.rejects.ndjson"
    assert default_name(["gist.rejects.ndjson"], rehearsal=True) == "gist.sandbox.rejects.ndjson"
    rehearsed = ["gist.sandbox.rejects.ndjson"]
    assert default_name(rehearsed, rehearsal=True) == "gist.sandbox.rejects.2.ndjson"
    assert default_name(rehearsed) == "gist.rejects.ndjson"
