"""`segcli capture` runs a command, writes the events that it sends, and exits as documented."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from support.fakes import PATIENCE, CommandResult, wait_until
from support.samples import Run

Segcli = Callable[..., CommandResult]
Spawn = Callable[..., Any]
# A client in a line: it sends its arguments as names of events, one request each.
CLIENT = r"""
import os, socket, sys
host, port = os.environ["SEGCLI_CAPTURE_URL"].removeprefix("http://").split(":")
for name in sys.argv[1:]:
    event = "{\"event\": \"%s\", \"userId\": \"u1\", \"writeKey\": \"KEY\"}" % name
    head = f"POST /v1/track HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n"
    with socket.create_connection((host, int(port))) as client:
        text = f"{head}{kind}Content-Length: {len(event)}\r\n\r\n{event}"
        client.sendall(text.encode())
        assert client.makefile("rb").read().split()[1] == b"200"
"""
SENDS = ("--settle", "0s", "--", sys.executable, "-IS", "-c", CLIENT)
# A request over HTTP needs no certificates, which take 28 ms to read.
PLAIN: Any = {"trust_env": False, "verify": False, "timeout": PATIENCE}
OUTPUT = ("capture", "--output", "events.jsonl")


def names(path: Path) -> list[str]:
    return [json.loads(line)["event"] for line in path.read_bytes().splitlines()]


# --- with a command


def test_batch_that_segment_would_refuse_is_mentioned(run_segcli: Run) -> None:
    sends = """
import json, os, urllib.request
body = json.dumps({"batch": [{"type": "page", "userId": "u1"}] * 2501}).encode()
urllib.request.urlopen(os.environ["SEGCLI_CAPTURE_URL"] + "/v1/batch", body).read()
"""
    done = run_segcli(*OUTPUT, "--settle", "0s", "--", sys.executable, "-c", sends)

    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == [
        "Captured: 2,501 events in events.jsonl",
        "1 request larger than Segment accepts (500,000 bytes, 2,500 events): let the client send "
        "smaller batches",
    ]


def test_captured_events_of_a_command_are_readable_by_check(
    run_segcli: Run, tmp_path: Path
) -> None:
    done = run_segcli(*OUTPUT, *SENDS, "A", "B")
    checked = run_segcli("check", "--dest", "webhook", "events.jsonl")

    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == b"Captured: 2 events in events.jsonl\n"
    assert names(tmp_path / "events.jsonl") == ["A", "B"]
    assert b"KEY" not in (tmp_path / "events.jsonl").read_bytes()
    assert (tmp_path / "events.jsonl").stat().st_mode & 0o777 == 0o600
    assert checked.returncode == 0


def test_stable_captures_are_byte_identical(run_segcli: Run, tmp_path: Path) -> None:
    for name in ("one", "two", "one"):
        assert run_segcli("capture", "--stable", "-o", name, *SENDS, "A", "B").returncode == 0
        assert names(tmp_path / name) == ["A", "B"]

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("code", ["7", "3", "255"])
def test_capture_exits_with_the_code_of_a_failed_command(code: str, run_segcli: Run) -> None:
    done = run_segcli(*OUTPUT, "--settle", "0s", "--", "sh", "-c", f"exit {code}")

    assert (done.returncode, done.stderr) == (int(code), b"Captured: 0 events in events.jsonl\n")


def test_capture_exits_with_128_plus_the_signal_of_the_command(run_segcli: Run) -> None:
    done = run_segcli(*OUTPUT, "--settle", "0s", "--", "sh", "-c", "kill -TERM $$")

    assert done.returncode == 143


def test_empty_capture_exits_1_unless_allow_empty(run_segcli: Run) -> None:
    ends = ("--settle", "0s", "--", "true")
    done = run_segcli(*OUTPUT, *ends)

    assert done.returncode == 1
    assert b"no event was captured" in done.stderr
    assert b"SEGCLI_CAPTURE_URL" in done.stderr
    assert run_segcli(*OUTPUT, "--allow-empty", *ends).returncode == 0


def test_command_keeps_stdin_stdout_and_stderr(run_segcli: Run) -> None:
    shell = "cat; echo told >&2"
    done = run_segcli(*OUTPUT, "--allow-empty", "--settle", "0s", "sh", "-c", shell, stdin=b"in")

    assert done.stdout == b"in"
    assert done.stderr.startswith(b"told\n")


def test_options_after_the_command_belong_to_it(run_segcli: Run) -> None:
    words = ("--allow-empty", "--settle", "0s", "echo", "--stable", "--", "--port")

    assert run_segcli(*OUTPUT, *words).stdout == b"--stable -- --port\n"


def test_events_of_a_background_process_are_captured(run_segcli: Run, tmp_path: Path) -> None:
    # The request is open before the command ends, and is whole only after that. "100 Continue" is
    # the sign that it is open.
    late = """
import os, socket, sys, time
port = int(os.environ["SEGCLI_CAPTURE_URL"].rpartition(":")[2])
body = b'{"event": "Late", "userId": "u1"}'
connection = socket.create_connection(("127.0.0.1", port))
head = f"POST /v1/t HTTP/1.1\\r\\nHost: localhost:{port}\\r\\nContent-Length: {len(body)}"
connection.sendall(head.encode() + b"\\r\\nExpect: 100-continue\\r\\n\\r\\n")
assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
connection.sendall(body[:5])
parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    time.sleep(0.01)
connection.sendall(body[5:])
connection.recv(100)
"""
    done = run_segcli(*OUTPUT, "--settle", "200ms", "--", sys.executable, "-c", late)

    assert done.returncode == 0
    assert names(tmp_path / "events.jsonl") == ["Late"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signal_is_forwarded_and_sets_the_exit_code(
    number: signal.Signals, code: int, spawn: Spawn
) -> None:
    words = ("sh", "-c", "echo up; read line")
    process = spawn(*OUTPUT, "--settle", "0s", "--", *words, stdin=-1)
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)

    assert process.wait(PATIENCE) == code
    assert "Traceback" not in process.stderr.read()


def test_command_that_handles_ctrl_c_exits_0(spawn: Spawn) -> None:
    shell = "trap 'exit 0' INT; echo up; while :; do sleep 0.05; done"
    words = ("--allow-empty", "--settle", "0s", "--", "sh", "-c", shell)
    process = spawn(*OUTPUT, *words)
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGINT)

    assert process.wait(PATIENCE) == 0


def test_terminal_ctrl_c_reaches_the_command_once(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    # The terminal tells both of it. Told twice, test runners stop at once. segcli would pass it on
    # before the SIGTERM that comes later.
    tells = """
import signal
both = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, both)
print("up", flush=True)
print("first", signal.sigwait(both).name, flush=True)
print("then", signal.sigwait(both).name, flush=True)
"""
    words = ("--allow-empty", "--settle", "0s", "--", sys.executable, "-c", tells)
    code, text = with_ctrl_c([*OUTPUT, *words], tmp_path, clean_environment)

    assert code == 0
    assert "first SIGINT\r\nthen SIGTERM\r\n" in text


@pytest.mark.parametrize(("has_terminal", "expected"), [(True, [15]), (False, [2, 15])])
def test_only_a_ctrl_c_that_the_terminal_sends_to_the_command_is_not_passed_on(
    clean_environment: dict[str, str], has_terminal: bool, expected: list[int]
) -> None:
    told = """
import os, subprocess, sys
from segcli.capture.user_command import Signals
passed_on, signals = [], Signals()
with subprocess.Popen(["sleep", "1000"]) as signals.command:
    kill, os.kill = os.kill, lambda _, number: passed_on.append(number)
    signals.take(2, None)
    signals.take(15, None)
    kill(signals.command.pid, 9)
print(passed_on)
"""
    terminal, slave = os.openpty()
    takes_it = f"import fcntl, termios; fcntl.ioctl({slave}, termios.TIOCSCTTY, 0)" * has_terminal

    done = subprocess.run(
        [sys.executable, "-c", takes_it + told],
        env=clean_environment,
        capture_output=True,
        pass_fds=[slave],
        start_new_session=True,
        timeout=PATIENCE,
        check=True,
    )
    os.close(terminal)
    os.close(slave)

    assert json.loads(done.stdout) == expected


def with_ctrl_c(words: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run segcli on a terminal of its own.

    Press Ctrl-C once it has printed "up", and send SIGTERM to it once it has printed "first".
    """
    takes_it = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    runs = "os.execv(sys.executable, [sys.executable, '-m', 'segcli', *sys.argv[1:]])"
    terminal, slave = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", takes_it + runs, *words],
        cwd=folder,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    ) as process:
        os.close(slave)

        def press() -> None:
            os.write(terminal, b"\x03")

        text, to_do = b"", {b"up": press, b"first": process.terminate}
        with suppress(OSError):  # the process at the other end has gone
            while part := os.read(terminal, 1000):
                text += part
                for word in [word for word in to_do if word in text]:
                    to_do.pop(word)()
        os.close(terminal)
        return process.wait(PATIENCE), text.decode()


def test_signal_during_the_settle_time_keeps_captured_events(spawn: Spawn, tmp_path: Path) -> None:
    client = CLIENT + "print(os.getpid(), flush=True)"
    process = spawn(*OUTPUT, "--stable", "--settle", "1h", "--", sys.executable, "-c", client, "A")
    command = int(process.stdout.readline())
    wait_until(lambda: not Path(f"/proc/{command}").exists())
    process.send_signal(signal.SIGINT)

    assert process.wait(PATIENCE) == 130
    assert "2025-01-01T00:00:00.000Z" in (tmp_path / "events.jsonl").read_text()


# --- without a command


def started(process: Any) -> str:
    """Return the address that a capture tells."""
    line = process.stderr.readline()
    assert line.startswith("The capture listens at http://127.0.0.1:"), line
    return str(line.split("; ")[0].removeprefix("The capture listens at "))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_capture_without_a_command_writes_to_stdout_until_a_signal(
    number: signal.Signals, spawn: Spawn
) -> None:
    process = spawn("capture", "--port", "0")
    url = started(process)
    httpx.post(url + "/v1/track", json={"event": "A", "userId": "u1"}, **PLAIN)
    # The line is there before the capture ends.
    line = process.stdout.readline()
    process.send_signal(number)

    assert process.wait(PATIENCE) == 0
    assert json.loads(line)["event"] == "A"
    assert process.stderr.read() == "Captured: 1 event\n"


def test_empty_capture_without_a_command_exits_0(spawn: Spawn) -> None:
    process = spawn("capture", "--port", "0")
    started(process)
    process.send_signal(signal.SIGINT)

    assert process.wait(PATIENCE) == 0


def test_kill_loses_no_acknowledged_event(spawn: Spawn, tmp_path: Path) -> None:
    process = spawn("capture", "--port", "0", "--stable", "--output", "events.jsonl")
    url = started(process)
    with httpx.Client(trust_env=False, verify=False) as client:
        for number in range(20):
            body = {"batch": [{"type": "track", "event": str(number), "userId": "u1"}]}
            assert client.post(url + "/v1/batch", json=body).status_code == 200
        process.kill()
    process.wait(PATIENCE)

    assert names(tmp_path / "events.jsonl") == [str(number) for number in range(20)]


def test_a_closed_stdout_ends_the_capture(spawn: Spawn) -> None:
    process = spawn("capture", "--port", "0")
    url = started(process)
    process.stdout.close()
    reply = httpx.post(url + "/v1/track", json={"event": "A", "userId": "u1"}, **PLAIN)

    assert reply.status_code == 400
    assert process.wait(PATIENCE) == 141


# --- where it goes


def test_full_output_ends_the_capture_with_exit_3(spawn: Spawn) -> None:
    process = spawn("capture", "--port", "0", "--output", "/dev/full")
    url = started(process)
    reply = httpx.post(url + "/v1/track", json={"event": "A", "userId": "u1"}, **PLAIN)

    assert (reply.status_code, process.wait(PATIENCE)) == (400, 3)
    assert "No space left on device" in process.stderr.read()


def test_file_size_limit_leaves_whole_lines(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    command = f"ulimit -f 8; exec {sys.executable} -m segcli capture --output e.jsonl --port 0"
    with subprocess.Popen(
        ["bash", "-c", command], cwd=tmp_path, env=clean_environment, stderr=-1, text=True
    ) as process:
        url = started(process)
        statuses = []
        for number in range(3):
            body = {"event": str(number), "userId": "u1", "properties": {"text": "x" * 3500}}
            reply = httpx.post(url + "/v1/track", json=body, **PLAIN)
            statuses.append(reply.status_code)
            if reply.status_code != 200:
                break
        code = process.wait(PATIENCE)

    assert (statuses, code) == ([200, 200, 400], 3)
    assert names(tmp_path / "e.jsonl") == ["0", "1"]


def test_full_output_exits_3_unless_the_command_failed(run_segcli: Run) -> None:
    full = ("capture", "--output", "/dev/full")
    words = ("--settle", "0s", "--", "sh", "-c")
    client = f"{sys.executable} -c '{CLIENT}' A 2> /dev/null"

    well = run_segcli(*full, *words, f"{client}; exit 0")
    badly = run_segcli(*full, *words, f"{client}; exit 9")

    assert (well.returncode, badly.returncode) == (3, 9)
    for done in (well, badly):
        assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("more", [(), ("--stable",)])
def test_a_command_that_clears_the_folder_of_its_results_loses_no_event(
    more: tuple[str, ...], run_segcli: Run, tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    output = ("capture", *more, "--output", "results/events.jsonl", "--settle", "0s", "--")
    client = f"{sys.executable} -c '{CLIENT}'"

    cleared = run_segcli(*output, "sh", "-c", f"{client} A; rm results/*; {client} B")
    captured = names(tmp_path / "results" / "events.jsonl")
    gone = run_segcli(*output, "sh", "-c", f"{client} A; rm -r results")
    gone_after_failure = run_segcli(*OUTPUT, "--settle", "0s", "--", "sh", "-c", "rm *; exit 9")

    assert (cleared.returncode, captured) == (0, ["A", "B"])
    assert gone.returncode == 3
    assert b"--output results/events.jsonl cannot be written: No such file" in gone.stderr
    assert gone_after_failure.returncode == 9


def test_a_command_that_replaces_the_output_ends_with_3(run_segcli: Run, tmp_path: Path) -> None:
    client = f"{sys.executable} -c '{CLIENT}'"
    shell = f"{client} A; echo mine > new; mv new events.jsonl"
    done = run_segcli(*OUTPUT, "--settle", "0s", "--", "sh", "-c", shell)

    assert done.returncode == 3
    assert b"cannot be written: another program has replaced it" in done.stderr
    assert (tmp_path / "events.jsonl").read_text() == "mine\n"


def test_a_command_that_cannot_run_and_a_missing_one_have_different_errors(
    run_segcli: Run, tmp_path: Path
) -> None:
    (tmp_path / "notes").touch()

    for name, problem, hint in (
        ("./notes", "./notes is not executable", "chmod +x ./notes"),
        ("./no", "there is no command ./no", "-- sh -c 'WORDS'"),
        ("./", "./ is a folder", "Type a COMMAND"),
    ):
        done = run_segcli(*OUTPUT, "--", name)
        assert done.returncode == 2
        assert problem in done.stderr.decode()
        assert hint in done.stderr.decode()
    assert not (tmp_path / "events.jsonl").exists()


def test_an_open_request_is_reported_and_waited_for_until_ctrl_c(spawn: Spawn) -> None:
    holds = """
import os, socket, time
port = int(os.environ["SEGCLI_CAPTURE_URL"].rpartition(":")[2])
connection = socket.create_connection(("127.0.0.1", port))
head = f"POST /v1/t HTTP/1.1\\r\\nHost: localhost:{port}\\r\\nContent-Length: 9"
connection.sendall(head.encode() + b"\\r\\nExpect: 100-continue\\r\\n\\r\\n")
assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
if os.fork() == 0:
    # It ends with the capture.
    connection.recv(100)
"""
    words = ("--settle", "0s", "--", sys.executable, "-c", holds)
    told_soon = {"segcli.capture.capture_server._PATIENCE": 0.2}
    output = ("--allow-empty", "--output", "events.jsonl")
    process = spawn("capture", *output, *words, constants=told_soon)
    told = process.stderr.readline()
    process.send_signal(signal.SIGINT)

    assert told == "The COMMAND has ended; 1 request still open. Ctrl-C ends the wait.\n"
    assert process.wait(PATIENCE) == 130


def test_earlier_capture_is_replaced_and_keeps_its_link_and_mode(
    run_segcli: Run, tmp_path: Path
) -> None:
    (tmp_path / "old.jsonl").write_text('{"receivedAt":"2026-02-03T10:11:12Z","event":"Old"}\n')
    (tmp_path / "old.jsonl").chmod(0o644)
    (tmp_path / "events.jsonl").symlink_to("old.jsonl")

    assert run_segcli(*OUTPUT, "--stable", *SENDS, "New").returncode == 0
    assert names(tmp_path / "old.jsonl") == ["New"]
    assert (tmp_path / "events.jsonl").is_symlink()
    assert (tmp_path / "old.jsonl").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "content",
    [
        "import os\n",
        '{"name": "app"}\n',
        "[1]\n",
        '{"a"',
        '{"receivedAt":"2026-02-03T10:11:12Z","writeKey":"w"}\n',
    ],
)
def test_file_that_is_not_a_capture_is_refused_and_unchanged(
    content: str, run_segcli: Run, tmp_path: Path
) -> None:
    (tmp_path / "events.jsonl").write_text(content)
    done = run_segcli(*OUTPUT, *SENDS, "A")

    assert (done.returncode, b"is not a capture" in done.stderr) == (2, True)
    assert (tmp_path / "events.jsonl").read_text() == content


@pytest.mark.parametrize("words", [["--output", "e.jsonl", "--"], ["--"], ["--", ""]])
def test_dashes_without_a_command_are_an_error(
    words: list[str], segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.cli.commands.capture.capturing", pytest.fail)

    said = segcli("capture", *words)

    message, hint = said.err.splitlines()
    assert (said.code, message) == (2, "Error: there is no COMMAND after --")
    assert "To capture until Ctrl-C, leave out --" in hint


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("-- true", ["stdout belongs to the COMMAND", "--output"]),
        ("--output /dev/stdout -- true", ["stdout belongs to the COMMAND"]),
        ("--stable", ["--stable", "needs a file"]),
        ("--stable --output /dev/stdout", ["needs a file"]),
        ("--output no/events.jsonl -- true", ["no does not exist", "--output PATH"]),
        ("--output e.jsonl -- no-such-command", ["there is no command no-such-command"]),
        ("--host http://app.test", ["is not a host", "app.test:3000"]),
        ("--stabel -o e.jsonl -- true", ["No such option", "--stable"]),
        ("--settle soon", ["50ms, 30s"]),
        ("--port 70000", ["--port"]),
    ],
)
def test_usage_error_exits_2_with_a_hint_and_creates_no_file(
    words: str, says: list[str], segcli: Segcli, tmp_path: Path
) -> None:
    said = segcli("capture", *words.split())

    assert (said.code, said.out) == (2, "")
    for text in says:
        assert text in said.err
    assert not list(tmp_path.glob("*.jsonl"))


def test_taken_port_exits_2_and_keeps_the_output_file(
    spawn: Spawn, run_segcli: Run, tmp_path: Path
) -> None:
    url = started(spawn("capture", "--port", "0"))
    old = '{"receivedAt":"2026-02-03T10:11:12Z"}\n'
    (tmp_path / "events.jsonl").write_text(old)
    done = run_segcli(*OUTPUT, "--port", url.rpartition(":")[2], *SENDS, "A")

    assert done.returncode == 2
    assert b"--port 0" in done.stderr
    assert (tmp_path / "events.jsonl").read_text() == old


def test_output_where_no_file_can_be_made_is_a_wrong_option(
    run_segcli: Run, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to("/proc/no/such")
    done = run_segcli("capture", "--output", "link", *SENDS, "A")

    assert done.returncode == 2
    assert b"--output link cannot be written" in done.stderr


def test_output_that_is_also_stdout_is_refused(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    shell = f"{sys.executable} -m segcli capture -o e.jsonl -- true > e.jsonl"
    done = subprocess.run(
        ["sh", "-c", shell], cwd=tmp_path, env=clean_environment, stderr=-1, check=False
    )

    assert (done.returncode, b"e.jsonl" in done.stderr) == (2, True)


def test_many_concurrent_clients_lose_no_event(spawn: Spawn, tmp_path: Path) -> None:
    process = spawn("capture", "--port", "0", "--output", "events.jsonl")
    url = started(process)

    async def send_all() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=30)) as client:

            async def status_of(body: dict[str, str]) -> int:
                async with client.post(url + "/v1/t", json=body) as reply:
                    return reply.status

            bodies = [{"event": f"{number}", "userId": "u1"} for number in range(100)]
            assert {*await asyncio.gather(*map(status_of, bodies))} == {200}

    asyncio.run(send_all())
    path = tmp_path / "events.jsonl"
    wait_until(lambda: len(names(path)) == 100)
    assert sorted(names(path), key=int) == [str(number) for number in range(100)]
