"""The machine formats of `segcli check` match their schemas."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lxml import etree
from support.check_reports import ONE_REVIEW, check_is_valid, formatter, junit, review_with, schema
from support.fakes import CommandResult
from support.hostile import CORPUS, HOSTILE
from support.samples import NAMES
from support.tables import for_each

from segcli.destinations import BUILT_IN

Segcli = Callable[..., CommandResult]


def test_json_schema_is_valid_and_has_every_field() -> None:
    Draft202012Validator.check_schema(schema())
    document = json.loads(formatter("json")(ONE_REVIEW))
    assert document["inputs"] == ONE_REVIEW.inputs

    assert set(schema()["properties"]) == set(document) == set(schema()["required"])
    for name in ("findings", "not_carried"):
        item = schema()["properties"][name]["items"]
        assert set(item["properties"]) == set(document[name][0]) == set(item["required"])


@for_each(
    "wrong",
    [
        {"check_version": 1},
        {"errors": -1},
        {"findings": [{"file": "a"}]},
        {"plan": {}},
        {"counts": {"mapped": 1}},
        {"tracking_plan": {"files": []}},
    ],
)
def test_json_schema_refuses_invalid_documents(wrong: dict[str, Any]) -> None:
    assert not Draft202012Validator(schema()).is_valid(ONE_REVIEW.document() | wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        "<testsuites/>",
        "<testsuite/>",
        '<testsuites tests="1" failures="x" errors="0"/>',
        '<testsuites tests="1" failures="0" errors="0"><testcase name="n"/></testsuites>',
    ],
)
def test_xml_schema_refuses_invalid_documents(wrong: str) -> None:
    assert not junit().validate(etree.fromstring(wrong))


@pytest.mark.parametrize("sample", NAMES)
@pytest.mark.parametrize("dest", BUILT_IN)
@pytest.mark.parametrize("form", ["json", "junit", "github"])
def test_output_for_a_sample_is_valid(
    segcli: Segcli, samples: Path, form: str, dest: str, sample: str
) -> None:
    said = segcli("check", "-d", dest, "--format", form, samples / f"{sample}.jsonl")

    check_is_valid(form, said.out)


def test_hidden_errors_fail_junit() -> None:
    review = replace(ONE_REVIEW, findings=[], groups=[], errors=2, warnings=3)

    suites = etree.fromstring(formatter("junit")(review).encode())

    assert suites.get("failures") == "1"
    assert suites.xpath("string(//failure)") == "2 more errors not shown"
    assert suites.xpath("//system-out/text()") == ["3 more warnings not shown"]


def test_hidden_warnings_are_mentioned_in_junit_and_do_not_fail() -> None:
    review = replace(ONE_REVIEW, findings=[], groups=[], errors=0, warnings=1)

    suites = etree.fromstring(formatter("junit")(review).encode())

    assert (suites.get("tests"), suites.get("failures")) == ("2", "0")
    assert suites.xpath("//system-out/text()") == ["1 more warning not shown"]


def test_junit_has_a_passed_case_if_there_is_no_error() -> None:
    review = review_with(level="warning", code="SEG312")

    suites = etree.fromstring(formatter("junit")(review).encode())

    assert (suites.get("tests"), suites.get("failures")) == ("2", "0")
    assert suites.xpath("//testcase[not(*)]/@name") == ["3 lines for gist"]


# What is checked in each case: options, then files. {samples} and {here} are folders.
_CASES = {
    "plain": "-d gist {samples}/engage.jsonl",
    "every finding and every field": "-d pointillist --every --coverage all --mask --rate 50/s "
    "--strict --fail-on-uncovered * {samples}/checkout.jsonl {samples}/mobile.jsonl",
    "one finding shown": "-d gist --max-findings 1 {samples}/checkout.jsonl",
    "no finding shown": "-d gist --max-findings 0 {samples}/checkout.jsonl",
    "chosen codes": "-d gist --select SEG3 --ignore SEG311 {samples}/checkout.jsonl",
    "plan alone": "--plan {plans}/orrery.typewriter-8.json {samples}/all_types.jsonl",
    "plan with a destination": "-d gist --plan {plans}/planner.csv {samples}/signup.jsonl",
    "two plans": "-d webhook --plan {plans}/ferry.public-api.json "
    "--plan {plans}/shop.typewriter-7.json {samples}/mobile.jsonl {samples}/checkout.jsonl",
    "mistaken plan": "--plan {here}/mistaken.json {samples}/mobile.jsonl",
    "golden file": "-d gist --expect {here}/golden.ndjson {samples}/mobile.jsonl",
    "golden file that differs": "-d gist --expect {here}/golden.ndjson {here}/changed.jsonl",
    "baseline": "-d gist --baseline {here}/baseline.json {samples}/engage.jsonl",
    "baseline that accepts too little": "-d gist --baseline {here}/baseline.json "
    "{samples}/hostile.jsonl {samples}/engage.jsonl",
    "baseline written": "-d gist --baseline {here}/new.json --update-baseline "
    "{samples}/engage.jsonl",
    "rejected lines kept": "-d gist --rejects {here}/rejects.ndjson {samples}/hostile.jsonl",
    "default destination": "{samples}/signup.jsonl",
    "nothing to check": "-d gist {here}/empty.jsonl",
    "nothing to check, which is allowed": "-d gist --allow-empty {here}/empty.jsonl",
    "hostile text": "-d gist {here}/hostile.jsonl",
    "hostile text held against a plan": "--plan {here}/mistaken.json {here}/hostile.jsonl",
}


@pytest.fixture
def files(segcli: Segcli, samples: Path, tmp_path: Path) -> dict[str, Path]:
    """The folders of the cases, with their files."""
    mobile, engage = samples / "mobile.jsonl", samples / "engage.jsonl"
    segcli("check", "-d", "gist", "--expect", tmp_path / "golden.ndjson", "--update", mobile)
    segcli(
        "check", "-d", "gist", "--baseline", tmp_path / "baseline.json", "--update-baseline", engage
    )
    lines = mobile.read_bytes().replace(b'"Ticket Purchased"', b'"Ticket Bought"').splitlines()
    (tmp_path / "changed.jsonl").write_bytes(b"\n".join([*lines[:3], *lines[4:], *lines[:1]]))
    (tmp_path / "empty.jsonl").write_bytes(b"")
    event = {"type": "identify", "userId": 7, "traits": {text: [text] for text in CORPUS}}
    hostile = [{**event, "traits": {**event["traits"], "email": "a@example.com"}}, event]
    (tmp_path / "hostile.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in hostile))
    mistaken = {"key": f"Tried{HOSTILE}", "type": "TRACK", "version": 1, "jsonSchema": {"type": 7}}
    (tmp_path / "mistaken.json").write_text(json.dumps([mistaken]))
    return {"samples": samples, "plans": samples / "plans", "here": tmp_path}


@pytest.mark.parametrize("case", _CASES)
def test_documents_are_valid_for_every_kind_of_check(
    segcli: Segcli, files: dict[str, Path], case: str
) -> None:
    words = [word.format(**files) for word in _CASES[case].split()]
    report = files["here"] / "report.xml"

    said = segcli("check", "--format", "json", "--output", f"junit={report}", *words)

    check_is_valid("json", said.out)
    check_is_valid("junit", report.read_text())
    document = json.loads(said.out)
    cases = etree.parse(report).findall(".//testcase")
    assert said.code == (1 if document["errors"] else 0), said.err
    assert bool(document["errors"]) == any(one.find("failure") is not None for one in cases)
    (suite,) = etree.parse(report).findall("testsuite")
    assert int(suite.get("tests", "0")) == len(cases)
    assert {one["group"] for one in document["findings"]} <= set(range(len(document["groups"])))
