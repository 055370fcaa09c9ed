"""Placeholders such as {settings.api_key}: which settings they name, and what values they allow."""

import difflib
from collections.abc import Collection, Mapping
from typing import Any, Literal, TypeAlias

from segcli.core.placeholder import OF_SETTINGS, ROUTE, Placeholder, Template, parse_template
from segcli.core.settings import Shape
from segcli.destination_file.problems import Mistakes, Path

Role: TypeAlias = Literal[
    "base", "start", "host", "path", "query", "header", "auth", "body", "payload", "template"
]

ADDRESS_SHAPE = Shape(
    r"https?://([^\s/?#@]+@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?([/?][!-~]*)?",
    "an address such as https://host/path",
    is_address=True,
)
# An address that a path or a query follows, so without ? and #.
START = Shape(
    ADDRESS_SHAPE.pattern.removesuffix("([/?][!-~]*)?") + r"(/[!\"$->@-~]*)?",
    "an address such as https://host/path, without ? and #",
    is_address=True,
)
_LINE = Shape(r"[!-~]([ -~]*[!-~])?", "printable ASCII on one line")
# A segment of only dots would lead to another path.
_SEGMENT = Shape(r"(?!\.{1,2}$).+", "a part of a path, not . or ..")
# Braces would make another template of the text.
_NO_BRACES = Shape(r"[^{}]*", "a text without { and }")
_HOST = Shape(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", "a part of a host name", is_address=True)
_SHAPES: Mapping[Role, Shape] = {
    "base": ADDRESS_SHAPE,
    "start": START,
    "host": _HOST,
    "path": _SEGMENT,
    "header": _LINE,
    "auth": _LINE,
    "template": _NO_BRACES,
}


class Placeholders:
    """Parses texts with placeholders, and remembers where each setting is used."""

    def __init__(self, declared: Collection[str], mistakes: Mistakes) -> None:
        self._declared = declared
        self._mistakes = mistakes
        self._roles: dict[str, dict[Role, None]] = {}

    def read(self, text: str, path: Path, role: Role, *, route: bool = False) -> Template:
        """Parse a text; with `route`, it may contain {route}. Mistakes are noted."""
        try:
            found = parse_template(text)
        except ValueError as problem:
            self._mistakes.add(path, str(problem))
            return Template()
        for part in found.parts:
            if isinstance(part, Placeholder) and not (route and part.name == ROUTE):
                self._use(part.name, path, role)
        return found

    def read_all(self, value: Any, path: Path) -> Any:
        """Parse every text inside a JSON value that is part of a body."""
        if isinstance(value, str):
            return self.read(value, path, "body")
        if isinstance(value, dict):
            return {key: self.read_all(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.read_all(inner, (*path, at)) for at, inner in enumerate(value)]
        return value

    def use_in_payload(self, name: str, path: Path, role: Role = "payload") -> bool:
        """Remember that payloads hold a setting; False if there is none, which is noted."""
        self._use(OF_SETTINGS + name, path, role)
        return name in self._declared

    @property
    def may_be_incomplete(self) -> bool:
        """Whether uses of settings may be missing, because something could not be read."""
        return self._mistakes.are_below(())

    def is_used(self, name: str, *roles: Role) -> bool:
        """Return whether a setting is used, in one of `roles` if any are given."""
        used = self._roles.get(name, {})
        return any(role in used for role in roles) if roles else bool(used)

    def shapes(self, name: str) -> tuple[Shape, ...]:
        """Return the shapes that a setting's value must have for all its uses."""
        roles = self._roles.get(name, {})
        return tuple(dict.fromkeys(_SHAPES[role] for role in roles if role in _SHAPES))

    def _use(self, name: str, path: Path, role: Role) -> None:
        setting = name.removeprefix(OF_SETTINGS)
        if name != setting and setting in self._declared:
            self._roles.setdefault(setting, {})[role] = None
            return
        if name == ROUTE:
            self._mistakes.add(path, "must not contain {route}: it belongs in the path of the url")
            return
        close = difflib.get_close_matches(setting, self._declared, 1)
        known = [f"{{{OF_SETTINGS}{one}}}" for one in (close or self._declared)]
        hint = f"Did you mean {known[0]}?" if close else f"There are: {', '.join(known) or 'none'}"
        self._mistakes.add(path, f"{{{name}}} is not a setting of this file. {hint}")
