"""`segcli check` finds each bad line, reports it in every format, and exits with 0, 1 or 2."""

import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support.check_reports import READERS, SHOW_EVERY, bad_lines
from support.fakes import CommandResult
from support.samples import event_of, job_for, line_of, payload_of

from segcli.destinations import BUILT_IN
from segcli.errors import InputError
from segcli.inputs import inputs
from segcli.review.check_run import CheckRun
from segcli.review.checker import review_inputs

Segcli = Callable[..., CommandResult]
GOOD = line_of(properties={"email": "ada@example.com"}, messageId="m1")
AWKWARD = line_of()
BAD = line_of(userId=...)
HUGE = line_of(timestamp="2026-02-03", n=1).replace(b'"n": 1', b'"n": 1e99999999999999999999')


@pytest.fixture
def hostile(samples: Path) -> Path:
    """The sample with the bad lines."""
    return samples / "hostile.jsonl"


@pytest.mark.parametrize("form", SHOW_EVERY)
@pytest.mark.parametrize("dest", BUILT_IN)
def test_each_bad_line_is_one_finding_at_its_line_in_every_format(
    segcli: Segcli, hostile: Path, dest: str, form: str
) -> None:
    rejected, bad = bad_lines(hostile.parent / "README.md", dest)

    # What an old identify does is said once, for all of them.
    words = ["--every", "--format", form, "--ignore", "SEG514"]
    said = segcli("check", "--dest", dest, *words, hostile)

    found = READERS[form](said.out)
    assert said.code == 1
    assert {one.file for one in found} == {str(hostile)}
    lines = [one.line for one in found if one.text.startswith("rejected: ")]
    assert set(rejected) <= set(lines) <= bad
    assert Counter(one.line for one in found if one.line in bad) == Counter(bad)


@pytest.mark.parametrize("form", SHOW_EVERY)
def test_every_format_reports_the_same_findings(segcli: Segcli, hostile: Path, form: str) -> None:
    plain = segcli("check", "--dest", "gist", "--every", hostile)

    said = segcli("check", "--dest", "gist", "--every", "--format", form, hostile)

    assert READERS[form](said.out) == READERS["text"](plain.out)


def test_hostile_sample_has_enough_bad_lines(hostile: Path) -> None:
    rejected, bad = bad_lines(hostile.parent / "README.md", "gist")

    assert len(rejected) > 30
    assert 57 in bad - rejected


def test_finding_has_line_code_state_field_and_problem(
    segcli: Segcli, events: Callable[..., Path]
) -> None:
    file = events(GOOD, BAD, AWKWARD)

    said = segcli("check", "--dest", "gist", file)

    assert said.out.splitlines()[:2] == [
        f"{file}:2: SEG203 rejected: userId is required, or anonymousId",
        f"{file}:3: SEG311 warning: properties.email is missing: "
        "Gist creates no contact from this event",
    ]


@pytest.mark.parametrize(
    ("dest", "traits", "problem"),
    [
        ("gist", {"company": {"id": 1}}, "company is an object and becomes flat properties"),
        ("gist", {"tags": ["a"]}, "tags is an array and becomes text"),
        ("gist", {"tags": [1, None]}, "tags is an array and becomes text"),
        ("gist", {"tags": ["a", {"b": 1}]}, "tags is an array and becomes flat properties"),
        ("gist", {"tags": [[1]]}, "tags is an array and becomes flat properties"),
        ("gist", {"tags": []}, "tags is an array and holds no value, so it is not sent"),
        ("gist", {"tags": [{}]}, "tags is an array and holds no value, so it is not sent"),
        ("gist", {"plan": {}}, "plan is an object and holds no value, so it is not sent"),
        ("gist", {"plan": {"a": None}}, "plan is an object and holds no value, so it is not sent"),
        ("gist", {"createdAt": "soon"}, "createdAt is not a date"),
        ("gist", {"createdAt": -1}, "createdAt is not a date"),
        ("gist", {"phone": 49}, "phone is not text"),
        ("pointillist", {"trial": True}, "trial is a boolean and becomes text"),
        ("pointillist", {"tags": ["a", 1]}, "tags is an array and becomes flat"),
        (
            "pointillist",
            {"tags": [{"a": False}, 1]},
            "tags is an array and becomes flat, booleans as text",
        ),
        ("pointillist", {"tags": []}, "tags is an array and holds no value, so it is not sent"),
        ("pointillist", {"plan": {}}, "plan is an object and holds no value, so it is not sent"),
    ],
)
def test_changed_value_is_a_warning(
    segcli: Segcli, events: Callable[..., Path], dest: str, traits: object, problem: str
) -> None:
    own = {"email": "ada@example.com"}
    assert isinstance(traits, dict)
    event = line_of(type="identify", timestamp="2026-02-03", traits=own | traits)

    now = ["--now", "2026-02-03"]
    said = segcli("check", "--dest", dest, "--format", "json", *now, events(event))

    (finding,) = json.loads(said.out)["findings"]
    assert f"{finding['field']} {finding['problem']}" == f"traits.{problem}"
    assert (finding["level"], said.code) == ("warning", 0)


def test_gist_payload_flattens_traits_as_the_warning_says() -> None:
    traits = {"email": "a@b.c", "l": [1, 2], "d": [{"a": 1}], "o": {"k": True}, "n": [], "e": [{}]}

    body = payload_of("gist", event_of(type="identify", traits=traits)).body

    assert isinstance(body, dict)
    assert body["custom_properties"] == {"l": "1, 2", "d.0.a": 1, "o.k": True}


def test_pointillist_warns_that_track_traits_become_flat_text(
    segcli: Segcli, events: Callable[..., Path]
) -> None:
    traits = {"tags": [{"a": False}, 1], "words": ["x"]}
    event = line_of(timestamp="2026-02-03", context={"traits": traits})

    said = segcli("check", "--dest", "pointillist", events(event))

    found = [one.text for one in READERS["text"](said.out)]
    assert found == [
        "warning: context.traits.tags is an array and becomes flat, booleans and numbers as text",
        "warning: context.traits.words is an array and becomes flat",
    ]


@pytest.mark.parametrize(
    ("dest", "fields"),
    [
        ("gist", ["userId"]),
        ("pointillist", ["userId", "anonymousId"]),
        ("plotline", []),
        ("segment", []),
        ("webhook", []),
    ],
)
def test_number_as_id_is_a_warning_if_it_becomes_text(
    segcli: Segcli, events: Callable[..., Path], dest: str, fields: list[str]
) -> None:
    ids = {"userId": 7, "anonymousId": 8, "timestamp": "2026-02-03"}
    event = line_of(properties={"email": "ada@example.com"}, **ids)

    said = segcli("check", "--dest", dest, events(event))

    found = [one.text for one in READERS["text"](said.out)]
    assert found == [f"warning: {field} is a number and becomes text" for field in fields]


@pytest.mark.parametrize(
    ("lines", "options", "code"),
    [
        ([GOOD], [], 0),
        ([GOOD, b"", line_of(type="page")], [], 0),
        ([GOOD, AWKWARD], [], 0),
        ([GOOD, AWKWARD], ["--strict"], 1),
        ([GOOD], ["--strict"], 0),
        ([GOOD, BAD], [], 1),
        ([GOOD, BAD], ["--max-findings", "0"], 1),
        ([GOOD, BAD], ["--quiet"], 1),
        ([GOOD], ["--fail-on-uncovered", "messageId"], 1),
        ([GOOD], ["--fail-on-uncovered", "properties.*"], 0),
        ([], [], 1),
        ([], ["--allow-empty"], 0),
    ],
)
def test_exit_code_is_1_only_if_there_is_an_error(
    segcli: Segcli,
    events: Callable[..., Path],
    lines: list[bytes],
    options: list[str],
    code: int,
) -> None:
    said = segcli("check", "--dest", "gist", *options, events(*lines))

    assert (said.code, said.err) == (code, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.jsonl"],
        ["no-such-folder/"],
        ["--dest", "gits", "events.jsonl"],
        ["--format", "html", "events.jsonl"],
        ["--set", "no_such=1", "events.jsonl"],
        ["--update", "events.jsonl"],
        ["--expect", "missing.ndjson", "events.jsonl"],
        ["--expect", "events.jsonl", "events.jsonl"],
        ["--expect", "./events.jsonl", "--update", "events.jsonl"],
        ["--expect", "no/such/folder/x", "--update", "events.jsonl"],
        ["--max-findings", "-1", "events.jsonl"],
        ["--rate", "0/s", "events.jsonl"],
        ["--report", "no/such/folder/x", "events.jsonl"],
        ["--report", "events.jsonl", "events.jsonl"],
        ["--rejects", "events.jsonl", "events.jsonl"],
    ],
)
def test_usage_error_exits_2_and_keeps_the_input_unchanged(
    segcli: Segcli, events: Callable[..., Path], arguments: list[str]
) -> None:
    file = events(GOOD)

    said = segcli("check", *arguments)

    assert said.code == 2
    assert "Error: " in said.err
    assert file.read_bytes() == GOOD + b"\n"


def test_truncated_input_exits_2_and_says_that_nothing_is_reported(
    segcli: Segcli, tmp_path: Path
) -> None:
    file = tmp_path / "events.gz"
    whole = gzip.compress(b"".join(line_of(n=number) + b"\n" for number in range(5000)))
    file.write_bytes(whole[:-1000])

    said = segcli("check", "--dest", "webhook", file)

    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(
        rf"Error: {file}:\d+: could not be read past this point: its gzip data is cut off, "
        rf"in the middle of a member, at byte {len(whole) - 1000:,}; nothing is reported\n"
        r"Fetch the whole file again.\n",
        said.err,
    )


def test_input_deleted_during_the_run_is_an_input_error(
    events: Callable[..., Path],
) -> None:
    files = [events(GOOD, name="a.jsonl"), events(GOOD, name="b.jsonl")]
    found = inputs([str(file) for file in files])
    files[1].unlink()

    with pytest.raises(InputError, match=r"b\.jsonl cannot be read: .*; nothing is reported"):
        review_inputs(CheckRun(job=job_for("gist"), inputs=found))


def test_strict_makes_every_warning_an_error(segcli: Segcli, hostile: Path) -> None:
    plain = json.loads(segcli("check", "-d", "gist", "--format", "json", hostile).out)
    strict = json.loads(segcli("check", "-d", "gist", "--format", "json", "--strict", hostile).out)

    assert plain["warnings"] > 0
    assert (strict["errors"], strict["warnings"]) == (plain["errors"] + plain["warnings"], 0)
    assert {finding["level"] for finding in strict["findings"]} == {"error"}


def test_quiet_prints_nothing(segcli: Segcli, hostile: Path) -> None:
    assert segcli("check", "--quiet", hostile) == CommandResult(1, "", "")


@pytest.mark.parametrize("form", SHOW_EVERY)
def test_max_findings_shows_errors_before_warnings_and_counts_all(
    segcli: Segcli, events: Callable[..., Path], form: str
) -> None:
    file = events(AWKWARD, AWKWARD, AWKWARD, BAD, AWKWARD, BAD, BAD)
    command = ["check", "-d", "gist", "--every", "--format", form, file, "--max-findings"]

    def lines(most: int) -> list[int]:
        return [one.line for one in READERS[form](segcli(*command, most).out)]

    if form == "json":
        assert lines(0) == [1, 2, 2, 3, 3, 4, 5, 5, 6, 7]
    else:
        assert lines(5) == [1, 2, 4, 6, 7]
        assert lines(3) == [4, 6, 7]
        assert lines(1) == [4]
        assert lines(0) == []
    assert "7 lines: 4 mapped, 3 rejected" in segcli("check", "-d", "gist", file).out


def test_uncovered_field_that_matches_the_pattern_is_an_error(
    segcli: Segcli, events: Callable[..., Path]
) -> None:
    products = [{"sku": "a", "lots": [{"of": 1}]}]
    file = events(line_of(timestamp="2026-02-03"), line_of(properties={"products": products}))
    file.write_bytes(file.read_bytes().replace(b'"Tried"', b'"Tried", "timestamp": "2026-02-03"'))

    def uncovered(*patterns: str) -> list[tuple[int, str]]:
        options = [word for pattern in patterns for word in ("--fail-on-uncovered", pattern)]
        found = READERS["text"](segcli("check", file, *options).out)
        return [(one.line, one.text.split()[1]) for one in found]

    sku, of = (2, "properties.products[].sku"), (2, "properties.products[].lots[].of")
    assert uncovered("properties.*") == [of, sku]
    assert uncovered("properties.products[].sku") == [sku]
    assert uncovered("properties.products[].lots[].of", "*.sku") == [of, sku]
    assert uncovered("products*", "propertie", "properties.product", "event") == []


@pytest.mark.parametrize(
    "pattern",
    ["properties", "properties.products", "properties.products[]", "*.products", "prop*s"],
)
def test_uncovered_pattern_of_an_object_or_array_includes_its_fields(
    segcli: Segcli, events: Callable[..., Path], pattern: str
) -> None:
    products = [{"sku": "a"}]
    file = events(line_of(timestamp="2026-02-03", properties={"products": products}))

    said = segcli("check", file, "--fail-on-uncovered", pattern)

    found = [one.text for one in READERS["text"](said.out)]
    assert found == ["uncovered: properties.products[].sku is not carried by pointillist"]
    assert said.code == 1


def test_field_uncovered_in_several_events_is_one_finding_with_a_count(
    segcli: Segcli, events: Callable[..., Path]
) -> None:
    some = [line_of(timestamp="2026-02-03", n=1, userId=f"u{place}") for place in range(12)]
    file = events(line_of(timestamp="2026-02-03"), *some)
    command = ("check", file, "--fail-on-uncovered", "n")

    (finding,) = json.loads(segcli(*command, "--format", "json").out)["findings"]
    (read,) = READERS["text"](segcli(*command).out)

    assert (finding["line"], finding["lines"]) == (2, 12)
    assert read.text == "uncovered: n is not carried by pointillist (and 11 more lines)"


def test_number_with_more_digits_than_a_double_is_not_a_changed_value(
    segcli: Segcli, events: Callable[..., Path]
) -> None:
    long = 123456789012345678901234567890
    event = line_of(properties={"amount": long, "price": 3}, timestamp="2026-02-03", foo="x")

    said = segcli("check", "--dest", "pointillist", "--format", "json", events(event))

    found = {one["path"] for one in json.loads(said.out)["not_carried"]}
    assert found == {"properties.amount", "properties.price", "foo"}


@pytest.mark.parametrize("numbers", [(5, -1), (-1, 5), (5, 6, -1, -2)])
def test_number_that_is_not_a_date_is_found_after_other_values(
    segcli: Segcli, events: Callable[..., Path], numbers: tuple[int, ...]
) -> None:
    lines = [line_of(type="identify", traits={"created_at": number}) for number in numbers]

    said = segcli("check", "--dest", "webhook", "--format", "json", events(*lines))

    found = [one["line"] for one in json.loads(said.out)["findings"]]
    assert found == [place for place, number in enumerate(numbers, 1) if number < 0]


def test_unread_huge_number_is_mapped_and_counted_as_not_searched(
    segcli: Segcli, events: Callable[..., Path]
) -> None:
    said = segcli("check", "--dest", "pointillist", "--format", "json", events(HUGE))

    document = json.loads(said.out)
    assert document["counts"] == {"mapped": 1, "rejected": 0, "skipped": 0}
    assert document["untried"] == 1


def test_fail_on_uncovered_fails_if_not_all_events_were_searched(
    segcli: Segcli, events: Callable[..., Path]
) -> None:
    file = events(HUGE, line_of(timestamp="2026-02-03"), HUGE)

    said = segcli("check", file, "--fail-on-uncovered", "nowhere")

    assert said.code == 1
    assert said.out.splitlines()[0] == (
        f"{file}:1: SEG322 uncovered: 2 events were not searched, "
        "so --fail-on-uncovered cannot tell"
    )
    assert segcli("check", file).code == 0


def test_unwritable_stdout_is_an_error_with_exit_3(
    events: Callable[..., Path], clean_environment: dict[str, str]
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "segcli", "check", "--dest", "gist", str(events(GOOD))],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=clean_environment,
        )

    assert done.returncode == 3
    assert done.stderr == (
        "Error: the output cannot be written: No space left on device\n"
        "The output is not complete. Free some disk space, or redirect stdout to another file, and "
        "type the command again.\n"
    )
