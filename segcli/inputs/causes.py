"""Find the likely cause of a problem that all lines of an input have, and what corrects it."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segcli.core import exact_json
from segcli.core.event import TYPES
from segcli.core.reject_record import original
from segcli.inputs.envelope import is_event

_FIELDS = (
    ("anonymousId", "anonymous_id"),
    ("userId", "user_id"),
    ("messageId", "message_id"),
    ("sentAt", "sent_at"),
    ("receivedAt", "received_at"),
    ("originalTimestamp", "original_timestamp"),
    ("groupId", "group_id"),
    ("previousId", "previous_id"),
)
_PLAIN_FIELDS = ("type", "event", "timestamp", "properties", "traits", "context", "integrations")
_SPELLED = {name.lower(): name for name in (*(field for field, _ in _FIELDS), *_PLAIN_FIELDS)}
_SNAKE = {snake: field for field, snake in _FIELDS}
_OBJECTS = ("properties", "traits", "context", "integrations")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
# Control characters that text never has.
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# The objects in which MongoDB's Extended JSON puts ids, dates and numbers.
_OF_MONGODB = frozenset({"$date", "$oid", "$numberLong", "$numberInt", "$numberDouble"})
# `walk` converts what is inside first. A date before 1970 and a long number stay as texts.
_FROM_MONGODB = (
    'jq -c \'def date: if type == "number" then tostring else . end '
    '| if test("^[0-9]{4,}$") then (.[:-3] | tonumber | todate | rtrimstr("Z")) '
    '+ "." + .[-3:] + "Z" else . end; '
    "def number: if length < 16 then tonumber else . end; "
    'walk(if type != "object" then . elif has("$date") then .["$date"] | date '
    'elif has("$oid") then .["$oid"] elif has("$numberLong") then .["$numberLong"] | number '
    'elif has("$numberInt") then .["$numberInt"] | number '
    'elif has("$numberDouble") then .["$numberDouble"] | number else . end)'
    "' {}"
)
_PYTHON = (
    "python3 -c 'import ast, json, sys; "
    "[print(json.dumps(ast.literal_eval(line))) for line in sys.stdin if line.strip()]'"
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why lines have a problem.

    text: the cause, as part of a sentence.
    command: what corrects it, as in `Form`; empty if no command does.
    """

    text: str
    command: str = ""


def cause_of(problem: str, lines: Sequence[bytes]) -> Cause | None:
    """Return the likely cause of a problem that all these lines have; None if it is not known.

    A cause must apply to every line.
    """
    values = [_value(line) for line in lines]
    rows = [value for value in values if isinstance(value, dict)]
    if len(rows) < len(lines):
        return _cause_in_text(problem, lines)
    for find in (
        _of_mongodb,
        _spelling,
        _type_in_capitals,
        _json_in_text,
        _number_as_time,
        _no_type,
    ):
        if found := find(problem, rows):
            return found
    return None


def _value(line: bytes) -> Any:
    try:
        return exact_json.loads(original(line))
    except ValueError:
        return None


def _of_mongodb(problem: str, rows: Sequence[Mapping[str, Any]]) -> Cause | None:
    values = [row.get(problem.partition(" ")[0]) for row in rows]
    if all(isinstance(value, dict) and _OF_MONGODB & value.keys() for value in values):
        return Cause("it is MongoDB's Extended JSON", _FROM_MONGODB)
    return None


def _spelling(_problem: str, rows: Sequence[Mapping[str, Any]]) -> Cause | None:
    """Find Segment's fields in another spelling: user_id, UserID, Type."""
    needed = [name for name in _missing(rows[0]) if all(name in _missing(row) for row in rows)]
    for name in needed:
        spelled = [_other_spelling(row, name) for row in rows]
        if all(spelled):
            return Cause(
                f"it has {spelled[0]}; Segment's field is {name}",
                f"jq -c 'with_entries(.key |= ({_renamed(rows)}[.] // .))' {{}}",
            )
    return None


def _missing(row: Mapping[str, Any]) -> list[str]:
    """Return the fields that an event needs and a row lacks. One of the two ids is enough."""
    has_user = row.get("userId") is not None or row.get("anonymousId") is not None
    wanted = ["type", "event", *([] if has_user else ["userId", "anonymousId"])]
    return [name for name in wanted if name not in row]


def _other_spelling(row: Mapping[str, Any], name: str) -> str:
    plain = name.lower()
    return next((key for key in row if key != name and _plain(key) == plain), "")


def _plain(key: str) -> str:
    return re.sub("[^a-z]", "", key.lower())


def _renamed(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the names to replace, as an object of jq: all in snake_case, and others that occur."""
    names = dict(_SNAKE)
    for row in rows:
        for key in row:
            field = _SPELLED.get(_plain(key))
            if field and field != key and field not in row:
                names[key] = field
    shown = (f"{_jq_key(key)}: {exact_json.dumps(field).decode()}" for key, field in names.items())
    return "{" + ", ".join(shown) + "}"


def _jq_key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z_]+", key) else exact_json.dumps(key).decode()


def _type_in_capitals(problem: str, rows: Sequence[Mapping[str, Any]]) -> Cause | None:
    kinds = [row.get("type") for row in rows]
    if problem.startswith("type ") and all(
        isinstance(kind, str) and kind not in TYPES and kind.lower() in TYPES for kind in kinds
    ):
        return Cause(
            f"its type is {kinds[0]}; Segment's types are in lower case",
            "jq -c '.type |= ascii_downcase' {}",
        )
    return None


def _json_in_text(_problem: str, rows: Sequence[Mapping[str, Any]]) -> Cause | None:
    for name in _OBJECTS:
        texts = [row.get(name) for row in rows if row.get(name) is not None]
        if texts and all(isinstance(text, str) and _is_object(text) for text in texts):
            command = f"jq -c '.{name} |= if type == \"string\" then fromjson else . end' {{}}"
            return Cause(f"its {name} is a string of JSON, not an object", command)
    return None


def _is_object(text: str) -> bool:
    return isinstance(_value(text.encode()), dict)


def _number_as_time(problem: str, rows: Sequence[Mapping[str, Any]]) -> Cause | None:
    name = problem.partition(" ")[0]
    if "is not a time" in problem and all(isinstance(row.get(name), int | float) for row in rows):
        return Cause(f"{name} is a number; Segment's is a string such as 2026-02-03T10:11:12Z")
    return None


def _no_type(problem: str, rows: Sequence[Mapping[str, Any]]) -> Cause | None:
    if problem == "type is required" and all(map(is_event, rows)):
        return Cause(
            "it does not say which call it is; the command below makes each a track",
            "jq -c '.type = \"track\"' {}",
        )
    return None


def _cause_in_text(problem: str, lines: Sequence[bytes]) -> Cause | None:
    if problem == "not UTF-8 text":
        if any(map(_BINARY.search, lines)):
            return Cause("it is binary data, not text")
        command = "iconv -f WINDOWS-1252 -t UTF-8 {}"
        return Cause("it may be text in Windows-1252 or Latin-1", command)
    if problem != "not JSON":
        return None
    found: tuple[tuple[Callable[[bytes], bool], Cause], ...] = (
        (_is_python, Cause("it is a printed Python value", _PYTHON)),
        (_is_base64, Cause("it is an event in base64", "jq -Rc '@base64d | fromjson' {}")),
        (_has_prefix, Cause("there is text before each event", "sed 's/^[^{]*//' {}")),
    )
    return next((cause for is_so, cause in found if all(map(is_so, lines))), None)


def _is_python(line: bytes) -> bool:
    return line.strip().startswith((b"{'", b"{u'"))


def _is_base64(line: bytes) -> bool:
    text = line.strip()
    if not _BASE64.fullmatch(text) or len(text) % 4:
        return False
    return is_event(_value(base64.b64decode(text)))


def _has_prefix(line: bytes) -> bool:
    _, brace, rest = line.partition(b"{")
    return is_event(_value(brace + rest))
