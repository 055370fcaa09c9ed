"""Liquid as Segment runs it: which tags and filters there are, and how values are written."""

from typing import Any

from liquid import Environment
from liquid.exceptions import LiquidError

from segcli.mapping.part import Part, Place

DISABLED_TAGS = ("case", "for", "include", "layout", "render", "tablerow")
DISABLED_FILTERS = (
    *("array_to_sentence_string", "concat", "find", "find_exp", "find_index", "find_index_exp"),
    *("group_by", "group_by_exp", "has", "has_exp", "map", "newline_to_br", "reject"),
    *("reject_exp", "reverse", "sort", "sort_natural", "uniq", "where_exp", "type"),
)


def renderer(template: str, place: Place) -> Part:
    """Return the part that renders a template."""
    try:
        parsed = _environment().from_string(template)
    except LiquidError as error:
        return place.refusal(str(error))

    def run(data: Any) -> str:
        try:
            return parsed.render(**data)
        except LiquidError as error:
            place.refuse(str(error))

    return Part(run, is_total=True)


def paths(template: str) -> list[str]:
    """Return the paths that a template reads, in their order."""
    parsed = _environment().from_string(template)
    return list(parsed.global_variables())


def _environment() -> Environment:
    return Environment()
