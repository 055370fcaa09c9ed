"""Recognize by its first bytes an input that is not UTF-8 text: binary formats and encodings."""

import re
from codecs import BOM_UTF8
from dataclasses import replace

from segcli.inputs.judgement import Form

_NOT_LINES = "not lines of JSON"
_EXPORT = "Export it as JSON, one line for each row."
_EVENTS_ONLY = "Name the file that holds the events."


def _packed(what: str, command: str, *, piped: str = "") -> Form:
    """Return the form of a file that a command unpacks."""
    return Form(what=f"is {what}, {_NOT_LINES}", command=command, piped=piped, has_lines=False)


def _other(what: str, hint: str = _EVENTS_ONLY) -> Form:
    return Form(what=f"is {what}, {_NOT_LINES}", hint=hint, has_lines=False)


_PARQUET = Form(
    what=f"is a Parquet file, {_NOT_LINES}",
    command="python3 -c 'import json, sys, pyarrow.parquet as parquet; "
    "[print(json.dumps(row, default=str)) for rows in "
    "parquet.ParquetFile(sys.argv[1]).iter_batches() for row in rows.to_pylist()]' {}",
    hint="pyarrow (pip install pyarrow) reads its rows; each must be an event.",
    has_lines=False,
    needs_file=True,
)
_AVRO = Form(
    what=f"is an Avro file, {_NOT_LINES}",
    command="python3 -m fastavro {}",
    piped="python3 -m fastavro -",
    hint="fastavro (pip install fastavro) reads its records; each must be an event.",
    has_lines=False,
)
_EXCEL = _other("an Excel workbook", "Save its sheet as CSV and convert the CSV file.")
_ZIP = _packed("a zip archive", "unzip -p {}", piped="funzip")
_TAR = _packed("a tar archive", "tar -xOf {}", piped="tar -xOf -")
_TWICE = Form(what=f"is compressed twice, {_NOT_LINES}", command="gzip -dc {}", has_lines=False)
_PAGE = Form(
    what=f"is a page of HTML or XML, {_NOT_LINES}",
    hint="An address of a folder ends with a /. An error of a server may be a page too.",
    has_lines=False,
)

_MARKS: tuple[tuple[bytes, Form], ...] = (
    (b"\x1f\x8b", _TWICE),
    (b"\x28\xb5\x2f\xfd", replace(_TWICE, command="zstd -dc {}")),
    (b"BZh", _packed("bzip2", "bzip2 -dc {}")),
    (b"\xfd7zXZ\x00", _packed("xz", "xz -dc {}")),
    (b"\x04\x22\x4d\x18", _packed("lz4", "lz4 -dc {}")),
    (b"LZIP", _packed("lzip", "lzip -dc {}")),
    (b"\x1f\x9d", _packed("compressed by compress", "gzip -dc {}")),
    (b"\xff\x06\x00\x00sNaPpY", _packed("Snappy", "snzip -dc {}")),
    (b"7z\xbc\xaf\x27\x1c", _packed("a 7z archive", "7z x -so {}", piped="bsdtar -xOf -")),
    (b"Rar!\x1a\x07", _packed("a RAR archive", "unrar p -inul {}", piped="bsdtar -xOf -")),
    (b"PAR1", _PARQUET),
    (b"Obj\x01", _AVRO),
    (b"ORC", _other("an ORC file", _EXPORT)),
    (b"SEQ\x06", _other("a Hadoop sequence file", _EXPORT)),
    (b"ARROW1", _other("an Arrow file", _EXPORT)),
    (
        b"SQLite format 3\x00",
        _other("an SQLite database", _EXPORT),
    ),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _EXCEL),
    (b"bplist00", _other("an Apple property list", "Convert it with plutil -convert json.")),
    (b"%PDF-", _other("a PDF document")),
    (b"\x89PNG\r\n", _other("a picture")),
    (b"\xff\xd8\xff", _other("a picture")),
    (b"GIF8", _other("a picture")),
    (b"\x7fELF", _other("a program")),
)
_ENCODINGS = (
    (b"\xff\xfe\x00\x00", "UTF-32", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32", "UTF-32"),
    (b"\xff\xfe", "UTF-16", "UTF-16"),
    (b"\xfe\xff", "UTF-16", "UTF-16"),
)
# ASCII characters with their zero bytes: text without a byte order mark.
_UNMARKED = (
    (re.compile(rb"(?:[\t\n\r -~]\0\0\0){2}"), "UTF-32", "UTF-32LE"),
    (re.compile(rb"(?:\0\0\0[\t\n\r -~]){2}"), "UTF-32", "UTF-32BE"),
    (re.compile(rb"(?:[\t\n\r -~]\0){3}"), "UTF-16", "UTF-16LE"),
    (re.compile(rb"(?:\0[\t\n\r -~]){3}"), "UTF-16", "UTF-16BE"),
)
_SHEETS = (b"[Content_Types].xml", b"xl/", b"mimetypeapplication/vnd.oasis")
_LOCAL_FILE = b"PK\x03\x04"
_EMPTY_ARCHIVE = b"PK\x05\x06"
_MARK_OF_TAR, _AT = b"ustar", 257
_PAGES = (b"<!doctype html", b"<html", b"<?xml")
_LOOKED_AT = 16


def form_of_start(start: bytes) -> Form | None:
    """Return the form of an input with these first bytes; None if it may be lines of JSON."""
    if start.startswith((_LOCAL_FILE, _EMPTY_ARCHIVE)):
        return _EXCEL if any(mark in start[:4096] for mark in _SHEETS) else _ZIP
    if start[_AT : _AT + len(_MARK_OF_TAR)] == _MARK_OF_TAR:
        return _TAR
    for mark, form in _MARKS:
        if start.startswith(mark):
            return form
    if start.removeprefix(BOM_UTF8).lstrip()[:_LOOKED_AT].lower().startswith(_PAGES):
        return _PAGE
    return _in_other_encoding(start)


def _in_other_encoding(start: bytes) -> Form | None:
    for mark, name, encoding in _ENCODINGS:
        if start.startswith(mark):
            return _encoded(name, encoding)
    for pattern, name, encoding in _UNMARKED:
        if pattern.match(start):
            return _encoded(name, encoding)
    return None


def _encoded(name: str, encoding: str) -> Form:
    return Form(
        what=f"is {name} text, {_NOT_LINES} in UTF-8",
        command=f"iconv -f {encoding} -t UTF-8 {{}}",
        has_lines=False,
    )
