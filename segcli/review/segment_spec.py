"""What Segment's spec recommends but does not enforce: sizes, messageIds, times, traits."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from segcli.core.destination import Remark
from segcli.core.event import OTHER_TIMES, Event, is_number, time_field
from segcli.core.event_time import is_time, lacks_zone
from segcli.core.exact_json import with_replaced_surrogates
from segcli.core.missing_id import is_missing_id

EVENT_BYTES = 32 * 1024
MESSAGE_ID_LENGTH = 100

_NOT_A_TIME = "is not a time that segcli reads, so it is never used"
_MISSING_ID = "is a text for a missing id: all events with it look like one user"
ID_FIELDS = ("userId", "anonymousId", "previousId", "groupId")
_HALF = re.compile("[\ud800-\udfff]")
_DATES = ("birthday", "createdAt", "created_at")
# The paths of the traits that are dates.
DATE_FIELDS = tuple((*of, name) for of in (("traits",), ("context", "traits")) for name in _DATES)


def remarks_by_type(event: Event) -> list[Remark]:
    """Return a remark on each messageId or reserved trait of a wrong type [doc]."""
    message_id = event.data.get("messageId")
    found = []
    if not isinstance(message_id, str | None):
        found.append(Remark("messageId", "is not text", "SEG216"))
    found += [
        Remark(name, _NOT_A_TIME, "SEG211")
        for name in OTHER_TIMES
        if not isinstance(event.data.get(name), str | None)
    ]
    return found + [
        Remark(f"{path}.{name}", f"is not {_RESERVED[name][0]}", "SEG213")
        for path, traits in _traits(event)
        for name, value in traits.items()
        if name in _RESERVED and value is not None and not _RESERVED[name][1](value)
    ]


def remarks_by_value(event: Event) -> list[Remark]:
    """Return a remark on each value that Segment does not accept, or may drop silently [doc]."""
    found = []
    if len(event.raw) > EVENT_BYTES:
        problem = "is larger than 32 KB, which Segment does not accept"
        found.append(Remark("", problem, "SEG215"))
    message_id = event.data.get("messageId")
    if isinstance(message_id, str) and len(message_id) > MESSAGE_ID_LENGTH:
        problem = f"is longer than {MESSAGE_ID_LENGTH} characters"
        found.append(Remark("messageId", problem, "SEG217"))
    found += [
        Remark(name, _MISSING_ID, "SEG218")
        for name in ID_FIELDS
        if is_missing_id(event.data.get(name))
    ]
    found += _remarks_on_times(event)
    found += _remarks_on_halves(event)
    found += [
        Remark(f"{path}.{name}", "is not a date", "SEG214")
        for path, traits in _traits(event)
        for name in _DATES
        if name in traits and not is_date(traits[name], name)
    ]
    return found


def need_no_remark(times: Iterable[str]) -> bool:
    """True if these texts are times in any form, with a zone where one is needed."""
    return all(is_time(text) and not lacks_zone(text) for text in times)


def _remarks_on_times(event: Event) -> Iterator[Remark]:
    """Yield remarks on invalid times, and on the used one if it has no zone."""
    for name in OTHER_TIMES:
        text = event.data.get(name)
        if text and isinstance(text, str) and not is_time(text):
            yield Remark(name, _NOT_A_TIME, "SEG211")
    time = event.time
    if time and time[-1] != "Z" and lacks_zone(time):
        yield Remark(time_field(event), "names no zone, so it is read as UTC", "SEG212")


def _remarks_on_halves(event: Event) -> Iterator[Remark]:
    """Yield a remark on the first text with an unpaired surrogate; vendors may refuse it."""
    if b"\\u" not in event.raw or with_replaced_surrogates(event.raw) == event.raw:
        return
    # Python makes no integer of a long text.
    places: list[tuple[str, Any]] = [("", json.loads(event.raw, parse_int=str))]
    for path, value in places:
        if _HALF.search(path) or (isinstance(value, str) and _HALF.search(value)):
            name = _HALF.sub("\ufffd", path)
            yield Remark(name, "holds half of a character, an unpaired surrogate", "SEG219")
            return
        places += [(f"{path}.{key}".lstrip("."), inner) for key, inner in _inner(value)]


def _inner(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def is_date(value: object, name: str) -> bool:
    """Return whether a trait is a date; a number before 1970 is one for a birthday only."""
    if is_number(value):
        return value >= 0 or name == "birthday"
    # `remarks_by_type` reports a wrong type.
    return not isinstance(value, str) or is_time(value)


def _traits(event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects that hold traits, each with its path."""
    traits, context = event.data.get("traits"), event.data.get("context")
    if traits:
        yield "traits", traits
    if context and isinstance(context.get("traits"), dict):
        yield "context.traits", context["traits"]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_number(value: object) -> bool:
    return isinstance(value, str) or is_number(value)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


_Check = tuple[str, Callable[[object], bool]]
_TEXT: _Check = ("text", _is_text)
_DATE: _Check = ("a date", _is_text_or_number)
_OBJECT: _Check = ("an object", _is_object)
# The reserved traits [doc], in camelCase and snake_case.
_RESERVED: Mapping[str, _Check] = {
    **dict.fromkeys(("avatar", "description", "email", "firstName", "first_name"), _TEXT),
    **dict.fromkeys(("gender", "lastName", "last_name", "name", "phone"), _TEXT),
    **dict.fromkeys(("title", "username", "website"), _TEXT),
    **dict.fromkeys(_DATES, _DATE),
    **dict.fromkeys(("address", "company"), _OBJECT),
    "age": ("a number", is_number),
    "id": ("text or a number", _is_text_or_number),
}
