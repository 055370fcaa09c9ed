"""Placeholder texts for missing ids: `check` warns, `send` counts, `engage` rejects."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult
from support.samples import line_of
from support.tables import for_each

from segcli.core.missing_id import is_missing_id

Segcli = Callable[..., CommandResult]
Events = Callable[..., Path]

MISSING = (
    *("undefined", "Undefined", "UNDEFINED", "null", "NULL", "Null", "none", "None", "NaN", "nan"),
    *(
        "\\N",
        "\\n",
        "[object Object]",
        "[OBJECT OBJECT]",
    ),
)
SOMEBODY = ("u1", "nullable", "None of your business", "nan-7", "N", "[object]", "0", "undefined1")
BUILT_IN = ("pointillist", "plotline", "gist", "segment", "webhook")
NOTE = "note: userId or anonymousId is a text for a missing id, such as null or undefined"
WARNING = "is a text for a missing id: all events with it look like one user"
AT = {"timestamp": "2026-02-16T09:03:51Z", "properties": {"email": "a@example.com"}}


@for_each("text", [*MISSING, ""])
def test_placeholder_for_a_missing_id_is_a_missing_id(text: str) -> None:
    assert is_missing_id(text)


@for_each("text", SOMEBODY)
def test_any_other_text_is_an_id(text: str) -> None:
    assert not is_missing_id(text)


@pytest.mark.parametrize("dest", BUILT_IN)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_check_warns_about_each_missing_id(
    segcli: Segcli, events: Events, dest: str, jobs: str
) -> None:
    ids = ["u1", *MISSING, "u2"]
    file = events(*(line_of(**AT, userId=id_, messageId=f"m{n}") for n, id_ in enumerate(ids)))

    out = segcli("check", "--every", "-d", dest, "--jobs", jobs, file).out.splitlines()

    found = [line for line in out if WARNING in line]
    assert found == [
        f"{file}:{n + 2}: SEG218 warning: userId {WARNING}" for n, _ in enumerate(MISSING)
    ]


def test_check_warns_about_a_missing_id_in_every_id_field(segcli: Segcli, events: Events) -> None:
    file = events(
        line_of(**AT, anonymousId="NULL"),
        line_of(type="alias", userId="u1", previousId="undefined"),
        line_of(type="group", userId="u1", groupId="None"),
        line_of(**AT, userId="", anonymousId="a1"),
        line_of(**AT, userId="", anonymousId="a2"),
    )

    out = segcli("check", "--every", "-d", "webhook", file).out

    for place, name in enumerate(("anonymousId", "previousId", "groupId", "userId", "userId"), 1):
        assert f":{place}: SEG218 warning: {name} {WARNING}" in out


@pytest.mark.parametrize("dest", BUILT_IN)
@pytest.mark.parametrize("command", [["transform"], ["send", "--sandbox"]])
def test_the_summary_counts_events_with_a_missing_id(
    segcli: Segcli, events: Events, dest: str, command: list[str]
) -> None:
    file = events(
        line_of(**AT, userId="undefined", messageId="1"),
        line_of(**AT, userId="u1", anonymousId="NULL", messageId="2"),
        line_of(**AT, userId="", anonymousId="a1", messageId="3"),
        line_of(**AT, userId="u1", messageId="4"),
        line_of(**AT, userId=None, anonymousId="nullable", messageId="5"),
    )

    said = segcli(*command, "-d", dest, file)

    if dest == "gist":
        # A track without a userId goes out by its email.
        assert said.code == 0
    assert f"3  {NOTE}" in said.err


def test_run_without_missing_ids_has_no_note(segcli: Segcli, events: Events) -> None:
    said = segcli("send", "--sandbox", "-d", "segment", events(line_of(**AT, messageId="1")))

    assert "missing id" not in said.err


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_engage_rejects_rows_with_a_missing_id(segcli: Segcli, tmp_path: Path, kind: str) -> None:
    ids = ("NULL", "NULL", "undefined", "u1", "\\N", "[object Object]", "u2")
    rows = [(id_, f"p{n}@example.com") for n, id_ in enumerate(ids)]
    if kind == "csv":
        text = "userId,email\n" + "".join(f"{id_},{email}\n" for id_, email in rows)
    else:
        text = "".join(json.dumps({"userId": i, "email": e}) + "\n" for i, e in rows)
    (tmp_path / f"m.{kind}").write_text(text)

    said = segcli("engage", "audience", "Vips", "-d", "gist", "--dry-run", f"m.{kind}")

    told = [json.loads(line)["userId"] for line in said.out.splitlines()]
    assert told == ["u1", "u2"]
    assert "5  userId is a text that programs write for a missing id" in said.err


@pytest.mark.parametrize("column", ["anonymousId", "email"])
def test_engage_rejects_a_row_if_any_of_its_ids_is_missing(
    segcli: Segcli, tmp_path: Path, column: str
) -> None:
    (tmp_path / "m.csv").write_text(f"userId,{column}\nu1,NULL\nu2,x\nu3,\n")

    said = segcli("engage", "audience", "Vips", "-d", "segment", "--dry-run", "m.csv")

    assert [json.loads(line)["userId"] for line in said.out.splitlines()] == ["u2", "u3"]
    assert f"1  {column} is a text that programs write for a missing id" in said.err
