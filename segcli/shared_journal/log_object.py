"""One object of a shared journal: a head, and records as in a journal file.

Each line of an object is the CRC-32 of a JSON document in hex, a space, and the document, as in a
journal file. The first document is the head. It says how many follow, and has the digest of the
object before, so that an object that is cut, replaced or of another journal is recognized.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import orjson

from segcli.journal.checkpoint import Damaged, encode

LOG_FORMAT = 1
_NAME = re.compile(r"([0-9]{12})\.log")
_CRC_LENGTH = len("00000000 ")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectHead:
    """The head of an object.

    number: its number; its name is made of it.
    attempt: the attempt that wrote it, a random text.
    since: the number of the snapshot that this object adds to; its own number for a snapshot, and
      0 for a claim, which is written without having read the objects before it.
    previous: the digest of the object before; empty for a claim.
    records: how many records follow.
    segcli_log: the version of the format.
    """

    number: int
    attempt: str
    since: int
    previous: str
    records: int
    segcli_log: int = LOG_FORMAT


@dataclass(frozen=True, slots=True)
class LogObject:
    """An object that was read.

    head: its head.
    records: its records.
    digest: the digest of its content.
    """

    head: ObjectHead
    records: Sequence[dict[str, Any]]
    digest: str


def object_name(number: int) -> str:
    """Return the name of the object with this number."""
    return f"{number:012}.log"


def object_number(name: str) -> int | None:
    """Return the number of an object; None if the name is not that of one."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def encode_object(head: ObjectHead, lines: Sequence[bytes]) -> bytes:
    """Return the content of an object; `lines` are encoded records."""
    return b"".join([encode(asdict(head)), *lines])


def digest_of(content: bytes) -> str:
    """Return the digest of an object, for the object after it."""
    return blake2b(content, digest_size=16).hexdigest()


def decode_object(number: int, content: bytes, where: str) -> LogObject:
    """Return an object. Raises Damaged if it is not whole, or is not the one of this number.

    `where` is the place of the journal, for messages.
    """
    problem = Damaged(f"the journal {where} is damaged: {object_name(number)} is not as written")
    lines = content.split(b"\n")
    if lines.pop() or not all(map(_is_whole, lines)) or not lines:
        raise problem
    first, *records = (orjson.loads(line[_CRC_LENGTH:]) for line in lines)
    if isinstance(first, dict) and first.get("segcli_log", LOG_FORMAT) != LOG_FORMAT:
        raise ValueError(f"the journal {where} was written by another version of segcli")
    try:
        head = ObjectHead(**first)
    except TypeError:
        raise problem from None
    if (head.number, head.records) != (number, len(records)):
        raise problem
    return LogObject(head, records, digest_of(content))


def _is_whole(line: bytes) -> bool:
    return line[:_CRC_LENGTH] == b"%08x " % zlib.crc32(line[_CRC_LENGTH:])
