"""Sample events with changed fields: each one to every type of value, or any to arbitrary JSON."""

import json
import random
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, get_type_hints

from hypothesis import strategies as st
from support.acme import ACME
from support.samples import EVERYBODY, KEY, find, good_events

from segcli.core.destination import Destination
from segcli.core.event import Event
from segcli.core.outcome import Job, event_of
from segcli.core.secret import Secret
from segcli.core.settings import SettingSources, read_settings

Path = tuple[str | int, ...]

DESTINATIONS = (*map(find, EVERYBODY), ACME)
GONE = object()
# Gone is the last: behind it there is no place for another value.
KINDS = (
    None,
    True,
    0,
    -1.5,
    10**40,
    "",
    "text",
    "2026-02-03",
    [],
    [1, {"a": []}],
    {},
    {"": {"b": 1}},
    GONE,
)
SETTINGS: dict[str, tuple[dict[str, str], ...]] = {
    "pointillist": ({}, {"properties": "true", "actor": "visitor"}),
    "gist": ({}, {"batch": "50"}),
    "webhook": ({}, {"label": "Mine"}),
    "acme": ({}, {"region": "us"}),
    "posthog": ({}, {"person_profiles": "true"}),
}
KEYS = {"webhook": f"https://hooks.slack.com/services/{KEY}"}

# No surrogates: they cannot stand in a line of UTF-8, and a test of its own refuses them.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "true", "1e400", "2026-02-03", "2026-02-03T10:11:12Z", "1770000000", "a.b", "__proto__"]
)
numbers = (
    st.integers()
    | st.integers(10**9, 10**14)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -1, 2**53 + 1, 2**64, 10**40, 1e308])
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, path: Path = ()) -> list[Path]:
    """Return the path of every value within a value."""
    found = []
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            found += [(*path, key), *paths(inner, (*path, key))]
    return found


def replace_at(value: Any, path: Path, new: Any) -> None:
    """Replace or remove the value at a path; do nothing if there is none."""
    *way, last = path
    try:
        for key in way:
            value = value[key]
        if new is GONE:
            del value[last]
        else:
            value[last] = new
    except (KeyError, IndexError, TypeError):
        return


@cache
def events_with_every_kind_of_value() -> tuple[Event, ...]:
    """Every field of the samples, in one event of each call that has it, with each of `KINDS`."""
    lines = (line for event, path in _fields() for line in _lines_with(event, path, KINDS))
    return tuple(event for line in lines if isinstance(event := event_of(line), Event))


def lines_with_any_kind_of_value(chance: random.Random, count: int) -> list[bytes]:
    """Some lines of events that have one of `KINDS` in one of their fields."""
    fields = chance.choices(_fields(), k=count)
    return [_lines_with(event, path, [chance.choice(KINDS)])[0] for event, path in fields]


def _fields() -> list[tuple[Event, Path]]:
    """Return every field of the samples, as its path in the shortest event of each call with it."""
    fields = {
        (event.type, tuple("*" if isinstance(key, int) else key for key in path)): (event, path)
        for event in sorted(good_events(), key=lambda event: -len(event.raw))
        for path in paths(event.data)
        if len(path) < 4
    }
    return [*fields.values()]


def _lines_with(event: Event, path: Path, kinds: Iterable[object]) -> list[bytes]:
    data = json.loads(event.raw)
    lines = []
    for kind in kinds:
        replace_at(data, path, kind)
        lines.append(json.dumps(data).encode())
    return lines


@cache
def _small_events() -> st.SearchStrategy[Event]:
    return st.sampled_from([event for event in good_events() if len(event.raw) < 5_000])


# Made once: to make a strategy for each draw takes longer than to draw.
_VALUES_OR_GONE = values | st.just(GONE)


def one_of_several(draw: st.DrawFn, several: Sequence[Any]) -> Any:
    """Draw one of these, by its number: `sampled_from` looks at all of them first."""
    return several[draw(st.integers(0, len(several) - 1))]


@st.composite
def mutated_lines(draw: st.DrawFn) -> bytes:
    """A sample event with one or two values replaced or removed, as a line."""
    data = json.loads(draw(_small_events()).raw)
    for _ in range(draw(st.integers(1, 2))):
        path = one_of_several(draw, paths(data) or [("type",)])
        replace_at(data, path, draw(_VALUES_OR_GONE))
    text = json.dumps(data, ensure_ascii=draw(st.booleans()))
    try:
        return text.encode()
    except UnicodeEncodeError:
        # A sample has half of a character, which can only be written as an escape.
        return json.dumps(data).encode()


@cache
def jobs_of(name: str) -> tuple[Job, ...]:
    """Return the jobs of one of `DESTINATIONS`, made once: a mapping is compiled for each."""
    [destination] = [one for one in DESTINATIONS if one.name == name]
    return tuple(jobs(destination))


def jobs(destination: Destination[Any]) -> list[Job]:
    """Return jobs with a key and every setting that changes the mapping."""
    kinds = get_type_hints(destination.settings)
    keys = {name: KEYS.get(name, KEY) for name, kind in kinds.items() if kind is Secret}
    return [
        Job(
            destination=destination,
            settings=read_settings(destination.name, destination.settings, sources),
        )
        for given in SETTINGS.get(destination.name, ({},))
        for sources in [SettingSources(given=keys | given, env={}, table={})]
    ]
