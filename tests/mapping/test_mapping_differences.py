"""Intended differences between mappings and JavaScript: the table of the package."""

from datetime import date
from decimal import Decimal
from typing import Any

from support.tables import for_each

from segcli import mapping
from segcli.core import exact_json
from segcli.core.event import Rejected
from segcli.mapping import UNDEFINED, MappingError, compiled

LONG = 9007199254740993
ROWS = [line for line in (mapping.__doc__ or "").splitlines() if line.startswith("| ")][1:]


def made(given: Any, **event: Any) -> Any:
    return compiled({"x": given})(event).get("x", UNDEFINED)


def liquid(template: str, **event: Any) -> Any:
    return made({"@liquid": template}, **event)


def is_rejected(given: Any, **event: Any) -> bool:
    try:
        made(given, **event)
    except Rejected:
        return True
    return False


def is_refused(given: Any) -> bool:
    try:
        compiled(given)
    except MappingError:
        return True
    return False


def decoded(text: str) -> Any:
    return made({"@json": {"mode": "decode", "value": {"@path": "t"}}}, t=text)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def copying() -> Any:
    value: Any = {"@path": ""}
    for _ in range(20):
        value = {"@transform": {"apply": {"a": [{"@path": ""}, {"@path": ""}]}, "mapping": value}}
    return value


# By the first words of each row.
SHOWN: dict[str, bool] = {
    "a number with more digits": made({"@template": "{{n}}"}, n=LONG) == str(LONG),
    "a number in the payload":
        exact_json.dumps(compiled({"x": {"@path": "n"}})(exact_json.loads(b'{"n":100.0}')))
        == b'{"x":100.0}',
    "a number too large for a double":
        made({"@template": "{{n}}"}, n=Decimal("1e400")) == "1e+400"
        and made({"@path": "n"}, n=Decimal("1e400")) == Decimal("1e400"),
    "one half of a surrogate pair": made({"@path": "n[0]"}, n="\U0001f600") == "\ufffd",
    "`@case` of a letter new":
        made({"@case": {"operator": "upper", "value": {"@path": "n"}}}, n="\u1e9e\u0144")
        == "\u1e9e\u0144".upper(),
    "a path to an inherited property":
        made({"@path": "a.constructor"}, a={}) is UNDEFINED
        and made({"@template": "{{a.toString}}"}, a={}) == "",
    "a field named `__proto__`": compiled({"__proto__": {"@path": "a"}})({"a": 1})
        == {"__proto__": 1},
    "`@json` decodes":
        decoded("[" * 101 + "]" * 101) == "[" * 101 + "]" * 101
        and decoded('"\\ud800"') == '"\\ud800"'
        and decoded("[" * 100 + "]" * 100) == exact_json.loads(b"[" * 100 + b"]" * 100),
    "a text of more than 1,000,000":
        is_rejected({"@template": "{{a}}{{a}}"}, a="a" * 500_001)
        and not is_rejected({"@template": "{{a}}{{a}}"}, a="a" * 500_000),
    "a mapping of more than 100 levels": is_refused(nested(101)) and not is_refused(nested(100)),
    "a mapping that can copy": is_refused(copying()),
    "a mapping with NaN": is_refused({"a": float("nan")}) and is_refused({"a": date(2026, 2, 3)}),
    "regular expressions":
        made({"@replace": {"pattern": "(a+)+$", "value": "aaa(a+)+$"}}) == "aaa",
    "`@liquid`: escapes": liquid('{{ "a\\nb" }}') == "a\\nb",
    "`@liquid`: `(1..3)[0]`": is_rejected({"@liquid": "{{ (1..3)[0] }}"})
    and is_rejected({"@liquid": "{{ +5 }}"}),
    "`@liquid`: a time without": liquid("{{ '2026-02-03T10:00' | date: '%H %z' }}") == "10 +0000",
    "`@liquid`: filters in `if`":
        is_rejected({"@liquid": "{% if a | size == 1 %}{% endif %}"})
        and is_rejected({"@liquid": "{{ 1 == 1 }}"})
        and is_rejected({"@liquid": "{{ 'it\\'s' }}"}),
    "`@liquid`: `push`": all(
        is_rejected({"@liquid": f"{{{{ a | {name} }}}}"})
        for name in ("push: 1", "sample", "slugify", "unshift: 1", "json: 2")
    ),
}  # fmt: skip


@for_each("row", ROWS)
def test_every_row_of_the_differences_table_is_true(row: str) -> None:
    (shown,) = [true for words, true in SHOWN.items() if row.startswith(f"| {words}")]

    assert shown


def test_every_tested_difference_is_in_the_table() -> None:
    assert len(SHOWN) == len(ROWS)
