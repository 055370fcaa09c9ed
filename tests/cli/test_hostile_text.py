"""Text from outside is escaped in all output, from any source and by any printing code."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from support.check_reports import check_is_valid
from support.destination_file import ACME, changed
from support.fakes import (
    Answer,
    CommandResult,
    ReceivedRequest,
    Vendor,
    track,
    wait_until,
    write_events,
)
from support.fork_server import ForkServer
from support.hostile import (
    CLOSING,
    HOSTILE,
    LONG,
    NAME,
    START,
    CommandOutput,
    check_harmless,
    forked_off_a_terminal,
    forked_on_a_terminal,
    in_this_process,
    off_a_terminal,
    on_a_terminal,
    wait_for_line,
)

from segcli.accounting.tally import Tally, Wait
from segcli.cli import progress
from segcli.cli.formats import FORMATS
from segcli.cli.progress import watching
from segcli.cli.progress_estimate import Goal

Show = Callable[..., CommandOutput]
TRANSFORM, SEND = ["transform", "-d", "gist"], ["send", "-d", "gist"]
NO_KEY = {"SEGCLI_GIST_API_KEY": "k"}


def plain(text: str) -> str:
    """Return a name for a test, because a hostile text cannot be one."""
    return re.sub(r"[^a-z0-9]+", "_", text)[:24]


@pytest.fixture
def home(tmp_path: Path, clean_environment: dict[str, str]) -> dict[str, str]:
    """The environment of a command, with a home that is empty."""
    return clean_environment | {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


@pytest.fixture(params=["pipe", "terminal"])
def shown(request: pytest.FixtureRequest, tmp_path: Path, home: dict[str, str]) -> Show:
    """Run a command on a terminal or off it; check that what it shows is harmless."""
    is_terminal = request.param == "terminal"
    run = partial(in_this_process, is_terminal=is_terminal)
    return _showing(run, is_terminal, tmp_path, home)


@pytest.fixture(params=["pipe", "terminal"])
def shown_by_processes(
    request: pytest.FixtureRequest, tmp_path: Path, home: dict[str, str], forking: ForkServer
) -> Show:
    """Do the same in a process for each command: a new one of Python first, then forked ones."""
    is_terminal = request.param == "terminal"
    started = on_a_terminal if is_terminal else off_a_terminal
    forked = forked_on_a_terminal if is_terminal else forked_off_a_terminal
    runs = chain([started], repeat(partial(forked, forking=forking)))

    def run_next(words: list[str], folder: Path, env: dict[str, str]) -> CommandOutput:
        return next(runs)(words, folder, env)

    return _showing(run_next, is_terminal, tmp_path, home)


def _showing(
    run: Callable[..., CommandOutput], is_terminal: bool, folder: Path, env: dict[str, str]
) -> Show:
    def show(*words: object, commands: int = 0, data: bool = False, **more: str) -> CommandOutput:
        printed = run([str(word) for word in words], folder, env | more)
        on_both = data and is_terminal
        check_harmless(printed.err, commands=commands if is_terminal else 0, data=on_both)
        if not data:
            check_harmless(printed.out, commands=0 if is_terminal else commands)
        assert b"Traceback" not in printed.err, printed.err.decode()
        assert printed.code not in {70, -6, 134}
        return printed

    return show


@pytest.fixture
def told(segcli: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch) -> Iterator[Show]:
    """Run a command in this process, which is fast; check that what it prints is harmless."""
    monkeypatch.setenv("SEGCLI_GIST_API_KEY", "k")
    with open(os.devnull) as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        yield _telling(segcli)


def _telling(segcli: Callable[..., CommandResult]) -> Show:
    def tell(*words: object) -> CommandOutput:
        said = segcli(*words)
        printed = CommandOutput(said.code, said.out.encode(), said.err.encode())
        check_harmless(printed.out)
        check_harmless(printed.err)
        assert b"Traceback" not in printed.err, said.err
        return printed

    return tell


def hostile_events() -> list[Any]:
    """Return events whose names make them rejected, skipped or remarked on."""
    return [
        track(1, event=HOSTILE, properties={HOSTILE: HOSTILE, START: START, "long": LONG}),
        track(2, user=HOSTILE, event=START, properties={"email": "a@b.example"}),
        track(3, timestamp=HOSTILE),
        {"type": HOSTILE, "userId": "u"},
        {"type": "identify", "userId": HOSTILE, "traits": {"email": HOSTILE, HOSTILE: [HOSTILE]}},
        track(4, integrations={HOSTILE: True, "All": HOSTILE, "Gist": False}),
        track(5, context={HOSTILE: {START: HOSTILE}, "device": HOSTILE}),
        HOSTILE.encode(errors="replace").replace(b"\n", b" "),
        b'{"type": "track", "userId": "\xff\x9b"}',
        b'{"type":"track","userId":"u","event":"e","timestamp":"2026-02-03T10:11:12Z",'
        b'"properties":{"a":"\xc2\x9b666m\xe2\x80\xae\x7f\xe2\x80\xa8"}}',
    ]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Write the events to a file with a hostile name."""
    return write_events(tmp_path / f"{NAME}.jsonl", hostile_events())


# --- names of files


@pytest.mark.parametrize("command", ["transform", "check", "send", "engage audience A"])
@pytest.mark.parametrize("name", [f"{NAME}.jsonl", START, "[/evil].jsonl"], ids=plain)
def test_hostile_name_of_a_missing_input_is_escaped(command: str, name: str, told: Show) -> None:
    printed = told(*command.split(), "--dest", "gist", name)

    assert printed.code == 2
    assert b"error" in printed.err.lower()


@pytest.mark.parametrize(
    "option", ["--rejects", "--report", "--config", "--api-key-file", "--journal", "--dest"]
)
@pytest.mark.parametrize(
    "name", [f"no{NAME}/{NAME}", NAME, HOSTILE.replace("\0", ""), CLOSING], ids=plain
)
def test_hostile_file_name_in_an_option_is_escaped(
    option: str, name: str, told: Show, events: Path
) -> None:
    words = ["send", "--sandbox"] + ["--dest", "gist"] * (option != "--dest")

    assert told(*words, option, name, events).code in {1, 2}


@pytest.mark.parametrize("name", [CLOSING, NAME], ids=plain)
def test_hostile_names_of_written_files_are_escaped(
    name: str, shown: Show, tmp_path: Path, events: Path
) -> None:
    (tmp_path / "x[").mkdir()

    printed = shown(*SEND, "--sandbox", "--rejects", name, "--report", f"r{name}", events)

    assert printed.code == (2 if name == CLOSING else 1)
    printed = shown(*SEND, "--sandbox", "--rejects", name, "--report", f"{name}.json", events)
    assert printed.code == 1
    assert b"rejects: " in printed.err


def test_hostile_folder_name_in_the_resume_command_is_escaped(
    shown: Show, tmp_path: Path, vendor: Callable[..., Vendor]
) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    write_events(folder / f"{NAME}.jsonl", hostile_events())
    at = vendor(lambda _: Answer(401, body=json.dumps({"message": HOSTILE}).encode()))

    printed = shown(*SEND, "--endpoint", at.url, NAME, **NO_KEY)

    assert printed.code == 3
    assert b"--resume" in printed.err


# --- events


def test_hostile_text_in_transform_reasons_and_notes_is_escaped(shown: Show, events: Path) -> None:
    # What is printed of it on a terminal is escaped; in a pipe the bytes are the payloads'.
    printed = shown(*TRANSFORM, "--rejects", "kept", events, data=True)

    assert printed.code == 1
    assert b"rejected" in printed.err


def test_hostile_text_in_outcomes_is_escaped(shown: Show, events: Path, tmp_path: Path) -> None:
    (tmp_path / "[").mkdir()
    other = write_events(tmp_path / "[" / "b].jsonl", hostile_events())

    assert shown(*TRANSFORM, "--outcomes", events, other, data=True).code == 1


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_text_in_check_findings_is_escaped(
    form: str, shown: Show, events: Path, tmp_path: Path
) -> None:
    (tmp_path / "golden").write_bytes(
        json.dumps(
            {"line": 1, "state": "mapped", "route": HOSTILE, "payload": {HOSTILE: START}}
        ).encode()
    )
    words = ["check", "-d", "gist", "--format", form, "--max-findings", "7", events]
    # GitHub gets an annotation for each finding that is shown, and the notice.
    commands = 8 if form == "github" else 0

    printed = shown(*words, "--fail-on-uncovered", "*", commands=commands, data=form == "json")
    compared = shown(*words, "--expect", "golden", commands=commands, data=form == "json")

    assert (printed.code, compared.code) == (1, 1)
    if printed.out and form in {"json", "junit", "markdown"}:
        check_is_valid(form, printed.out.decode())
        check_is_valid(form, compared.out.decode())


# --- replies


@pytest.mark.parametrize(
    ("name", "status"),
    [
        *(("gist", status) for status in (400, 401, 413, 503, 200, 302)),
        *(("segment", 400), ("webhook", 400), ("webhook", 503)),
        *(("pointillist", 403), ("plotline", 200)),
    ],
)
def test_hostile_text_in_vendor_replies_is_escaped(
    name: str, status: int, shown: Show, events: Path, vendor: Callable[..., Vendor]
) -> None:
    body = json.dumps({"message": HOSTILE, "errors": [{"message": START}, HOSTILE], HOSTILE: 1})
    raw = [body.encode(), HOSTILE.encode(errors="replace"), START.encode(), b"[/evil]\x9b\xff"]
    left = iter(raw)
    headers = {"location": "http://[/evil]\x9b666m::error::/", "retry-after": "0"}

    def answers(_: ReceivedRequest) -> Answer:
        return Answer(status, headers, next(left, raw[0]))

    at = vendor(answers)
    words = ["send", "-d", name, "--set", "api_key=k", "--retry-for", "300ms", "--concurrency", "1"]
    printed = shown(*words, "--endpoint", at.url, "--journal", f"j{NAME}", events)

    assert printed.code in {1, 2, 3}
    assert at.got


@pytest.mark.parametrize("text", ["[/evil]", f"{HOSTILE}", START, "[bold]"], ids=plain)
def test_hostile_wait_reason_in_the_status_line_is_escaped(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr(progress, "PLAIN_EVERY", 0.01)
    tally = Tally(waiting=Wait(text, float("inf")))

    with watching(tally, goal=Goal(total=None)), suppress(OverflowError):
        wait_until(lambda: stderr.getvalue().count("next try") >= 2)

    check_harmless(stderr.getvalue().encode())


def test_sandbox_fault_text_is_escaped(shown: Show, events: Path, tmp_path: Path) -> None:
    described(tmp_path / "acme.json", {})

    assert shown("send", "-d", "./acme.json", "--sandbox", "--fault", "400:100%", events).code == 1


# --- destinations and their files


def described(path: Path, changes: dict[str, Any]) -> Path:
    path.write_text(json.dumps(changed(ACME, changes)))
    return path


FILES: list[dict[str, Any]] = [
    {"about": HOSTILE, "label": HOSTILE},
    {"about": START, "settings.extra": {"help": HOSTILE, "default": HOSTILE}},
    {"settings.extra": {"help": LONG, "default": START}},
    {"name": HOSTILE},
    {HOSTILE.replace(".", "_"): 1, START: 2},
    {f"settings.{HOSTILE.replace('.', '_')}": {"help": "x"}},
    {"request.url": f"https://acme.example/{HOSTILE}"},
    {"request.url": "https://acme.example/{" + HOSTILE + "}"},
    {"request.headers": {HOSTILE: START}},
    {"actions.0.subscribe": HOSTILE},
    {"actions.0.subscribe": f'event = "{START}" and [/evil]'},
    {"actions.0.name": HOSTILE},
    {"actions.0.mapping": {HOSTILE: {"@path": HOSTILE}, START: {"@evil": HOSTILE}}},
    {"actions.0.mapping": {HOSTILE: {"@path": "$.event"}, START: {"@path": "$.userId"}}},
    {"actions.0.mapping": {"a": {HOSTILE: HOSTILE, "@path": 1}}},
]


@pytest.mark.parametrize("changes", FILES, ids=range(len(FILES)))
def test_hostile_text_in_a_destination_file_is_escaped(
    changes: dict[str, Any], shown: Show, tmp_path: Path
) -> None:
    path = described(tmp_path / f"{NAME}.json", changes)

    printed = shown("destinations", f"./{path.name}")

    assert printed.code in {0, 2}


@pytest.mark.parametrize("name", [NAME, "[/evil]", START, f"./{NAME}", "./[/evil].toml"], ids=plain)
def test_hostile_name_of_an_unknown_destination_is_escaped(
    name: str, shown: Show, tmp_path: Path
) -> None:
    (tmp_path / f"{NAME}.toml").write_text("name = 1")

    assert shown("destinations", name).code == 2


@pytest.mark.parametrize("topic", [NAME, "[/evil]", START], ids=plain)
def test_hostile_name_of_an_unknown_guide_is_escaped(topic: str, shown: Show) -> None:
    assert shown("guide", topic).code == 2


def test_hostile_text_in_invalid_toml_is_escaped(shown: Show, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(f"{HOSTILE}", errors="replace")
    (tmp_path / "segcli.toml").write_text(f"[gist]\n{json.dumps(HOSTILE[:200])} = 1\n")

    assert shown("destinations", "./a.toml").code == 2
    assert shown(*TRANSFORM).code == 2
    (tmp_path / "segcli.toml").write_text(f'[gist]\nbatch = {json.dumps(HOSTILE)}\n["gisṭ"]\n')
    assert shown(*TRANSFORM).code == 2


# --- words on the command line


@pytest.mark.parametrize("text", [HOSTILE, START, "[/evil]", NAME], ids=plain)
@pytest.mark.parametrize(
    "words",
    [
        ["{}"],
        ["transform", "--{}"],
        ["transform", "--since", "{}"],
        ["transform", "--where", "{}"],
        ["transform", "--type", "{}"],
        ["transform", "--max-line", "{}"],
        ["transform", "--set", "{}=1"],
        ["transform", "--dest", "gist", "--set", "batch={}"],
        ["transform", "--dest", "{}"],
        ["send", "--dest", "gist", "--endpoint", "{}"],
        ["send", "--dest", "gist", "--sandbox", "--fault", "{}"],
        ["check", "--format", "{}"],
        ["engage", "forget", "{}"],
        ["sandbox", "--allow-origin", "{}"],
        ["sandbox", "--port", "0", "--keep", "no/{}"],
    ],
    ids=" ".join,
)
def test_hostile_command_line_arguments_are_escaped(
    words: list[str], text: str, told: Show
) -> None:
    assert told(*(word.format(text) for word in words)).code == 2


@pytest.mark.parametrize("words", [["transform", "--where"], ["send", "--dest"], ["transform"]])
def test_hostile_arguments_are_escaped_on_a_terminal(words: list[str], shown: Show) -> None:
    assert shown(*words, HOSTILE).code == 2


def test_hostile_text_is_escaped_in_a_separate_process(
    shown_by_processes: Show, events: Path
) -> None:
    assert shown_by_processes("transform", "--where", HOSTILE.replace("\0", "")).code == 2
    assert shown_by_processes(*TRANSFORM, "--rejects", "kept", events, data=True).code == 1
    assert shown_by_processes("check", "-d", "gist", events).code == 1
    assert shown_by_processes(*SEND, "--sandbox", "--rejects", NAME, events).code == 1


@pytest.mark.parametrize(
    "words",
    [
        "transform --event {} a.jsonl",
        "send -d gist --sandbox --journal j --event {} a.jsonl",
        "send -d gist --sandbox --journal j --user {} a.jsonl",
        "send -d gist --sandbox --journal j --where {} a.jsonl",
        "transform --set event_source={} a.jsonl",
        "send -d pointillist --sandbox --journal j --set event_source={} a.jsonl",
        "engage audience {} m.csv --dest gist --sandbox",
        "engage audience A --key {} m.csv --dest gist --sandbox",
        "engage trait {} m.csv --dest gist --sandbox",
        "engage forget {}",
        "sandbox --port 0 --keep no/k --key {}",
        "sandbox --port 0 --keep no/k --poison {}",
    ],
)
def test_argument_that_is_not_utf8_is_refused_with_its_bytes_escaped(
    words: str, told: Show, tmp_path: Path
) -> None:
    write_events(tmp_path / "a.jsonl", [track()])
    (tmp_path / "m.csv").write_text("userId,email,value\nu,a@b.example,1\n")

    printed = told(*words.replace("{}", "a\udcff").split())

    assert printed.code == 2
    assert b"\\udcff" in printed.err


# --- engage


@pytest.mark.parametrize("text", [HOSTILE, f"{START} x", "[/evil] x", "[bold]x"], ids=plain)
def test_hostile_audience_name_in_engage_is_escaped(text: str, shown: Show, tmp_path: Path) -> None:
    members = tmp_path / f"{NAME}.csv"
    members.write_text(
        f'userId,email,"{HOSTILE}"\n"{HOSTILE}",a@b.example,x\nu,c@d.example,y\n,,\n'
    )
    to = ["--dest", "gist", "--state", f"s{NAME}", "--key", text, f"./{members.name}"]

    dry = shown("engage", "audience", text, "--dry-run", "--with-traits", *to, data=True)
    told = shown("engage", "audience", text, "--sandbox", *to, "--rejects", f"r{NAME}")
    listed = shown("engage", "status", "--state", f"s{NAME}")
    forgotten = shown("engage", "forget", text, "--state", f"s{NAME}")

    assert dry.code in {0, 1}
    assert told.code in {0, 1}
    assert (listed.code, forgotten.code) == (0, 0)


def test_hostile_csv_header_in_engage_is_escaped(shown: Show, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(f'"{HOSTILE}",{START}\n1,2\n')

    assert shown("engage", "audience", "A", "--dest", "gist", "--sandbox", "m.csv").code == 2


# --- the sandbox


def test_hostile_text_at_sandbox_start_is_escaped(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    path = described(tmp_path / f"{NAME}.json", {"label": HOSTILE})
    words = ["sandbox", "--port", "0", "--key", HOSTILE, "--dest", f"./{path.name}"]
    with subprocess.Popen(
        [sys.executable, "-m", "segcli", *words],
        cwd=tmp_path,
        env=clean_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            printed = wait_for_line(process, lambda line: b"export SEGCLI_ACME_API_KEY" in line)
        finally:
            process.send_signal(signal.SIGTERM)

    check_harmless(printed)
    assert b"$'" in printed


# --- what Python and libraries print by themselves


def test_traceback_of_a_bug_has_no_control_characters(
    segcli: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr("segcli.cli.commands.destinations.destinations.groups", fails)

    said = segcli("destinations")

    assert said.code == 70
    assert "Traceback" in said.err
    check_harmless(said.err.encode())


BY_ITSELF = """
import asyncio, logging, sys, threading, warnings
from support.hostile import HOSTILE
from segcli.cli.stdio import set_up_streams

def fails():
    raise RuntimeError(HOSTILE)

async def forgets():
    asyncio.get_running_loop().create_future().set_exception(RuntimeError(HOSTILE))

class Fails:
    def __del__(self):
        fails()

set_up_streams()
warnings.warn(HOSTILE)
logging.error(HOSTILE)
asyncio.run(forgets())
thread = threading.Thread(target=fails, name=HOSTILE)
thread.start()
thread.join()
Fails()
print(HOSTILE, file=sys.stderr)
fails()
"""


def test_errors_that_python_prints_itself_are_escaped(
    clean_environment: dict[str, str],
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BY_ITSELF],
        capture_output=True,
        env=clean_environment | {"PYTHONPATH": str(Path(__file__).parents[1])},
        timeout=60,
        check=False,
    )

    assert done.stderr.count(b"RuntimeError") >= 4
    check_harmless(done.stderr)
