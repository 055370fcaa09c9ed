"""`segcli check --expect` compares with a golden file, and `--update` writes it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.check_reports import READERS, ReadFinding, read_text
from support.fakes import CommandResult
from support.samples import NAMES, ROOT, line_of
from support.small_disk import files_of_at_most

from segcli.destinations import BUILT_IN

Segcli = Callable[..., CommandResult]
GOLDEN = "golden.ndjson"
EVENT = line_of(timestamp="2026-02-03") + b"\n"


def without_ids(golden: str) -> list[dict[str, Any]]:
    """Return the outcomes of a golden file as `transform --outcomes` has them."""
    lines = [json.loads(line) for line in golden.split("\n") if line]
    return [{key: one[key] for key in one if key != "messageId"} for one in lines]


def compared(said: CommandResult) -> list[str]:
    """Return the findings of the comparison, without those of the lines themselves."""
    own = ("rejected: ", "warning: ")
    return [one.text for one in read_text(said.out) if not one.text.startswith(own)]


@pytest.mark.parametrize("sample", NAMES)
@pytest.mark.parametrize("dest", BUILT_IN)
def test_sample_matches_its_golden_file(
    segcli: Segcli, samples: Path, dest: str, sample: str
) -> None:
    golden = ROOT / "tests" / "golden" / dest / f"{sample}.ndjson"

    file = samples / f"{sample}.jsonl"
    said = segcli("check", "--allow-empty", "-d", dest, "--expect", golden, file)

    assert said.err == ""
    assert compared(said) == []


@pytest.mark.parametrize("names", [["hostile"], ["hostile", "signup"]])
@pytest.mark.parametrize("dest", BUILT_IN)
def test_update_writes_the_output_of_transform_outcomes(
    segcli: Segcli, samples: Path, tmp_path: Path, dest: str, names: list[str]
) -> None:
    files = [samples / f"{name}.jsonl" for name in names]

    said = segcli("check", "-d", dest, "--expect", GOLDEN, "--update", *files)

    printed = segcli("transform", "-d", dest, "--outcomes", "--quiet", *files)
    assert without_ids((tmp_path / GOLDEN).read_bytes().decode()) == without_ids(printed.out)
    assert compared(said) == []
    assert compared(segcli("check", "-d", dest, "--expect", GOLDEN, *files)) == []


@pytest.mark.parametrize(
    "held",
    [
        '{"line":1,"state":"skipped","reason":"blank line"}\n' + "no golden line\n" * 1000,
        '\ufeff{"line":1,"state":"mapped"}\n{"user_id":"u1"}\n',
        '<<<<<<< HEAD\n{"line":1,"state":"mapped","payload":{}}\n=======\n>>>>>>> other\n',
        "",
        "\n",
    ],
)
def test_update_replaces_the_old_content(
    held: str, segcli: Segcli, samples: Path, tmp_path: Path
) -> None:
    (tmp_path / GOLDEN).write_text(held)

    segcli("check", "--expect", GOLDEN, "--update", "--quiet", samples / "signup.jsonl")

    outcomes = (tmp_path / GOLDEN).read_text().splitlines()
    assert [json.loads(outcome)["line"] for outcome in outcomes] == list(range(1, 39))


@pytest.mark.parametrize(
    "held",
    [
        "import os\n",
        "[1]\n",
        '{\n  "rules": []\n}\n',
        "\xff",
        '{"a":1}\n',
        EVENT.decode(),
        '\n<<<<<<< HEAD\n{"type":"track","userId":"u1","state":"mapped"}\n',
    ],
)
def test_update_replaces_no_other_file(
    held: str, segcli: Segcli, samples: Path, tmp_path: Path
) -> None:
    (tmp_path / GOLDEN).write_text(held, encoding="latin-1")

    said = segcli("check", "--expect", GOLDEN, "--update", "--quiet", samples / "signup.jsonl")

    assert said.code == 2
    assert said.err == (
        f"Error: --expect {GOLDEN} exists already, and --update replaces golden files with "
        "outcomes only: its first line has no `line` and `state`\n"
        "Name another file: --expect PATH. Or, if it holds payloads that `segcli transform` "
        f"printed, remove it first: rm -- {GOLDEN}\n"
    )
    assert (tmp_path / GOLDEN).read_text(encoding="latin-1") == held


def test_a_merge_conflict_in_a_golden_file_is_an_error_with_its_line(
    segcli: Segcli, samples: Path, tmp_path: Path
) -> None:
    file = samples / "signup.jsonl"
    segcli("check", "--expect", GOLDEN, "--update", file)
    lines = (tmp_path / GOLDEN).read_text().splitlines(keepends=True)
    merged = [*lines[:3], "<<<<<<< HEAD\n", *lines[3:5], "=======\n", ">>>>>>> other\n"]
    (tmp_path / GOLDEN).write_text("".join(merged + lines[5:]))

    said = segcli("check", "--expect", GOLDEN, file)

    assert said.code == 2
    assert said.err == (
        f"Error: the golden file {GOLDEN}:4 has a merge conflict\n"
        "Resolve it, or use --update to write the file again.\n"
    )


def test_payloads_printed_by_transform_are_a_golden_file(
    segcli: Segcli, samples: Path, tmp_path: Path
) -> None:
    file = samples / "signup.jsonl"
    bare = segcli("transform", "-d", "gist", "--quiet", file).out
    (tmp_path / GOLDEN).write_text(bare.replace('"seats":12', '"seats":13'))

    said = segcli("check", "-d", "gist", "--expect", GOLDEN, file)

    assert compared(said)
    assert {text.partition(" from ")[0].rpartition(".")[2] for text in compared(said)} == {"seats"}


@pytest.mark.parametrize("form", ["text", "markdown", "junit"])
def test_a_difference_is_an_error_in_every_format(
    segcli: Segcli, tmp_path: Path, form: str
) -> None:
    lines = [line_of(timestamp="2026-02-03", userId=f"u{number}") for number in range(4)]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines))
    segcli("check", "--expect", GOLDEN, "--update", "events.jsonl")
    (tmp_path / "events.jsonl").write_bytes(
        b"\n".join(line.replace(b"2026-02-03", b"2026-02-04") for line in lines)
    )

    said = segcli("check", "--expect", GOLDEN, "--format", form, "events.jsonl")

    (found,) = READERS[form](said.out)
    assert said.code == 1
    assert (found.file, found.line) == ("events.jsonl", 1)
    assert found.text == (
        'changed: payload.eventTime from "2026-02-03" to "2026-02-04" (and 3 more lines: 2, 3, …)'
    )


def test_lines_added_and_removed_are_reported_by_file(segcli: Segcli, tmp_path: Path) -> None:
    a = [line_of(timestamp="2026-02-03", userId=f"a{place}") for place in range(5)]
    b = [line_of(timestamp="2026-02-03", userId=f"b{place}") for place in range(3)]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(a[:3]))
    (tmp_path / "b.jsonl").write_bytes(b"\n".join(b))
    segcli("check", "--expect", GOLDEN, "--update", "a.jsonl", "b.jsonl")
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(a))
    (tmp_path / "b.jsonl").write_bytes(b[0])

    said = segcli("check", "--expect", GOLDEN, "a.jsonl", "b.jsonl")

    assert said.code == 1
    assert [(one.file, one.line, one.text) for one in read_text(said.out)] == [
        ("a.jsonl", 4, "new: line that is not in the golden file (and 1 more line: 5)"),
        (
            "b.jsonl",
            2,
            "missing: line of the golden file that no longer exists (and 1 more line: 3)",
        ),
    ]


def test_empty_input_has_an_empty_golden_file(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"")

    check = ("check", "--allow-empty", "--expect", GOLDEN, "events.jsonl")
    assert segcli(*check, "--update").code == 0
    assert (tmp_path / GOLDEN).read_bytes() == b""
    assert segcli(*check).code == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"oops\n", "the golden file golden.ndjson:1 is not JSON: "),
        (b'{"n":1}\n[2]\n', "the golden file golden.ndjson:2 is not an object"),
        (None, "the golden file golden.ndjson does not exist"),
    ],
)
def test_invalid_golden_file_is_an_error_with_a_hint(
    segcli: Segcli, tmp_path: Path, content: bytes | None, problem: str
) -> None:
    (tmp_path / "events.jsonl").write_bytes(line_of())
    if content is not None:
        (tmp_path / GOLDEN).write_bytes(content)

    said = segcli("check", "--expect", GOLDEN, "events.jsonl")

    message, hint = said.err.splitlines()
    assert (said.code, said.out) == (2, "")
    assert message.startswith(f"Error: {problem}")
    assert "segcli transform" in hint or "--update" in hint


def test_empty_golden_file_of_payloads_accepts_skipped_lines(
    segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "page.jsonl").write_bytes(line_of(type="page"))
    printed = segcli("transform", "--quiet", "-d", "gist", "page.jsonl").out
    (tmp_path / GOLDEN).write_text(printed)

    said = segcli("check", "--allow-empty", "-d", "gist", "--expect", GOLDEN, "page.jsonl")

    assert printed == ""
    assert (said.code, compared(said)) == (0, [])


@pytest.mark.parametrize("more", [["--outcomes"], []])
@pytest.mark.parametrize("lines", [1, 0])
def test_byte_order_mark_of_a_golden_file_is_ignored(
    segcli: Segcli, tmp_path: Path, more: list[str], lines: int
) -> None:
    (tmp_path / "events.jsonl").write_bytes(EVENT * lines)
    printed = segcli("transform", "--quiet", *more, "events.jsonl").out
    (tmp_path / GOLDEN).write_text(printed, encoding="utf-8-sig")

    said = segcli("check", "--allow-empty", "--expect", GOLDEN, "events.jsonl")

    assert (said.code, compared(said)) == (0, [])


# --- one input, and several


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    """Two inputs, of which the first has one line more."""
    (tmp_path / "a.jsonl").write_bytes(EVENT * 3)
    (tmp_path / "b.jsonl").write_bytes(EVENT.replace(b"u1", b"u2") * 2)
    return ["a.jsonl", "b.jsonl"]


def test_golden_file_of_one_input_is_refused_for_several(segcli: Segcli, two: list[str]) -> None:
    segcli("check", "--expect", GOLDEN, "--update", "b.jsonl")

    said = segcli("check", "--expect", GOLDEN, *two)

    message, hint = said.err.splitlines()
    assert (said.code, said.out) == (2, "")
    assert message == f"Error: the golden file {GOLDEN} is for one input, but there are several"
    assert "--update" in hint
    assert segcli("check", "--expect", GOLDEN, "--update", *two).code == 0
    assert segcli("check", "--expect", GOLDEN, *two).code == 0


def test_missing_line_is_reported_at_the_only_input(segcli: Segcli, two: list[str]) -> None:
    segcli("check", "--expect", GOLDEN, "--update", two[1])
    Path(two[1]).write_bytes(EVENT.replace(b"u1", b"u2"))

    said = segcli("check", "--expect", GOLDEN, "b.jsonl")

    assert [(one.file, one.line) for one in read_text(said.out)] == [("b.jsonl", 2)]


def test_input_of_a_single_input_golden_file_may_be_renamed(segcli: Segcli, two: list[str]) -> None:
    segcli("check", "--expect", GOLDEN, "--update", two[0])
    Path(two[0]).rename("c.jsonl")

    said = segcli("check", "--expect", GOLDEN, "c.jsonl")

    assert (said.code, compared(said)) == (0, [])


def test_missing_input_of_a_golden_file_is_reported_as_missing_lines(
    segcli: Segcli, two: list[str]
) -> None:
    segcli("check", "--expect", GOLDEN, "--update", *two)

    said = segcli("check", "--expect", GOLDEN, "b.jsonl")

    assert [one for one in read_text(said.out) if one.text in compared(said)] == [
        ReadFinding(
            "a.jsonl",
            1,
            "missing: line of the golden file that no longer exists (and 2 more lines: 2, 3)",
        )
    ]


def test_golden_file_of_payloads_may_cover_several_inputs(
    segcli: Segcli, tmp_path: Path, two: list[str]
) -> None:
    (tmp_path / GOLDEN).write_text(segcli("transform", "--quiet", *two).out)

    said = segcli("check", "--expect", GOLDEN, *two)

    assert (said.code, compared(said)) == (0, [])


# --- the golden file is kept from what else is written


@pytest.mark.parametrize("option", ["--rejects", "--report"])
@pytest.mark.parametrize("more", [[], ["--update"]])
@pytest.mark.parametrize("place", [GOLDEN, f"here/{GOLDEN}", "link", "second name"])
def test_golden_file_is_refused_as_another_output(
    segcli: Segcli, tmp_path: Path, option: str, more: list[str], place: str
) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"{]\n" + line_of())
    (tmp_path / "here").symlink_to(tmp_path)
    segcli("check", "--expect", GOLDEN, "--update", "events.jsonl")
    (tmp_path / "link").symlink_to(GOLDEN)
    (tmp_path / "second name").hardlink_to(tmp_path / GOLDEN)
    before = (tmp_path / GOLDEN).read_bytes()

    said = segcli("check", "--expect", GOLDEN, *more, option, place, "events.jsonl")

    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        f"Error: {option} {place} is also --expect",
        f"Name another file: {option} PATH",
    ]
    assert (tmp_path / GOLDEN).read_bytes() == before


@pytest.mark.parametrize("option", ["--rejects", "--report"])
@pytest.mark.parametrize("place", [GOLDEN, "link"])
def test_new_golden_file_is_refused_as_another_output(
    segcli: Segcli, tmp_path: Path, option: str, place: str
) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"{]\n")
    (tmp_path / "link").symlink_to(GOLDEN)

    said = segcli("check", "--expect", GOLDEN, "--update", option, place, "events.jsonl")

    assert said.code == 2
    assert said.err.startswith(f"Error: {option} {place} is also --expect\n")
    assert not (tmp_path / GOLDEN).exists()


def test_golden_file_that_is_also_an_input_is_refused(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(line_of())

    said = segcli("check", "--expect", "events.jsonl", "--update", "events.jsonl")

    assert said.code == 2
    assert said.err.splitlines() == [
        "Error: --expect events.jsonl is also an input",
        "Name another file, --expect PATH, or the inputs by a pattern without it.",
    ]
    assert (tmp_path / "events.jsonl").read_bytes() == line_of()


# --- the golden file stays whole


def test_golden_file_is_unchanged_on_a_full_disk(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes((line_of() + b"\n") * 100)
    held = b'{"line":1,"state":"mapped"}\n' * 1000
    (tmp_path / GOLDEN).write_bytes(held)

    with files_of_at_most(1024):
        said = segcli("check", "--expect", GOLDEN, "--update", "events.jsonl")

    message, hint = said.err.splitlines()
    assert said.code == 3
    assert message == f"Error: the golden file {GOLDEN} cannot be written: File too large"
    assert "is unchanged" in hint
    assert (tmp_path / GOLDEN).read_bytes() == held
    assert sorted(os.listdir(tmp_path)) == ["events.jsonl", GOLDEN]


# --- golden files that last


def test_rejection_recorded_in_the_golden_file_is_accepted(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(EVENT + b"{]\n")
    check = ("check", "--expect", GOLDEN, "events.jsonl")
    assert segcli(*check, "--update").code == 0

    told = segcli(*check)

    assert (told.code, [one for one in read_text(told.out) if "rejected" in one.text]) == (0, [])
    assert "2 lines: 1 mapped, 1 rejected" in told.out
    (tmp_path / "events.jsonl").write_bytes(EVENT + b"{]\n[]\n")
    told = segcli(*check)
    assert told.code == 1
    assert [(one.line, one.text) for one in read_text(told.out)] == [
        (3, "rejected: not a JSON object"),
        (3, "new: line that is not in the golden file"),
    ]


def test_line_rejected_for_another_reason_fails(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(EVENT + b"[]\n")
    segcli("check", "--expect", GOLDEN, "--update", "events.jsonl")
    (tmp_path / "events.jsonl").write_bytes(EVENT + b"{]\n")

    told = segcli("check", "--expect", GOLDEN, "events.jsonl")

    assert told.code == 1
    assert [one.text.split()[0] for one in read_text(told.out)] == ["rejected:", "changed:"]


def events_of(*numbers: int) -> bytes:
    lines = (
        line_of(timestamp="2026-02-03", messageId=f"m{n}", userId=f"u{n}", event=f"E{n}")
        for n in numbers
    )
    return b"".join(line + b"\n" for line in lines)


def test_golden_file_has_message_ids_and_update_keeps_its_order(
    segcli: Segcli, tmp_path: Path
) -> None:
    check = ("check", "-d", "pointillist", "--expect", GOLDEN, "events.jsonl")
    (tmp_path / "events.jsonl").write_bytes(events_of(1, 2, 3, 4))
    segcli(*check, "--update")
    (tmp_path / "events.jsonl").write_bytes(events_of(4, 9, 2, 1))

    assert segcli(*check).code == 1
    segcli(*check, "--update")

    written = [json.loads(line) for line in (tmp_path / GOLDEN).read_text().splitlines()]
    assert [one["messageId"] for one in written] == ["m1", "m2", "m4", "m9"]
    assert [one["line"] for one in written] == [4, 3, 1, 2]
    assert segcli(*check).code == 0


def test_two_removed_lines_are_two_differences(
    segcli: Segcli, samples: Path, tmp_path: Path
) -> None:
    lines = (samples / "signup.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))
    check = ("check", "-d", "gist", "--expect", GOLDEN, "events.jsonl")
    segcli(*check, "--update")
    (tmp_path / "events.jsonl").write_bytes(b"".join([*lines[:5], *lines[6:20], *lines[21:]]))

    told = segcli(*check, "--every")

    assert [one.split(" ")[0] for one in compared(told)] == ["missing:", "missing:"]
    assert "2 errors" in told.out


def test_many_extra_lines_are_counted_as_new(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.review.golden._LINES_MORE", 3)
    check = ("check", "--expect", GOLDEN, "events.jsonl")
    (tmp_path / "events.jsonl").write_bytes(EVENT)
    segcli(*check, "--update")
    (tmp_path / "events.jsonl").write_bytes(EVENT * 20)

    told = segcli(*check, "--select", "SEG6")

    assert told.code == 1
    assert "19 errors" in told.out
    segcli(*check, "--update")
    assert segcli(*check, "--select", "SEG6").code == 0
