"""A destination's settings: one frozen dataclass, filled from `--set`, the environment and TOML.

The first of these that names a setting wins: `--set`, `SEGCLI_<DEST>_<SETTING>`, the
destination's table in `segcli.toml`, the default; `origins` says which one it was. A field may be
a str, int, float, bool or Secret; one named `endpoint` is the address requests go to, one named
`api_key` the key.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from typing import Any, TypeVar, get_type_hints
from urllib.parse import urlsplit

from segcli.core.secret import Secret, display_address, secrets_in_address
from segcli.errors import SettingsError

S = TypeVar("S")

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_KINDS: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Secret: "a key: printable ASCII on one line",
}
_ADDRESS = "an address such as https://host/path"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text of a setting must look like, as a pattern and in words.

    `is_address`: such a text says where requests go, whole or in part.
    """

    pattern: str
    words: str
    is_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting as people need to know it.

    `is_grouping`: it says which events share a request and nothing else, so it may change when a
    run is resumed.
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
        """Whether it says where requests go, and with them the keys."""
        return self.name == "endpoint" or any(shape.is_address for shape in self.shapes)

    def takes(self, text: str) -> bool:
        """Tell whether a text is of all the shapes that it must have."""
        return all(re.fullmatch(shape.pattern, text, re.DOTALL) for shape in self.shapes)


class Place(Enum):
    """The places that a setting can come from."""

    OPTION = "an option of the command line"
    ENVIRONMENT = "a variable of the environment"
    NAMED_CONFIG = "a file of settings that was named"
    FOUND_CONFIG = "a file of settings that lay in the working folder"
    DEFAULT = "the destination itself"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting comes from; `name` is for people: `--set`, a variable, a file."""

    place: Place
    name: str


BY_DEFAULT = Origin(Place.DEFAULT, "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where settings come from, the strongest first.

    `options` names the option by which a setting was given, where that was not `--set`. `config`
    names the TOML file that has the table, which nobody named where it `is_found`. `dest` is the
    destination as it was typed, for messages.
    """

    given: Mapping[str, str]
    env: Mapping[str, str]
    table: Mapping[str, Any]
    options: Mapping[str, str] = field(default_factory=dict)
    config: str = "segcli.toml"
    is_found: bool = False
    dest: str = ""


def setting(
    default: Any = MISSING,
    *,
    help: str,
    required: bool = False,
    minimum: int | None = None,
    shapes: Sequence[Shape] = (),
    is_grouping: bool = False,
) -> Any:
    """Declare a field of a Settings dataclass; `required` means: for sending, not for mapping.

    What is given has to be of every shape. `is_grouping`: the setting says which events share a
    request and nothing else, so that a run can be resumed with another value.
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
    """List a Settings dataclass's fields for people, in their order."""
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
    """Return how the environment variables of a destination begin: `SEGCLI_GIST_`.

    Names that differ only in case, or in what is neither a letter nor a digit, have the same.
    """
    return re.sub(r"[^A-Z0-9]", "_", f"SEGCLI_{destination}_".upper())


def env_name(destination: str, name: str) -> str:
    """Return the environment variable of a setting: `SEGCLI_GIST_API_KEY`."""
    return env_prefix(destination) + name.upper()


def share_variables(one: str, other: str) -> bool:
    """Whether a variable of the environment may belong to both of two destinations.

    `SEGCLI_GIST_API_KEY` is `api_key` of `gist`, and would be `key` of `gist-api`.
    """
    prefixes = env_prefix(one), env_prefix(other)
    return prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])


def read_settings(destination: str, settings: type[S], sources: Sources) -> S:
    """Make the settings of a destination; what no source names has its default.

    Raises SettingsError for an unknown name and for a value of the wrong kind. What is required
    may still be missing: mapping needs no key. See `require`.
    """
    known = {entry.name: entry for entry in fields(settings)}  # type: ignore[arg-type]  # S is one
    _check_names(destination, sources.given, known, "--set", sources.dest)
    _check_names(destination, sources.table, known, sources.config, sources.dest)
    kinds = get_type_hints(settings)
    values = {}
    for name, entry in known.items():
        value, _ = _first(destination, name, sources)
        if value is not None:
            values[name] = _convert(destination, name, value, kinds[name])
            _check_minimum(destination, name, values[name], entry.metadata.get("minimum"))
            _check_shapes(destination, name, values[name], entry.metadata.get("shapes", ()))
    return settings(**values)


def origins(destination: str, settings: type[Any], sources: Sources) -> dict[str, Origin]:
    """Return where each setting comes from; the values are those of `read_settings`."""
    return {entry.name: _first(destination, entry.name, sources)[1] for entry in fields(settings)}


def require(destination: str, settings: Any) -> None:
    """Raise SettingsError unless everything that sending needs is there."""
    missing = [
        row
        for row in describe(destination, type(settings))
        if row.required and not getattr(settings, row.name)
    ]
    if missing:
        needs = "; ".join(f"{row.name} ({row.help})" if row.help else row.name for row in missing)
        hints = "\n".join(how_to_set(destination, row.name) for row in missing)
        raise SettingsError(f"{destination} needs {needs}", hints)


def how_to_set(destination: str, name: str) -> str:
    """Return what to type to set a setting, for a hint."""
    ways = {
        "api_key": f"or --api-key-file PATH, or api_key in the table [{destination}]",
        "endpoint": f"or --endpoint URL, or endpoint in the table [{destination}]",
    }
    way = ways.get(name, f"or --set {name}=…, or {name} in the table [{destination}]")
    return f"Set it with: export {env_name(destination, name)}=…   ({way} of segcli.toml)"


def secrets_of(settings: Any, further: Iterable[str] = ()) -> list[str]:
    """Return every form of every key that the settings or their endpoint hold, longest first.

    `further` are texts that must not be shown either.
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


def _first(destination: str, name: str, sources: Sources) -> tuple[Any, Origin]:
    """Return the value that wins, and where it comes from; None where the default holds."""
    if (value := sources.given.get(name)) is not None:
        return value, Origin(Place.OPTION, sources.options.get(name, "--set"))
    variable = env_name(destination, name)
    if (value := sources.env.get(variable)) is not None:
        return value, Origin(Place.ENVIRONMENT, variable)
    if (value := sources.table.get(name)) is not None:
        place = Place.FOUND_CONFIG if sources.is_found else Place.NAMED_CONFIG
        return value, Origin(place, sources.config)
    return None, BY_DEFAULT


def _check_names(
    destination: str, names: Mapping[str, Any], known: Mapping[str, Any], where: str, dest: str
) -> None:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            guess = f"Did you mean {close[0]}? " if close else ""
            raise SettingsError(
                f"{where}: {destination} has no setting {name!r}",
                f"{guess}It has: {', '.join(known)}. "
                f"See: segcli destinations {dest or destination}",
            )


def _convert(destination: str, name: str, value: Any, kind: type) -> Any:
    try:
        converted = _as_kind(value, kind)
        if name == "endpoint" and converted:
            converted = _endpoint(converted)
    except ValueError:
        what = _ADDRESS if name == "endpoint" else _KINDS[kind]
        shown = "" if kind is Secret or name == "endpoint" else f", not {value!r}"
        raise SettingsError(
            f"{destination}: {name} must be {what}{shown}", how_to_set(destination, name)
        ) from None
    return converted


def _as_kind(value: Any, kind: type) -> Any:
    """Read a setting from text, or take a TOML value of the right kind; raises ValueError."""
    if kind is Secret and isinstance(value, str):
        return _secret(value)
    if kind is bool and isinstance(value, str):
        return _truth(value)
    if isinstance(value, str) and kind in {int, float}:
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    if kind is str and type(value) is str:
        # Bytes on the command line that are no UTF-8 are surrogates, which no JSON can hold.
        return value.encode().decode()
    if type(value) is kind:
        return value
    if kind is str and type(value) in {int, float}:
        return str(value)
    raise ValueError


def _secret(text: str) -> Secret:
    key = text.strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError
    return Secret(key)


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    # Reading the port checks it: it raises ValueError for one that cannot be.
    has_host = bool(parts.hostname) and parts.port != 0
    if parts.scheme not in {"http", "https"} or not has_host or not url.isprintable():
        raise ValueError
    return url.strip().rstrip("/")


def _check_minimum(destination: str, name: str, value: Any, minimum: int | None) -> None:
    if minimum is not None and value < minimum:
        raise SettingsError(
            f"{destination}: {name} must be at least {minimum}, not {value}",
            how_to_set(destination, name),
        )


def _check_shapes(destination: str, name: str, value: Any, shapes: Sequence[Shape]) -> None:
    text = value.reveal() if isinstance(value, Secret) else str(value)
    for shape in shapes:
        if text and not re.fullmatch(shape.pattern, text, re.DOTALL):
            shown = "" if isinstance(value, Secret) else f", not {display_address(text)!r}"
            raise SettingsError(
                f"{destination}: {name} must be {shape.words}{shown}",
                how_to_set(destination, name),
            )
