"""What `segcli check` prints for machines is what its schemas say."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lxml import etree
from support.check_reports import ONE_REVIEW, check_is_valid, formatter, junit, review_with, schema
from support.fakes import Said
from support.samples import NAMES

from segcli.destinations import BUILT_IN

Segcli = Callable[..., Said]


def test_the_schema_is_a_schema_and_knows_every_field() -> None:
    Draft202012Validator.check_schema(schema())
    document = json.loads(formatter("json")(ONE_REVIEW))
    assert document["inputs"] == ONE_REVIEW.inputs

    assert set(schema()["properties"]) == set(document) == set(schema()["required"])
    for name in ("findings", "not_carried"):
        item = schema()["properties"][name]["items"]
        assert set(item["properties"]) == set(document[name][0]) == set(item["required"])


@pytest.mark.parametrize(
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
def test_the_schema_refuses_what_is_wrong(wrong: dict[str, Any]) -> None:
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
def test_the_xml_schema_refuses_what_is_wrong(wrong: str) -> None:
    assert not junit().validate(etree.fromstring(wrong))


@pytest.mark.parametrize("sample", NAMES)
@pytest.mark.parametrize("dest", BUILT_IN)
@pytest.mark.parametrize("form", ["json", "junit", "github"])
def test_what_is_printed_of_a_sample_is_valid(
    segcli: Segcli, samples: Path, form: str, dest: str, sample: str
) -> None:
    said = segcli("check", "-d", dest, "--format", form, samples / f"{sample}.jsonl")

    check_is_valid(form, said.out)


def test_findings_that_are_not_shown_fail_junit_too() -> None:
    review = replace(ONE_REVIEW, findings=[], groups=[], errors=2, warnings=3)

    suites = etree.fromstring(formatter("junit")(review).encode())

    assert suites.get("failures") == "1"
    assert suites.xpath("string(//failure)") == "2 more errors not shown"
    assert suites.xpath("//system-out/text()") == ["3 more warnings not shown"]


def test_warnings_that_are_not_shown_are_mentioned_by_junit_and_fail_nothing() -> None:
    review = replace(ONE_REVIEW, findings=[], groups=[], errors=0, warnings=1)

    suites = etree.fromstring(formatter("junit")(review).encode())

    assert (suites.get("tests"), suites.get("failures")) == ("2", "0")
    assert suites.xpath("//system-out/text()") == ["1 more warning not shown"]


def test_junit_has_a_passed_case_if_there_is_no_error() -> None:
    review = review_with(level="warning", code="SEG312")

    suites = etree.fromstring(formatter("junit")(review).encode())

    assert (suites.get("tests"), suites.get("failures")) == ("2", "0")
    assert suites.xpath("//testcase[not(*)]/@name") == ["3 lines for gist"]
