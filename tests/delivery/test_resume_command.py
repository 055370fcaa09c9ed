"""A stopped run prints the command that resumes it; it works as printed and shows no key."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult, tracks, write_events
from support.resuming import LimitedVendor, Segcli, Serve, printed_command, to_webhook

Paste = Callable[..., CommandResult]

ALL = [f"m{number}" for number in range(12)]


@pytest.fixture
def limited_vendor() -> LimitedVendor:
    return LimitedVendor(left=5)


@pytest.mark.parametrize(
    "words",
    [
        ["events.jsonl"],
        ["--event", "T* $HOME `ls` 'x'", "--event", "T*", "a b'$(c).jsonl"],
        ["--", "--events.jsonl"],
    ],
    ids=["plain", "quoted", "after --"],
)
def test_printed_resume_command_works_when_pasted(
    words: list[str],
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    paste: Paste,
    tmp_path: Path,
) -> None:
    write_events(tmp_path / words[-1], tracks(12))
    said = segcli("send", "-d", "webhook", "-q", "--endpoint", vendor(limited_vendor).url, *words)
    assert said.code == 3
    limited_vendor.left = 2
    again = paste(printed_command(said.err))
    assert again.code == 3
    assert printed_command(again.err) == printed_command(said.err)
    limited_vendor.accept_all()
    assert paste(printed_command(again.err)).code == 0
    assert sorted(limited_vendor.taken) == sorted(ALL)


def test_printed_resume_command_of_a_pipe_works_with_the_same_input(
    limited_vendor: LimitedVendor, vendor: Serve, paste: Paste, tmp_path: Path
) -> None:
    text = write_events(tmp_path / "events.jsonl", tracks(12)).read_bytes()
    first = " ".join(["segcli", *to_webhook(vendor(limited_vendor).url)])
    said = paste(first, stdin=text)
    assert said.code == 3
    limited_vendor.accept_all()
    assert paste(printed_command(said.err), stdin=text).code == 0
    assert limited_vendor.taken == ALL


def test_printed_command_of_a_restarted_run_has_resume_only(
    limited_vendor: LimitedVendor, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    command = to_webhook(
        vendor(limited_vendor).url, write_events(tmp_path / "events.jsonl", tracks(12))
    )
    printed = printed_command(segcli(*command, "--restart").err)
    assert "--restart" not in printed
    assert printed.split().count("--resume") == 1


def test_printed_command_of_a_sandbox_run_is_complete(segcli: Segcli, tmp_path: Path) -> None:
    write_events(tmp_path / "events.jsonl", [b"no JSON", *tracks(12)])
    words = ["--sandbox", "--journal", "a.journal", "--fault", "401:100%"]
    said = segcli("send", "-d", "webhook", *words, "events.jsonl")
    assert printed_command(said.err).split() == [
        *("segcli", "send", "-d", "webhook", *words, "events.jsonl", "--resume")
    ]


SECRET = "sk_live_8f2b61c0d9e74a53"


@pytest.mark.parametrize(
    "words",
    [
        ["--set", f"api_key={SECRET}"],
        [f"--set=api_key={SECRET}"],
        ["--set", f" api_key ={SECRET}"],
        ["--set", f"endpoint=http://{SECRET}@HOST/x", "--set", "api_key=k9"],
        ["--set", f"endpoint=http://HOST/x?token={SECRET}"],
    ],
    ids=["apart", "joined", "spaced", "in the address", "in the query"],
)
def test_typed_key_is_in_neither_the_printed_command_nor_the_journal(
    words: list[str], limited_vendor: LimitedVendor, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(12))
    at = vendor(limited_vendor).url.removeprefix("http://")
    end = [] if "HOST" in str(words) else ["--endpoint", f"http://{at}"]
    words = [word.replace("HOST", at) for word in words]
    said = segcli("send", "-d", "webhook", *words, *end, "--journal", "a.journal", events)

    assert said.code == 3
    assert "repeat the same --set values (hidden here)" in said.err
    assert SECRET not in said.err
    assert SECRET.encode() not in (tmp_path / "a.journal").read_bytes()
    limited_vendor.accept_all()
    again = segcli(
        "send", "-d", "webhook", *words, *end, "--journal", "a.journal", events, "--resume"
    )
    assert again.code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--set", f"api_key={SECRET}"],
        [f"--set=api_key={SECRET}"],
        ["--set", f" api_key = {SECRET}"],
        ["--endpoint", f"https://user:{SECRET}@vendor.example/x?token={SECRET}"],
    ],
    ids=["apart", "joined", "spaced", "in the address"],
)
def test_a_rehearsal_shows_no_key_that_was_typed(
    words: list[str], segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", [b"no JSON", *tracks(12)])
    rehearsal = ["send", "-d", "webhook", "--sandbox", *words, events]
    stopped = segcli(*rehearsal, "--journal", "a.journal", "--fault", "401:100%")
    done = segcli(*rehearsal)

    assert stopped.code == 3
    assert "(hidden here)" in stopped.err
    assert done.code == 1
    assert "for real" in done.err
    assert SECRET not in stopped.err + done.err
    assert SECRET.encode() not in (tmp_path / "a.journal").read_bytes()
