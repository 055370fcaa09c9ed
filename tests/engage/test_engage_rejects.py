"""Unreadable rows and refused users are kept, and do not affect other users."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.engage import STATE, csv, engage, received_changes, trait
from support.fakes import CommandResult, records, report_in

from segcli.sandbox import DEFAULT_KEY, SandboxServer

Segcli = Callable[..., CommandResult]
Start = Callable[..., SandboxServer]
REJECTS = "gist.rejects.ndjson"
HIDDEN = "No member is removed: rows that cannot be read may name members (1)."


def pending(segcli: Segcli) -> int:
    [_, row] = segcli("engage", "status", "--state", STATE).out.splitlines()
    return int(row.split()[-2])


def test_rows_without_an_id_are_rejected_and_the_rest_is_sent(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = tmp_path / "m.csv"
    file.write_bytes(b'userId,email\nu1,u1@x.org\n,"no user, really"\nu3,u3@x.org\n\n"",\n')
    said = segcli(*engage("gist", at.endpoint("gist"), "m.csv"))

    assert said.code == 1
    assert sorted(received_changes(at)) == [("u1", True), ("u3", True)]
    assert [(row["file"], row["line"], row["raw"]) for row in records(tmp_path / REJECTS)] == [
        ("m.csv", 3, ',"no user, really"'),
        ("m.csv", 6, '"",'),
    ]
    assert {(row["state"], row["reason"]) for row in records(tmp_path / REJECTS)} == {
        ("rejected", "has no userId or anonymousId")
    }
    assert report_in(tmp_path)["ledger"] == {
        "delivered": 2,
        "refused": 0,
        "rejected": 2,
        "skipped": 0,
        "unsent": 0,
    }


def test_row_without_an_id_does_not_prevent_removals(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    to = engage("gist", at.endpoint("gist"), csv(tmp_path / "m.csv", ["u1", "u2"]))
    segcli(*to)
    received_changes(at)
    (tmp_path / "m.csv").write_text("userId,email\nu1,x\n,y\n")

    assert segcli(*to).code == 1
    assert received_changes(at) == [("u2", False)]


@pytest.mark.parametrize("row", [b"u2,a,b", b"u2,\xff", b'"u2"x,y', b'"u2,x'])
def test_unreadable_row_prevents_removals(
    row: bytes, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    """The bad row may be one of a user who is still a member."""
    at = start_sandbox()
    file = csv(tmp_path / "m.csv", ["u1", "u2", "u3"])
    to = engage("gist", at.endpoint("gist"), file)
    segcli(*to)
    received_changes(at)
    file.write_bytes(b"userId,email\nu1,u1@x.org\nu4,u4@x.org\n" + row + b"\n")
    said = segcli(*to)

    assert said.code == 1
    assert HIDDEN in said.err
    assert received_changes(at) == [("u4", True)]
    assert HIDDEN in segcli(*to, "--dry-run").err
    csv(file, ["u1", "u2", "u4"])
    assert segcli(*to).code == 0
    assert received_changes(at) == [("u3", False)]


def test_missing_value_does_not_set_its_user_to_null(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = tmp_path / "v.ndjson"
    to = trait("plotline", at.endpoint("plotline"), file, "--removed", "null")
    file.write_text('{"userId": "u1", "value": 5}\n{"userId": "u2", "value": 6}\n')
    segcli(*to)
    received_changes(at, "lifetime_value")
    file.write_text('{"userId": "u1"}\n{"userId": "u2", "value": 7}\n')

    assert segcli(*to).code == 1
    assert received_changes(at, "lifetime_value") == [("u2", 7)]


def test_refused_user_is_kept_and_sent_in_the_next_sync(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    strict, file = start_sandbox(poison="u2@"), csv(tmp_path / "m.csv", ["u1", "u2", "u3"])
    url = strict.endpoint("gist")
    said = segcli(*engage("gist", url, file))
    [kept] = records(tmp_path / REJECTS)

    assert said.code == 1
    assert sorted(received_changes(strict)) == [("u1", True), ("u3", True)]
    assert (kept["file"], kept["line"], kept["state"]) == (str(file), 3, "refused")
    assert kept["event"]["userId"] == "u2"
    assert pending(segcli) == 1

    csv(file, ["u1", "u2", "u3", "u4"])
    again = segcli(*engage("gist", url, file))
    assert "big_spenders: 2 known; 2 to update, 0 to remove." in again.err
    assert received_changes(strict) == [("u4", True)]
    rejects = records(tmp_path / REJECTS)
    assert rejects[0]["event"]["messageId"] == rejects[1]["event"]["messageId"]


def test_user_rejected_by_the_mapping_is_sent_after_a_fix(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = tmp_path / "m.csv"
    to = engage("gist", at.endpoint("gist"), file)
    file.write_text("userId,email\nu1,\nu2,u2@x.org\n")
    said = segcli(*to)

    assert said.code == 1
    assert "traits.email is required by Gist on identify" in said.err
    assert (received_changes(at), pending(segcli)) == ([("u2", True)], 1)
    file.write_text("userId,email\nu1,u1@x.org\nu2,u2@x.org\n")
    assert segcli(*to).code == 0
    assert (received_changes(at), pending(segcli)) == ([("u1", True)], 0)


def test_rejects_of_a_sync_can_be_sent_as_events(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    strict, easy = start_sandbox(poison="u1@"), start_sandbox()
    file = csv(tmp_path / "m.csv", ["u1"])
    segcli(*engage("gist", strict.endpoint("gist"), file, "--rejects", "kept.ndjson"))
    url = easy.endpoint("gist")
    sent = segcli(
        "send",
        "--dest",
        "gist",
        "--endpoint",
        url,
        "--set",
        f"api_key={DEFAULT_KEY}",
        "kept.ndjson",
    )

    assert sent.code == 0
    assert received_changes(easy) == [("u1", True)]


# --- what is found out before anything is sent


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"email,name\nx,y\n", "m.csv:1: the header has no userId or anonymousId: email, name"),
        (b"x" * 2000 + b"\n", "m.csv:1: the line has 2,000 bytes, more than --max-line 1000"),
        ("userId\n".encode("utf-16"), "m.csv is UTF-16 text"),
        (b'[{"userId": 1}]', "m.csv is a JSON array"),
        (None, "m.csv does not exist"),
    ],
)
def test_unreadable_list_is_an_error_and_nothing_is_sent(
    content: bytes | None, problem: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    if content is not None:
        (tmp_path / "m.csv").write_bytes(content)
    said = segcli(*engage("gist", at.endpoint("gist"), "m.csv", "--max-line", 1000))

    assert said.code == 2
    assert problem in said.err
    assert at.app.counts()["totals"]["requests"] == 0


@pytest.mark.parametrize(
    ("option", "place", "problem"),
    [
        ("--rejects", "m.csv", "--rejects m.csv is also an input"),
        ("--report", "m.csv", "--report m.csv is also an input"),
        ("--report", "nowhere/report.json", "the folder nowhere does not exist"),
        ("--rejects", "nowhere/kept", "the folder nowhere does not exist"),
    ],
)
def test_unwritable_output_is_an_error_before_sending(
    option: str, place: str, problem: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = csv(tmp_path / "m.csv", ["u1"])
    before = file.read_bytes()
    said = segcli(*engage("gist", at.endpoint("gist"), "m.csv", option, place))

    assert said.code in {2, 3}
    assert problem in said.err
    assert received_changes(at) == []
    assert file.read_bytes() == before


def test_quiet_prints_only_the_destination_line_and_errors(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = csv(tmp_path / "m.csv", ["u1", "u2", "u3"])
    to = engage("gist", at.endpoint("gist"), file, "--quiet")
    said = segcli(*to)
    csv(file, [])
    refused = segcli(*to)

    assert (said.code, said.out) == (0, "")
    assert said.err.startswith("Sending changes from 1 file to gist at http://")
    assert len(said.err.splitlines()) == 1
    assert refused.err.startswith("Error: ")
    assert len(refused.err.splitlines()) == 2
