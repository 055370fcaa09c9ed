"""The default destination is named first; `check` fails if nothing was checked."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.check_reports import check_is_valid
from support.fakes import CommandResult
from support.samples import line_of

Segcli = Callable[..., CommandResult]
LINE = "pointillist is the default destination; --dest NAME takes another"
FORMATS = ["text", "github", "markdown", "junit"]


@pytest.fixture(autouse=True)
def _events(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(line_of(timestamp="2026-02-03T10:00:00Z") + b"\n")
    (tmp_path / "pages.jsonl").write_bytes(line_of(type="page") + b"\n")


def test_transform_summary_starts_with_the_default_destination(segcli: Segcli) -> None:
    assert segcli("transform", "events.jsonl").err.splitlines()[0] == LINE
    assert LINE not in segcli("transform", "-d", "pointillist", "events.jsonl").err
    assert LINE not in segcli("transform", "--quiet", "events.jsonl").err


def test_check_summary_starts_with_the_default_destination(segcli: Segcli) -> None:
    lines = segcli("check", "events.jsonl").out.splitlines()

    assert lines[lines.index(LINE) + 1].startswith("1 line: 1 mapped")


@pytest.mark.parametrize("form", FORMATS)
def test_every_check_format_names_the_default_destination(segcli: Segcli, form: str) -> None:
    out = segcli("check", "--format", form, "events.jsonl").out

    check_is_valid(form, out)
    assert LINE in out
    assert LINE not in segcli("check", "-d", "gist", "--format", form, "events.jsonl").out


def test_json_report_has_destination_is_default(segcli: Segcli) -> None:
    def said(*options: str) -> object:
        out = segcli("check", "--format", "json", *options, "events.jsonl").out
        check_is_valid("json", out)
        return json.loads(out)["destination_is_default"]

    assert said() is True
    assert said("-d", "pointillist") is False


def test_destination_from_environment_is_not_a_default(
    segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGCLI_DEST", "pointillist")

    assert LINE not in segcli("check", "events.jsonl").out
    assert LINE not in segcli("transform", "events.jsonl").err


# --- nothing to check


@pytest.mark.parametrize(
    "more",
    [(), ("--ignore", "SEG"), ("--select", "SEG4"), ("--baseline", "b", "--update-baseline")],
)
@pytest.mark.parametrize("file", ["pages.jsonl", "/dev/null"])
def test_check_fails_if_nothing_was_checked(
    segcli: Segcli, file: str, more: tuple[str, ...]
) -> None:
    told = segcli("check", "-d", "gist", file, *more)

    assert told.code == 1
    assert "SEG105 empty: no line was mapped, rejected or compared with a plan" in told.out
    assert segcli("check", "-d", "gist", "--allow-empty", file).code == 0


@pytest.mark.parametrize("form", [*FORMATS, "json"])
def test_every_format_shows_that_nothing_was_checked(segcli: Segcli, form: str) -> None:
    out = segcli("check", "-d", "gist", "--format", form, "pages.jsonl").out

    check_is_valid(form, out)
    assert "SEG105" in out


def test_line_with_an_ignored_finding_counts_as_checked(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"type":"track"}\n')

    assert segcli("check", "-d", "gist", "--ignore", "SEG2", "bad.jsonl").code == 0
