"""The option `--where`: a query as it was typed, and what it picks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from segcli.cli.quantities import utf8

if TYPE_CHECKING:
    from segcli.fql import Predicate


@dataclass(frozen=True, slots=True)
class Where:
    """A query, and how it was typed: a journal tells by the text whether it is the same one."""

    text: str
    matches: "Predicate"


class Query(click.ParamType[Any]):
    """An option's value in FQL; what Segment would pass over is an error here."""

    name = "FQL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the query, or fail and show the place."""
        from segcli.fql import matcher

        if not isinstance(value, str):
            return value
        try:
            return Where(utf8(value), matcher(value, strict=True))
        except ValueError as error:
            self.fail(str(error), param, ctx)


QUERY = Query()
