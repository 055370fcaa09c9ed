"""Settings in payloads: `{ "@setting" = "app_id" }` in a mapping stands for a setting's value.

In a `@template`, `{{settings.app_id}}` stands for the text of one that is not secret.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import fields
from typing import Any

from segcli.core.event import Rejected
from segcli.core.named_texts import named_texts_in
from segcli.core.placeholder import OF_SETTINGS
from segcli.core.redaction import MASK
from segcli.core.secret import Secret
from segcli.core.setting_value import is_table
from segcli.destination_file.placeholders import Placeholders
from segcli.destination_file.problems import KeyPath, Mistakes
from segcli.mapping import MappingError, compiled, problems
from segcli.mapping.javascript import javascript_text

SETTING, TEMPLATE = "@setting", "@template"

Run = Callable[[Any], Any]
ValueOf = Callable[[Any], Any]

_SAMPLES: Mapping[str, Any] = {"map": {"*": "text"}, "integer": 1, "number": 1.5, "boolean": True}
_IN_TEMPLATE = re.compile(
    r"\{\{\{\s*settings\.([^{}]*)\}\}\}|\{\{\s*settings\.([^{}]*)\}\}",
)
# Directives that can take a text apart: a part of a key would not be recognized where it is shown.
_TAKING_APART = frozenset({"@each", "@lookup", "@phone", "@replace", "@tail", "@transform"})
# A part of a mapping that gives no value: a setting without a value leaves out its field.
_NOTHING = {"@excludeWhenNull": None}


def parts_of(mapping: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield every part of a mapping with its place, the mapping itself first."""
    yield path, mapping
    for key, part in _held_by(mapping):
        # Most parts hold no others: a generator for each takes half of the time.
        if isinstance(part, dict | list):
            yield from parts_of(part, (*path, key))
        else:
            yield (*path, key), part


def settings_in(mapping: Any) -> Iterator[tuple[KeyPath, Any]]:
    """Yield each place in a mapping that names a setting, with the name."""
    return ((path, part) for path, part in parts_of(mapping) if path[-1:] == (SETTING,))


def templates_in(mapping: Any) -> Iterator[tuple[KeyPath, str]]:
    """Yield each place of a template in a mapping that names a setting, with the name."""
    for path, part in parts_of(mapping):
        if path[-1:] == (TEMPLATE,) and isinstance(part, str):
            yield from ((path, name) for name in names_in_template(part))


def names_in_template(template: str) -> list[str]:
    """Return the names of the settings in a template."""
    return [(found[1] or found[2]).strip() for found in _IN_TEMPLATE.finditer(template)]


def with_settings(mapping: Any, value_of: ValueOf) -> Any:
    """Return a mapping with values in place of the settings that it names."""
    if isinstance(mapping, dict):
        if _is_setting(mapping):
            value = value_of(mapping[SETTING])
            return _NOTHING if value == "" else value
        if isinstance(mapping.get(TEMPLATE), str):
            return mapping | {TEMPLATE: _filled(mapping[TEMPLATE], value_of)}
        return {key: with_settings(part, value_of) for key, part in mapping.items()}
    return (
        [with_settings(part, value_of) for part in mapping]
        if isinstance(mapping, list)
        else mapping
    )


def _held_by(mapping: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(mapping, dict):
        return mapping.items()
    return enumerate(mapping) if isinstance(mapping, list) else ()


def _filled(template: str, value_of: ValueOf) -> str:
    def text_of(found: re.Match[str]) -> str:
        return javascript_text(value_of((found[1] or found[2]).strip()))

    return _IN_TEMPLATE.sub(text_of, template)


def read_settings_in(
    mapping: Any, path: KeyPath, placeholders: Placeholders, mistakes: Mistakes
) -> frozenset[str]:
    """Return the names of the settings in a mapping; a name that is no setting is noted."""
    found = set()
    for where, name in templates_in(mapping):
        if placeholders.use_in_payload(name, (*path, *where), "template"):
            found.add(name)
    for where, name in settings_in(mapping):
        if not isinstance(name, str):
            mistakes.add((*path, *where), 'must be the name of a setting, such as "app_id"')
        elif placeholders.use_in_payload(name, (*path, *where)):
            found.add(name)
    return frozenset(found)


def changed_keys(mapping: Any, declared: Mapping[str, Any]) -> Iterator[KeyPath]:
    """Yield the places of secret settings inside directives that can take them apart."""
    for where, name in settings_in(mapping):
        entry = declared.get(name) if isinstance(name, str) else None
        is_secret = isinstance(entry, dict) and entry.get("secret")
        if is_secret and not _TAKING_APART.isdisjoint(where):
            yield where


def keys_in_templates(mapping: Any, declared: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yield the places of templates that name a secret setting, with the name."""
    for where, name in templates_in(mapping):
        entry = declared.get(name)
        if isinstance(entry, dict) and entry.get("secret"):
            yield where, name


def samples_of(declared: Mapping[str, Any]) -> ValueOf:
    """Return the function that gives a value of the type of a setting, to check a mapping with."""

    def sample(name: Any) -> Any:
        entry = declared.get(name) if isinstance(name, str) else None
        entry = entry if isinstance(entry, dict) else {}
        return _SAMPLES.get(str(entry.get("type")), entry.get("default") or "text")

    return sample


def values_of(settings: Any, required: Set[str] = frozenset()) -> ValueOf:
    """Return the function that gives the value of a setting, also of a secret one.

    A setting that is `required` to send may be missing where payloads are only shown; then it is
    shown as `{settings.app_id}`.
    """
    maps = {one.name for one in fields(settings) if is_table(one.metadata.get("shapes", ()))}

    def value(name: Any) -> Any:
        found = getattr(settings, name)
        if name in maps and found:
            return named_texts_in(found)
        found = found.reveal() if isinstance(found, Secret) else found
        return f"{{{OF_SETTINGS}{name}}}" if found == "" and name in required else found

    return value


def fits(mapping: Any, settings: Any) -> bool:
    """Return whether a mapping can be compiled with the values of these settings."""
    return not problems(with_settings(mapping, values_of(settings)))


def compiled_with_settings(
    mapping: Any, required: Set[str], compile_it: Callable[[Any, frozenset[str]], Run]
) -> Callable[[Any], Run]:
    """Return the function that gives the compiled mapping for the settings of a run.

    It is called for every event, so it keeps the result for the settings that it had last.
    `required` are the settings that are required to send. `compile_it` compiles a mapping; it
    also gets the texts in it that stand for values which are not shown, or not given.
    """
    last: tuple[Any, Run] | None = None

    def run_with(settings: Any) -> Run:
        nonlocal last
        known = last
        if known is None or known[0] is not settings:
            try:
                filled = with_settings(mapping, values_of(settings, required))
                run = compile_it(filled, _stand_ins(settings, required))
            except MappingError:
                run = _refusing
            known = last = (settings, run)
        return known[1]

    return run_with


def compiled_directive(mapping: Any, settings: Any, required: Set[str]) -> Run:
    """Return a compiled mapping with the values of these settings, which may be one directive."""
    try:
        return compiled(with_settings(mapping, values_of(settings, required)))
    except MappingError:
        return _refusing


def _stand_ins(settings: Any, required: Set[str]) -> frozenset[str]:
    """Return the texts that stand in payloads for keys, and for settings that are not given."""
    names = [one.name for one in fields(settings)]
    is_masked = any(getattr(settings, name) == Secret(MASK) for name in names)
    missing = [name for name in names if name in required and getattr(settings, name) == ""]
    shown = map(values_of(settings, required), missing)
    return frozenset([MASK, *shown] if is_masked else shown)


def _refusing(_: Any) -> Any:
    # Without the problem itself, which may show the value of a key.
    raise Rejected("", "the mapping does not take the values of its settings")


def _is_setting(mapping: Mapping[str, Any]) -> bool:
    return SETTING in mapping and mapping.keys() <= {SETTING, "_metadata"}
