"""A destination's settings: a frozen dataclass, filled from `--set`, the environment and TOML.

The first source that names a setting wins: `--set`, `SEGCLI_<DEST>_<SETTING>`, the destination's
table in `segcli.toml`, the default. `origins` returns which one it was. A field may be a str, int,
float, bool or Secret. A field named `endpoint` is the address that requests go to, a field named
`api_key` is the key.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, get_type_hints

from segcli.core.redaction import MASK
from segcli.core.secret import Secret, secrets_in_address
from segcli.core.setting_value import Shape, checked_value
from segcli.errors import SettingsError, UsageError

_S = TypeVar("_S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The description of a setting, for people.

    name: its name.
    kind: its type.
    help: what it is for.
    required: True if sending needs it.
    default: its default.
    env: its environment variable.
    shapes: what its text must look like.
    is_grouping: True if it only says which events share a request. Such a setting may change
        when a run is resumed.
    """

    name: str
    kind: type
    help: str
    required: bool
    default: Any
    env: str
    shapes: Sequence[Shape] = ()
    is_grouping: bool = False

    @property
    def is_address(self) -> bool:
        """True if it decides where requests, and keys with them, go."""
        return self.name == "endpoint" or any(shape.is_address for shape in self.shapes)

    def takes(self, text: str) -> bool:
        """True if a text matches all shapes."""
        return all(re.fullmatch(shape.pattern, text, re.DOTALL) for shape in self.shapes)


class Place(Enum):
    """The kinds of sources of a setting."""

    OPTION = "an option of the command line"
    ENVIRONMENT = "a variable of the environment"
    NAMED_CONFIG = "a file of settings that was named"
    FOUND_CONFIG = "a file of settings in the working folder that was not named"
    DEFAULT = "the destination itself"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting comes from.

    place: the kind of source.
    name: the source, for people: `--set`, a variable, a file.
    """

    place: Place
    name: str


BY_DEFAULT = Origin(Place.DEFAULT, "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingSources:
    """The sources of settings; the first one that names a setting wins.

    given: settings from options.
    env: the environment.
    table: the destination's table of the TOML file.
    options: the option that gave a setting, if it was not `--set`.
    config: the TOML file.
    is_found: True if the TOML file was found in the working folder, not named.
    lines: the line of each setting in the TOML file.
    dest: the destination as typed, for messages.
    given_in: how `given` was given, for messages.
    """

    given: Mapping[str, Any]
    env: Mapping[str, str]
    table: Mapping[str, Any]
    options: Mapping[str, str] = field(default_factory=dict)
    config: str = "segcli.toml"
    is_found: bool = False
    lines: Mapping[str, int] = field(default_factory=dict)
    dest: str = ""
    given_in: str = "--set"

    def place(self, name: str) -> str:
        """Return the file and the line of a setting: `segcli.toml:3`."""
        return f"{self.config}:{self.lines[name]}" if name in self.lines else self.config


@dataclass(frozen=True, slots=True)
class Given:
    """The value of a setting as it was given, and where it comes from.

    value: a text or a value of TOML; a Secret for a key. It may hold a key, so `repr` hides it.
    origin: the source.
    place: the file and the line, if it stands in a TOML file.
    """

    value: Any = field(repr=False)
    origin: Origin
    place: str = ""


def setting(
    default: Any = MISSING,
    *,
    help: str,
    required: bool = False,
    minimum: int | None = None,
    shapes: Sequence[Shape] = (),
    is_grouping: bool = False,
) -> Any:
    """Declare a field of a Settings dataclass.

    `required` means that sending needs it; mapping does not. A value must match every shape.
    `is_grouping` means that the setting only says which events share a request, so a run can be
    resumed with another value.
    """
    rules = {
        "help": help,
        "required": required,
        "minimum": minimum,
        "shapes": shapes,
        "is_grouping": is_grouping,
    }
    return field(default=default, metadata=rules)


def describe(destination: str, settings: type[Any]) -> list[Setting]:
    """Return the descriptions of a Settings dataclass's fields, in order."""
    kinds = get_type_hints(settings)
    return [
        Setting(
            name=entry.name,
            kind=kinds[entry.name],
            help=entry.metadata.get("help", ""),
            required=entry.metadata.get("required", False),
            default=entry.default,
            env=env_name(destination, entry.name),
            shapes=entry.metadata.get("shapes", ()),
            is_grouping=entry.metadata.get("is_grouping", False),
        )
        for entry in fields(settings)
    ]


def env_prefix(destination: str) -> str:
    """Return the prefix of a destination's environment variables: `SEGCLI_GIST_`.

    Names that differ only in case, or in characters that are not letters or digits, share it.
    """
    return re.sub(r"[^A-Z0-9]", "_", f"SEGCLI_{destination}_".upper())


def env_name(destination: str, name: str) -> str:
    """Return the environment variable of a setting: `SEGCLI_GIST_API_KEY`."""
    return env_prefix(destination) + name.upper()


def share_variables(one: str, other: str) -> bool:
    """True if one environment variable may belong to both destinations.

    `SEGCLI_GIST_API_KEY` is the setting `api_key` of `gist`, and `key` of `gist-api`.
    """
    prefixes = env_prefix(one), env_prefix(other)
    return prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])


def read_settings(destination: str, settings: type[_S], sources: SettingSources) -> _S:
    """Return the settings of a destination. A setting that no source names has its default.

    Raises SettingsError for an unknown name and for an invalid value. A required setting may still
    be missing, because mapping needs no key; see `require`.
    """
    return settings_from(destination, settings, given_by(destination, settings, sources))


def given_by(destination: str, settings: type[Any], sources: SettingSources) -> dict[str, Given]:
    """Return every setting that a source names, by its first source.

    Raises SettingsError for an unknown name.
    """
    known = {entry.name: entry for entry in fields(settings)}
    for name in sources.given:
        _check_name(destination, name, known, where=sources.given_in, dest=sources.dest)
    for name in sources.table:
        _check_name(destination, name, known, where=sources.place(name), dest=sources.dest)
    kinds = get_type_hints(settings)
    found = ((name, _first(destination, name, sources)) for name in known)
    return {
        name: Given(_hidden_key(value, kinds[name]), origin, _place(name, origin, sources))
        for name, (value, origin) in found
        if value is not None
    }


def settings_from(destination: str, settings: type[_S], given: Mapping[str, Given]) -> _S:
    """Return the settings with these values; raises SettingsError for an invalid one."""
    kinds = get_type_hints(settings)
    values = {}
    for entry in fields(settings):  # type: ignore[arg-type]  # _S is a dataclass
        one = given.get(entry.name)
        if one is None:
            continue
        try:
            values[entry.name] = checked_value(destination, one.value, entry, kinds[entry.name])
        except SettingsError as error:
            if one.place:
                error.message = f"{one.place}: {error.message}"
            error.hint = _how_to_correct(entry.name, one.origin)
            raise
    return settings(**values)


def origins(destination: str, settings: type[Any], sources: SettingSources) -> dict[str, Origin]:
    """Return where each value of `read_settings` comes from."""
    return {entry.name: _first(destination, entry.name, sources)[1] for entry in fields(settings)}


def key_name(destination: str, rows: Sequence[Setting]) -> str:
    """Return the setting that a key is for: `api_key`, or the only secret setting.

    Raises UsageError if there are several secrets and none is `api_key`.
    """
    secrets = [row.name for row in rows if row.kind is Secret]
    if "api_key" in {row.name for row in rows} or not secrets:
        return "api_key"
    if len(secrets) > 1:
        hints = "\n".join(how_to_set(destination, secret, rows) for secret in secrets)
        message = f"--api-key-file: {destination} has several keys: {', '.join(secrets)}"
        raise UsageError(message, hints)
    return secrets[0]


def require(destination: str, settings: Any) -> None:
    """Raise SettingsError if a setting that sending needs is missing."""
    rows = describe(destination, type(settings))
    missing = [row for row in rows if row.required and not getattr(settings, row.name)]
    if missing:
        needs = "; ".join(f"{row.name} ({row.help})" if row.help else row.name for row in missing)
        hints = "\n".join(how_to_set(destination, row.name, rows) for row in missing)
        raise SettingsError(f"{destination} needs {needs}", hints)


def how_to_set(destination: str, name: str, rows: Sequence[Setting] = ()) -> str:
    """Return what to type to set a setting, for a hint.

    `rows` are all settings of the destination. The hint never offers --set for a key: other users
    of the machine could see the key.
    """
    keys = [row.name for row in rows if row.kind is Secret]
    if name == "endpoint":
        option = "or --endpoint URL, "
    elif name == "api_key" or keys == [name]:
        option = "or --api-key-file PATH, "
    else:
        option = "" if name in keys else f"or --set {name}=…, "
    way = f"{option}or {name} in the table [{destination}]"
    return f"Set it with: export {env_name(destination, name)}=…   ({way} of segcli.toml)"


def _how_to_correct(name: str, origin: Origin) -> str:
    """Return what to type where a wrong value was given, for a hint."""
    match origin.place:
        case Place.OPTION:
            ways = {
                "--set": f"it: --set {name}=…",
                "--endpoint": "it: --endpoint URL",
                "--api-key-file": "the first line of the file of --api-key-file.",
                "settings": f"it: settings={{{name!r}: …}}",
            }
            return f"Correct {ways.get(origin.name, f'it: {origin.name}=…')}"
        case Place.ENVIRONMENT:
            return f"Correct it: export {origin.name}=…"
        case Place.NAMED_CONFIG | Place.FOUND_CONFIG | Place.DEFAULT:
            return "Correct it there."


def secrets_of(settings: Any, further: Iterable[str] = ()) -> list[str]:
    """Return every form of every key in the settings and their endpoint, longest first.

    `further` are other texts that must not be shown.
    """
    values = {entry.name: getattr(settings, entry.name) for entry in fields(settings)}
    texts = [value for value in values.values() if isinstance(value, str)]
    in_address = set(secrets_in_address(values.get("endpoint", "")))
    found = in_address.copy()
    for value in values.values():
        if isinstance(value, Secret):
            found.update(value.forms(texts))
    for text in (*further, *in_address):
        found.update(Secret(text).forms())
    return sorted(found, key=len, reverse=True)


@lru_cache(maxsize=8)
def masked(settings: _S) -> _S:
    """Return settings with `***` in place of each key, for payloads that are shown."""
    entries: Any = fields(settings)  # type: ignore[arg-type]  # settings are a dataclass
    keys = [one.name for one in entries if isinstance(getattr(settings, one.name), Secret)]
    return replace(settings, **dict.fromkeys(keys, Secret(MASK)))  # type: ignore[type-var]


def _first(destination: str, name: str, sources: SettingSources) -> tuple[Any, Origin]:
    """Return the value of the first source that has one, and the source; None for the default."""
    if (value := sources.given.get(name)) is not None:
        return value, Origin(Place.OPTION, sources.options.get(name, sources.given_in))
    variable = env_name(destination, name)
    if (value := sources.env.get(variable)) is not None:
        return value, Origin(Place.ENVIRONMENT, variable)
    if (value := sources.table.get(name)) is not None:
        place = Place.FOUND_CONFIG if sources.is_found else Place.NAMED_CONFIG
        return value, Origin(place, sources.config)
    return None, BY_DEFAULT


def _place(name: str, origin: Origin, sources: SettingSources) -> str:
    is_in_file = origin.place in {Place.NAMED_CONFIG, Place.FOUND_CONFIG}
    return sources.place(name) if is_in_file else ""


def _hidden_key(value: Any, kind: type) -> Any:
    return Secret(value) if kind is Secret and isinstance(value, str) else value


def _check_name(
    destination: str, name: str, known: Mapping[str, Any], *, where: str, dest: str
) -> None:
    if name in known:
        return
    close = difflib.get_close_matches(name, known, 1)
    guess = f"Did you mean {close[0]}? " if close else ""
    raise SettingsError(
        f"{where}: {destination} has no setting {name!r}",
        f"{guess}It has: {', '.join(known)}. See: segcli destinations {dest or destination}",
    )
