"""What is true of all events of one shape, so that few of them need remarks of their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem, itemgetter
from typing import Any

from segcli.core import exact_json
from segcli.core.decision import FanOut, Mapped
from segcli.core.destination import Remark
from segcli.core.event import TIME_FIELDS, Event, is_number
from segcli.core.event_time import are_usual_times, is_time
from segcli.core.missing_id import HAS_MISSING_ID, is_missing_id
from segcli.core.partial_event import WholeEvent, values_getter
from segcli.review.event_shape import is_passed_on
from segcli.review.notes import Key, note_keys
from segcli.review.segment_spec import (
    DATE_FIELDS,
    EVENT_BYTES,
    ID_FIELDS,
    MESSAGE_ID_LENGTH,
    is_date,
    need_no_remark,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShapeFacts:
    """What is true of all events that agree in what matters of their shapes.

    remarks, keys: the remarks on each of its events, and their keys.
    passed_on: the events become payloads unchanged.
    is_usual: nothing but times, the messageId and the size decides whether an event needs further
        remarks.
    has_missing_id: each event has a text for a missing id, and so a remark of its own.
    times: the fields that hold a time as text.
    get_times, get_times_of: return their values, of the fields of an event and of a `WholeEvent`.
    dates_of_traits, dates_of_context: the names of the traits that hold a date as text: those of
        the event, and those in its context.
    other_dates: the paths of the traits that hold a date as a number.
    ids: the fields that hold an id as text, without those of the user.
    """

    remarks: Sequence[Remark]
    keys: Sequence[Key]
    passed_on: bool
    is_usual: bool
    has_missing_id: bool
    times: Sequence[str]
    get_times: Callable[[dict[str, Any]], Sequence[str]]
    get_times_of: Callable[[WholeEvent], Sequence[str]]
    dates_of_traits: Sequence[str]
    dates_of_context: Sequence[str]
    other_dates: Sequence[tuple[str, ...]]
    ids: Sequence[str]

    def add_texts_of(self, event: dict[str, Any] | WholeEvent, texts: list[str]) -> None:
        """Add the texts in an event that have to be times."""
        traits: Any
        context: Any
        if isinstance(event, dict):
            texts += self.get_times(event)
            traits, context = event.get("traits"), event.get("context")
        else:
            texts += self.get_times_of(event)
            traits, context = event.traits, event.context
        for name in self.dates_of_traits:
            texts.append(traits[name])
        for name in self.dates_of_context:
            texts.append(context["traits"][name])

    def suffices_for(self, line: bytes) -> bool:
        """Return whether these facts suffice for an event: it needs no remarks of its own."""
        try:
            data = exact_json.loads(line)
        except ValueError:
            return False
        message_id = data.get("messageId")
        if (
            self.has_missing_id
            or len(line) > EVENT_BYTES
            or (type(message_id) is str and len(message_id) > MESSAGE_ID_LENGTH)
        ):
            return False
        if any(is_missing_id(data[name]) for name in self.ids):
            return False
        texts: list[str] = []
        self.add_texts_of(data, texts)
        if not are_usual_times(texts) and not self._are_good_times(texts):
            return False
        return all(is_date(reduce(getitem, path, data), path[-1]) for path in self.other_dates)

    def _are_good_times(self, texts: Sequence[str]) -> bool:
        """Return whether these times and dates of an event are good, in any form."""
        count = len(self.times)
        return need_no_remark(texts[:count]) and all(map(is_time, texts[count:]))


def facts_of(event: Event, mapped: Mapped | FanOut, remarks: Sequence[Remark]) -> ShapeFacts:
    """Return what is true of all events with the shape of this one; `remarks` are those on each."""
    dates, other_dates = _dates_of(event)
    ids = _ids_of(event)
    times = _times_of(event)
    has_missing_id = HAS_MISSING_ID in mapped.notes
    return ShapeFacts(
        remarks=remarks,
        keys=note_keys(remarks),
        passed_on=is_passed_on(event.raw, mapped),
        is_usual=not (has_missing_id or ids or other_dates) and _has_usual_id(event),
        has_missing_id=has_missing_id,
        times=times,
        get_times=itemgetter(*times) if len(times) > 1 else _loop_over(times),
        get_times_of=values_getter(times),
        dates_of_traits=[path[-1] for path in dates if path[0] == "traits"],
        dates_of_context=[path[-1] for path in dates if path[0] == "context"],
        other_dates=other_dates,
        ids=ids,
    )


def _dates_of(event: Event) -> tuple[Sequence[tuple[str, ...]], Sequence[tuple[str, ...]]]:
    """Return the paths of dates that are text, and of those that are numbers."""
    found = {path: event.get(".".join(path)) for path in DATE_FIELDS}
    texts = [path for path, value in found.items() if isinstance(value, str)]
    return texts, [path for path, value in found.items() if is_number(value)]


def _times_of(event: Event) -> Sequence[str]:
    values = ((name, event.data.get(name)) for name in TIME_FIELDS)
    return [name for name, value in values if value and isinstance(value, str)]


def _loop_over(names: Sequence[str]) -> Callable[[dict[str, Any]], Sequence[str]]:
    """Return a function like an `itemgetter`, which returns no sequence for a single name."""
    return lambda data: [data[name] for name in names]


def _ids_of(event: Event) -> Sequence[str]:
    # A note tells of the others.
    names = set(ID_FIELDS) - {"userId", "anonymousId"}
    return [name for name in names if isinstance(event.data.get(name), str)]


def _has_usual_id(event: Event) -> bool:
    """Return whether the messageId is text, or absent."""
    return isinstance(event.data.get("messageId"), str | None)
