"""Each directive of a mapping: its results for missing values, null and other types."""

from typing import Any

import pytest

from segcli.mapping import UNDEFINED, compiled

EVENT: dict[str, Any] = {
    "userId": "u1",
    "zero": 0,
    "empty": "",
    "no": False,
    "null": None,
    "name": "Ada Lovelace",
    "properties": {"price": 9.5, "tags": ["a", "b"], "a.b": 1, "nested": {"deep": [{"x": 1}]}},
    "products": [{"id": "p1", "price": 1}, {"id": "p2"}, "odd"],
    "t": "{{userId}}",
    "dash": "a-b",
    "emoji": "a😀",
    "json": '{"b":1,"a":[1.50,null]}',
}


def path(where: Any) -> dict[str, Any]:
    return {"@path": where}


MISSING = path("$.nowhere")
NULL = path("$.null")


def upper(value: Any) -> dict[str, Any]:
    return {"@case": {"operator": "upper", "value": value}}


def replaced(value: Any, pattern: str, replacement: str | None = None, **more: Any) -> Any:
    options = {"pattern": pattern, "value": value, **more}
    if replacement is not None:
        options["replacement"] = replacement
    return {"@replace": options}


def if_exists(subject: Any, **more: Any) -> dict[str, Any]:
    return {"@if": {"exists": subject, **more}}


def if_filled(subject: Any, **more: Any) -> dict[str, Any]:
    return {"@if": {"blank": subject, "then": "filled", "else": "blank", **more}}


def merged(direction: str, *objects: Any) -> dict[str, Any]:
    return {"@merge": {"direction": direction, "objects": list(objects)}}


def flat(value: Any, **more: Any) -> dict[str, Any]:
    return {"@flatten": {"value": value, "separator": ".", **more}}


def json_of(value: Any, mode: str = "encode") -> dict[str, Any]:
    return {"@json": {"mode": mode, "value": value}}


PATHS = [
    ("a path may begin with $. or not", path("userId"), "u1"),
    ("a path goes through objects", path("$.properties.nested.deep[0].x"), 1),
    ("an item has a place, in brackets or not", path("$.products.1.id"), "p2"),
    ("names may stand in brackets and quotes", path("['properties'][\"price\"]"), 9.5),
    ("a name with a dot is not found by it", path("properties.a.b"), UNDEFINED),
    ("a list has a length", path("products.length"), 3),
    ("a text has a length, in units of 16 bits", path("emoji.length"), 3),
    ("JSONPath's $ is a name without its dot", path("$['userId']"), UNDEFINED),
    ("below a value that counts as false stands that value", path("$.zero.a.b"), 0),
    ("below an empty text stands an empty text", path("$.empty.a"), ""),
    ("below null stands null", path("$.null.a"), None),
    ("below a number stands nothing", path("$.properties.price.x"), UNDEFINED),
    ("a character has a place", path("$.userId[1]"), "1"),
    ("no path is the event", path("$."), EVENT),
    ("a path may be a literal", path({"@literal": "$.userId"}), "u1"),
    ("a directive may make the path", path(path("$.empty")), EVENT),
    ("dots in a row are one", path("properties..price"), 9.5),
    ("a place with zeros before it is none", path("products[00]"), UNDEFINED),
    ("inherited names are not found", path("constructor"), UNDEFINED),
]

TEMPLATES = [
    ("spaces around a path do not count", {"@template": "{{ userId }}!"}, "u1!"),
    ("three braces are as good", {"@template": "{{{userId}}}"}, "u1"),
    ("what is missing or null is nothing", {"@template": "[{{nowhere}}{{null}}]"}, "[]"),
    ("zero and false are written", {"@template": "{{zero}} {{no}}"}, "0 false"),
    ("a list is its items, an object is not", {"@template": "{{properties.tags}} {{properties}}"},
     "a,b [object Object]"),
    ("braces without a path stay", {"@template": "{{}} {{ {x} }}"}, "{{}} {{ {x} }}"),
    ("an empty path is the event", {"@template": "{{ }}"}, "[object Object]"),
    ("a directive may make the template", {"@template": path("$.name")}, "Ada Lovelace"),
    ("what three braces bring in is read again", {"@template": "{{{t}}}"}, "u1"),
    ("what two braces bring in is not", {"@template": "{{t}}"}, "{{userId}}"),
]  # fmt: skip

CHOICES = [
    ("exists is any value but null", if_exists(path("$.zero"), then=1, **{"else": 2}), 1),
    ("null does not exist", if_exists(NULL, then=1, **{"else": 2}), 2),
    ("without then there is nothing", if_exists(path("$.zero"), **{"else": 2}), UNDEFINED),
    ("then may be null", if_exists("x", then=None), None),
    ("an else that counts as false is nothing", if_exists(NULL, **{"else": 0}), UNDEFINED),
    ("an else may be a list", if_exists(NULL, **{"else": []}), []),
    ("then may be the subject", if_exists(path("$.userId"), then=path("$.userId")), "u1"),
    ("zero, false, nothing and null are blank",
     {p: if_filled(path(p)) for p in ("zero", "no", "empty", "null", "nowhere", "name")},
     {"zero": "blank", "no": "blank", "empty": "blank", "null": "blank", "nowhere": "blank",
      "name": "filled"}),
    ("a list is blank if its text is",
     {"a": if_filled([[]]), "b": if_filled([0]), "c": if_filled([None]), "d": if_filled({})},
     {"a": "blank", "b": "filled", "c": "blank", "d": "filled"}),
    ("exists comes before blank", if_filled(NULL, exists=path("$.zero")), "filled"),
    ("a literal may hold directives", {"@literal": {"a": path("$.userId")}}, {"a": "u1"}),
    ("a literal may be anything", {"x": {"@literal": None}}, {"x": None}),
    ("metadata may stand beside a directive", {**path("$.userId"), "_metadata": {"a": 1}}, "u1"),
    ("null is excluded", {"x": {"@excludeWhenNull": NULL}}, {}),
    ("nulls in objects are excluded, at every level",
     {"@excludeWhenNull": {"a": NULL, "b": {"c": None, "d": {}}}}, {"b": {"d": {}}}),
    ("nulls in lists are not", {"@excludeWhenNull": {"a": [None, {"b": None}]}},
     {"a": [None, {"b": None}]}),
]  # fmt: skip

TEXTS = [
    ("a text in capitals", upper(path("$.name")), "ADA LOVELACE"),
    ("letters may become two", upper("straße"), "STRASSE"),
    ("another value is left as it is", upper(path("$.products[0]")), {"id": "p1", "price": 1}),
    ("nothing stays nothing", upper(MISSING), UNDEFINED),
    ("an empty value is none", upper(""), UNDEFINED),
    ("replaced everywhere, by nothing", replaced(path("$.name"), "a"), "Ad Lovelce"),
    ("replaced once", replaced(path("$.name"), "a", "_", **{"global": False}), "Ad_ Lovelace"),
    ("capitals may count for nothing", replaced("aAb", "A", "-", ignorecase=True), "--b"),
    ("letters are compared one by one", replaced("ß SS ss", "SS", "-", ignorecase=True), "ß - -"),
    ("a letter beyond ASCII is none within it",
     replaced("\u017fs \u212ak", "S", "-", ignorecase=True), "\u017f- \u212ak"),
    ("letters beyond ASCII have capitals too", replaced("ÉéE", "é", "-", ignorecase=True), "--E"),
    ("what means something in a pattern is literal", replaced("a.b(c)*", "(c)*", "."), "a.b."),
    ("a dollar brings in what was found, stood before or after",
     replaced(path("$.dash"), "-", "$&$`$'$$$1"), "a-ab$$1b"),
    ("a number becomes a text", replaced(path("$.properties.price"), ".", ","), "9,5"),
    ("a boolean becomes a text", replaced(path("$.no"), "false", "n"), "n"),
    ("another value becomes an empty text", replaced(path("$.properties"), "a"), ""),
    ("a second pattern comes after the first",
     replaced("abc", "a", "b", pattern2="b", replacement2="x"), "xxc"),
    ("a second pattern that is no text is ignored", replaced("abc", "a", "b", pattern2=5), "bbc"),
]  # fmt: skip

JSON_TEXTS = [
    ("a value as JSON", json_of(path("$.products[0]")), '{"id":"p1","price":1}'),
    ("names that are numbers come first", json_of({"b": 1, "10": 2, "9": 3}),
     '{"9":3,"10":2,"b":1}'),
    ("nothing is left out of an object, and null in a list",
     json_of({"a": MISSING, "b": [MISSING]}), '{"b":[null]}'),
    ("nothing is no text", json_of(MISSING), UNDEFINED),
    ("letters are not escaped", json_of("é\u2028\n\x01\"😀"), '"é\u2028\\n\\u0001\\"😀"'),
    ("numbers are written as JavaScript writes them", json_of([1.0, 1e21, 1e-7, -0.0]),
     "[1,1e+21,1e-7,0]"),
    ("a text of JSON is read", json_of(path("$.json"), "decode"), {"b": 1, "a": [1.5, None]}),
    ("another text stays", json_of(path("$.name"), "decode"), "Ada Lovelace"),
    ("another value stays", json_of(path("$.zero"), "decode"), 0),
    ("an unusual mode is nothing", {"x": json_of("a", "Decode")}, {}),
]  # fmt: skip

LISTS = [
    ("a list as it is", {"@arrayPath": ["$.properties.tags"]}, ["a", "b"]),
    ("a shape for each item", {"@arrayPath": ["$.products", {"i": path("$.id")}]},
     [{"i": "p1"}, {"i": "p2"}, {}]),
    ("an object is a list of one", {"@arrayPath": ["$.properties", {"p": path("price")}]},
     [{"p": 9.5}]),
    ("what is no list stays", {"@arrayPath": ["$.userId", {"p": path("price")}]}, "u1"),
    ("nothing stays nothing", {"@arrayPath": ["$.nowhere", {"p": path("price")}]}, UNDEFINED),
    ("a shape may be a directive", {"@arrayPath": ["$.products", path("$.id")]},
     ["p1", "p2", None]),
    ("a shape without fields is none", {"@arrayPath": ["$.properties.tags", {}]}, ["a", "b"]),
    ("a directive may make the list",
     {"@arrayPath": [{"@literal": [path("$.userId"), {}]}, {"l": path("length")}]}, [{"l": 2}, {}]),
    ("an item at nothing is null", [1, MISSING, {"a": MISSING}], {"0": 1, "2": {}}),
    ("fields at nothing are left out of an object in a list", {"l": [{"a": MISSING}]}, {"l": [{}]}),
    ("fields at nothing are left out of an object in a list of lists",
     {"l": [[{"a": MISSING, "b": 1}]]}, {"l": [[{"b": 1}]]}),
    ("deeper down it keeps its place", {"x": [1, MISSING, {"a": MISSING}]}, {"x": [1, None, {}]}),
]  # fmt: skip

OBJECTS = [
    ("the right one wins", merged("right", {"a": 1, "b": 1}, {"a": 2}), {"a": 2, "b": 1}),
    ("the left one wins", merged("left", {"a": 1, "b": 1}, {"a": 2}), {"a": 1, "b": 1}),
    ("nothing wins too", merged("right", {"a": 1}, {"a": MISSING}), {}),
    ("null in a merge wins", merged("right", {"a": 1}, {"a": NULL}), {"a": None}),
    ("what is excluded wins as nothing",
     merged("right", {"a": 1}, {"@excludeWhenNull": {"a": NULL}}), {}),
    ("nothing and null merge as no fields", merged("right", {"a": 1}, MISSING, NULL), {"a": 1}),
    ("a text and a list merge by their places", merged("right", path("$.userId"), path("$.zero")),
     {"0": "u", "1": "1"}),
    ("fields are merged at the first level only",
     merged("right", {"a": {"b": 1}}, {"a": {"c": 2}}), {"a": {"c": 2}}),
    ("names are joined", flat(path("$.properties.nested")), {"deep.0.x": 1}),
    ("lists may stay", flat(path("$.properties.nested"), omitArrays=True), {"deep": [{"x": 1}]}),
    ("empty objects vanish", flat({"a": {}, "b": []}), {}),
    ("what is no object has no name", flat(path("$.userId")), {"": "u1"}),
    ("nothing flattens to no field", flat(MISSING), {}),
    ("the last of two names wins", flat({"a.b": 1, "a": {"b": MISSING}}), {}),
    ("an empty name is not joined", flat({"": {"a": 1}, "b": {"": 2}}), {"a": 1, "b.": 2}),
    ("fields at nothing are left out", {"a": MISSING, "b": {"c": MISSING}, "d": NULL},
     {"b": {}, "d": None}),
]  # fmt: skip

TRANSFORMS = [
    ("a mapping of what another made",
     {"@transform": {"apply": {"a": {"b": path("$.userId")}}, "mapping": {"c": path("$.a.b")}}},
     {"c": "u1"}),
    ("the first may be a directive",
     {"@transform": {"apply": path("$.properties"), "mapping": path("$.price")}}, 9.5),
    ("fields at nothing are missing for the second",
     {"@transform": {"apply": {"a": MISSING}, "mapping": if_exists(path("a"), **{"else": "no"})}},
     "no"),
    ("a mapping's own directive maps first",
     {"__segment_internal_directive": {"@transform": {"apply": {"a": path("$.userId")}}},
      "b": path("$.a")}, {"b": "u1"}),
]  # fmt: skip

ROOTS = [
    ("a list is an object by its places", ["a", path("$.userId")], {"0": "a", "1": "u1"}),
    ("a text is one of characters", "ab", {"0": "a", "1": "b"}),
    ("a number has no fields", 5, {}),
    ("a directive may be the whole", path("$.userId"), "u1"),
    ("a whole that is nothing is nothing", MISSING, UNDEFINED),
    ("in lists nothing is checked before it is reached, mixed keys are names",
     {"x": [{"@path": "$.a", "b": 1}]}, {"x": [{"@path": "$.a", "b": 1}]}),
]  # fmt: skip

CASES = PATHS + TEMPLATES + CHOICES + TEXTS + JSON_TEXTS + LISTS + OBJECTS + TRANSFORMS + ROOTS


@pytest.mark.parametrize(
    ("mapping", "expected"), [pytest.param(*case, id=name) for name, *case in CASES]
)
def test_mapping_gives_the_expected_result(mapping: Any, expected: Any) -> None:
    found = compiled(mapping)(EVENT)

    assert found == expected
    assert type(found) is type(expected)
