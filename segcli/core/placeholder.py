"""Templates: texts with placeholders, such as `https://{settings.region}.acme.example{route}`.

`{settings.NAME}` and `{route}` are placeholders; `{{` and `}}` mean the characters `{` and `}`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ROUTE = "route"
OF_SETTINGS = "settings."

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder; its `name` is `route`, or `settings.` and the name of a setting."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """A template; its `parts` are texts and placeholders, in order."""

    parts: tuple[str | Placeholder, ...] = ()

    @property
    def settings(self) -> list[str]:
        """The names of the settings in its placeholders, in order."""
        names = [part.name for part in self.parts if isinstance(part, Placeholder)]
        return [name.removeprefix(OF_SETTINGS) for name in names if name != ROUTE]

    def filled(self, text_of: Callable[[str], str]) -> str:
        """Return the filled text. `text_of` returns the value of a placeholder by its name."""
        return "".join(part if isinstance(part, str) else text_of(part.name) for part in self.parts)


def parse_template(text: str) -> Template:
    """Parse a template; placeholders may have any name. Raises ValueError for a single bracket."""
    return Template(tuple(_parts(text)))


def template_text(text: Template) -> str:
    """Return a template as it was written, for people."""
    return text.filled(lambda name: f"{{{name}}}")


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
