"""Every format of `segcli check` can be read by those it is for, whatever stands in the input."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from checking import READERS, Read, commands, rows_of
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree
from samples import NAMES, ROOT, Run, line_of
from sending import Said

from segcli.cli.formats import NAMES as FORMATS
from segcli.cli.formats import formatter
from segcli.destinations import BUILT_IN
from segcli.review.coverage import LeftOut
from segcli.review.finding import Finding
from segcli.review.plan import Route
from segcli.review.review import Review

Segcli = Callable[..., Said]
# Control characters, marks of every format, unpaired surrogates, and line ends of all kinds.
NASTY = st.text(
    st.sampled_from("aé🚪 |`\\*_<>&#$@%:,;=[]{}()\"'~!\t\n\r\0\x1b\x7f\x85\u2028\ufeff\ufffe\ud800")
)
ONE_FINDING = Finding(
    file="a.jsonl", line=3, level="error", state="rejected", field="f", problem="is wrong"
)
ONE_REVIEW = Review(
    destination="gist",
    inputs=["a.jsonl"],
    read=3,
    counts={"mapped": 2, "rejected": 1, "skipped": 0},
    findings=[ONE_FINDING],
    errors=1,
    warnings=0,
    left_out=[LeftOut("a.b", 1, 0.5, ("a.jsonl", 1))],
    untried=0,
    routes=[Route("/events", 2, 2, 20, 12)],
    seconds=None,
)


def review_with(**fields: Any) -> Review:
    """Return a review with a finding that has these fields."""
    finding = replace(ONE_FINDING, **fields)
    warnings = int(finding.level == "warning")
    return replace(ONE_REVIEW, findings=[finding], errors=1 - warnings, warnings=warnings)


@cache
def schema() -> Any:
    return json.loads((ROOT / "segcli" / "review" / "check.schema.json").read_text())


@cache
def junit() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(ROOT / "tests" / "junit.xsd"))


def check_schema(form: str, out: str) -> None:
    """Hold the output against what its readers expect."""
    if form == "json":
        Draft202012Validator(schema()).validate(json.loads(out))
    elif form == "junit":
        junit().assertValid(etree.fromstring(out.encode()))
    elif form == "github":
        assert list(commands(out))


def test_the_schema_is_a_schema_and_knows_every_field() -> None:
    Draft202012Validator.check_schema(schema())
    document = ONE_REVIEW.document()

    assert set(schema()["properties"]) == set(document) == set(schema()["required"])
    for name in ("findings", "not_carried"):
        item = schema()["properties"][name]["items"]
        assert set(item["properties"]) == set(document[name][0]) == set(item["required"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"check_version": 2},
        {"errors": -1},
        {"findings": [{"file": "a"}]},
        {"plan": {}},
        {"counts": {"mapped": 1}},
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

    check_schema(form, said.out)


@pytest.mark.parametrize("form", FORMATS)
@given(file=NASTY, field=NASTY, problem=NASTY, level=st.sampled_from(["error", "warning"]))
def test_no_text_breaks_a_format(
    form: str, file: str, field: str, problem: str, level: str
) -> None:
    review = review_with(file=f"a{file}", field=f"b{field}", problem=f"c{problem}", level=level)

    out = formatter(form)(review)

    out.encode()
    check_schema(form, out)
    (found,) = READERS[form](out)
    assert found.line == 3
    assert found.text.startswith("rejected: b")


@pytest.mark.parametrize("form", FORMATS)
@given(path=NASTY, route=NASTY)
def test_no_path_and_no_route_breaks_a_format(form: str, path: str, route: str) -> None:
    review = replace(
        ONE_REVIEW,
        left_out=[LeftOut(path, 1, 0.5, ("a.jsonl", 1))],
        routes=[Route(route, 2, 2, 20, 12)],
    )

    out = formatter(form)(review)

    out.encode()
    check_schema(form, out)
    assert READERS[form](out) == [Read("a.jsonl", 3, "rejected: f is wrong")]


@given(NASTY)
def test_a_pipe_or_a_backtick_stays_in_its_cell(text: str) -> None:
    review = replace(
        review_with(file=f"a{text}", problem=f"is {text}."),
        left_out=[LeftOut(f"a{text}", 1, 0.5, ("a.jsonl", 1))],
    )

    out = formatter("markdown")(review)

    assert [len(row) for row in rows_of(out, "where")] == [3]
    assert [len(row) for row in rows_of(out, "not carried")] == [3]
    assert [len(row) for row in rows_of(out, "route")] == [5]


@pytest.mark.parametrize(
    "text", ["a|b", "``a`", "a`b``c", "*a*", "<b>", "&lt;", "a_b_c", "[a](b)", "#1", "$x$", "\\|"]
)
def test_markdown_shows_text_as_it_is(text: str) -> None:
    out = formatter("markdown")(review_with(file="a|`b`.jsonl", problem=f"is {text}."))

    assert rows_of(out, "where") == [["a|`b`.jsonl:3", "rejected", f"f is {text}."]]


def test_github_annotations_are_escaped_as_github_wants() -> None:
    review = review_with(file="a,b:c%\n.jsonl", problem="is 100 %: a, b\r\nc")

    first = formatter("github")(review).split("\n")[0]

    assert first == (
        "::error file=a%2Cb%3Ac%25%0A.jsonl,line=3,title=segcli check%3A rejected"
        "::rejected: f is 100 %25: a, b%0D%0Ac"
    )


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_name_of_any_bytes_breaks_no_format(
    run_segcli: Run, tmp_path: Path, form: str
) -> None:
    name = os.fsdecode(b"a,b:c%\n|`\x1b\xff.jsonl")
    (tmp_path / name).write_bytes(b"nothing\n" + line_of())
    (tmp_path / "other.jsonl").write_bytes(line_of())

    done = run_segcli("check", "--format", form, name, "other.jsonl")

    assert (done.returncode, done.stderr) == (1, b"")
    check_schema(form, done.stdout.decode())
    texts = [one.text.partition(":")[0] for one in READERS[form](done.stdout.decode())]
    assert texts == ["rejected", "rejected", "rejected"]


def test_a_golden_file_can_name_a_file_of_any_bytes(run_segcli: Run, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.jsonl")
    for file in (name, "other.jsonl"):
        (tmp_path / file).write_bytes(line_of(timestamp="2026-02-03"))
    command = ["check", "--expect", "golden.ndjson", name, "other.jsonl"]

    assert run_segcli(*command, "--update").returncode == 0
    assert run_segcli(*command).returncode == 0


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_printed_is_utf_8_whatever_the_locale(
    run_segcli: Run, tmp_path: Path, form: str
) -> None:
    (tmp_path / "größe.jsonl").write_bytes(b"nothing")

    done = run_segcli("check", "--format", form, "größe.jsonl", env={"PYTHONIOENCODING": "ascii"})

    assert "größe.jsonl" in done.stdout.decode()


def test_findings_that_are_not_shown_fail_junit_too() -> None:
    review = replace(ONE_REVIEW, findings=[], errors=2, warnings=3)

    suites = etree.fromstring(formatter("junit")(review).encode())

    assert suites.get("failures") == "1"
    assert suites.xpath("string(//failure)") == "5 more findings not shown"


def test_junit_has_a_passed_case_if_there_is_no_error() -> None:
    review = review_with(level="warning", state="warning")

    suites = etree.fromstring(formatter("junit")(review).encode())

    assert (suites.get("tests"), suites.get("failures")) == ("2", "0")
    assert suites.xpath("//testcase[not(*)]/@name") == ["3 lines for gist"]


@pytest.mark.parametrize("form", ["text", "github", "markdown"])
def test_what_is_not_said_in_full_is_said(form: str) -> None:
    review = replace(ONE_REVIEW, errors=1, warnings=1_234, untried=1)

    out = formatter(form)(review)

    assert "1 error, 1,234 warnings" in out
    assert "1,234 more findings not shown" in out
    assert "1 event not searched for fields that are not carried" in out
