"""Replays: repeated messageIds, new ids for a replay, and write keys in events."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fakes import CommandResult, sending_to
from support.samples import event_of, job_for, line_of, payload_of

from segcli.destinations import BUILT_IN
from segcli.errors import SettingsError

Segcli = Callable[..., CommandResult]
Events = Callable[..., Path]

AT = {"timestamp": "2026-02-16T09:03:51Z", "properties": {"email": "a@example.com"}}
ADVICE = "note: Segment drops an event whose messageId it has received within about a day"
SAME = "SEG502 warning: messageId is missing, and the line is the same as an earlier one"


def ids(segcli: Segcli, file: object, *options: object) -> list[str]:
    said = segcli("transform", "-d", "segment", *options, file)
    assert said.code == 0, said.err
    return [json.loads(line)["messageId"] for line in said.out.splitlines()]


# --- equal lines


@pytest.mark.parametrize("dest", ["pointillist", "plotline", "gist", "segment", "webhook"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_check_warns_about_equal_lines_without_a_message_id(
    segcli: Segcli, events: Events, dest: str, jobs: str
) -> None:
    line = line_of(**AT)
    first = events(line, line_of(**AT, userId="u2"), line, name="1.jsonl")
    second = events(b" " + line + b"\r", line_of(**AT, messageId="m"), name="2.jsonl")

    out = segcli("check", "-d", dest, "--every", "--jobs", jobs, first, second).out

    assert [text for text in out.splitlines() if "messageId" in text and "not carried" not in text][
        :2
    ] == [f"{first}:3: {SAME} ({first}:1)", f"{second}:1: {SAME} ({first}:1)"]


@pytest.mark.parametrize("empty", [None, "", ...])
def test_empty_message_id_counts_as_missing(segcli: Segcli, events: Events, empty: Any) -> None:
    file = events(*[line_of(**AT, messageId=empty)] * 2)

    assert f"{file}:2: {SAME} ({file}:1)" in segcli("check", "-d", "webhook", file).out


def test_equal_lines_with_a_message_id_get_the_repeated_id_warning(
    segcli: Segcli, events: Events
) -> None:
    file = events(*[line_of(**AT, messageId="m1")] * 2)

    out = segcli("check", "-d", "webhook", file).out
    assert (
        f"{file}:2: SEG501 warning: messageId is the same as in an earlier line ({file}:1)" in out
    )
    assert SAME not in out


def test_different_lines_are_not_repeats(segcli: Segcli, events: Events) -> None:
    file = events(*(line_of(**AT, userId=f"u{n}") for n in range(5)))

    assert SAME not in segcli("check", "-d", "webhook", file).out


# --- new ids


def test_replay_gives_every_event_a_new_reproducible_id(segcli: Segcli, events: Events) -> None:
    file = events(
        *(line_of(**AT, messageId=f"m{n}") for n in range(5)),
        line_of(**AT),
        line_of(**AT, messageId=7),
    )
    kept, first = ids(segcli, file), ids(segcli, file, "--set", "replay=first")

    assert kept[:5] == [f"m{n}" for n in range(5)]
    assert len(set(first)) == len(first)
    assert not set(kept) & set(first)
    assert all(0 < len(one) <= 100 for one in first)
    assert ids(segcli, file, "--set", "replay=first", "--jobs", "2") == first
    assert not set(ids(segcli, file, "--set", "replay=second")) & set(first)


def test_replay_id_depends_on_the_old_message_id_only(segcli: Segcli, events: Events) -> None:
    one = events(line_of(**AT, messageId="m1"), name="one")
    other = events(line_of(messageId="m1", userId="u9"), name="other")

    options = ("--set", "replay=r")
    assert ids(segcli, one, *options) == ids(segcli, other, *options)


def test_restarted_run_accepts_the_same_replay_setting(
    segcli: Segcli, events: Events, start_sandbox: Callable[..., Any]
) -> None:
    command = sending_to("segment", start_sandbox().endpoint("segment"))
    file = events(line_of(**AT, messageId="m1"))

    assert segcli(*command, "--set", "replay=r", file).code == 0
    assert segcli(*command, "--set", "replay=r", file, "--restart").code == 0


@pytest.mark.parametrize("command", [["check"], ["send", "--sandbox"]])
def test_check_and_send_advise_that_segment_drops_known_ids(
    segcli: Segcli, events: Events, command: list[str]
) -> None:
    file = events(line_of(**AT, messageId="m1"))

    said = segcli(*command, "-d", "segment", file)
    assert ADVICE in said.out + said.err
    for options in (["-d", "segment", "--set", "replay=r"], ["-d", "webhook"]):
        quiet = segcli(*command, *options, file)
        assert quiet.code == 0
        assert "within about a day" not in quiet.out + quiet.err


@pytest.mark.parametrize("form", ["json", "markdown", "github"])
def test_replay_advice_is_in_json_markdown_and_github_formats(
    segcli: Segcli, events: Events, form: str
) -> None:
    file = events(line_of(**AT, messageId="m1"))

    out = segcli("check", "-d", "segment", "--format", form, file).out

    assert "within about a day" in out
    if form == "json":
        assert json.loads(out)["advice"] == json.loads(out)["advice"].strip()


def test_replay_advice_is_not_a_warning(segcli: Segcli, events: Events) -> None:
    assert (
        segcli("check", "-d", "segment", "--strict", events(line_of(**AT, messageId="1"))).code == 0
    )


# --- write keys

SENT_ALONG = "writeKey is sent along: with it anybody can send events into its source"
KEY = {"writeKey": "wk-secret"}
ACME = """name = "acme"
[request]
url = "https://acme.example"
[[actions]]
subscribe = 'type = "track"'
[actions.mapping]
all = { "@path" = "$." }
key = { "@path" = "$.writeKey" }
text = { "@template" = "<{{writeKey}}>" }
"""


def test_segment_removes_the_write_key_unless_set_to_keep(segcli: Segcli, events: Events) -> None:
    file = events(line_of(**AT, **KEY, context={"writeKey": "inner"}))

    out = segcli("transform", "-d", "segment", file).out
    assert "wk-secret" not in out
    assert "inner" in out
    kept = segcli("transform", "-d", "segment", "--set", "write_key=keep", file).out
    assert json.loads(kept)["writeKey"] == "wk-secret"


def test_write_key_setting_accepts_drop_or_keep_only() -> None:
    with pytest.raises(SettingsError, match="drop or keep"):
        job_for("segment", write_key="maybe")


def test_a_destination_file_never_sees_a_write_key(
    segcli: Segcli, events: Events, tmp_path: Path
) -> None:
    (tmp_path / "acme.toml").write_text(ACME)

    out = segcli("transform", "-d", "./acme.toml", events(line_of(**AT, **KEY))).out

    assert "wk-secret" not in out
    payload = json.loads(out)
    assert payload["text"] == "<>"
    assert "key" not in payload
    assert payload["all"]["event"] == "Tried"


@pytest.mark.parametrize("dest", ["plotline", "webhook"])
def test_pass_through_keeps_the_write_key_and_check_warns(
    segcli: Segcli, events: Events, dest: str
) -> None:
    line = line_of(**AT, **KEY)
    file = events(line_of(**AT), line)

    assert segcli("transform", "-d", dest, file).out.encode().splitlines()[1] == line
    out = segcli("check", "-d", dest, file).out.splitlines()
    assert [text for text in out if "writeKey" in text] == [
        f"{file}:2: SEG503 warning: {SENT_ALONG}"
    ]


@pytest.mark.parametrize("dest", ["pointillist", "gist", "segment"])
def test_removed_write_key_gives_no_warning(segcli: Segcli, events: Events, dest: str) -> None:
    said = segcli("check", "-d", dest, events(line_of(**AT, **KEY)))

    assert "writeKey is sent along" not in said.out
    assert b"wk-secret" not in repr(payload_of(dest, event_of(**AT, **KEY)).body).encode()


def test_every_built_in_destination_is_tested_here() -> None:
    assert set(BUILT_IN) == {"pointillist", "plotline", "gist", "segment", "webhook"}
