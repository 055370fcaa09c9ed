"""The documented mapping of a destination file has a row for every field of every directive."""

from importlib.util import find_spec
from typing import Any

from support.tables import for_each

from segcli.destination_file.field_table import Row, rows_of
from segcli.mapping import problems
from segcli.mapping.compiler import _DIRECTIVES, _OWN_DIRECTIVES

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
    "@email": ({"value": NAME}, [Row("traits.name", "x", "if it is an email address")]),
    "@lookup": (
        {"value": NAME, "table": {"a": "b"}},
        [Row("traits.name", "x", "by a table of names")],
    ),
    "@tail": ({"value": NAME, "length": 3}, [Row("traits.name", "x", "its last 3 characters")]),
    "@epoch": ({"value": NAME}, [Row("traits.name", "x", "seconds since 1970")]),
    "@iso": ({"value": NAME}, [Row("traits.name", "x", "as a time in UTC")]),
    "@sha256": ({"value": NAME, "clean": "lower"}, [Row("traits.name", "x", "its SHA-256")]),
    "@phone": ({"value": NAME}, [Row("traits.name", "x", "as a phone number, E.164")]),
    "@ulid": (
        {"value": NAME, "time": {"@path": "$.timestamp"}},
        [Row("timestamp", "x", "in a ULID"), Row("traits.name", "x", "in a ULID")],
    ),
    "@each": (
        {
            "value": {"@path": "$.traits"},
            "only": ["a", "b"],
            "omit": ["b"],
            "rename": {"a": "c"},
            "dates": "seconds",
            "as": "text",
            "item": {"v": {"@path": "$.value"}},
            "key": {"@template": "{{outer.event}}"},
        },
        [
            Row(
                "traits.*",
                "x.*",
                "only a, b, without b, a as c, dates as seconds, as text, each mapped, "
                "under other names",
            ),
            Row("event", "x", "in the names"),
        ],
    ),
    "@flatten": (
        {"separator": ".", "value": NAME},
        [Row("traits.name", "x", "flat, keys joined by .")],
    ),
}


# The library of @phone is in an extra.
DIRECTIVES = {*_DIRECTIVES, *_OWN_DIRECTIVES} - (
    {"@phone"} if not find_spec("phonenumbers") else set()
)


@for_each("directive", sorted(DIRECTIVES))
def test_field_of_every_directive_has_a_row(directive: str) -> None:
    value, rows = ROWS[directive]

    assert problems({"x": {directive: value}}) == []
    assert [*rows_of({"x": {directive: value}})] == rows
