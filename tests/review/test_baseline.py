"""A baseline accepts the current findings, and no new ones."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.check_reports import read_text
from support.fakes import CommandResult
from support.samples import line_of

Segcli = Callable[..., CommandResult]
NO_USER = '{"type":"track","event":"x"}\n'
GOOD = line_of(timestamp="2026-02-03", properties={"email": "a@b.example"}).decode() + "\n"
CHECK = ("check", "-d", "gist", "--baseline", "base.json", "events.jsonl")


@pytest.fixture(autouse=True)
def _events(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(GOOD + NO_USER + "nothing\n" + NO_USER)


def test_update_baseline_writes_one_entry_per_group_and_accepts_all(
    segcli: Segcli, tmp_path: Path
) -> None:
    told = segcli(*CHECK, "--update-baseline")

    assert told.code == 0
    assert not read_text(told.out)
    assert "baseline written: it accepts 3 findings" in told.out
    assert "4 lines: 1 mapped, 3 rejected, 0 skipped" in told.out
    document = json.loads((tmp_path / "base.json").read_text())
    assert document["baseline_version"] == 1
    assert [(one["code"], one["field"], one["count"]) for one in document["findings"]] == [
        ("SEG101", "", 1),
        ("SEG203", "userId", 2),
    ]
    assert "events.jsonl" not in (tmp_path / "base.json").read_text()


def test_baseline_finding_is_accepted_on_any_line(segcli: Segcli, tmp_path: Path) -> None:
    segcli(*CHECK, "--update-baseline")
    (tmp_path / "events.jsonl").write_text(NO_USER + NO_USER + GOOD + "nothing\n")

    told = segcli(*CHECK)

    assert (told.code, read_text(told.out)) == (0, [])
    assert "3 findings accepted by the baseline\n" in told.out


def test_new_finding_fails_and_is_the_only_one_shown(segcli: Segcli, tmp_path: Path) -> None:
    segcli(*CHECK, "--update-baseline")
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write("[]\n")

    told = segcli(*CHECK)

    assert told.code == 1
    assert [(one.line, one.text) for one in read_text(told.out)] == [
        (5, "rejected: not a JSON object")
    ]
    assert "1 error, 0 warnings" in told.out


def test_one_more_finding_of_a_group_fails_and_shows_the_group(
    segcli: Segcli, tmp_path: Path
) -> None:
    segcli(*CHECK, "--update-baseline")
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write(NO_USER)

    told = segcli(*CHECK, "--format", "json")

    assert told.code == 1
    document = json.loads(told.out)
    (group,) = document["groups"]
    assert (group["code"], group["findings"], group["in_baseline"]) == ("SEG203", 3, 2)
    assert [one["line"] for one in document["findings"]] == [2, 4, 5]
    assert document["baseline"] == {"accepted": 1, "gone": 0, "written": False}


def test_fixed_baseline_finding_is_reported_and_does_not_fail(
    segcli: Segcli, tmp_path: Path
) -> None:
    segcli(*CHECK, "--update-baseline")
    (tmp_path / "events.jsonl").write_text(GOOD + NO_USER)

    told = segcli(*CHECK)

    assert told.code == 0
    assert "1 finding accepted by the baseline; 2 in it no longer found" in told.out


def test_accepted_findings_do_not_count_against_max_findings(
    segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "events.jsonl").write_text(GOOD + NO_USER * 50)
    segcli(*CHECK, "--update-baseline")
    (tmp_path / "events.jsonl").write_text(GOOD + NO_USER * 50 + "[]\n")

    told = segcli(*CHECK, "--max-findings", "1")

    assert [one.line for one in read_text(told.out)] == [52]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("nothing", "base.json:1 is not JSON"),
        ("<<<<<<< HEAD\nnotes\n", "base.json:1 has a merge conflict"),
        ("[]", "is not a baseline"),
        ('{"baseline_version": 2, "findings": []}', "is not a baseline of version 1"),
        (
            '{"baseline_version": 1, "findings":\n[1]}',
            "base.json:2 has an entry without a code, a field and a problem",
        ),
        (
            '{"baseline_version": 1, "findings": [{"code":"SEG101","field":"","problem":"x"}]}',
            "base.json:1 has an entry without a count",
        ),
        (
            '{"baseline_version":1,"findings":[{"code":"X","field":"","problem":"x","count":1}]}',
            "base.json:1 has an entry with an unknown code X",
        ),
    ],
)
@pytest.mark.parametrize("more", [(), ("--update-baseline",)])
def test_file_that_is_not_a_baseline_is_refused_and_kept(
    segcli: Segcli, tmp_path: Path, content: str, problem: str, more: tuple[str, ...]
) -> None:
    (tmp_path / "base.json").write_text(content)

    told = segcli(*CHECK, *more)

    assert told.code == 2
    assert problem in told.err
    assert (tmp_path / "base.json").read_text() == content


def test_missing_baseline_is_an_error_that_suggests_update_baseline(segcli: Segcli) -> None:
    told = segcli(*CHECK)

    assert told.code == 2
    assert "the baseline base.json does not exist\nUse --update-baseline" in told.err


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_baseline_with_a_merge_conflict_or_nothing_in_it_can_be_written_again(
    is_empty: bool, segcli: Segcli, tmp_path: Path
) -> None:
    path = tmp_path / "base.json"
    segcli(*CHECK, "--update-baseline")
    written = path.read_text()
    first, entry, *rest = written.splitlines(keepends=True)
    marks = ("<<<<<<< HEAD\n", "=======\n", ">>>>>>> other\n")
    path.write_text("" if is_empty else "".join([first, marks[0], entry, *marks[1:], *rest]))

    read = segcli(*CHECK)
    updated = segcli(*CHECK, "--update-baseline")

    assert read.code == 2
    if not is_empty:
        assert read.err == (
            "Error: --baseline base.json:2 has a merge conflict\n"
            "Resolve it, or use --update-baseline to write the file again.\n"
        )
    assert (updated.code, path.read_text()) == (0, written)


def test_baseline_that_is_also_an_input_is_refused(segcli: Segcli, tmp_path: Path) -> None:
    before = (tmp_path / "events.jsonl").read_text()

    told = segcli("check", "--baseline", "events.jsonl", "--update-baseline", "events.jsonl")

    assert told.code == 2
    assert "is also an input" in told.err
    assert (tmp_path / "events.jsonl").read_text() == before


def test_update_baseline_needs_a_baseline_path(segcli: Segcli) -> None:
    told = segcli("check", "--update-baseline", "events.jsonl")

    assert told.code == 2
    assert "--update-baseline needs a baseline" in told.err


def test_baseline_with_too_many_groups_is_not_written(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.review.check_run._MOST_GROUPS", 1)

    told = segcli(*CHECK, "--update-baseline", "--max-findings", "1")

    assert told.code == 3
    assert "there are too many different findings" in told.err
    assert not (tmp_path / "base.json").exists()
