"""Recognize by its first bytes an input that is not UTF-8 text: binary formats and encodings."""

import re
import zlib
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
_ZLIB = _packed(
    "compressed by zlib",
    "python3 -c 'import sys, zlib; "
    "sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))'",
)
_PAGE = Form(
    what=f"is a page of HTML or XML, {_NOT_LINES}",
    hint="An address of a folder ends with a /. An error of a server may be a page too.",
    has_lines=False,
)

_DOCUMENT = _other("an Office document")

# Marks that no text begins with.
_MARKS: tuple[tuple[bytes, Form], ...] = (
    (b"\x1f\x8b", _TWICE),
    (b"\x28\xb5\x2f\xfd", replace(_TWICE, command="zstd -dc {}")),
    (b"\xfd7zXZ\x00", _packed("xz", "xz -dc {}")),
    (b"\x04\x22\x4d\x18", _packed("lz4", "lz4 -dc {}")),
    (b"LZIP\x01", _packed("lzip", "lzip -dc {}")),
    (b"\x5d\x00\x00", _packed("lzma", "xz -dc {}")),
    (b"\x1f\x9d", _packed("compressed by compress", "gzip -dc {}")),
    (b"\xff\x06\x00\x00sNaPpY", _packed("Snappy", "snzip -dc {}")),
    (b"7z\xbc\xaf\x27\x1c", _packed("a 7z archive", "7z x -so {}", piped="bsdtar -xOf -")),
    (b"Rar!\x1a\x07", _packed("a RAR archive", "unrar p -inul {}", piped="bsdtar -xOf -")),
    # The number of a Thrift field follows: of the header of a page, or of the footer.
    (b"PAR1\x15", _PARQUET),
    (b"Obj\x01", _AVRO),
    (b"SEQ\x06", _other("a Hadoop sequence file", _EXPORT)),
    (b"ARROW1\x00", _other("an Arrow file", _EXPORT)),
    (
        b"SQLite format 3\x00",
        _other("an SQLite database", _EXPORT),
    ),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _EXCEL),
    (b"bplist00", _other("an Apple property list", "Convert it with plutil -convert json.")),
    (b"%PDF-", _other("a PDF document")),
    (b"\x89PNG\r\n", _other("a picture")),
    (b"\xff\xd8\xff", _other("a picture")),
    (b"GIF87a", _other("a picture")),
    (b"GIF89a", _other("a picture")),
    (b"\x7fELF", _other("a program")),
)
# Marks that a text may begin with, such as a CSV with the column ORCID, and what must follow.
_PATTERNS: tuple[tuple[re.Pattern[bytes], Form], ...] = (
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), _packed("bzip2", "bzip2 -dc {}")),
    (
        re.compile(rb"ORC(?s:.){0,508}?[\x00-\x08\x0e-\x1a\x1c-\x1f]"),
        _other("an ORC file", _EXPORT),
    ),
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
_LOCAL_FILE = b"PK\x03\x04"
_EMPTY_ARCHIVE = b"PK\x05\x06"
# The name of a file in a zip archive stands 26 bytes after the mark of the file.
_SHEET = re.compile(
    rb"PK\x03\x04(?s:.){26}(?:xl/|mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet)"
)
_OFFICE = re.compile(
    rb"PK\x03\x04(?s:.){26}(?:\[Content_Types\]\.xml|mimetypeapplication/vnd\.oasis)"
)
_MARKS_OF_TAR, _AT = (b"ustar\x00", b"ustar  \x00"), 257
_ZLIB_MARKS = (b"\x78\x01", b"\x78\x9c", b"\x78\xda")
# A text that begins like zlib is soon found to be none.
_ENOUGH_OF_ZLIB = 256
_PAGES = (b"<!doctype html", b"<html", b"<?xml")
_LOOKED_AT = 16


def form_of_start(start: bytes) -> Form | None:
    """Return the form of an input with these first bytes; None if it may be lines of JSON."""
    if start.startswith((_LOCAL_FILE, _EMPTY_ARCHIVE)):
        return _zip_form(start)
    if start[_AT:].startswith(_MARKS_OF_TAR):
        return _TAR
    if form := _marked(start):
        return form
    if start.startswith(_ZLIB_MARKS) and _is_zlib(start):
        return _ZLIB
    if start.removeprefix(BOM_UTF8).lstrip()[:_LOOKED_AT].lower().startswith(_PAGES):
        return _PAGE
    return _in_other_encoding(start)


def _marked(start: bytes) -> Form | None:
    for mark, form in _MARKS:
        if start.startswith(mark):
            return form
    return next((form for pattern, form in _PATTERNS if pattern.match(start)), None)


def _zip_form(start: bytes) -> Form:
    if _SHEET.search(start):
        return _EXCEL
    return _DOCUMENT if _OFFICE.match(start) else _ZIP


def _is_zlib(start: bytes) -> bool:
    """True if the bytes can be decompressed, to the end or for long enough."""
    decompressor = zlib.decompressobj()
    try:
        decompressor.decompress(start)
    except zlib.error:
        return False
    return decompressor.eof or len(start) >= _ENOUGH_OF_ZLIB


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
