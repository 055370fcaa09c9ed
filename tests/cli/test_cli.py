"""The command line: help, errors that say what to type, exit codes, and output of each command."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from support.fakes import (
    PATIENCE,
    CommandResult,
    sending_to,
    track,
    tracks,
    wait_until,
    write_events,
)
from support.fork_server import ForkedProcess

from segcli import __version__, catalog
from segcli.cli import COMMANDS, cli
from segcli.destinations import BUILT_IN
from segcli.sandbox import SandboxServer, Script, running

Segcli = Callable[..., CommandResult]
Spawn = Callable[..., ForkedProcess]
Start = Callable[..., SandboxServer]
Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return write_events(tmp_path / "events.jsonl", tracks(5))


def command_of(name: str) -> click.Command:
    command: click.Command = import_module(f"segcli.cli.commands.{name}").command
    return command


def paths_of(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words of a command and of all commands below it."""
    yield path
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found
                yield from paths_of(found, (*path, name))


PATHS = list(paths_of(cli, ()))


# --- help


@pytest.mark.parametrize("words", PATHS, ids=" ".join)
def test_every_command_has_help_and_short_option_h_prints_the_same(
    words: tuple[str, ...], segcli: Segcli
) -> None:
    said = segcli(*words, "--help")

    assert said.out.startswith(f"Usage: {' '.join(('segcli', *words))} ")
    assert (said.code, said.err) == (0, "")
    assert segcli(*words, "-h").out == said.out


@pytest.mark.parametrize("words", PATHS, ids=" ".join)
def test_every_option_has_a_help_text(words: tuple[str, ...], segcli: Segcli) -> None:
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word) or cli
    shown = " ".join(segcli(*words, "--help").out.split())
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.opts[0] in shown
            assert option.help or option.show_default, option.name


@pytest.mark.parametrize("name", COMMANDS)
def test_command_list_shows_the_first_line_of_each_help(name: str, segcli: Segcli) -> None:
    line = COMMANDS[name]
    own = command_of(name).help or ""

    assert own.partition("\n")[0] == line
    assert re.search(rf"{name}\s+{re.escape(line)}", segcli("--help").out)


def test_version_option_prints_versions_of_package_python_and_transports(segcli: Segcli) -> None:
    first, second = segcli("--version").out.splitlines()

    assert first == f"segcli, version {__version__}"
    python = ".".join(map(str, sys.version_info[:3]))
    transports = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "httpx"))
    assert second == f"Python {python}; {transports}"


def test_python_m_segcli_runs_the_same_program(run_segcli: Run) -> None:
    said = run_segcli("--version").stdout
    assert said.startswith(f"segcli, version {__version__}\nPython ".encode())


# --- mistakes


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("send events.jsonl", ["no destination given; use --dest NAME", "pointillist", "webhook"]),
        ("send -d pointilist events.jsonl", ["no destination", "Did you mean pointillist"]),
        ("send -d webhook events.jsonl", ["webhook needs endpoint", "--endpoint URL"]),
        ("send -d gist no.jsonl", ["no.jsonl does not exist", "There are: events.jsonl"]),
        ("send -d gist --fault 503:5% events.jsonl", ["--fault", "Add --sandbox"]),
        ("send -d gist --sandbox --fault 503 events.jsonl", ["type 503:5%"]),
        ("send -d gist --sandbox --fault boo events.jsonl", ["there is no fault 'boo'"]),
        ("check --expect no/g --update events.jsonl", ["no does not exist", "Make the folder"]),
        ("send -d gist --sandbox --rate fast events.jsonl", ["fast", "50/s"]),
        ("send -d gist --sandbox --concurrency 0 events.jsonl", ["--concurrency"]),
        ("send -d gist --sandbox --retry-for 0s --timeout 0s events.jsonl", ["more than 0s"]),
        ("send -d gist --sandbox --max-line 0 events.jsonl", ["--max-line", "more than 0"]),
        ("send -d gist --sandbox --since 1d --until 2d events.jsonl", ["--until 2d is not later"]),
        ("send -d gist --set colour=red events.jsonl", ["no setting 'colour'", "It has: api_key"]),
        ("send -d gist --sandbox --report no/r.json events.jsonl", ["--report", "does not exist"]),
        ("send -d gist --sandbox --rejects no/r events.jsonl", ["--rejects", "does not exist"]),
        ("sned", ["No such command 'sned'. Did you mean 'send'?"]),
        ("engage audince Big m.csv", ["No such command 'audince'. Did you mean 'audience'?"]),
        ("wizardry", ["No such command 'wizardry'. There are: transform, check, "]),
        ("help sned", ["No such command 'sned'. Did you mean 'send'?"]),
        ("help send now", ["segcli send has no command 'now'"]),
        ("send --colour", ["--colour"]),
        ("send --sandbx", ["No such option '--sandbx'. Did you mean '--sandbox'?"]),
        ("send --destination x", ["No such option '--destination'. Did you mean '--dest'?"]),
        ("check --destinaton=x", ["No such option '--destinaton'. Did you mean '--dest'?"]),
        ("send --key x", ["Did you mean '--api-key-file'?"]),
        ("send --api x", ["Did you mean '--api-key-file'?"]),
        ("send --file x", ["Did you mean '--log-file' or '--api-key-file'?"]),
        ("send --no-sandbox", ["Did you mean '--sandbox'?"]),
        ("send --rejects-file x", ["Did you mean '--rejects'?"]),
        ("engage audience A --api-key-fle x", ["Did you mean '--api-key-file' or '--key'?"]),
        ("send --d x", ["No such option '--d'.\n"]),
        ("send --wizardry", ["No such option '--wizardry'.\n"]),
        ("--versin", ["Did you mean '--version'?"]),
        ("transform --verbse", ["No such option '--verbse'."]),
    ],
)  # fmt: skip
def test_usage_error_exits_2_with_a_hint_and_no_traceback(
    words: str, says: list[str], segcli: Segcli, events: Path
) -> None:
    events.rename("events.jsonl")
    said = segcli(*words.split())

    assert (said.code, said.out) == (2, "")
    assert "Traceback" not in said.err
    for text in says:
        assert text in said.err


def test_option_unlike_any_other_gets_no_suggestion(segcli: Segcli) -> None:
    assert "--where" not in segcli("transform", "--verbosely").err


def test_sandbox_exits_2_with_a_hint_if_its_port_is_taken(segcli: Segcli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = segcli("sandbox", "--port", port)

    assert said.code == 2
    assert f"cannot listen on port {port}: Address already in use\n" in said.err
    assert "--port 0" in said.err


# --- exit codes


@pytest.mark.parametrize(
    ("lines", "words", "code"),
    [
        ([track()], "", 0),
        ([track(), {**track(), "type": "page"}, b""], "", 0),
        ([], "", 0),
        ([track(), b"{]"], "", 1),
        ([track()], "--fault 422:100%", 1),
        ([track()], "--type nothing", 2),
        ([track()], "--fault 401:100%", 3),
        ([track()], "--fault 503:100% --retry-for 0s", 3),
    ],
    ids=["delivered", "skipped", "empty", "rejected", "refused", "usage", "wrong key", "down"],
)
def test_exit_code_of_send_tells_how_the_run_ended(
    lines: list[Any], words: str, code: int, segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", lines)

    assert segcli("send", "-d", "plotline", "--sandbox", *words.split(), events).code == code


def test_closed_output_pipe_ends_transform_silently_with_141(tmp_path: Path, spawn: Spawn) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(20_000))
    process = spawn("transform", events)
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE) == 141
    assert process.stderr
    assert process.stderr.read() == ""


# --- what send says


def test_send_to_sandbox_says_at_start_and_end_that_nothing_left(
    segcli: Segcli, events: Path
) -> None:
    said = segcli("send", "-d", "gist", "--sandbox", events)
    first, *middle = said.err.splitlines()

    assert (said.code, said.out) == (0, "")
    assert re.fullmatch(
        r"Sending 1 file to gist in a sandbox at http://127.0.0.1:\d+: "
        r"nothing leaves this machine\.",
        first,
    )
    after = "Nothing left this machine: all requests went to the sandbox at http://127.0.0.1:"
    assert [line for line in middle if line.startswith(after)]
    assert "\x1b" not in said.err


def test_send_ends_with_the_delivered_count_and_the_address(
    segcli: Segcli, start_sandbox: Start, events: Path
) -> None:
    at = start_sandbox()
    said = segcli(*sending_to("webhook", at.endpoint("webhook")), events)

    [sentence] = [line for line in said.err.splitlines() if " delivered to " in line]
    assert re.fullmatch(rf"\d+ delivered to webhook at {at.url}/\S*", sentence)


def test_sandbox_is_announced_only_after_options_are_checked(segcli: Segcli, events: Path) -> None:
    said = segcli("send", "-d", "gist", "--sandbox", "--set", "batch_byte=1", events)

    assert said.code == 2
    assert "sandbox" not in said.err


def test_quiet_send_prints_errors_only(segcli: Segcli, events: Path) -> None:
    well = segcli("send", "-q", "-d", "gist", "--sandbox", events)
    badly = segcli("send", "-q", "-d", "gist", "--sandbox", "--fault", "401:100%", events)

    assert well == CommandResult(0, "", "")
    assert badly.code == 3
    assert badly.err.startswith("Error: gist answered HTTP 401")


def test_a_dry_run_prints_what_transform_prints_and_sends_nothing(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], events: Path
) -> None:
    at = start_sandbox()
    to = sending_to("gist", at.endpoint("gist"))
    dry, printed = (
        segcli(*to, "--dry-run", "-q", events),
        segcli("transform", "-q", "-d", "gist", events),
    )

    assert dry == printed
    assert len(dry.out.splitlines()) == 5
    assert at.app.counts()["totals"]["requests"] == 0


def test_send_reads_stdin_if_no_file_is_given(run_segcli: Run, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(5)).read_bytes()
    for words in ((), ("-",)):
        done = run_segcli("send", "-d", "gist", "--sandbox", *words, stdin=events)
        assert (done.returncode, done.stdout) == (0, b"")
        assert b"5  delivered" in done.stderr


def test_sandbox_prints_commands_that_send_to_it_and_work(
    spawn: Spawn, segcli: Segcli, events: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.ndjson"
    process = spawn("sandbox", "--port", "0", "--keep", kept, "--key", "of-mine")
    assert process.stdout
    said = [process.stdout.readline() for _ in range(8)]
    to = next(line.split()[1:] for line in said if "--dest gist" in line)
    sent = segcli(*to, "--set", "api_key=of-mine", events)

    assert "Ctrl-C ends it" in said[0]
    assert sent.code == 0
    wait_until(lambda: kept.read_bytes().count(b"\n") == 5)
    assert [json.loads(line)["vendor"] for line in kept.read_bytes().splitlines()] == ["gist"] * 5


def test_sandbox_knows_plug_ins_and_every_destination_that_it_names(
    segcli: Segcli, install: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(install("acme = acme:ACME")["PYTHONPATH"])
    # Destinations of segcli that the sandbox has no checks for.
    monkeypatch.setattr("segcli.destinations.BUILT_IN", (*BUILT_IN, "new"))
    monkeypatch.setattr("segcli.catalog.NAMES", (*catalog.NAMES, "newer"))
    codes: list[int] = []

    def serve(script: Script, started: Callable[[SandboxServer], object], **_: Any) -> None:
        with running(script) as sandbox:
            started(sandbox)
            for name in ("acme", "new", "newer", "acmes"):
                url = f"{sandbox.url}/{name}"
                reply = httpx.post(url, json={}, trust_env=False, timeout=PATIENCE)
                codes.append(reply.status_code)

    monkeypatch.setattr("segcli.cli.commands.sandbox.serve_sandbox", serve)

    assert segcli("sandbox").code == 0
    assert codes == [200, 200, 200, 404]


def test_help_imports_no_heavy_library() -> None:
    code = "import sys\nfrom segcli.cli import cli\ncli.main(['--help'], standalone_mode=False)\n"
    code += "print('loaded:', *({'httpx', 'rich', 'uvicorn', 'asyncio'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout.splitlines()[-1] == "loaded:"


def test_output_file_with_another_role_in_the_run_is_refused(
    segcli: Segcli, events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "kept.ndjson"
    kept.write_text('{"file":"events.jsonl"}\n')
    here = ("send", "-d", "gist", "--sandbox", events.name)

    for options in (
        ("--rejects", "x", "--journal", "x"),
        ("--rejects", "x", "--report", "x"),
        ("--report", "gist.sandbox.rejects.ndjson"),
        ("--report", "events.jsonl"),
        ("--report", "kept.ndjson"),
        ("--journal", "events.jsonl"),
    ):
        said = segcli(*here, *options)
        assert said.code == 2, options
        assert "Name another" in said.err

    assert kept.read_text() == '{"file":"events.jsonl"}\n'
