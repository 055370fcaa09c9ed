"""`segcli ui` and `send --ui`: who may start them, and when they end."""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.fakes import PATIENCE, CommandResult, tracks, wait_until, write_events

from segcli.cli import page

Segcli = Callable[..., CommandResult]


@pytest.mark.parametrize("words", [["ui"], ["send", "-d", "gist", "--sandbox", "--ui"]])
def test_off_a_terminal_it_needs_no_open(segcli: Segcli, tmp_path: Path, words: list[str]) -> None:
    said = segcli(*words, write_events(tmp_path / "events.jsonl", tracks(1)))

    assert said.code == 2
    assert "Add --no-open" in said.err
    assert "Sending" not in said.err


def test_mistakes_say_what_to_type(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    taken = segcli("send", "-d", "gist", "--sandbox", "--no-open", events)
    assert (taken.code, "Add --ui" in taken.err) == (2, True)
    missing = segcli("ui", "--no-open", events, "--expect", "none")
    assert (missing.code, "--expect none cannot be read" in missing.err) == (2, True)
    unknown = segcli("ui", "--no-open", "-d", "nope", events)
    assert (unknown.code, "nope" in unknown.err) == (2, True)
    monkeypatch.setattr("segcli.cli.html_page.find_spec", lambda _: None)
    extra = segcli("ui", "--no-open", events)
    assert (extra.code, "[ui]" in extra.err) == (2, True)


def test_it_prints_its_address_and_ends_with_ctrl_c(
    spawn: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    process = spawn("ui", "--no-open", write_events(tmp_path / "events.jsonl", tracks(1)))
    assert process.stderr
    line = process.stderr.readline()
    process.send_signal(signal.SIGINT)

    assert line.startswith("The page is at http://127.0.0.1:")
    assert process.wait(PATIENCE) == 0


def test_port_that_is_taken_is_a_clear_error(segcli: Segcli, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        events = write_events(tmp_path / "events.jsonl", tracks(1))
        said = segcli("ui", "--no-open", "--port", port, events)

    assert said.code == 2
    assert f"the page cannot be served on port {port}: Address already in use" in said.err


def test_page_of_a_run_stays_until_10_s_after_it_was_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(now=100.0)
    visitors = SimpleNamespace(open=1, last=50.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds
        if visitors.open and clock.now > 130:
            visitors.open, visitors.last = 0, clock.now

    fake = SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep)
    monkeypatch.setattr(page, "time", fake)
    server: Any = SimpleNamespace(visitors=visitors)
    page._wait_until_left(server)
    assert 140 <= clock.now < 141
    page._wait_until_left(server)
    assert 150 <= clock.now < 151


def test_page_of_a_run_lists_what_is_piped_in(
    spawn: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    with write_events(tmp_path / "events.jsonl", tracks(30)).open("rb") as events:
        process = spawn("send", "-d", "gist", "--sandbox", "--ui", "--no-open", "-", stdin=events)
    assert process.stderr
    lines = iter(process.stderr.readline, "")
    address = next(found[1] for line in lines if (found := re.search(r"(http\S+)#run", line)))

    def listed() -> dict[str, Any]:
        reply = httpx.get(f"{address}api/events?count=100", verify=False, timeout=PATIENCE)
        found: dict[str, Any] = reply.json()
        return found

    wait_until(lambda: listed()["done"])
    assert [row["line"] for row in listed()["rows"]] == list(range(1, 31))
    assert {row["file"] for row in listed()["rows"]} == {"stdin"}


def test_send_with_a_page_that_no_browser_opens_ends_with_its_exit_code(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "_STAYS", 0.2)
    events = write_events(tmp_path / "events.jsonl", [*tracks(3), b"{]"])
    began = time.monotonic()
    said = segcli("send", "-d", "gist", "--sandbox", "--ui", "--no-open", events)

    assert said.code == 1
    assert "The page is at http://127.0.0.1:" in said.err
    assert "3  delivered" in said.err
    assert time.monotonic() - began < PATIENCE
