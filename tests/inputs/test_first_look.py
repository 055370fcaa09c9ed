"""The first look recognizes the form of a file, and suggests a command that converts it."""

import base64
import bz2
import io
import json
import lzma
import os
import shutil
import subprocess
import threading
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.compression import gz
from support.fakes import CommandResult, track
from support.samples import SAMPLES
from support.tables import for_each

from segcli.core.event import parse
from segcli.errors import InputError
from segcli.inputs import Looked, inputs, look
from segcli.inputs.judgement import MOST_BYTES
from segcli.lines import chunks

EVENT = track(1)
E = json.dumps(EVENT)
B64 = base64.b64encode(E.encode()).decode()
ROW = {"ID": "m1", "USER_ID": "u1", "EVENT": "tested", "EVENT_TEXT": "Tested", "TOTAL": 3,
       "RECEIVED_AT": "2026-02-03T10:11:12Z", "CONTEXT_IP": "192.0.2.1"}  # fmt: skip
SNAKE = {"type": "track", "event": "Tested", "user_id": "u1", "message_id": "m1"}


def lines(*values: Any) -> str:
    return "".join(
        f"{value if isinstance(value, str) else json.dumps(value)}\n" for value in values
    )


def wrapped(**value: Any) -> str:
    return lines(value)


# The content; the form in the message, the start of the command, the number of events it makes.
FORMS: dict[str, tuple[str, str, str, int]] = {
    "records end to end": (E * 3, "several JSON values on one line", "jq -c . ", 3),
    "records, blanks between": (f"{E} {E}\n{E}\n", "several JSON values", "jq -c . ", 3),
    "records, no line break, many": (E * 4000, "several JSON values", "jq -c . ", 4000),
    "records, line breaks of Macs": (f"{E}\r{E}\r", "several JSON values", "jq -c . ", 2),
    "batches end to end": (wrapped(batch=[EVENT]).strip() * 2, "several", "jq -c '.batch[]' ", 2),
    "commas between": (f"{E},{E}\n", "with commas between them", "sed ", 2),
    "commas at the ends": (f"{E},\n{E},\n{E}\n", "has commas after", "sed ", 3),
    "an array": (json.dumps([EVENT] * 2), "is a JSON array", "jq -c '.[]' ", 2),
    "an array, lines": (f"[\n{E},\n{E}\n]\n", "is a JSON array", "jq -c '.[]' ", 2),
    "an array, leading commas": (f"[{E}\n,{E}]\n", "is a JSON array", "jq -c '.[]' ", 2),
    "an array, large": ("[" + ",\n".join([E] * 4000) + "]", "is a JSON array", "jq ", 4000),
    "an array, large, one line": (json.dumps([EVENT] * 4000), "is a JSON array", "jq ", 4000),
    "an array of envelopes": (
        json.dumps([{"body": E}]),
        "array",
        "jq -c '.[].body | fromjson' ",
        1,
    ),
    "pretty": (json.dumps(EVENT, indent=2) * 2, "over several lines", "jq -c . ", 2),
    "pretty, first key beside": ('{"type": "track",\n' + E[17:], "over several", "jq -c . ", 1),
    "pretty, an envelope": (json.dumps({"batch": [EVENT]}, indent=1), "over", "jq -c '.batch", 1),
    "batch": (wrapped(batch=[EVENT, EVENT], writeKey="k"), "envelopes", "jq -c '.batch[]' ", 2),
    "batch, larger than the look": (wrapped(k=1, batch=[EVENT] * 4000), "envelopes", "jq ", 4000),
    "body": (wrapped(body=EVENT), "envelopes", "jq -c '.body' ", 1),
    "body, text": (wrapped(messageId="q", body=E), "envelopes", "jq -c '.body | fromjson' ", 1),
    "keys that are ids": (wrapped(**{"-Nx0": EVENT, "-Nx1": EVENT}), "at .[]", "jq -c '.[]' ", 2),
    "keys that are topics": (
        wrapped(records={"web-0": [{"value": B64}], "web-1": [{"value": B64}] * 2}),
        "at .records[][].value",
        "jq -c '.records[][].value | @base64d | fromjson' ",
        3,
    ),
    "a key within that jq quotes": (wrapped(a={"the event": EVENT}), "envelopes", "jq ", 1),
    "deep": (
        wrapped(log={"entries": [{"request": {"postData": {"text": E}}}]}),
        "at .log.entries[].request.postData.text",
        "jq ",
        1,
    ),
    "events in two places": (
        wrapped(users=[EVENT], systems=[EVENT]),
        "The command leaves out the events at .systems[].",
        "jq -c '.users[]' ",
        1,
    ),
    "numbers that jq may round": (
        wrapped(body=EVENT | {"userId": 2**53 + 1}),
        "jq before 1.7 rounds",
        "jq -c '.body' ",
        1,
    ),
    "MongoDB": (
        lines(*[EVENT | {"timestamp": {"$date": {"$numberLong": "1771232631123"}}}] * 10),
        "it is MongoDB's Extended JSON",
        "jq -c 'def date",
        10,
    ),
    "pretty, with commas": (
        ",\n".join([json.dumps(EVENT, indent=2)] * 3) + "\n",
        "over several lines, with commas between",
        "sed ",
        3,
    ),
    "rows without an underscore": (
        lines({"USERID": "u1", "EVENT": "Tested"}),
        "has USERID; Segment's field is userId",
        "jq ",
        1,
    ),
    "body, lines": (wrapped(body=f"{E}\n{E}\n"), "envelopes", "jq -c '.body | split", 2),
    "message": (wrapped(message=E, offset=1), "envelopes", "jq -c '.message | fromjson' ", 1),
    "Records": (wrapped(Records=[{"body": E}] * 2), "envelopes", "jq -c '.Records[].body", 2),
    "kinesis": (wrapped(Records=[{"kinesis": {"data": B64}}]), "envelopes", "jq -c '.Records[]", 1),
    "pub/sub": (wrapped(message={"data": B64}), "envelopes", "jq -c '.message.data | @base64d", 1),
    "event": (wrapped(event=EVENT, error="timeout"), "envelopes", "jq -c '.event' ", 1),
    "a dead letter of Firehose": (wrapped(attemptsMade=4, rawData=B64), "envelopes", "jq ", 1),
    "a dead letter of Lambda": (wrapped(requestPayload={"detail": EVENT}), "envelopes", "jq ", 1),
    "EventBridge": (lines({"detail-type": "x", "detail": EVENT}), "envelopes", "jq ", 1),
    "a key that jq quotes": (lines({"the event": EVENT}), "envelopes", "jq ", 1),
    "Airbyte": (lines({"type": "RECORD", "record": {"data": EVENT}}), "envelopes", "jq ", 1),
    "texts of JSON": (lines(json.dumps(E)), "a string of JSON", "jq -c 'fromjson' ", 1),
    "several kinds": (wrapped(body=EVENT) + lines(EVENT) + wrapped(batch=[EVENT]), "env", "jq ", 3),
    "rows of a warehouse": (lines(ROW, ROW), "has USER_ID; Segment's field is userId", "jq ", 2),
    "rows in small letters": (
        lines({k.lower(): v for k, v in ROW.items()}),
        "has user_id",
        "jq ",
        1,
    ),
    "snake_case": (lines(*[SNAKE] * 10), "has user_id; Segment's field is userId", "jq ", 10),
    "PascalCase": (lines(*[{"Type": "track", "Event": "x", "UserId": 1}] * 10), "Type", "jq ", 10),
    "types in capitals": (lines(*[EVENT | {"type": "Track"}] * 10), "is Track", "jq ", 10),
    "no type": (lines(*[{"event": "x", "userId": "u"}] * 10), "type is required", "jq ", 10),
    "objects as texts": (
        lines(*[EVENT | {"properties": "{}"}] * 10),
        "is a string of JSON",
        "jq ",
        10,
    ),
    "something before": (
        lines(*[f"key-1\t{E}"] * 10),
        "there is text before each event",
        "sed ",
        10,
    ),
    "Python's own": (lines(*[repr(EVENT)] * 10), "a printed Python value", "python3 ", 10),
    "base64": (lines(*[B64] * 10), "in base64", "jq -Rc ", 10),
}


def zipped(*names: str) -> bytes:
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return packed.getvalue()


@pytest.fixture
def looked_at(tmp_path: Path) -> Callable[[str | bytes], Looked]:
    def look_at(content: str | bytes) -> Looked:
        path = tmp_path / "events.jsonl"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return look(inputs([str(path)]))

    return look_at


def converted(hint: str) -> list[bytes]:
    """Run the command in a hint, and return its output lines."""
    [typed] = [line for line in hint.splitlines() if line.startswith("Type: ")]
    command = typed.removeprefix("Type: ").removesuffix(" | segcli … -")
    if not all(shutil.which(name) for name in ("jq", "sed")):
        pytest.skip("jq is not installed")
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=60)
    return done.stdout.splitlines()


@pytest.mark.parametrize("form", FORMS)
def test_form_of_a_file_is_reported_with_a_working_conversion_command(
    form: str, looked_at: Callable[[str | bytes], Looked]
) -> None:
    content, what, command, count = FORMS[form]
    with pytest.raises(InputError) as raised:
        looked_at(content)

    assert what in f"{raised.value.message}\n{raised.value.hint}"
    assert f"Type: {command}" in raised.value.hint
    assert "--no-first-look" in raised.value.hint
    made = converted(raised.value.hint)
    assert len(made) == count
    assert all(parse(line) for line in made)


@pytest.mark.parametrize(
    ("content", "command"),
    [
        (
            wrapped(logEvents=[{"message": text} for text in ("START", E, "END", E)]),
            "jq -c '.logEvents[] | (.message | fromjson)? // .' ",
        ),
        (
            wrapped(rows=[{"doc": EVENT}]) + wrapped(rows=[1, {"doc": EVENT}, "x"]),
            "jq -c '(.rows[] | (.doc)? // .)? // .' ",
        ),
        (
            wrapped(a=[{"b": [{"c": E}]}, {}, {"b": [{"c": "x"}, {"c": E}]}]),
            "jq -c '.a[] | (.b[] | (.c | fromjson)? // .)? // .' ",
        ),
    ],
)
def test_conversion_command_keeps_items_that_are_not_events(
    content: str, command: str, looked_at: Callable[[str | bytes], Looked]
) -> None:
    with pytest.raises(InputError, match="has envelopes") as raised:
        looked_at(content)

    assert f"Type: {command}" in raised.value.hint
    made = [json.loads(line) for line in converted(raised.value.hint)]
    assert made.count(EVENT) == 2
    assert len(made) == 4


@pytest.mark.parametrize(
    "line",
    [
        E[:-1] + ",}",
        E.replace(":", "", 1),
        E[:60],
        f"{E} // a comment",
        lines(EVENT | {"timestamp": 0}),
        lines(EVENT | {"context": [{"a": 1}]}),
        lines(EVENT | {"userId": []}),
        lines(EVENT | {"properties": {"n": float("nan")}}),
    ],
)
def test_invalid_event_line_is_not_taken_for_csv(
    line: str, looked_at: Callable[[str | bytes], Looked]
) -> None:
    [remark] = looked_at(f"{line.strip()}\n" * 3).remarks
    assert "all 3 lines that were checked are rejected" in remark
    with pytest.raises(InputError, match="all 10 lines that were checked are rejected"):
        looked_at(f"{line.strip()}\n" * 10)


@pytest.mark.parametrize("form", ["records end to end", "batch", "Python's own", "commas between"])
def test_conversion_command_of_a_compressed_file_decompresses_it(
    form: str, looked_at: Callable[[str | bytes], Looked]
) -> None:
    content, what, _, count = FORMS[form]
    with pytest.raises(InputError, match=what) as raised:
        looked_at(gz(content.encode()))

    assert "Type: gzip -dc " in raised.value.hint
    assert len(converted(raised.value.hint)) == count


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_csv_gets_a_command_that_makes_an_object_of_each_row(
    mark: str, looked_at: Callable[[str | bytes], Looked]
) -> None:
    rows = [["user_id", "event name", "props"], ["1", 'a "b"', '{"x": 1}'], ["2", f"c{mark}d", ""]]
    cells = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows]
    with pytest.raises(InputError, match="is CSV, not lines of JSON") as raised:
        looked_at("\ufeff" + "\r\n".join(mark.join(row) for row in cells))

    assert [list(json.loads(line).values()) for line in converted(raised.value.hint)] == rows[1:]


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (",type,event\n0,track,a\n", {"": "0", "type": "track", "event": "a"}),
        ("type,event,\ntrack,a,\n", {"type": "track", "event": "a", "": ""}),
        ("sep=;\r\ntype;event\r\ntrack;a\r\n", {"type": "track", "event": "a"}),
        ('payload\n"{""n"": 1}"\n', {"payload": '{"n": 1}'}),
    ],
    ids=["index of pandas", "comma at the end", "Excel's first line", "one column of JSON"],
)
def test_csv_with_oddities_of_tools_is_recognized(
    content: str, row: dict[str, str], looked_at: Callable[[str | bytes], Looked]
) -> None:
    with pytest.raises(InputError, match="is CSV, not lines of JSON") as raised:
        looked_at(content)

    assert [json.loads(line) for line in converted(raised.value.hint)] == [row]


@pytest.mark.parametrize(
    ("content", "what", "typed"),
    [
        (E.encode("utf-16"), "UTF-16 text", "iconv -f UTF-16 -t UTF-8"),
        (E.encode("utf-16-le"), "UTF-16 text", "iconv -f UTF-16LE -t UTF-8"),
        (E.encode("utf-16-be"), "UTF-16 text", "iconv -f UTF-16BE -t UTF-8"),
        (E.encode("utf-32"), "UTF-32 text", "iconv -f UTF-32 -t UTF-8"),
        (E.encode("utf-32-be"), "UTF-32 text", "iconv -f UTF-32BE -t UTF-8"),
    ],
)
def test_text_in_another_encoding_gets_a_recoding_command(
    content: bytes, what: str, typed: str, looked_at: Callable[[str | bytes], Looked]
) -> None:
    with pytest.raises(InputError, match=what) as raised:
        looked_at(content)

    assert f"Type: {typed} " in raised.value.hint
    assert converted(raised.value.hint) == [E.encode()]


@pytest.mark.parametrize(
    ("start", "what", "hint"),
    [
        (zlib.compress(E.encode()), "compressed by zlib", "zlib.decompress"),
        (lzma.compress(E.encode(), lzma.FORMAT_ALONE), "lzma", "xz -dc"),
        (
            zipped("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"),
            "an Excel workbook",
            "CSV",
        ),
        (
            zipped("[Content_Types].xml", "word/document.xml"),
            "an Office document",
            "holds the events",
        ),
        (zipped("pixl/events.json"), "a zip archive", "unzip -p"),
        (bz2.compress(bz2.compress(E.encode())), "bzip2", "bzip2 -dc"),
        (b"LZIP\x01\x0c", "lzip", "lzip -dc"),
        (b"ARROW1\x00\x00", "an Arrow file", "as JSON"),
        (b"GIF89a\x01\x00", "a picture", "the file that holds the events"),
        (b"PAR1\x15\x04", "a Parquet file", "pyarrow"),
        (b"Obj\x01\x04\x16avro.codec", "an Avro file", "python3 -m fastavro"),
        (b"ORC\x0a", "an ORC file", "as JSON"),
        (b"%PDF-1.7", "a PDF document", "the file that holds the events"),
        (b"SQLite format 3\x00", "an SQLite database", "as JSON"),
        (b"events.json".ljust(257, b"\0") + b"ustar\x0000", "a tar archive", "tar -xOf"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x -so"),
        (b"\x04\x22\x4d\x18", "lz4", "lz4 -dc"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook", "as CSV"),
    ],
)
def test_binary_file_is_recognized_by_its_first_bytes(
    start: bytes, what: str, hint: str, looked_at: Callable[[str | bytes], Looked]
) -> None:
    with pytest.raises(InputError, match=f"is {what}, not lines of JSON") as raised:
        looked_at(start + bytes(100))

    assert hint in raised.value.hint


@for_each(
    "content",
    [
        lines("not json", {"type": "page"}),
        lines("not json", "{}", {"a": 1, "b": 2}),
        lines("not json", [{"a": 1}]),
        lines("Hello, world"),
        lines("Hello, world", "this is, a text"),
        lines("INFO\tstarted", "INFO\tstopped"),
        lines("ERROR: no answer; once more", "ERROR: timeout; given up"),
        lines("name,plan", "Ann,plus,x"),
        lines("name,plan", '{"name":"Ann"}'),
        lines("name"),
        lines("[[actions]]", 'name = "x"'),
        lines('["info"] started', '["info"] stopped'),
        lines({"level": "info", "user_id": 5}, {"level": "error", "user_id": 6}),
    ],
)
def test_no_form_is_reported_on_little_evidence(content: str, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(content)

    # Fewer than ten lines with the same problem are a remark, and no form is named in it.
    for remark in look(inputs([str(tmp_path / "events.jsonl")])).remarks:
        assert "lines that were checked are rejected" in remark or "only line is" in remark
        assert "CSV" not in remark


@for_each(
    ("content", "line"),
    [
        (lines("name,plan", "Ann,plus"), 1),
        (lines("name;plan", "Ann;plus", "", "Ben;"), 1),
        (lines("type,event,userId"), 1),
        (lines("userId, name", "u1, Ann"), 1),
        (lines("", "event,email", "event,a@example.com"), 2),
        (lines("user_id\tproperties", '7\t{"a": 1}'), 1),
    ],
)
def test_csv_is_reported_with_the_line_of_its_header(
    content: str, line: int, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    path.write_text(content)

    with pytest.raises(InputError) as raised:
        look(inputs([str(path)]))

    assert raised.value.message == f"{path}:{line} is CSV, not lines of JSON"
    assert "Type: python3 -c 'import csv, json, sys" in raised.value.hint


@for_each("start", ["ORCID,", "BZh", "PAR1 ", "LZIP ", "GIF8 ", "ARROW1 ", "SEQ ", "x\x01"])
def test_text_that_begins_like_a_binary_format_is_read_as_text(start: str, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(lines(f"{start} and more", EVENT))

    assert look(inputs([str(path)])).remarks == []


LEGITIMATE = {
    "nothing": "",
    "blank lines": "\n \r\n\n",
    "an event without a line break": E,
    "a byte order mark and blank lines": f"\ufeff\n\n{E}\n",
    "names of envelopes": lines(
        EVENT | {"batch": [EVENT], "body": E, "message": E, "Records": [EVENT], "data": B64}
    ),
    "properties with such names": lines(EVENT | {"properties": {"batch": [EVENT], "body": E}}),
    "an event called Records": lines(EVENT | {"event": "Records"}),
    "snake_case beside Segment's own": lines(EVENT | {"user_id": "x", "message_id": "y"}),
    "mixed faults": lines("hello", "{}", "null", '"x"', {"type": "track"}, {"type": "x"}),
    "mixed faults before an event": lines(*["hello, world", "{}", "[1, 2]"] * 5, EVENT),
    "an array as the first line of events": lines([EVENT], EVENT),
    "several values on a later line": lines(EVENT, E + E),
    "an envelope on a later line": lines(EVENT, {"batch": [EVENT]}),
    "a torn first line": lines(E[:20], EVENT),
    "a torn first line, behind a comma": lines(E[:17], EVENT),
    "a torn last line": lines(EVENT) + E[:17] + "\n",
    "a line that is longer than the look": lines(EVENT | {"context": {"x": "y" * MOST_BYTES}}),
    "long lists": lines(EVENT | {"properties": {"products": [{"n": "y" * 99}] * 4000}}),
    "all faults from a later line on": lines(EVENT, *["{}"] * 200),
    "records of a rejects file": lines(
        *[
            {
                "file": "a",
                "line": n,
                "state": "rejected",
                "reason": "userId is required, …",
                "status": None,
                "attempts": 0,
                "event": SNAKE,
            }
            for n in range(20)
        ]
    ),
}


@pytest.mark.parametrize("content", LEGITIMATE)
@pytest.mark.parametrize(
    "pack", [str.encode, lambda text: gz(text[:5].encode()) + gz(text[5:].encode())]
)
def test_possible_segment_data_is_accepted(
    content: str, pack: Callable[[str], bytes], looked_at: Callable[[str | bytes], Looked]
) -> None:
    assert looked_at(pack(LEGITIMATE[content])).remarks == []


@for_each("sample", sorted(path.name for path in SAMPLES.glob("*.jsonl")))
def test_samples_are_accepted(sample: str) -> None:
    assert look(inputs([str(SAMPLES / sample)])).remarks == []


def test_same_fault_in_fewer_than_ten_lines_is_a_note(
    looked_at: Callable[[str | bytes], Looked],
) -> None:
    [remark] = looked_at(lines(*[SNAKE] * 9)).remarks

    assert "all 9 lines that were checked are rejected: userId is required" in remark
    assert "it has user_id; Segment's field is userId" in remark
    assert len(converted(remark)) == 9


def test_a_number_as_time_is_named_as_the_cause(
    looked_at: Callable[[str | bytes], Looked],
) -> None:
    [remark] = looked_at(lines(*[EVENT | {"timestamp": 1771232631}] * 9)).remarks

    assert (
        "timestamp is not a time that segcli reads (timestamp is a number; Segment's is" in remark
    )


def test_only_the_first_100_lines_are_checked(
    looked_at: Callable[[str | bytes], Looked],
) -> None:
    with pytest.raises(InputError, match="all 100 lines"):
        looked_at(lines(*["{}"] * 100, EVENT))
    assert looked_at(lines(*["{}"] * 99, EVENT)).remarks == []


def test_stdin_is_waited_for_up_to_its_first_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, write = os.pipe()
    with os.fdopen(read) as stream, os.fdopen(write, "wb", buffering=0) as pipe:
        monkeypatch.setattr("sys.stdin", stream)
        for first in (b"\n", f"{E}\n".encode()):
            pipe.write(first)
            looked = look(inputs([]))
            if first == b"\n":
                [entry] = looked
                assert entry.opened
                with entry.opened() as begun:
                    assert begun.read1(10) == b"\n"
        threading.Thread(target=lambda: (pipe.write(b"{}\n"), pipe.close())).start()
        found = [line for chunk in chunks.chunks(looked) for line in chunk.lines]

    assert found == [E.encode(), b"{}"]


def test_two_pipes_of_one_writer_do_not_deadlock(tmp_path: Path) -> None:
    names = [tmp_path / "a", tmp_path / "b"]
    for name in names:
        os.mkfifo(name)
    text = lines(*[EVENT] * 10_000).encode()

    def write() -> None:
        for name in names:
            name.write_bytes(text)

    writer = threading.Thread(target=write)
    writer.start()
    found = list(chunks.chunks(look(inputs(list(map(str, names))))))
    writer.join()

    assert sum(len(chunk.lines) for chunk in found) == 20_000


def test_later_pipe_is_checked_when_it_is_read(tmp_path: Path) -> None:
    names = [tmp_path / "a", tmp_path / "b"]
    for name in names:
        os.mkfifo(name)
    writers = [
        threading.Thread(target=name.write_text, args=(text,))
        for name, text in zip(names, (lines(EVENT), E * 3), strict=True)
    ]
    for writer in writers:
        writer.start()
    reading = chunks.chunks(look(inputs(list(map(str, names)))))

    assert len(next(reading).lines) == 1
    with pytest.raises(InputError, match="several JSON values on one line"):
        next(reading)
    for writer in writers:
        writer.join()


def test_a_line_nested_deeper_than_the_parser_goes_is_rejected_and_stops_nothing(
    events: Callable[..., Path], segcli: Callable[..., CommandResult]
) -> None:
    deep = b'{"type":"track","event":"e","userId":"u","properties":%b1%b}'
    said = segcli("transform", "-d", "gist", events(deep % (b'{"a":' * 2000, b"}" * 2000)))

    assert said.code == 1
    assert "1  rejected" in said.err
