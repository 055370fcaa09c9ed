"""A default destination is named first; nothing to check is not fine."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.check_reports import check_is_valid
from support.fakes import Said
from support.samples import line_of

Segcli = Callable[..., Said]
LINE = "pointillist is the default destination; --dest NAME takes another"
FORMATS = ["text", "github", "markdown", "junit"]


@pytest.fixture(autouse=True)
def _events(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(line_of(timestamp="2026-02-03T10:00:00Z") + b"\n")
    (tmp_path / "pages.jsonl").write_bytes(line_of(type="page") + b"\n")


def test_the_summary_of_transform_begins_with_it(segcli: Segcli) -> None:
    assert segcli("transform", "events.jsonl").err.splitlines()[0] == LINE
    assert LINE not in segcli("transform", "-d", "pointillist", "events.jsonl").err
    assert LINE not in segcli("transform", "--quiet", "events.jsonl").err


def test_the_summary_of_check_begins_with_it(segcli: Segcli) -> None:
    lines = segcli("check", "events.jsonl").out.splitlines()

    assert lines[lines.index(LINE) + 1].startswith("1 line: 1 mapped")


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_says_it(segcli: Segcli, form: str) -> None:
    out = segcli("check", "--format", form, "events.jsonl").out

    check_is_valid(form, out)
    assert LINE in out
    assert LINE not in segcli("check", "-d", "gist", "--format", form, "events.jsonl").out


def test_json_says_it(segcli: Segcli) -> None:
    def said(*options: str) -> object:
        out = segcli("check", "--format", "json", *options, "events.jsonl").out
        check_is_valid("json", out)
        return json.loads(out)["destination_is_default"]

    assert said() is True
    assert said("-d", "pointillist") is False


def test_the_environment_counts_as_given(segcli: Segcli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGCLI_DEST", "pointillist")

    assert LINE not in segcli("check", "events.jsonl").out
    assert LINE not in segcli("transform", "events.jsonl").err


# --- nothing to check


@pytest.mark.parametrize(
    "more",
    [(), ("--ignore", "SEG"), ("--select", "SEG4"), ("--baseline", "b", "--update-baseline")],
)
@pytest.mark.parametrize("file", ["pages.jsonl", "/dev/null"])
def test_nothing_to_check_fails(segcli: Segcli, file: str, more: tuple[str, ...]) -> None:
    told = segcli("check", "-d", "gist", file, *more)

    assert told.code == 1
    assert "SEG105 empty: no line was mapped, rejected or compared with a plan" in told.out
    assert segcli("check", "-d", "gist", "--allow-empty", file).code == 0


@pytest.mark.parametrize("form", [*FORMATS, "json"])
def test_each_format_shows_that_there_was_nothing(segcli: Segcli, form: str) -> None:
    out = segcli("check", "-d", "gist", "--format", form, "pages.jsonl").out

    check_is_valid(form, out)
    assert "SEG105" in out


def test_a_line_that_is_ignored_was_checked(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"type":"track"}\n')

    assert segcli("check", "-d", "gist", "--ignore", "SEG2", "bad.jsonl").code == 0
