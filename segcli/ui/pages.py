"""The templates of all pages. Text from outside is escaped, for HTML and for the eye."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from segcli.core.visible_text import visible_lines
from segcli.ui.figures import shown_size

# Raised for values that a template cannot show.
PageError = TemplateError


def page(template: str, **values: Any) -> str:
    """Return a page, or a part of one, with these values; raises PageError."""
    return _environment().get_template(template).render(**values)


def static_file(name: str) -> bytes:
    """Return a file of this room that a page needs; raises FileNotFoundError."""
    return (files("segcli.ui") / "static" / name).read_bytes()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("segcli.ui"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_shown,
    )
    environment.filters |= {"number": "{:,}".format, "size": shown_size, "percent": _percent}
    return environment


def _shown(value: Any) -> Any:
    """Return text with escapes for characters that cannot be seen; the pages' own text as it is."""
    return (
        visible_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value
    )


def _percent(share: float) -> str:
    """Return a share as a percentage; 100 % only for all, and 0 % only for none."""
    said = f"{share:.1%}"
    if said == "100.0%":
        return "100%" if share >= 1 else ">99.9%"
    if said == "0.0%":
        return "<0.1%" if share > 0 else "0%"
    return said
