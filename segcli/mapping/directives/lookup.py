"""The directive that finds a text in a table: `@lookup`. segcli's own, not mapping-kit's."""

from typing import Any

from segcli.mapping.javascript import UNDEFINED, is_javascript_number, javascript_number
from segcli.mapping.node import Context, Node

# The name of the entry for all texts that have none.
OTHERS = "*"


def lookup(options: dict[str, Any], context: Context) -> Node:
    """Compile `@lookup`: what a table has for a text or a number.

    For a name that the table does not have it is the entry `*`, and without that nothing. If the
    table is a text, that text is the result: a required setting without a value is shown as
    `{settings.NAME}`.
    """
    table = context.part(options["table"], "@lookup", "table")
    value = context.part(options["value"], "@lookup", "value")
    read_table, read = table.run, value.run

    def run(data: Any) -> Any:
        name = read(data)
        name = javascript_number(name) if is_javascript_number(name) else name
        found = read_table(data)
        if isinstance(found, str) or not isinstance(name, str):
            return found if isinstance(name, str) else UNDEFINED
        if not isinstance(found, dict):
            return UNDEFINED
        return found.get(name, found.get(OTHERS, UNDEFINED))

    return Node(run, table.is_constant and value.is_constant)
