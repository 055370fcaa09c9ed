"""`--html` writes one page: the figures of the report, without a network and without values."""

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from support.engage import csv, engage
from support.fakes import KEY, CommandResult, report_in, sending_to, track, tracks, write_events

from segcli.sandbox import SandboxServer

Segcli = Callable[..., CommandResult]
SECRET = "ada@example.com"


def page_in(folder: Path) -> Any:
    return html.fromstring((folder / "page.html").read_bytes())


def figures_in(page: Any) -> dict[str, str]:
    return {
        element.get("data-figure"): element.text_content().strip().replace(",", "")
        for element in page.xpath("//*[@data-figure]")
    }


def number(text: str) -> float:
    found = re.match(r"[\d.]+", text)
    assert found
    return float(found[0])


def mixed_events(folder: Path) -> Path:
    bad = {"type": "identify", "userId": "u1", "timestamp": SECRET}
    left_out = track() | {"context": {"page": {"title": SECRET}}}
    return write_events(
        folder / "events.jsonl",
        [*tracks(29), left_out, bad, b"{]", {"type": "page", "userId": "u"}],
    )


def send_to(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], *more: object
) -> CommandResult:
    at = start_sandbox(faults=()).endpoint("gist")
    return segcli(*sending_to("gist", at), "--html", "page.html", *more)


def test_figures_of_a_send_are_those_of_the_report(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    assert send_to(segcli, start_sandbox, mixed_events(tmp_path)).code == 1

    found, report = figures_in(page_in(tmp_path)), report_in(tmp_path)
    assert {state: int(found[f"ledger.{state}"]) for state in report["ledger"]} == report["ledger"]
    assert int(found["read"]) == report["read"] == 33
    assert int(found["requests"]) == report["requests"]
    assert int(found["retries"]) == report["retries"]
    for share, milliseconds in report["latency_ms"].items():
        assert number(found[f"latency_ms.{share}"]) == milliseconds
    assert number(found["seconds"]) == round(report["seconds"], 1)


def test_a_page_has_plots_and_needs_no_script_and_no_network(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    send_to(segcli, start_sandbox, mixed_events(tmp_path))
    text, page = (tmp_path / "page.html").read_text(), page_in(tmp_path)

    assert {"rate", "latency"} <= set(page.xpath("//figure/@data-plot"))
    assert len(page.xpath("//figure/svg")) == len(page.xpath("//figure"))
    assert not page.xpath("//script | //link | //img | //iframe | //@href | //@src")
    assert not re.search(r"url\(|@import|javascript:", text)
    # The names of formats, which nothing loads.
    assert set(re.findall(r"\bhttps?://[^/\"]*w3[^/\"]*", text)) == {"http://www.w3.org"}
    assert "default-src 'none'" in text
    assert KEY not in text
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == 0o600


@pytest.mark.parametrize("command", ["send", "transform", "check"])
def test_values_of_events_are_shown_only_with_html_samples(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], tmp_path: Path, command: str
) -> None:
    more: list[str] = []
    if command == "send":
        more = ["--endpoint", start_sandbox(faults=()).endpoint("gist"), "--set", f"api_key={KEY}"]
    events = mixed_events(tmp_path)
    words = [command, "--dest", "gist", *more, events, "--html", "page.html"]
    segcli(*words)
    without = (tmp_path / "page.html").read_text()
    segcli(*words, "--html-samples", *(["--restart"] if command == "send" else []))
    with_values = (tmp_path / "page.html").read_text()

    assert SECRET not in without
    assert SECRET in with_values
    assert "timestamp" in without
    assert "--html-samples shows some" in without


def test_figures_of_transform_and_check_are_those_of_their_reports(
    segcli: Segcli, tmp_path: Path
) -> None:
    events = mixed_events(tmp_path)
    for command, part in (("transform", "ledger"), ("check", "counts")):
        segcli(command, "-d", "gist", events, "--report", "report.json", "--html", "page.html")
        found, report = figures_in(page_in(tmp_path)), report_in(tmp_path)

        counts = {state: int(found[f"{part}.{state}"]) for state in report[part]}
        assert counts == report[part], command
    assert int(found["errors"]) == report["errors"]
    assert int(found["requests"]) == report["plan"]["requests"]
    assert all(one["path"] in page_in(tmp_path).text_content() for one in report["not_carried"])
    (tmp_path / "page.html").unlink()


def test_a_sync_writes_a_page_too(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    csv(tmp_path / "m.csv", ["u1", "u2"])
    segcli(*engage("gist", start_sandbox().endpoint("gist"), "m.csv"), "--html", "page.html")

    assert figures_in(page_in(tmp_path))["ledger.delivered"] == "2"


def test_text_of_events_is_text_and_never_html(segcli: Segcli, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>\u202e"
    event = track() | {"timestamp": hostile}
    events = write_events(tmp_path / "<b>events.jsonl", [event])
    segcli("transform", "-d", "gist", events, "--html", "page.html", "--html-samples")
    page, text = page_in(tmp_path), (tmp_path / "page.html").read_text()

    assert not page.xpath("//script | //img | //b")
    assert "&lt;script&gt;alert(1)" in text
    assert "\u202e" not in text
    assert r"\u202e" in page.text_content()


def test_a_run_that_stops_says_so(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    at = start_sandbox(key="another").endpoint("gist")
    assert segcli(*sending_to("gist", at), "--html", "page.html", events).code == 3

    assert figures_in(page_in(tmp_path))["verdict"] == "stopped"
    assert figures_in(page_in(tmp_path))["ledger.unsent"] == "3"


def test_another_file_is_not_replaced_and_an_old_page_is(segcli: Segcli, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    (tmp_path / "page.html").write_text("<!doctype html><p>mine")
    refused = segcli("transform", events, "--html", "page.html")

    assert refused.code == 2
    assert "exists already, and is not a page of segcli" in refused.err
    (tmp_path / "page.html").unlink()
    assert [segcli("transform", events, "--html", "page.html").code for _ in range(2)] == [0, 0]


def test_mistakes_say_what_to_type(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    said = segcli("transform", events, "--html-samples")
    assert (said.code, "Add --html PATH" in said.err) == (2, True)
    said = segcli("transform", events, "--html", "events.jsonl")
    assert (said.code, "also an input" in said.err) == (2, True)
    monkeypatch.setattr("segcli.cli.html_page.find_spec", lambda _: None)
    said = segcli("transform", events, "--html", "page.html")
    assert (said.code, "[ui]" in said.err) == (2, True)


def test_a_page_that_cannot_be_written_does_not_hide_the_report(
    segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(2))
    said = segcli("transform", events, "--html", "/dev/full", "--report", "report.json")

    assert said.code == 3
    assert "the report /dev/full cannot be written" in said.err
    assert json.loads((tmp_path / "report.json").read_bytes())["read"] == 2
