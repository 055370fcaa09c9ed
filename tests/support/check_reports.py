"""Shared by the tests of `segcli check`: a review in one call, and a reader for each format."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from lxml import etree
from markdown_it import MarkdownIt
from markdown_it.token import Token
from support.acme import ACME
from support.samples import ROOT, job_for

from segcli.cli.formats import format_review
from segcli.core.destination import Payload
from segcli.core.event import TYPES, Event
from segcli.core.outcome import Job
from segcli.lines import chunks
from segcli.review.check_run import CheckRun
from segcli.review.checker import review_inputs
from segcli.review.coverage import LeftOut
from segcli.review.estimate import RouteEstimate
from segcli.review.findings import Finding, Group
from segcli.review.review import Review

Body = Callable[[Event], dict[str, Any] | bytes]

_STATES = (
    "rejected|warning|uncovered|empty|changed|added|removed|missing|new"
    "|unplanned-event|unplanned-property|plan-violation|plan-mistake"
)
_TEXT = re.compile(rf"(.+?):(\d+): SEG\d{{3}} ((?:{_STATES}): .*)")
_COMMAND = re.compile(r"::(\w+) (.*?)::(.*)")


@dataclass(frozen=True, slots=True)
class ReadFinding:
    """A finding as it is read back from one of the formats."""

    file: str
    line: int
    text: str


def job_that_sends(body: Body) -> Job:
    """Return the job of a plug-in that maps an event to this body."""

    def payload(event: Event, settings: object) -> Payload:  # noqa: ARG001  # the interface
        return Payload("/events", body(event))

    return Job(destination=replace(ACME, types=TYPES, payload=payload), settings=ACME.settings())


def review_of(
    folder: Path, *lines: bytes, job: Job | None = None, dest: str = "gist", **more: Any
) -> Review:
    """Return the review of these lines, in a file of that folder."""
    file = folder / "events.jsonl"
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return review_inputs(
        CheckRun(job=job or job_for(dest), inputs=chunks.inputs([str(file)]), **more)
    )


def formatter(form: str) -> Callable[[Review], str]:
    """Return what prints a review in a format, as one text."""
    return lambda review: b"".join(format_review(form, review)).decode()


def said(review: Review) -> list[tuple[int, str]]:
    """Return line and text of each finding."""
    return [(finding.line, finding.text) for finding in review.findings]


def bad_lines(readme: Path, dest: str) -> tuple[set[int], set[int]]:
    """Return the lines of the hostile sample that have to be rejected, and those to be found.

    They are taken from what the samples' README says of each line.
    """
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", readme.read_text(), re.MULTILINE)
    rejected, found = set(), set()
    for number, what in rows:
        known_good = re.match(r"good|blank|only spaces", what) or "good for the others" in what
        if not known_good or f"rejected by {dest}" in what or f"{dest} rejects" in what:
            rejected.add(int(number))
        elif f"awkward for {dest}" in what or "over Segment" in what:
            found.add(int(number))
    return rejected, rejected | found


# --- a review by hand

ONE_FINDING = Finding(
    file="a.jsonl", line=3, level="error", code="SEG301", field="f", problem="is wrong"
)

ONE_REVIEW = Review(
    destination="gist",
    inputs=["a.jsonl"],
    read=3,
    counts={"mapped": 2, "rejected": 1, "skipped": 0},
    findings=[ONE_FINDING],
    groups=[Group(ONE_FINDING.key, "error", 1, [ONE_FINDING])],
    errors=1,
    warnings=0,
    left_out=[LeftOut("a.b", 1, 0.5, ("a.jsonl", 1))],
    untried=0,
    routes=[RouteEstimate("/events", 2, 2, 20, 12)],
    seconds=None,
)


def review_with(**fields: Any) -> Review:
    """Return a review with a finding that has these fields."""
    finding = replace(ONE_FINDING, **fields)
    warnings = int(finding.level == "warning")
    return replace(
        ONE_REVIEW,
        findings=[finding],
        groups=[Group(finding.key, finding.level, 1, [finding])],
        errors=1 - warnings,
        warnings=warnings,
    )


# --- each format, held against its schema, and read back


@cache
def schema() -> Any:
    return json.loads((ROOT / "segcli" / "review" / "check.schema.json").read_text())


@cache
def junit() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(ROOT / "tests" / "support" / "junit.xsd"))


def check_is_valid(form: str, out: str) -> None:
    """Hold the output against what its readers expect."""
    if form == "json":
        Draft202012Validator(schema()).validate(json.loads(out))
    elif form == "junit":
        junit().assertValid(etree.fromstring(out.encode()))
    elif form == "github":
        assert list(commands(out))


def read_text(out: str) -> list[ReadFinding]:
    matches = (_TEXT.fullmatch(line) for line in out.split("\n"))
    return [ReadFinding(match[1], int(match[2]), match[3]) for match in matches if match]


def read_json(out: str) -> list[ReadFinding]:
    return [_of_json(one) for one in json.loads(out)["findings"]]


def _of_json(one: Mapping[str, Any]) -> ReadFinding:
    fields = {key: value for key, value in one.items() if key not in {"lines", "group", "state"}}
    finding = Finding(**fields, count=one["lines"])
    return ReadFinding(finding.file, finding.line, finding.text)


def read_github(out: str) -> list[ReadFinding]:
    return [
        ReadFinding(properties["file"], int(properties["line"]), message)
        for command, properties, message in commands(out)
        if command in {"error", "warning"}
    ]


def commands(out: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield workflow commands as GitHub's runner takes them apart."""
    for line in out.removesuffix("\n").split("\n"):
        match = _COMMAND.fullmatch(line)
        assert match, f"no workflow command: {line!r}"
        pairs = (pair.partition("=") for pair in match[2].split(","))
        properties = {name: _unescaped(_unescaped(text, ":,"), "\r\n%") for name, _, text in pairs}
        yield match[1], properties, _unescaped(match[3], "\r\n%")


def _unescaped(text: str, marks: str) -> str:
    for mark in marks:
        text = text.replace(f"%{ord(mark):02X}", mark)
    return text


def read_markdown(out: str) -> list[ReadFinding]:
    found = []
    for where, _, state, rest in rows_of(out, "where"):
        file, _, line = where.rpartition(":")
        found.append(ReadFinding(file, int(line), f"{state}: {rest}"))
    return found


def rows_of(out: str, title: str) -> list[list[str]]:
    """Return the rows of the table whose first column has that title, as they are shown."""
    tables: list[list[list[str]]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(out):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and tables and token.level > 2:
            tables[-1][-1].append("".join(map(_shown, token.children or [])))
    return next((rows for titles, *rows in tables if titles[0] == title), [])


def _shown(token: Token) -> str:
    assert token.type in {"text", "code_inline"}, f"a cell holds {token.type}"
    return token.content


def read_junit(out: str) -> list[ReadFinding]:
    suites = etree.fromstring(out.encode())
    texts = suites.xpath("//testcase/failure/text() | //testcase/system-out/text()")
    return read_text("\n".join(texts))


READERS: Mapping[str, Callable[[str], list[ReadFinding]]] = {
    "text": read_text,
    "json": read_json,
    "github": read_github,
    "markdown": read_markdown,
    "junit": read_junit,
}
# With --every these show each finding; the others have a limit of their own, or one a group.
SHOW_EVERY = ("text", "json", "markdown")
