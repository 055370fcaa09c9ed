"""Placeholders such as {settings.api_key} and {payload.id}: what they name, and where they are."""

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Any, Literal, TypeAlias

from segcli.core.placeholder import (
    OF_SETTINGS,
    PAYLOAD,
    ROUTE,
    Placeholder,
    Template,
    parse_template,
)
from segcli.core.setting_value import Shape
from segcli.destination_file.problems import KeyPath, Mistakes

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
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
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


# Where a text may hold values of the payload: nowhere, its fields, or also all of it.
OfPayload: TypeAlias = Literal["none", "fields", "any"]


class Placeholders:
    """Parses texts with placeholders, and remembers where each setting is used."""

    def __init__(self, declared: Collection[str], mistakes: Mistakes) -> None:
        self._declared = declared
        self._mistakes = mistakes
        self._roles: dict[str, dict[Role, None]] = {}

    def read(
        self,
        text: str,
        path: KeyPath,
        role: Role,
        *,
        route: bool = False,
        payload: OfPayload = "none",
    ) -> Template:
        """Parse a text. Mistakes are noted.

        route: it may contain {route}.
        payload: whether it may contain {payload.FIELD}, and {payload}.
        """
        try:
            found = parse_template(text)
        except ValueError as error:
            self._mistakes.add(path, str(error))
            return Template()
        for part in found.parts:
            if not isinstance(part, Placeholder) or (route and part.name == ROUTE):
                continue
            if part.payload_path is None:
                self._use(part.name, path, role)
            elif problem := _problem_of_payload(part, found, role, payload):
                self._mistakes.add(path, problem)
        return found

    def read_all(self, value: Any, path: KeyPath, *, payload: OfPayload = "none") -> Any:
        """Parse every text inside a JSON value that is part of a body."""
        if isinstance(value, str):
            return self.read(value, path, "body", payload=payload)
        if isinstance(value, dict):
            return {
                key: self.read_all(inner, (*path, key), payload=payload)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [
                self.read_all(inner, (*path, at), payload=payload) for at, inner in enumerate(value)
            ]
        return value

    def use_in_payload(self, name: str, path: KeyPath, role: Role = "payload") -> bool:
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

    def _use(self, name: str, path: KeyPath, role: Role) -> None:
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


def replace_placeholders(text: str, replacement: str) -> str:
    """Return a text with this in place of each placeholder."""
    return _PLACEHOLDER.sub(replacement, text)


def _problem_of_payload(
    part: Placeholder, whole: Template, role: Role, allowed: OfPayload
) -> str | None:
    """Return what is wrong with a placeholder of the payload in a text; None if nothing."""
    if allowed == "none":
        where = "the key" if role == "auth" else "this text"
        return f"must not contain {{{part.name}}}: {where} is the same for all events"
    is_whole = part.name == PAYLOAD and allowed == "any" and whole.only
    if part.payload_path == "" and not is_whole:
        return "must name a field of the payload here, such as {payload.user_id}"
    if part.payload_path and not all(part.payload_path.split(".")):
        return f"must name a field of the payload by a dotted path, not {{{part.name}}}"
    return None
