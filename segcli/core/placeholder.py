"""Templates: texts with placeholders, such as `https://{settings.region}.acme.example{route}`.

`{settings.NAME}`, `{payload}`, `{payload.PATH}` and `{route}` are placeholders; `{{` and `}}` mean
the characters `{` and `}`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from segcli.core.exact_json import dumps

ROUTE = "route"
OF_SETTINGS = "settings."
PAYLOAD = "payload"
OF_PAYLOAD = "payload."

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder.

    name: `route`, `payload`, `payload.` and a dotted path, or `settings.` and a setting's name.
    """

    name: str

    @property
    def payload_path(self) -> str | None:
        """The path in the payload, "" for all of it; None for another placeholder."""
        if self.name.startswith(OF_PAYLOAD):
            return self.name.removeprefix(OF_PAYLOAD)
        return "" if self.name == PAYLOAD else None


@dataclass(frozen=True, slots=True)
class Template:
    """A template; its `parts` are texts and placeholders, in order."""

    parts: tuple[str | Placeholder, ...] = ()

    @property
    def settings(self) -> list[str]:
        """The names of the settings in its placeholders, in order."""
        return [
            part.name.removeprefix(OF_SETTINGS)
            for part in self.parts
            if isinstance(part, Placeholder)
            if part.name != ROUTE and part.payload_path is None
        ]

    @property
    def payload_paths(self) -> list[str]:
        """The paths of its placeholders in the payload, in order; "" for all of it."""
        paths = [part.payload_path for part in self.parts if isinstance(part, Placeholder)]
        return [path for path in paths if path is not None]

    @property
    def only(self) -> Placeholder | None:
        """The placeholder that is all of it; None if there is other text, or nothing."""
        part = self.parts[0] if len(self.parts) == 1 else None
        return part if isinstance(part, Placeholder) else None

    def filled(self, text_of: Callable[[str], str]) -> str:
        """Return the filled text. `text_of` returns the value of a placeholder by its name."""
        return "".join(part if isinstance(part, str) else text_of(part.name) for part in self.parts)


def parse_template(text: str) -> Template:
    """Parse a template; placeholders may have any name. Raises ValueError for a single bracket."""
    return Template(tuple(_parts(text)))


def template_text(text: Template) -> str:
    """Return a template as it was written, for people."""
    return text.filled(lambda name: f"{{{name}}}")


def payload_value(payload: Any, path: str) -> Any:
    """Return the value at a dotted path of a payload; None if it is absent or null."""
    for name in path.split(".") if path else ():
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload


def text_of(value: Any) -> str | None:
    """Return a value as a text within a text; None for a list, an object or null."""
    if isinstance(value, str):
        return value
    return None if value is None or isinstance(value, dict | list) else dumps(value).decode()


def _parts(text: str) -> Iterator[str | Placeholder]:
    for piece in _PIECE.finditer(text):
        if piece[1] is not None:
            yield Placeholder(piece[1].strip())
        elif piece[0] in "{}":
            bracket = piece[0]
            raise ValueError(
                f"has a single {bracket}; type {bracket * 2} for the character {bracket}"
            )
        else:
            yield {"{{": "{", "}}": "}"}.get(piece[0], piece[0])
