"""The table of uncovered fields starts with the important ones and shows a sample of each."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.check_reports import review_of, rows_of
from support.fakes import CommandResult
from support.samples import line_of

from segcli.review.coverage import LeftOut
from segcli.review.coverage_view import masked_sample, shown_fields

Segcli = Callable[..., CommandResult]
EVENT = line_of(
    timestamp="2026-02-03T10:00:00Z",
    messageId="m-1",
    context={"library": {"name": "x", "version": "1"}, "locale": "de-DE"},
    properties={"revenue": 12.50, "email": "a@b.example", "lots": [{"of": "Ünit 7"}]},
)
CHECK = ("check", "-d", "pointillist", "events.jsonl")


def fields(*paths: str, share: float = 1.0) -> list[LeftOut]:
    return [LeftOut(path, 1, share, ("a", 1)) for path in paths]


def shown(*patterns: str, of: list[LeftOut]) -> list[str]:
    return [one.path for one in shown_fields(of, patterns)]


@pytest.fixture(autouse=True)
def _events(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(EVENT)


def test_envelope_is_hidden_and_properties_and_traits_come_first() -> None:
    envelope = ("messageId", "sentAt", "version", "context.library.name", "channel")
    rare = fields("traits.plan", "context.traits.age", share=0.1)

    found = shown(
        of=[*fields(*envelope, "context.ip", "timestamp"), *rare, *fields("properties.a")]
    )

    assert found == ["properties.a", "traits.plan", "context.traits.age", "context.ip", "timestamp"]


def test_name_that_starts_like_an_envelope_field_is_shown() -> None:
    assert shown(of=fields("versions", "context.library2.name")) == [
        "versions",
        "context.library2.name",
    ]


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["all"], ["properties.a", "properties.p[].sku", "messageId"]),
        (["properties.*"], ["properties.a", "properties.p[].sku"]),
        (["properties"], ["properties.a", "properties.p[].sku"]),
        (["*Id", "*.sku"], ["properties.p[].sku", "messageId"]),
        (["none"], []),
    ],
)
def test_patterns_select_the_fields(patterns: list[str], found: list[str]) -> None:
    everything = fields("messageId", "properties.a", "properties.p[].sku")

    assert shown(*patterns, of=everything) == found


def test_each_field_has_a_sample_value(segcli: Segcli) -> None:
    out = segcli(*CHECK).out

    rows = [line.split("  ") for line in out.splitlines() if "not carried by" in line]
    assert [row[-1] for row in rows if row[0] == "properties.revenue"] == ["12.5"]
    assert '"Ünit 7"' in out
    assert "messageId" not in out
    assert "3 fields of the envelope not carried; --coverage all shows all\n" in out


def test_mask_option_keeps_the_form_of_a_value(segcli: Segcli) -> None:
    out = segcli(*CHECK, "--mask").out
    document = json.loads(segcli(*CHECK, "--mask", "--format", "json").out)

    assert "00.0" in out
    assert '"xxxx 0"' in out
    samples = {one["path"]: one["sample"] for one in document["not_carried"]}
    assert samples["properties.email"] == '"x@x.xxxxxxx"'
    assert samples["messageId"] == '"x-0"'
    assert "example" not in out


def test_markdown_shows_the_same_uncovered_fields(segcli: Segcli) -> None:
    out = segcli(*CHECK, "--format", "markdown", "--coverage", "*.revenue").out

    assert rows_of(out, "not carried") == [["properties.revenue", "1", "100%", "12.5"]]
    assert "other fields not carried" in out


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    line = line_of(timestamp="2026-02-03T10:00:00Z", properties={"long": "ab" * 9999})

    review = review_of(tmp_path, line, dest="pointillist")

    (sample,) = [one.sample for one in review.left_out if one.path == "properties.long"]
    assert sample == '"' + ("ab" * 20)[:39] + "…"


@pytest.mark.parametrize(
    ("value", "form"), [('"Añ1 +"', '"xx0 +"'), ("-12.5e3", "-00.0x0"), ("true", "xxxx")]
)
def test_mask_replaces_letters_and_digits_of_all_scripts(value: str, form: str) -> None:
    assert masked_sample(value) == form
