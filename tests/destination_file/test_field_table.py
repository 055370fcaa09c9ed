"""The documented mapping of a destination file has a row for every field of every directive."""

from typing import Any

from support.tables import for_each

from segcli.destination_file.field_table import Row, rows_of
from segcli.mapping import problems
from segcli.mapping.compiler import _DIRECTIVES

NAME = {"@path": "$.traits.name"}
# A mapping with each directive, and its rows.
ROWS: dict[str, tuple[Any, list[Row]]] = {
    "@path": ("$.traits.name", [Row("traits.name", "x")]),
    "@template": ("Hi {{traits.name}}", [Row("traits.name", "x", 'in "Hi {{traits.name}}"')]),
    "@liquid": ("Hi {{traits.name}}", [Row("traits.name", "x", 'in "Hi {{traits.name}}"')]),
    "@literal": (5, [Row("", "x", "always 5")]),
    "@if": (
        {"exists": NAME, "then": NAME, "else": "none"},
        [Row("traits.name", "x"), Row("", "x", 'always "none", without traits.name')],
    ),
    "@arrayPath": (
        ["$.properties.products", {"id": {"@path": "$.sku"}}],
        [Row("properties.products[].sku", "x[].id")],
    ),
    "@merge": (
        {"direction": "right", "objects": [{"a": NAME}, {"b": NAME}]},
        [
            Row("traits.name", "x.a", "merged"),
            Row("traits.name", "x.b", "merged, wins over what is there"),
        ],
    ),
    "@transform": (
        {"apply": {"a": NAME}, "mapping": {"@path": "$.a"}},
        [Row("traits.name", "x", "transformed")],
    ),
    "@excludeWhenNull": (NAME, [Row("traits.name", "x", "left out if null")]),
    "@case": (
        {"operator": "upper", "value": NAME},
        [Row("traits.name", "x", "in upper case")],
    ),
    "@replace": (
        {"pattern": "a", "replacement": "b", "value": NAME},
        [Row("traits.name", "x", "with a replaced")],
    ),
    "@json": ({"mode": "encode", "value": NAME}, [Row("traits.name", "x", "as a text of JSON")]),
    "@uuid": ({"value": NAME}, [Row("traits.name", "x", "as a UUID")]),
    "@tail": ({"value": NAME, "length": 3}, [Row("traits.name", "x", "its last 3 characters")]),
    "@epoch": ({"value": NAME}, [Row("traits.name", "x", "seconds since 1970")]),
    "@iso": ({"value": NAME}, [Row("traits.name", "x", "as a time in UTC")]),
    "@sha256": ({"value": NAME, "clean": "lower"}, [Row("traits.name", "x", "its SHA-256")]),
    "@flatten": (
        {"separator": ".", "value": NAME},
        [Row("traits.name", "x", "flat, keys joined by .")],
    ),
}


@for_each("directive", _DIRECTIVES)
def test_field_of_every_directive_has_a_row(directive: str) -> None:
    value, rows = ROWS[directive]

    assert problems({"x": {directive: value}}) == []
    assert [*rows_of({"x": {directive: value}})] == rows
