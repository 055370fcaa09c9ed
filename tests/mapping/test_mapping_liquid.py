"""Liquid templates in mappings render as on Segment's servers, and refuse what those refuse."""

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from support.mapping_keys import field_value_keys
from support.tables import for_each

import segcli.mapping.liquid
import segcli.mapping.validation
from segcli.core.event import Rejected
from segcli.core.extras import how_to_install
from segcli.mapping import MappingError, compiled, lint

EVENT: dict[str, Any] = {
    "event": "Order Completed",
    "n": 5,
    "f": 2.5,
    "num": "12",
    "yes": True,
    "no": False,
    "nul": None,
    "void": "",
    "list": [1, "a", None, 2.5],
    "object": {"a": 1, "b": {"c": "x"}},
    "items": [{"p": 1, "q": "x"}, {"p": 2, "q": "y"}, {"q": "z"}],
    "at": "2026-02-03T10:11:12.345Z",
    "half": "2026-02-03T10:11:12.500Z",
    "late": "2026-01-04T23:59:59.999Z",
    "html": "<p class='a'>Tom & \"Jerry\"</p><script>1</script>",
    "size": 7,
    "self": "s",
    "partial": "p",
    "now": "n",
}

VALUES = [
    ("{{ event }}", "Order Completed"),
    ("{{ yes }} {{ no }} {{ nul }}{{ nowhere }}", "true false "),
    ("{{ f }} {{ 1.0 }} {{ n }}", "2.5 1 5"),
    ("{{ list }}", "1a2.5"),
    ("{{ object }}", "[object Object]"),
    ("{{ object.b.c }}{{ object['a'] }}", "x1"),
    ("{{ list[0] }}{{ list[-1] }}{{ list.first }}{{ list.last }}{{ list.size }}", "12.512.54"),
    ("{{ event.size }} {{ object.size }} {{ size }}", "15 2 7"),
    ("{{ self }}{{ partial }}{{ now }}", "spn"),
    ("{% if true %}  {% endif %}|", "  |"),
    ("a {%- if yes -%} b {%- endif -%} c", "abc"),
    ("{% assign x = n | plus: 1 %}{{ x }}{% capture y %}{{ x }}!{% endcapture %}{{ y }}", "66!"),
    ("{% echo n %}{% raw %}{{ n }}{% endraw %}{% comment %}x{% endcomment %}", "5{{ n }}"),
    ("", ""),
    ("{{ items.0.p }}{{ items.9.p }}{{ list.0 }}{{ items[1].q }}", "11y"),
    ("{{ object.Test Audience }}{{ event foo | upcase }}{% assign x = n 7 %}{{ x }}",
     "ORDER COMPLETED5"),
    ("{{ nil }}{{ blank }}{{ empty }}", ""),
]  # fmt: skip

FILTERS = [
    ("{{ n | divided_by: 2 }}", "2.5"),
    ("{{ n | divided_by: 0 }} {{ 0 | divided_by: 0 }}", "Infinity NaN"),
    ("{{ 0.1 | plus: 0.2 }}", "0.30000000000000004"),
    ("{{ num | times: 2 }} {{ nowhere | plus: 0 }} {{ event | minus: 1 }}", "24 0 -1"),
    ("{{ -5 | modulo: 3 }} {{ -5 | abs }} {{ 1.2 | ceil }} {{ 1.8 | floor }}", "1 5 2 1"),
    ("{{ 2.5 | round }} {{ -2.5 | round }} {{ 1.005 | round: 2 }} {{ 1234 | round: -2 }}",
     "3 -3 1.01 1200"),
    ("{{ n | at_least: 7 }} {{ n | at_most: 3 }}", "7 3"),
    ("{{ yes | append: 'x' | prepend: n }}", "5truex"),
    ("{{ event | upcase }} {{ event | downcase }} {{ event | downcase | capitalize }}",
     "ORDER COMPLETED order completed Order completed"),
    ("{{ event | replace: 'e', '' }} {{ event | remove_first: 'r' }}",
     "Ordr Compltd Oder Completed"),
    ("{{ event | slice: 0, 5 }} {{ event | slice: -4, 3 }} {{ list | slice: 1, 2 }}",
     "Order ete a"),
    ("{{ event | truncate: 8 }} {{ event | truncatewords: 1, '--' }}", "Order... Order--"),
    ("{{ 'a,b,,c,,' | split: ',' | json }}", '["a","b","","c"]'),
    ("{{ list | join: '-' }} {{ list | compact | size }}", "1-a--2.5 3"),
    ("{{ items | where: 'q', 'y' | json }} {{ items | sum: 'p' }}", '[{"p":2,"q":"y"}] 3'),
    ("{{ void | default: 'd' }}{{ no | default: 'e' }}{{ no | default: 'f', allow_false: true }}",
     "defalse"),
    ("{{ object | json }}", '{"a":1,"b":{"c":"x"}}'),
    ("{{ html | strip_html }} {{ html | escape | slice: 0, 7 }}", 'Tom & "Jerry" &lt;p c'),
    ("{{ 'a b&c/é' | url_encode }} {{ 'a+b%C3%A9' | url_decode }}", "a+b%26c%2F%C3%A9 a bé"),
    ("{{ 'hi' | base64_encode }} {{ 'aGk=' | base64_decode }}", "aGk= hi"),
    ("{{ 'hi' | sha256 | slice: 0, 8 }} {{ 'hi' | hmac_sha256: 'k' | slice: 0, 8 }}",
     "8f434346 233f8e9a"),
    ("{{ nil | json }}{{ blank | inspect }}{{ nul | json }}{{ nowhere | json }}", "{}{}null"),
    ("{{ (1..3) | last }}{{ (1..n) | size }}{{ (1..3) | json }}{{ (3..1) | first }}", "35[1,2,3]"),
    ("{% assign r = (2..4) %}{{ r.size }}{{ r[0] }}{{ r | join: '-' }}", "322-3-4"),
    ("{{ '%%%' | base64_decode }}|{{ 'a' | base64_decode }}|{{ 'aGk=aGk=' | base64_decode }}",
     "||hi"),
    ("{{ 'aG k!' | base64_decode }}{{ '-_' | base64_decode | size }}", "hi1"),
    ("{{ n | nothing_known }} {{ event | upcase: 1 | slice: 0 }}", "5 O"),
]  # fmt: skip

DATES = [
    ("{{ at | date: '%Y-%m-%d %H:%M:%S.%L' }}", "2026-02-03 10:11:12.345"),
    ("{{ at | date }}", "Tuesday, February 3, 2026 at 10:11 am +0000"),
    ("{{ at | date: '%a %b %-d %e %j %l %p %y %u %U %W %q' }}",
     "Tue Feb 3  3 034 10 AM 26 2 05 05 rd"),
    ("{{ at | date: '%s %z %:z %Z %%' }}", "1770113472 +0000 +00:00 UTC %"),
    ("{{ at | date: '%c|%x|%X|%3N|%N|%C|%^b|%10Y|%Q' }}",
     "2/3/2026, 10:11:12 AM|2/3/2026|10:11:12 AM|345|345000000|20|FEB|0000002026|%Q"),
    ("{{ at | date: '%H:%M %z %Z', 'America/New_York' }}", "05:11 -0500 America/New_York"),
    ("{{ at | date: '%H %z %s', -120 }}", "12 +0200 1770113472"),
    ("{{ 0 | date: '%F' }}{{ 0 | date: '%Y' }} {{ '86400' | date: '%d' }}", "%F1970 02"),
    ("{{ '2024-05-01T10:00:00+02:00' | date: '%H' }}{{ '2024-02-30' | date: '%m%d' }}", "080301"),
    ("{{ 'May 1, 2024' | date: '%j' }}{{ '2024/05/01 10:00 PM' | date: '%H' }}", "12222"),
    ("{{ 'Wed, 01 May 2024 10:00:00 GMT' | date_to_xmlschema }}", "2024-05-01T10:00:00+00:00"),
    ("{{ at | date_to_string }}, {{ at | date_to_long_string: 'ordinal', 'US' }}",
     "03 Feb 2026, February 3rd, 2026"),
    ("{{ half | date: '%s' }} {{ late | date: '%s%L' }} {{ 1.9 | date: '%s' }}",
     "1770113473 1767571200999 2"),
    ("{{ '2024-12-31' | date: '%U %W' }}|{{ '2023-01-01' | date: '%U %W' }}", "52 52|00 00"),
    ("{{ '2026-1-8' | date: '%j' }}{{ '1/8/26' | date: ' %Y' }}{{ 'order 7' | date: ' %m' }}",
     "008 2026 07"),
    ("{{ 'no date' | date: '%Y' }}{{ nowhere | date: '%Y' }}", "no date"),
]  # fmt: skip

CONDITIONS = [
    ("num > 5", True),
    ("n == '5'", False),
    ("n == 5.0", True),
    ("yes == 1", False),
    ("nowhere == nil", True),
    ("nul == nil", True),
    ("nul == nowhere", False),
    ("nul < 1", True),
    ("nowhere < 1", False),
    ("nil < 1", False),
    ("'a' < 'b'", True),
    ("event < 1", False),
    ("void == empty", True),
    ("nowhere == blank", True),
    ("n", True),
    ("void", True),
    ("nul", False),
    ("list contains 'a'", True),
    ("event contains 'Order'", True),
    ("num contains 2", True),
    ("n contains 5", False),
    ("no and no or yes", False),
    ("yes or no and no", True),
    ("n > 3 and f <= 2.5", True),
    ("list == list", True),
    ("not no", True),
    ("not yes and no", False),
    ("yes and not no", True),
    ("not n == 5", False),
    ("not no or yes", True),
    ("not not yes", True),
    ("event Completed", True),
    ("nowhere Completed == nowhere", False),
    ("n == 4 n", True),
    ("nul and n n", False),
    ("blank == empty", False),
    ("blank == blank", False),
    ("blank == nil", True),
    ("empty == empty", False),
    ("(1..3) contains 2", True),
    ("(1..3) == (1..3)", True),
    ("object == object", True),
]

REFUSED = [
    ("x\n {{ list | sort }}", 'filter "sort" is disabled, line:2, col:2'),
    ("{% if no %}{{ list | sort }}{% endif %}ok", None),
    ("a{% tablerow %}", 'tag "tablerow" is disabled, line:1, col:2'),
    ("{% assign x = list | uniq %}", 'filter "uniq" is disabled, line:1, col:1'),
    ("{% layout 'a' %}", 'tag "layout" is disabled, line:1, col:1'),
    ("{% nothing %}", 'tag "nothing" not found, line:1, col:1'),
    ("{{ n | append }}", "append expect 2 arguments, line:1, col:1"),
    ("{{ '%' | url_decode }}", "URI malformed, line:1, col:1"),
    ("{{ at | date: '%H', 'Mars' }}", "Invalid time zone specified, line:1, col:1"),
    ("a" * 1001, "liquid template values are limited to 1000 characters"),
]


def rendered(template: str) -> Any:
    return compiled({"@liquid": template})(EVENT)


@for_each(("template", "text"), VALUES + FILTERS + DATES)
def test_template_renders_the_expected_text(template: str, text: str) -> None:
    assert rendered(template) == text


@for_each(("condition", "holds"), CONDITIONS)
def test_condition_is_true_as_in_javascript(condition: str, holds: bool) -> None:
    assert rendered(f"{{% if {condition} %}}yes{{% else %}}no{{% endif %}}") == (
        "yes" if holds else "no"
    )
    assert rendered(f"{{% unless {condition} %}}yes{{% endunless %}}") == ("" if holds else "yes")


@for_each(("template", "problem"), REFUSED)
def test_template_that_segment_refuses_is_rejected_with_its_message(
    template: str, problem: str | None
) -> None:
    if problem is None:
        assert rendered(template) == "ok"
        return
    with pytest.raises(Rejected) as caught:
        rendered(template)

    assert (caught.value.field, caught.value.problem) == ("/@liquid", problem)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ 1 | plus: %s }}", "Infinity"),
        ("{%% if n < %s %%}less{%% endif %%}", "less"),
        ("{{ (1..3) | join }}%.0s", "1 2 3"),
        ("{{ long | date: '%%Y' | size }}%.0s", "300000"),
    ],
    ids=["plus", "less", "range", "no date"],
)
def test_large_numbers_and_texts_are_rendered_quickly(template: str, text: str) -> None:
    event = {"n": Decimal("1e300"), "long": " (" * 150_000}

    assert compiled({"@liquid": template % ("9" * 400)})(event) == text


def test_rejection_shows_no_value_of_the_event() -> None:
    with pytest.raises(Rejected) as caught:
        compiled({"@liquid": "{{ secret | url_decode }}"})({"secret": "s3cr3t%"})

    assert "s3cr3t" not in str(caught.value)


def test_number_keeps_all_digits_unless_a_filter_calculates() -> None:
    event = {"n": Decimal("12345678901234567890.5")}

    assert compiled({"@liquid": "{{ n }}"})(event) == "12345678901234567890.5"
    assert compiled({"@liquid": "{{ n | plus: 0 }}"})(event) == "12345678901234567000"


def test_paths_that_a_template_reads_are_listed() -> None:
    keys = field_value_keys(
        {"a": {"@liquid": "{% if b.c %}{{ d['e f'] | append: g[0].h }}{% endif %}{{ b.c }}"}}
    )

    assert keys == ["b.c", "d['e f']", "g[0].h"]


def test_missing_python_liquid_is_an_error_with_an_install_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segcli.mapping.liquid, "is_installed", lambda: False)
    monkeypatch.setattr(segcli.mapping.validation, "is_installed", lambda: False)

    for mapping, path in (({"a": {"@liquid": "x"}}, "/a"), ({"a": [{"@liquid": "x"}]}, "/a/0")):
        for call in (compiled, lint):
            with pytest.raises(MappingError) as caught:
                call(mapping)
            assert [str(problem) for problem in caught.value.problems] == [
                f"{path}/@liquid needs python-liquid: type {how_to_install('liquid')}"
            ]


def test_python_liquid_is_imported_only_for_a_mapping_that_uses_it() -> None:
    program = (
        "import sys; from segcli.mapping import compiled; compiled({'a': {'@path': 'b'}});"
        "assert 'liquid' not in sys.modules; compiled({'a': {'@liquid': '{{ b }}'}});"
        "assert 'liquid' in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True)
