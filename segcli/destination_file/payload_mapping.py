"""The mapping of an action: a table, JSON in a text, a file, or the defaults of its fields."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from segcli.destination_file.payload_fields import defaults_of, given_json
from segcli.destination_file.payload_settings import (
    TEMPLATE,
    changed_keys,
    keys_in_templates,
    parts_of,
    read_settings_in,
    samples_of,
    with_settings,
)
from segcli.destination_file.placeholders import Placeholders
from segcli.destination_file.problems import KeyPath, Mistakes
from segcli.mapping import Problem, lint_valid, problems
from segcli.mapping.directives.phone import country_problem

Load = Callable[[str], str]

# One brace: two braces enclose a path of the event.
_SETTING = re.compile(r"(?<!\{)\{\s*settings\.([^{}]*)\}(?!\})")
_IN_LIQUID = re.compile(r"\{[{%][^{}]*\bsettings\.(\w+)")


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
    table: Mapping[str, Any], fields: Mapping[str, Any] | None, path: KeyPath, parts: FileParts
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
    mapping: dict[str, Any], path: KeyPath, parts: FileParts, *, below: KeyPath = ()
) -> ReadMapping | None:
    """Return a mapping; None if it has mistakes, which are noted.

    `below` is where each of its fields stands in the file, under its name.
    """
    mistakes = parts.mistakes

    def note(where: KeyPath, problem: str) -> None:
        mistakes.add((*path, *where[:1], *(below if where else ()), *where[1:]), problem)

    settings = read_settings_in(mapping, path, parts.placeholders, mistakes)
    sample = with_settings(mapping, samples_of(parts.declared))
    for one in _mistakes_in(sample):
        note(tuple(filter(None, one.path.split("/"))), one.message)
    for where, problem in _misused_settings(mapping, parts.declared):
        note(where, problem)
    for where, problem in _unknown_countries(mapping):
        note(where, problem)
    return None if mistakes.are_below(path) else ReadMapping(mapping, settings)


def _mistakes_in(mapping: dict[str, Any]) -> Iterator[Problem]:
    """Yield all mistakes in a mapping.

    `lint_valid` finds what mapping-kit ignores: in a hand-written mapping it is a mistake. It can
    look only at what is valid otherwise, so the fields with problems are left out for it.
    """
    found = problems(mapping)
    yield from found
    wrong = {"/".join(one.path.split("/")[:2]) for one in found}
    sound = {key: value for key, value in mapping.items() if f"/{key}" not in wrong}
    if "" not in wrong and not (found and problems(sound)):
        yield from lint_valid(sound)


def _misused_settings(mapping: Any, declared: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yield the places in a mapping where a setting must not stand, with what is wrong."""
    for where in changed_keys(mapping, declared):
        names = "@each, @lookup, @phone, @replace, @tail or @transform"
        yield where, f"is secret: it must not stand inside {names}"
    for where, name in keys_in_templates(mapping, declared):
        yield where, f"names {name}, which is secret: a key must stand alone, {_whole(name)}"
    for where, name in _unfilled(mapping):
        shown = f"{{{{settings.{name}}}}}" if where[-1:] == (TEMPLATE,) else _whole(name)
        yield where, f"names a setting, but texts are not filled in here: write {shown}"
    for where, name in _in_liquid(mapping, declared):
        shown = f'{{ "@template" = "{{{{settings.{name}}}}}" }}'
        yield where, f"names the setting {name}, which @liquid does not know: write {shown}"


def _unknown_countries(mapping: Any) -> Iterator[tuple[KeyPath, str]]:
    """Yield the places of countries of `@phone` that are no country, with what is wrong."""
    for path, part in parts_of(mapping):
        is_country = path[-2:] == ("@phone", "country") and isinstance(part, str)
        if is_country and (problem := country_problem(part)):
            yield path, problem


def _unfilled(mapping: Any) -> Iterator[tuple[KeyPath, str]]:
    """Yield the paths of texts in a mapping that contain the name of a setting, and the name."""
    for path, part in parts_of(mapping):
        found = _SETTING.search(part) if isinstance(part, str) else None
        if found:
            yield path, found[1].strip()


def _in_liquid(mapping: Any, declared: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yield the paths of `@liquid` templates that name a setting, and its name."""
    for path, part in parts_of(mapping):
        is_liquid = path[-1:] == ("@liquid",) and isinstance(part, str)
        found = _IN_LIQUID.search(part) if is_liquid else None
        if found and found[1] in declared:
            yield path, found[1]


def _whole(name: str) -> str:
    return f'{{ "@setting" = "{name}" }}'
