"""Equal findings are one entry with a count and the first lines; one run writes all formats."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from support.check_reports import (
    READERS,
    check_is_valid,
    commands,
    read_github,
    read_text,
    review_of,
)
from support.fakes import CommandResult
from support.samples import line_of

Segcli = Callable[..., CommandResult]
NO_USER = '{"type":"track","event":"x"}\n'
UNZONED = line_of(timestamp="2026-02-03T10:00:00").decode() + "\n"
FORMATS = ("text", "json", "github", "markdown", "junit")
CHECK = ("check", "-d", "webhook", "events.jsonl")


@pytest.fixture(autouse=True)
def _events(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(NO_USER * 5 + "[]\n" + UNZONED)


@pytest.mark.parametrize("form", ["text", "markdown", "junit"])
def test_group_is_one_entry_with_its_count_and_first_lines(segcli: Segcli, form: str) -> None:
    found = READERS[form](segcli(*CHECK, "--format", form).out)

    assert [(one.line, one.text) for one in found] == [
        (1, "rejected: userId is required, or anonymousId (and 4 more lines: 2, 3, …)"),
        (6, "rejected: not a JSON object"),
        (7, "warning: timestamp names no zone, so it is read as UTC"),
    ]


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_every_option_prints_each_finding(segcli: Segcli, form: str) -> None:
    found = READERS[form](segcli(*CHECK, "--every", "--format", form).out)

    assert [one.line for one in found] == [1, 2, 3, 4, 5, 6, 7]


def test_further_line_in_another_file_names_the_file(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(NO_USER)
    (tmp_path / "events.jsonl").write_text(NO_USER)

    (found,) = read_text(segcli("check", "-d", "webhook", "b.jsonl", "events.jsonl").out)

    assert found.text.endswith("(and 1 more line: events.jsonl:1)")


def test_json_has_each_finding_and_its_group(segcli: Segcli) -> None:
    document = json.loads(segcli(*CHECK, "--format", "json").out)

    assert [one["group"] for one in document["findings"]] == [0, 0, 0, 0, 0, 1, 2]
    assert [one["findings"] for one in document["groups"]] == [5, 1, 1]
    assert [one["line"] for one in document["groups"][0]["places"]] == [1, 2, 3]


def test_json_has_every_finding_even_if_few_are_printed(segcli: Segcli, tmp_path: Path) -> None:
    segcli(*CHECK, "--max-findings", "1", "--report", "few.json")
    segcli(*CHECK, "--report", "many.json")

    few, many = (json.loads((tmp_path / name).read_text()) for name in ("few.json", "many.json"))
    assert few == many
    assert len(few["findings"]) == few["errors"] + few["warnings"] == 7


def test_json_names_no_group_for_findings_of_too_many_groups(
    segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.review.check_run._MOST_GROUPS", 1)
    out = segcli(*CHECK, "--max-findings", "1", "--format", "json").out

    check_is_valid("json", out)
    document = json.loads(out)
    assert [one["group"] for one in document["findings"]] == [0, 0, 0, 0, 0, None, 1]
    assert [one["findings"] for one in document["groups"]] == [5, 1]


@pytest.mark.parametrize("jobs", [1, 2])
def test_findings_beyond_the_memory_are_in_a_temporary_file_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    monkeypatch.setattr("segcli.review.finding_spool._IN_MEMORY", 100)
    monkeypatch.setattr("segcli.parallel.ordered_map._BLOCK", 3000)
    monkeypatch.setattr("segcli.parallel.ordered_map._BLOCK_FOR_WORKERS", 3000)
    repeated = line_of(messageId="m")
    lines = [NO_USER.encode(), UNZONED.encode(), repeated, repeated] * 60

    review = review_of(
        tmp_path, *lines, dest="webhook", most_findings=10, keeps_all=True, jobs=jobs
    )

    found = list(review.all_findings or ())
    whole = review_of(tmp_path, *lines, dest="webhook", most_findings=9999)
    assert found == list(review.all_findings or ()) == whole.findings
    assert review.findings == [one for one in found if one.level == "error"][:10]
    assert len(found) == review.errors + review.warnings > 200


def test_a_full_disk_for_the_findings_is_an_error_with_a_hint(
    segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("segcli.review.finding_spool.pickle.dump", no_room)
    told = segcli(*CHECK, "--format", "json")

    assert (told.code, told.out) == (3, "")
    assert "the findings cannot be written to a temporary file: No space left" in told.err
    assert "Set TMPDIR to a folder on a disk with room." in told.err


def test_hidden_groups_are_counted(segcli: Segcli) -> None:
    told = segcli(*CHECK, "--max-findings", "1")

    assert [one.line for one in read_text(told.out)] == [1]
    assert "2 more findings not shown\n" in told.out
    assert "6 errors, 1 warning" in told.out


def test_github_shows_ten_per_level_and_each_group_first(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(NO_USER * 12 + "[]\n" + UNZONED * 12)

    out = segcli(*CHECK, "--format", "github").out

    found = read_github(out)
    errors = [one.line for one in found if one.text.startswith("rejected")]
    assert errors == [1, 13, *range(2, 10)]
    assert len(found) == 20
    (notice,) = [text for command, _, text in commands(out) if command == "notice"]
    assert "13 errors, 23 warnings; 16 more findings not shown" in notice


def test_github_shows_at_most_ten_of_many_groups(segcli: Segcli, tmp_path: Path) -> None:
    lines = [f'{{"type":"track","userId":"u","event":"x","{name}":1}}' for name in ("traits",)]
    lines += [f'{{"type":"identify","userId":"u","traits":{{"{n}":[1]}}}}' for n in range(14)]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))

    out = segcli("check", "-d", "gist", "--strict", "--format", "github", "events.jsonl").out

    assert len(read_github(out)) <= 10


def test_one_run_writes_several_formats(segcli: Segcli, tmp_path: Path) -> None:
    wanted = [f"--output={form}={form}.out" for form in FORMATS]

    told = segcli(*CHECK, "--format", "github", "--report", "short.json", *wanted)

    assert told.code == 1
    for form in FORMATS:
        written = (tmp_path / f"{form}.out").read_text()
        check_is_valid(form, written)
        assert written == segcli(*CHECK, "--format", form).out
    assert (tmp_path / "short.json").read_text() == (tmp_path / "json.out").read_text()
    assert told.out == (tmp_path / "github.out").read_text()


@pytest.mark.parametrize("form", FORMATS)
def test_output_replaces_a_report_but_no_other_file(
    segcli: Segcli, tmp_path: Path, form: str
) -> None:
    option = f"{form}=report.out"
    assert segcli(*CHECK, "--output", option).code == 1
    assert segcli(*CHECK, "--output", option, "--quiet").code == 1
    (tmp_path / "report.out").write_text("a diary\n")

    told = segcli(*CHECK, "--output", option)

    assert told.code == 2
    assert "exists already, and is not a report of segcli" in told.err
    assert (tmp_path / "report.out").read_text() == "a diary\n"


@pytest.mark.parametrize("more", [(), ("--quiet",)])
@pytest.mark.parametrize("full", [0, 1, 2])
def test_an_output_that_fails_leaves_the_others_whole(
    full: int, more: tuple[str, ...], segcli: Segcli, tmp_path: Path
) -> None:
    forms = ["json", "junit", "markdown"]
    paths = ["/dev/full" if at == full else form for at, form in enumerate(forms)]
    outputs = [f"{form}={path}" for form, path in zip(forms, paths, strict=True)]

    told = segcli(*CHECK, *more, *(word for one in outputs for word in ("--output", one)))

    assert told.code == 3
    assert "Error: the report /dev/full cannot be written: No space left" in told.err
    for form in {*paths} - {"/dev/full"}:
        alone = segcli(*CHECK, "--format", form).out
        assert (tmp_path / form).read_text() == alone


@pytest.mark.parametrize(("stdout", "code"), [("> /dev/full", 3), ("| true", 141)])
def test_a_stdout_that_fails_leaves_the_files_whole(
    stdout: str, code: int, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    command = (
        f"set -o pipefail; {sys.executable} -m segcli {' '.join(CHECK)} --format json "
        f"--output json=report.json --output text=report.txt {stdout}"
    )
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env=clean_environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stderr
    assert json.loads((tmp_path / "report.json").read_text())["errors"] == 6
    assert (tmp_path / "report.txt").read_text().endswith("6 errors, 1 warning\n")


def test_output_fills_an_empty_file(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "summary.md").touch()

    segcli(*CHECK, "--output", "markdown=summary.md")

    assert (tmp_path / "summary.md").read_text().startswith("### segcli check")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--output", "json=events.jsonl"], "--output json=events.jsonl is also an input"),
        (["--output", "json=a", "--output", "junit=a"], "junit=a is also --output json=a\n"),
        (["--output", "json=a", "--report", "a"], "is also --report"),
        (["--output", "json=none/a"], "--output json=none/a: the folder none does not exist"),
        (["--output", "json=none/a"], "or name another file: --output json=PATH\n"),
        (["--output", "json=."], "--output json=. is a folder\nName a file in it: "),
        (["--output", "pdf=a"], "'pdf' is none of text, json"),
        (["--output", "json"], "is not a valid output. Type for example junit=report.xml"),
        (["--output", "json="], "is not a valid output"),
        (["--expect", "a", "--update", "--output", "json=a"], "is also --"),
    ],
)
def test_harmful_output_is_refused_before_the_run(
    segcli: Segcli, tmp_path: Path, options: list[str], problem: str
) -> None:
    before = (tmp_path / "events.jsonl").read_text()

    told = segcli(*CHECK, *options)

    assert told.code == 2
    assert problem in told.err
    assert (tmp_path / "events.jsonl").read_text() == before
    assert not (tmp_path / "a").exists()


def test_junit_has_one_case_per_group(segcli: Segcli) -> None:
    suites = etree.fromstring(segcli(*CHECK, "--format", "junit").out.encode())

    assert suites.xpath("//testcase/failure/@type") == ["SEG203", "SEG102"]
    assert (suites.get("tests"), suites.get("failures")) == ("3", "2")
