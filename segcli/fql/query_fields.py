"""The fields that a query may name: those of an event, or those below one root."""

from dataclasses import dataclass

from segcli.fql.ast import FieldName


@dataclass(frozen=True, slots=True)
class QueryFields:
    """The fields that a query may name.

    plain: fields that are compared as text.
    nested: roots of nested fields.
    """

    plain: frozenset[str]
    nested: frozenset[str]

    @property
    def condition(self) -> str:
        """What a condition may begin with, for people."""
        names = [*sorted(self.plain), *(f"{root}.…" for root in sorted(self.nested))]
        if self == OF_EVENTS:
            names = ["type", "event", "name", "userId", "properties.…", "traits.…", "context.…"]
        return f"a field ({', '.join(names)}), contains( or match("

    @property
    def searchable(self) -> str:
        """What a function can search, for people."""
        return "event, name, … or properties.…" if self.plain else f"{min(self.nested)}.…"

    def named(self, text: str) -> FieldName | None:
        """Return the field that a name in a query stands for; None if there is none."""
        root, _, name = text.partition(".")
        if root in self.nested:
            return FieldName(root, name or root)
        return FieldName(root) if root in self.plain else None


OF_EVENTS = QueryFields(
    frozenset({"type", "event", "name", "userId"}), frozenset({"properties", "traits", "context"})
)


def fields_below(root: str) -> QueryFields:
    """Return the fields below one root only, such as `body.code`."""
    return QueryFields(frozenset(), frozenset({root}))
