"""A vendor that closes the connection on a large body: the error says so, with a command to try."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.destination_file import acme
from support.fakes import CommandResult, report_in, track, write_events
from support.resuming import pasted, printed_command
from support.retry_harness import RetryHarness, retry_harness
from support.tables import for_each
from support.wires import OK, Call, socket_server

from segcli.core.destination import Destination
from segcli.core.reply import Reply
from segcli.delivery.stop_reason import advise, may_be_too_large
from segcli.destinations import named_destination
from segcli.errors import Stopped
from segcli.http.client import NoReply
from segcli.http.transports import TRANSPORTS

Segcli = Callable[..., CommandResult]

MOST = 20_000


class VendorWithBodyLimit:
    """A vendor that resets the connection on a body of more than MOST bytes, without reading it."""

    def __init__(self, under: str) -> None:
        self._under = under
        self._lock = threading.Lock()
        self.took: Counter[str] = Counter()
        self.largest = 0

    def talk(self, call: Call) -> None:
        while head := self._head(call):
            length = next(
                int(line.split()[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length: ")
            )
            if length > MOST:
                call.reset()
                return
            body = head.partition(b"\r\n\r\n")[2]
            while len(body) < length:
                body += call.socket.recv(65536)
            with self._lock:
                self.largest = max(self.largest, length)
                self.took.update(map(_id_of, json.loads(body)[self._under]))
            call.say(OK)

    @staticmethod
    def _head(call: Call) -> bytes:
        text = b""
        while b"\r\n\r\n" not in text:
            block = call.socket.recv(65536)
            if not block:
                return b""
            text += block
        return text


def _id_of(item: dict[str, Any]) -> str:
    return str(item.get("messageId") or item["user_id"])


def small_then_large(kind: str) -> list[dict[str, Any]]:
    """Return a batch of 50 small events, and one of 50 large ones, each of another user."""
    under = "traits" if kind == "identify" else "properties"
    return [
        track(n, f"u{n}", type=kind)
        | {under: {"email": "ada@example.com", "text": "x" * (800 if n >= 50 else 1)}}
        for n in range(100)
    ]


KEYS = {"SEGCLI_SEGMENT_API_KEY": "key", "SEGCLI_GIST_API_KEY": "key"}


@pytest.fixture
def with_keys(segcli: Segcli, monkeypatch: pytest.MonkeyPatch) -> Segcli:
    """Run a command in this process, with keys in the environment."""
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    return segcli


@pytest.fixture
def paste(shell_environment: dict[str, str], tmp_path: Path) -> Callable[..., CommandResult]:
    """Run a command line in a shell, in the test's folder, with the same keys."""
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    return partial(pasted, cwd=tmp_path, env=shell_environment | home | KEYS)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", ["segment", "gist"])
def test_printed_command_resumes_with_smaller_bodies_and_no_duplicates(
    name: str,
    transport: str,
    with_keys: Segcli,
    paste: Callable[..., CommandResult],
    tmp_path: Path,
) -> None:
    vendor = VendorWithBodyLimit("batch" if name == "segment" else "contacts")
    events = small_then_large("track" if name == "segment" else "identify")
    write_events(tmp_path / "events.jsonl", events)
    with socket_server(vendor.talk) as wire:
        to = ["send", "-d", name, "--endpoint", wire.url, "--http-transport", transport]
        how = ["--set", "batch=50", "--retry-for", "250ms", "--report", "report.json"]
        said = with_keys(*to, *how, "events.jsonl")
        stopped_at = sum(vendor.took.values())
        again = paste(printed_command(said.err))

    assert said.code == 3
    assert f"{name} closes the connection on bodies of " in said.err
    assert " kB, 50 events. Try smaller ones: --set batch=5\n" in said.err
    assert stopped_at == 50
    assert "batch=50" not in printed_command(said.err)
    assert printed_command(said.err).endswith("--set batch=5 --resume")
    assert again.code == 0, again.err
    assert report_in(tmp_path)["ledger"]["delivered"] == 50
    assert report_in(tmp_path)["ledger_over_all_runs"]["delivered"] == 100
    assert len(vendor.took) == 100
    assert set(vendor.took.values()) == {1}


@pytest.mark.parametrize("option", ["batch=7", "batch_bytes=9000"])
def test_resumed_run_may_change_the_batch_size(
    option: str, with_keys: Segcli, tmp_path: Path
) -> None:
    vendor = VendorWithBodyLimit("batch")
    write_events(tmp_path / "events.jsonl", small_then_large("track"))
    with socket_server(vendor.talk) as wire:
        to = ["send", "-d", "segment", "--endpoint", wire.url, "--retry-for", "250ms"]
        assert with_keys(*to, "--set", "batch=50", "events.jsonl").code == 3
        vendor.largest = 0
        said = with_keys(*to, "--set", option, "--resume", "events.jsonl")

    assert said.code == 0, said.err
    assert set(vendor.took.values()) == {1}
    assert len(vendor.took) == 100
    assert vendor.largest < 9_500


def test_printed_command_has_no_resume_if_nothing_was_sent(
    with_keys: Segcli, paste: Callable[..., CommandResult], tmp_path: Path
) -> None:
    vendor = VendorWithBodyLimit("batch")
    write_events(tmp_path / "events.jsonl", small_then_large("track")[50:])
    with socket_server(vendor.talk) as wire:
        to = ["send", "-d", "segment", "--endpoint", wire.url, "--retry-for", "250ms"]
        said = with_keys(*to, "events.jsonl")
        lines = said.err.splitlines()
        command = lines[lines.index("To try again, type:") + 1]
        again = paste(command)

    assert said.code == 3
    assert command.endswith("events.jsonl --set batch=5")
    assert "--resume" not in said.err
    assert again.code == 0
    assert set(vendor.took.values()) == {1}


# --- when it is said


def story(rejects: Path, *answers: Reply | NoReply, count: int = 300) -> Stopped | None:
    """Send a batch to a vendor that gives these answers, and then the last one for ever."""
    left = list(answers)
    found: RetryHarness = retry_harness(rejects, retry_for=100)
    found.play(found.send(count, lambda _: left.pop(0) if len(left) > 1 else left[0]))
    stopped = found.sender.stop_signal.reason
    assert stopped is None or isinstance(stopped, Stopped)
    return stopped


CLOSED = NoReply("no complete reply: Server disconnected", closed=True)
SAID = "acme closes the connection on bodies of 1.1 kB, 300 events."


@pytest.mark.parametrize(
    ("answers", "is_said"),
    [
        ([CLOSED], True),
        ([NoReply("no answer within 30 s"), CLOSED], True),
        ([CLOSED, NoReply("no answer within 30 s")], False),
        ([NoReply("cannot connect to acme.example")], False),
        ([CLOSED, Reply(503)], False),
        # It has read as large a body before.
        ([Reply(503), CLOSED], False),
    ],
    ids=["closed", "at last", "before", "no connection", "a no", "a no before"],
)
def test_hint_mentions_body_size_only_if_it_may_be_the_reason(
    answers: list[Reply | NoReply], is_said: bool, tmp_path: Path
) -> None:
    stopped = story(tmp_path / "rejects.ndjson", *answers)

    assert stopped
    assert (SAID in stopped.hint) == is_said
    assert stopped.hint.endswith("Nothing is lost: unsent events can be sent later.")


@for_each(
    ("size", "answered", "may_be"),
    [
        (1_001, 0, True),
        (1_000, 0, False),
        (5_000, 4_999, True),
        (5_000, 5_000, False),
        (0, 0, False),
    ],
)
def test_body_is_suspect_only_if_large_and_larger_than_any_answered(
    size: int, answered: int, may_be: bool
) -> None:
    assert may_be_too_large(size, largest_answered=answered) == may_be


TRY = "Try smaller ones: --set"


def advice(destination: Destination[Any], events: int, size: int) -> tuple[str, tuple[str, ...]]:
    stopped = Stopped("took nothing", "Later.")
    advise(stopped, destination, events=events, size=size)
    assert stopped.hint.endswith("\nLater.")
    return stopped.hint.splitlines()[0], tuple(stopped.more)


@pytest.mark.parametrize(
    ("events", "size", "text", "more"),
    [
        (
            2_000,
            480_123,
            "bodies of 480 kB, 2,000 events. Try smaller ones: --set batch=200",
            "batch=200",
        ),
        (15, 9_950, "bodies of 9.9 kB, 15 events. Try smaller ones: --set batch=1", "batch=1"),
        (1, 31_000, "bodies of 31 kB, which is one event.", ""),
    ],
)
def test_advice_suggests_a_tenth_of_the_events(
    events: int, size: int, text: str, more: str
) -> None:
    expected = f"segment closes the connection on {text}"

    assert advice(named_destination("segment"), events, size) == (
        expected,
        ("--set", more) if more else (),
    )


def test_advice_for_a_destination_without_a_batch_setting() -> None:
    in_file = acme({"batch": {"events": 50, "under": "batch"}})
    plug_in = replace(in_file, layout=None)
    said = "acme closes the connection on bodies of 90 kB, 9 events."

    assert advice(plug_in, 9, 90_000) == (said, ())
    fewer = " Try smaller ones: fewer events in the [batch] of its file."
    assert advice(in_file, 9, 90_000) == (said + fewer, ())
