"""Texts with holes that settings fill, such as `https://{settings.region}.acme.example{route}`.

`{settings.NAME}` and `{route}` are holes; `{{` and `}}` stand for the brackets themselves.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ROUTE = "route"
OF_SETTINGS = "settings."

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place that is filled later: `route`, or `settings.` and the name of a setting."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """Texts and holes, in the order in which they stand."""

    parts: tuple[str | Placeholder, ...] = ()

    @property
    def settings(self) -> list[str]:
        """The settings that it is filled with, in the order in which they stand."""
        names = [part.name for part in self.parts if isinstance(part, Placeholder)]
        return [name.removeprefix(OF_SETTINGS) for name in names if name != ROUTE]

    def filled(self, text_of: Callable[[str], str]) -> str:
        """Return the text; `text_of` gives it what stands in a hole of that name."""
        return "".join(part if isinstance(part, str) else text_of(part.name) for part in self.parts)


def parse_template(text: str) -> Template:
    """Read a text with holes, whatever their names; raises ValueError for a lonely bracket."""
    return Template(tuple(_parts(text)))


def template_text(text: Template) -> str:
    """Return a template as it is written, for people."""
    return text.filled(lambda name: f"{{{name}}}")


def _parts(text: str) -> Iterator[str | Placeholder]:
    for piece in _PIECE.finditer(text):
        if piece[1] is not None:
            yield Placeholder(piece[1].strip())
        elif piece[0] in "{}":
            raise ValueError(f"has a lonely {piece[0]}; type {piece[0] * 2} for the bracket itself")
        else:
            yield {"{{": "{", "}}": "}"}.get(piece[0], piece[0])
