"""The mapping of an action: a table, JSON in a text, a file, or the defaults of its fields."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from segcli.destination_file.payload_fields import defaults_of, given_json
from segcli.destination_file.payload_settings import (
    changed_keys,
    read_settings_in,
    samples_of,
    with_settings,
)
from segcli.destination_file.placeholders import Placeholders
from segcli.destination_file.problems import Mistakes, Path
from segcli.mapping import lint, problems

Load = Callable[[str], str]

# One brace: two braces enclose a path of the event.
_SETTING = re.compile(r"(?<!\{)\{\s*settings\.([^{}]*)\}(?!\})")


@dataclass(frozen=True, slots=True)
class FileParts:
    """What the readers of all actions of a file need.

    declared: the settings of the file, as they are written.
    placeholders: remembers where each setting is used.
    load: reads the text of a file that this one names, or raises ValueError.
    mistakes: collects the mistakes of the file.
    """

    declared: Mapping[str, Any]
    placeholders: Placeholders
    load: Load
    mistakes: Mistakes

    @property
    def required(self) -> frozenset[str]:
        """The settings that are required to send."""
        return frozenset(
            name
            for name, entry in self.declared.items()
            if isinstance(entry, dict) and entry.get("required") is True
        )


@dataclass(frozen=True, slots=True)
class ReadMapping:
    """A valid mapping, as it is written, and the names of the settings in it."""

    mapping: dict[str, Any]
    settings: frozenset[str]


def read_mapping(
    table: Mapping[str, Any], fields: Mapping[str, Any] | None, path: Path, parts: FileParts
) -> ReadMapping | None:
    """Return the mapping of an action; None if it has mistakes, which are noted."""
    mistakes = parts.mistakes
    given = [key for key in ("mapping", "mapping_file") if key in table]
    if not given and fields and (defaults := defaults_of(fields)):
        key = "fields" if "fields" in table else "fields_file"
        return checked_mapping(defaults, (*path, key), parts, below=("default",))
    if len(given) != 1:
        if given or not mistakes.are_below(path):
            mistakes.add(path, "must have either a mapping or a mapping_file")
        return None
    mapping = given_json(table, "mapping", parts.load, path, mistakes)
    at = (*path, given[0])
    if not isinstance(mapping, dict):
        if not mistakes.are_below(at):
            mistakes.add(at, "must be an object: the payload of an event")
        return None
    return checked_mapping(mapping, at, parts)


def checked_mapping(
    mapping: dict[str, Any], path: Path, parts: FileParts, *, below: Path = ()
) -> ReadMapping | None:
    """Return a mapping; None if it has mistakes, which are noted.

    `below` is where each of its fields stands in the file, under its name.
    """
    mistakes = parts.mistakes

    def note(where: Path, problem: str) -> None:
        mistakes.add((*path, *where[:1], *(below if where else ()), *where[1:]), problem)

    settings = read_settings_in(mapping, path, parts.placeholders, mistakes)
    sample = with_settings(mapping, samples_of(parts.declared))
    # `lint` finds what mapping-kit ignores: in a hand-written mapping it is a mistake.
    found = problems(sample) or lint(sample)
    for one in found:
        note(tuple(filter(None, one.path.split("/"))), one.message)
    for where in changed_keys(mapping, parts.declared):
        note(where, "is secret: it must not stand inside @replace, @tail or @transform")
    for where, name in _unfilled(mapping, ()):
        shown = f'{{ "@setting" = "{name}" }}'
        note(where, f"names a setting, but texts are not filled in here: write {shown}")
    return None if mistakes.are_below(path) else ReadMapping(mapping, settings)


def _unfilled(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the paths of texts in a mapping that contain the name of a setting, and the name."""
    if isinstance(value, str):
        yield from ((path, found[1].strip()) for found in [_SETTING.search(value)] if found)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _unfilled(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _unfilled(inner, (*path, at))
