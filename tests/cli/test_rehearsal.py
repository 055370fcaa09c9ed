"""A rehearsal shows the product: one event before and after, what was taken, repeatable faults."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult, records, report_in, track, tracks, write_events
from support.samples import EXAMPLES, SAMPLES
from support.terminals import seen

from segcli import catalog
from segcli.destinations import BUILT_IN

Segcli = Callable[..., CommandResult]
KEY = "sk_live_3b7f1c09a2"


def rehearse(segcli: Segcli, dest: object, *more: object) -> list[str]:
    """Return the lines that a rehearsal prints, from the event on."""
    said = segcli("send", "--dest", dest, "--sandbox", *more)
    assert said.out == ""
    lines = said.err.splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("One event, before"))
    return lines[at:]


# What must be known of an account before anything is mapped.
NEEDED = {
    "SEGCLI_HUBSPOT_EVENTS": "*=pe1_event",
    "SEGCLI_GENESYS_CLIENT_ID": "me",
    "SEGCLI_GENESYS_CONFIGURATIONS": "*=c1",
    "SEGCLI_GENESYS_SOURCE_ID": "s1",
}


@pytest.mark.parametrize("dest", [*BUILT_IN, *catalog.NAMES, *EXAMPLES.values()], ids=str)
def test_every_destination_shows_the_first_event_as_the_sandbox_took_it(
    dest: object, segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in NEEDED.items():
        monkeypatch.setenv(variable, value)
    sample = SAMPLES / ("checkout.jsonl" if dest in BUILT_IN else "signup.jsonl")
    # Slack takes one event a second.
    lines = rehearse(segcli, dest, "--keep", "kept.ndjson", "--limit", "2", sample)
    kept = records(tmp_path / "kept.ndjson")

    assert lines[0].startswith("One event, before: line ")
    assert lines[1].startswith("  {")
    [after] = [line for line in lines if line.startswith("and after: ")]
    assert any(f" {one['route'] or '/'}" in after for one in kept)
    assert "To look further:" in lines


def test_the_event_is_the_first_one_that_was_delivered(segcli: Segcli, tmp_path: Path) -> None:
    bad = {"type": "track", "userId": "u0", "messageId": "m"}
    events = write_events(tmp_path / "events.jsonl", [bad, *tracks(9)])
    lines = rehearse(segcli, "gist", "--fault", "503:60%", "--seed", "1", events)

    assert lines[0] == f"One event, before: line 2 of {events}"[:99] + (
        "…" if len(f"One event, before: line 2 of {events}") > 100 else ""
    )
    assert '    "userId": "u0",' in lines


def test_the_payload_is_shown_with_all_digits(segcli: Segcli, tmp_path: Path) -> None:
    digits = '{"n":1.10,"b":123456789012345678901}'
    event = f'{{"type":"track","event":"Tested","userId":"u","properties":{digits}}}'.encode()
    lines = rehearse(segcli, "gist", write_events(tmp_path / "events.jsonl", [event]))

    assert [line for line in lines if "properties" in line] == [f'    "properties": {digits}'] * 2


def test_no_event_is_shown_when_none_was_delivered(segcli: Segcli, tmp_path: Path) -> None:
    said = segcli(
        *("send", "-d", "gist", "--sandbox", "--fault", "422:100%"),
        write_events(tmp_path / "events.jsonl", tracks(2)),
    )

    assert said.code == 1
    assert "One event" not in said.err
    assert "To look further:" in said.err


@pytest.mark.parametrize("more", [["--quiet"], ["--fault", "401:100%"]])
def test_a_quiet_or_stopped_rehearsal_shows_no_event(
    more: list[str], segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(2))
    said = segcli("send", "-d", "gist", "--sandbox", *more, events)

    assert "One event" not in said.err
    assert "To look further" not in said.err


def test_hostile_and_long_text_is_cut_and_harmless(segcli: Segcli, tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07::error::\u202e" + "界" * 500
    event = track(properties={hostile: hostile, "deep": {"list": [[hostile] * 9] * 9}})
    lines = rehearse(segcli, "webhook", write_events(tmp_path / "events.jsonl", [event]))

    lines = lines[: lines.index("To look further:")]
    assert all(len(line) <= 100 for line in lines)
    assert not set("".join(lines)) & set("\x1b\x07\u202e")
    assert sum("…" in line for line in lines) >= 2
    assert not [line for line in lines if line.lstrip().startswith("::")]


def test_everything_fits_a_narrow_terminal(segcli: Segcli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    lines = [seen(line) for line in rehearse(segcli, "gist", SAMPLES / "signup.jsonl")]

    assert all(len(line) <= 60 for line in lines[: lines.index("To look further:")])


def test_the_commands_keep_destination_and_selection_and_show_no_key(
    segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "two words.jsonl", tracks(3))
    lines = rehearse(
        *(segcli, "gist", "--set", f"api_key={KEY}", f"--set=api_key={KEY}", "--set", "batch=5"),
        *(
            "--where",
            'type = "track"',
            "--fault=503:1%",
            "--seed=7",
            "--latency=1ms",
            "--journal=j",
        ),
        *("--older", "reject", "--now", "7d", "--live", events),
    )
    commands = [
        line[17:] if line.startswith("  ") else line
        for line in lines[lines.index("To look further:") + 1 :]
        if not line.endswith(":")
    ]
    old = "--older reject --now 7d --live"
    same = f"--dest gist --set batch=5 --where 'type = \"track\"' {old} '{events}'"

    assert commands == [
        f"segcli transform {same}",
        f"segcli check {same}",
        "segcli destinations gist",
        f"segcli send {same}",
    ]
    assert KEY not in "".join(lines)


def test_the_event_of_a_record_of_a_rejects_file_is_shown(segcli: Segcli, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    segcli("send", "-d", "gist", "--sandbox", "--fault", "422:100%", events)
    lines = rehearse(segcli, "gist", tmp_path / "gist.sandbox.rejects.ndjson")

    assert '    "userId": "u0",' in lines
    assert not any('"reason"' in line for line in lines)


def test_refusals_of_a_rehearsal_are_in_no_file_of_a_real_run(
    segcli: Segcli, tmp_path: Path
) -> None:
    """Whoever sends the rejects after the real run must not send simulated ones again."""
    events = write_events(tmp_path / "events.jsonl", tracks(20))
    said = segcli("send", "-d", "gist", "--sandbox", "--fault", "422:100%", events)

    assert "rejects: gist.sandbox.rejects.ndjson\n" in said.err
    assert len(records(tmp_path / "gist.sandbox.rejects.ndjson")) == 20
    assert not (tmp_path / "gist.rejects.ndjson").exists()


def test_rejects_of_a_rehearsal_of_engage_are_in_a_file_of_their_own(
    segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "vip.csv").write_text("user_id,email\nu1,u1@x.org\n,nobody\n")
    said = segcli("engage", "audience", "VIP", "vip.csv", "-d", "gist", "--sandbox")

    assert "rejects: gist.sandbox.rejects.ndjson\n" in said.err
    assert len(records(tmp_path / "gist.sandbox.rejects.ndjson")) == 1


# --- what the sandbox takes


@pytest.mark.parametrize("command", ["send", "engage audience VIP"])
def test_a_rehearsal_stops_when_what_the_sandbox_takes_cannot_be_kept(
    command: str, segcli: Segcli, tmp_path: Path
) -> None:
    write_events(tmp_path / "events.jsonl", tracks(30))
    (tmp_path / "vip.csv").write_text("user_id\nu1\nu2\n")
    file = "events.jsonl" if command == "send" else "vip.csv"
    said = segcli(*command.split(), file, "-d", "webhook", "--sandbox", "--keep", "/dev/full")

    assert said.code == 3
    assert "Error: --keep /dev/full cannot be written: No space left on device\n" in said.err
    assert "Name another file: --keep PATH" in said.err
    assert "0  delivered" in said.err
    assert "Nothing left this machine: all requests went to the sandbox at http://" in said.err


def test_keep_appends_what_the_sandbox_took(segcli: Segcli, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(4))
    for _ in range(2):
        lines = rehearse(segcli, "gist", "--keep", "kept.ndjson", events)

    kept = records(tmp_path / "kept.ndjson")
    assert [(one["vendor"], one["route"]) for one in kept] == [("gist", "/events")] * 8
    assert "What the sandbox took is in kept.ndjson" in lines


@pytest.mark.parametrize(
    "path", ["events.jsonl", "gist.sandbox.rejects.ndjson", "no/kept", "notes.txt", "."]
)
def test_keep_writes_over_no_other_file(path: str, segcli: Segcli, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(4))
    (tmp_path / "notes.txt").write_text("my notes\n")
    before = sorted(tmp_path.iterdir())
    said = segcli("send", "-d", "gist", "--sandbox", "--keep", path, events)

    assert said.code == 2
    assert "--keep" in said.err
    assert "Sending" not in said.err
    assert sorted(one for one in tmp_path.iterdir() if one.name != "state") == before
    assert len(records(events)) == 4


@pytest.mark.parametrize("option", [("--keep", "kept"), ("--seed", "0"), ("--fault", "503:1%")])
def test_options_of_the_sandbox_need_it(
    option: tuple[str, str], segcli: Segcli, tmp_path: Path
) -> None:
    said = segcli("send", "-d", "gist", *option, write_events(tmp_path / "e.jsonl", tracks(1)))

    assert said.code == 2
    assert f"{option[0]} needs --sandbox" in said.err


def test_engage_keeps_what_the_sandbox_took(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "vip.csv").write_text("user_id\nu1\nu2\n")
    said = segcli(
        *("engage", "audience", "VIP", "vip.csv", "-d", "webhook", "--sandbox"),
        *("--keep", "kept.ndjson", "--state", "state"),
    )

    assert said.code == 0
    assert len(records(tmp_path / "kept.ndjson")) == 2


# --- faults that repeat


@pytest.mark.parametrize("concurrency", [1, 32])
def test_with_a_seed_the_same_events_are_refused_and_retried(
    concurrency: int, segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(120, users=40))

    def run(seed: int) -> tuple[list[int], int]:
        (tmp_path / "gist.sandbox.rejects.ndjson").unlink(missing_ok=True)
        segcli(
            *("send", "-d", "gist", "--sandbox", "--seed", seed, "--concurrency", concurrency),
            *("--fault", "422:20%", "--fault", "reset:3%", "--report", "report.json", events),
        )
        refused = sorted(one["line"] for one in records(tmp_path / "gist.sandbox.rejects.ndjson"))
        return refused, report_in(tmp_path)["retries"]

    first = run(1)
    assert run(1) == first
    assert run(2) != first
    assert 5 < len(first[0]) < 50
