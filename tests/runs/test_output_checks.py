"""No file that a run writes has a second role in the run, under any name or link."""

import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from support.fakes import CommandResult, closed_port, track, write_events
from support.fork_server import ForkServer, Streams
from support.samples import SAMPLES

Segcli = Callable[..., CommandResult]
Started = Callable[..., "subprocess.CompletedProcess[bytes]"]

# What a command reads: how it is typed, and the file.
DEST, MAPPING, CONFIG, KEY = "acme.toml", "maps/track.json", "given.toml", "key"
ACME = """
name = "acme"
[settings.api_key]
secret = true
required = true
[request]
url = "http://127.0.0.1:9/track"
auth = { bearer = "{settings.api_key}" }
[[actions]]
subscribe = 'type = "track" or type = "identify"'
mapping_file = "maps/track.json"
"""
READ = {
    "an input": "events.jsonl",
    "--config": CONFIG,
    "--api-key-file": KEY,
    "--dest": DEST,
    "a mapping file of --dest": MAPPING,
}
COMMON = ["--dest", f"./{DEST}", "--config", CONFIG, "--api-key-file", KEY]
# What is to be refused and is not ends soon.
SOON = ["--retry-for", "1ms"]
COMMANDS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "transform": (["transform", "events.jsonl", *COMMON], ["--log-file", "--rejects", "--report"]),
    "check": (
        ["check", "events.jsonl", *COMMON, "--update", "--expect", "golden"],
        ["--expect", "--log-file", "--rejects", "--report"],
    ),
    "send": (
        ["send", "events.jsonl", *COMMON, *SOON],
        ["--journal", "--log-file", "--metrics", "--rejects", "--report"],
    ),
    "send --dry-run": (["send", "events.jsonl", *COMMON, "--dry-run"], ["--rejects", "--report"]),
    "engage": (
        ["engage", "audience", "Vips", "events.jsonl", *COMMON, *SOON],
        ["--state", "--log-file", "--metrics", "--rejects", "--report"],
    ),
    "engage --dry-run": (
        ["engage", "audience", "Vips", "events.jsonl", *COMMON, "--dry-run"],
        ["--state", "--rejects", "--report"],
    ),
    "engage forget": (["engage", "forget", "Vips", "--dest", f"./{DEST}"], ["--state"]),
    "sandbox": (["sandbox", "--port", "0", "--dest", f"./{DEST}"], ["--keep"]),
}


def read_by(command: str) -> dict[str, str]:
    """Return the files that a command reads, by role."""
    roles = READ if "events.jsonl" in COMMANDS[command][0] else [*READ][3:]
    return {role: READ[role] for role in roles}


NAMES = ["same name", "second name", "link", "link to a link", "way round", "linked folder"]


def names(command: str) -> list[str]:
    """Return the ways to name a file: all for one command, because they share the rule."""
    return {"transform": NAMES, "send": NAMES[:2]}.get(command, NAMES[1:2])


READS = [
    (command, option, role, how)
    for command, (_, options) in COMMANDS.items()
    for option in options
    for role in read_by(command)
    for how in names(command)
]
WRITES = [
    (command, first, second, how)
    for command, (_, options) in COMMANDS.items()
    for at, second in enumerate(options)
    for first in options[:at]
    for how in names(command)
]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segcli.cli.commands.sandbox.serve_sandbox", pytest.fail)
    write_events(tmp_path / "events.jsonl", [{**track(), "type": "track"}])
    (tmp_path / DEST).write_text(ACME)
    (tmp_path / "maps").mkdir()
    (tmp_path / MAPPING).write_text('{"name": {"@path": "$.event"}}')
    (tmp_path / CONFIG).write_text("[acme]\n")
    (tmp_path / KEY).write_text("secret-key\n")


def same(path: Path, how: str) -> Path:
    """Return another name of a file."""
    folder = path.parent
    match how:
        case "same name":
            return path
        case "link":
            (folder / "other").symlink_to(path.name)
            return folder / "other"
        case "link to a link":
            (folder / "between").symlink_to(path)
            (folder / "other").symlink_to("between")
            return folder / "other"
        case "second name":
            (folder / "other").hardlink_to(path)
            return folder / "other"
        case "way round":
            (folder / "inner").mkdir()
            return folder / "inner" / ".." / path.name
    (folder / "linked folder").symlink_to(".")
    return folder / "linked folder" / path.name


def state_of(folder: Path) -> dict[str, str]:
    """Return every file below a folder, with a digest of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "no file"
        for path in folder.rglob("*")
    }


# --- the table: each file that is written, against each other file


@pytest.mark.parametrize(("command", "option", "role", "how"), READS)
def test_output_that_is_also_read_is_refused_under_any_name(
    segcli: Segcli, tmp_path: Path, command: str, option: str, role: str, how: str
) -> None:
    name = same(tmp_path / read_by(command)[role], how)
    before = state_of(tmp_path)
    said = segcli(*COMMANDS[command][0], option, name)

    assert (said.code, said.out) == (2, "")
    problem, hint = said.err.splitlines()
    assert problem == f"Error: {option} {name} is also {role}"
    if role == "an input":
        assert hint == f"Name another file, {option} PATH, or the inputs by a pattern without it."
    else:
        assert hint == f"Name another file: {option} PATH"
    assert state_of(tmp_path) == before


@pytest.mark.parametrize(("command", "first", "second", "how"), WRITES)
def test_two_outputs_in_one_file_are_refused_under_any_name(
    segcli: Segcli, tmp_path: Path, command: str, first: str, second: str, how: str
) -> None:
    kept = tmp_path / "kept"
    kept.touch()
    name = same(kept, how)
    for _ in range(2):
        before = state_of(tmp_path)
        said = segcli(*COMMANDS[command][0], first, "kept", second, name)

        assert (said.code, said.out) == (2, "")
        assert said.err.startswith(f"Error: {second} {name} is also {first}\nName another file: ")
        assert state_of(tmp_path) == before
        if how == "second name":
            return
        # What is not there yet may be one file, too.
        kept.unlink(missing_ok=True)


@pytest.mark.parametrize("command", ["engage", "engage --dry-run"])
@pytest.mark.parametrize("ending", [".lock", "-wal", "-shm", "-journal"])
def test_files_beside_a_state_are_not_another_file_of_the_run(
    segcli: Segcli, tmp_path: Path, command: str, ending: str
) -> None:
    beside = f"real{ending}"
    (tmp_path / "state").symlink_to("real")
    arguments = [*COMMANDS[command][0], "--state", "state"]
    before = state_of(tmp_path)

    for option in ("--rejects", "--report"):
        said = segcli(*arguments, option, beside)
        assert said.code == 2
        assert f"Error: {option} {beside} is also a file beside --state\n" in said.err
    assert state_of(tmp_path) == before

    (tmp_path / "events.jsonl").rename(tmp_path / beside)
    (tmp_path / "events.jsonl").symlink_to(beside)
    before = state_of(tmp_path)
    said = segcli(*arguments)
    assert said.code == 2
    assert f"--state state needs {beside} beside it, which is also an input\n" in said.err
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("option", ["--rejects", "--report"])
def test_default_config_file_is_refused_as_an_output(
    segcli: Segcli, tmp_path: Path, option: str
) -> None:
    said = segcli("transform", "events.jsonl", option, "segcli.toml")

    assert said.err.startswith(f"Error: {option} segcli.toml is also --config\n")
    assert not (tmp_path / "segcli.toml").exists()


@pytest.mark.parametrize("option", ["--rejects", "--report"])
def test_the_default_journal_is_not_another_output(
    segcli: Segcli, tmp_path: Path, option: str
) -> None:
    send = ["send", "--dest", "webhook", "--endpoint", f"http://127.0.0.1:{closed_port()}"]
    segcli(*send, "--retry-for", "1ms", "--since", "2020-01-01", "events.jsonl")
    bad = write_events(tmp_path / "bad.jsonl", [b"no JSON", track()])
    segcli(*send, "--retry-for", "1ms", bad)
    (journal,) = (tmp_path / "state" / "segcli").glob("*.journal")
    before = journal.read_bytes()

    said = segcli(*send, bad, "--resume", option, journal)

    assert said.code == 2
    assert f"Error: {option} {journal} is also --journal\n" in said.err
    assert journal.read_bytes() == before


@pytest.mark.parametrize(
    "actions",
    [
        "5",
        "[5]",
        "[{}]",
        '[{"mapping_file": 5}]',
        '[{"mapping_file": "a\\u0000b"}]',
        '[{"mapping_file": "' + "x" * 5000 + '"}]',
    ],
    ids=["number", "numbers", "nothing", "no name", "zero byte", "long name"],
)
def test_invalid_destination_file_is_reported_before_output_checks(
    segcli: Segcli, tmp_path: Path, actions: str
) -> None:
    (tmp_path / "wrong.json").write_text(f'{{"name": "wrong", "actions": {actions}}}')
    said = segcli("transform", "events.jsonl", "--dest", "./wrong.json", "--report", "new")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Error: ./wrong.json has ")


# --- streams


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *((command, "--rejects") for command in ("transform", "check", "send")),
        *((command, "--report") for command in ("transform", "check", "send")),
        ("send", "--journal"),
        ("check", "--expect"),
    ],
)
def test_the_file_of_stdin_is_not_written(
    tmp_path: Path, run: Started, command: str, option: str
) -> None:
    more = ["--update"] if option == "--expect" else []
    to = ["--dest", "webhook", "--endpoint", "http://127.0.0.1:9"]
    more += SOON if command == "send" else []
    before = state_of(tmp_path)
    said = run(command, *to, *more, option, "events.jsonl")

    assert said.returncode == 2
    assert f"{option} events.jsonl is also an input\n" in said.stderr.decode()
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("command", ["transform", "check", "send"])
@pytest.mark.parametrize("stream", [1, 2])
def test_stdout_or_stderr_into_a_file_with_another_role_is_refused(
    tmp_path: Path, run: Started, command: str, stream: int
) -> None:
    to = ["--dest", "webhook", "--endpoint", "http://127.0.0.1:9", "--report", "report.json"]
    to += SOON if command == "send" else []
    name = {1: "stdout", 2: "stderr"}[stream]
    for place, problem in (
        ("events.jsonl", f"{name} goes to events.jsonl, which is also an input"),
        ("report.json", f"--report report.json is also where {name} goes"),
        ("folder/log", f"{name} goes to folder/log, which is also an input"),
    ):
        (tmp_path / "folder").mkdir(exist_ok=True)
        inputs = ["folder" if place.startswith("folder") else "events.jsonl"]
        before = (tmp_path / "events.jsonl").read_bytes()
        with (tmp_path / place).open("ab") as out:
            said = run(command, *to, *inputs, **{name: out.fileno()})
        text = (tmp_path / place).read_text() if stream == 2 else said.stderr.decode()
        assert said.returncode == 2
        assert problem in text
        assert (tmp_path / "events.jsonl").read_bytes().startswith(before)
        (tmp_path / "report.json").unlink(missing_ok=True)


def test_journal_on_the_file_of_stdout_is_refused(tmp_path: Path, run: Started) -> None:
    to = ["send", "--dest", "webhook", "--endpoint", "http://127.0.0.1:9", *SOON]
    with (tmp_path / "out").open("ab") as out:
        said = run(*to, "--journal", "/dev/stdout", stdout=out.fileno())

    assert said.returncode == 2
    assert "Error: --journal /dev/stdout is also where stdout goes\n" in said.stderr.decode()
    assert (tmp_path / "out").exists()


def test_stdout_and_stderr_may_share_a_file(tmp_path: Path, run: Started) -> None:
    with (tmp_path / "log").open("ab") as log:
        said = run("transform", "events.jsonl", stdout=log.fileno(), stderr=log.fileno())

    assert said.returncode == 0


def test_devices_may_have_several_roles(segcli: Segcli) -> None:
    said = segcli("transform", "/dev/null", "--rejects", "/dev/null", "--report", "/dev/null", "-q")

    assert (said.code, said.err) == (0, "")


@pytest.fixture
def run(tmp_path: Path, clean_environment: dict[str, str], forking: ForkServer) -> Started:
    """Return a function that runs a command with events.jsonl as its stdin."""

    def run(*words: str, **outputs: int) -> "subprocess.CompletedProcess[bytes]":
        with (tmp_path / "events.jsonl").open("rb") as events:
            streams = Streams(events.fileno(), **outputs)
            return forking.run(words, cwd=tmp_path, env=clean_environment, streams=streams)

    return run


# --- folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of inputs that contains a link to another one."""
    folder = tmp_path / "in"
    (tmp_path / "far").mkdir()
    folder.mkdir()
    shutil.copy(tmp_path / "events.jsonl", folder / "a.jsonl")
    shutil.copy(tmp_path / "events.jsonl", tmp_path / "far" / "b.jsonl")
    (folder / "far").symlink_to("../far")
    return folder


@pytest.mark.parametrize("command", ["transform", "check", "send --sandbox"])
@pytest.mark.parametrize("option", ["--rejects", "--report"])
@pytest.mark.parametrize("place", ["in/new", "far/new", "far/deep/new", "in/far/new"])
def test_new_output_in_an_input_folder_is_refused(
    segcli: Segcli, tmp_path: Path, folder: Path, command: str, option: str, place: str
) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    before = state_of(tmp_path)
    said = segcli(*command.split(), "-d", "webhook", folder, option, place)

    assert said.code == 2
    assert said.err.endswith(
        f"Error: {option} {place} is in a folder that is read, so it would become an input\n"
        f"Name a path outside it: {option} PATH\n"
    )
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("command", ["transform", "check", "send --sandbox"])
@pytest.mark.parametrize("option", ["--rejects", "--report"])
@pytest.mark.parametrize("link", ["link", "second name"])
def test_output_linked_to_a_file_of_an_input_folder_is_refused(
    segcli: Segcli, tmp_path: Path, folder: Path, command: str, option: str, link: str
) -> None:
    out = tmp_path / "out"
    # It could be a report as well as an event.
    (folder / "a.jsonl").write_bytes(b'{"report_version":1}\n')
    out.hardlink_to(folder / "a.jsonl")
    if link == "link":
        (folder / "a.jsonl").unlink()
        (folder / "a.jsonl").symlink_to("../out")
    before = state_of(tmp_path)
    said = segcli(*command.split(), "-d", "webhook", folder, option, "out")

    assert said.code == 2
    assert f"Error: {option} out is also an input\n" in said.err
    assert state_of(tmp_path) == before


def test_rejects_may_be_in_an_input_folder_by_a_name_that_is_left_out(
    segcli: Segcli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No run reads `*.rejects.ndjson` from a folder, so it does not become an input."""
    monkeypatch.chdir(folder)
    (folder / "c.jsonl").write_bytes(b"no JSON\n")
    for lines in (1, 2):
        assert segcli("send", "-d", "webhook", "--sandbox", "--no-first-look", ".").code == 1
        kept = (folder / "webhook.sandbox.rejects.ndjson").read_bytes().splitlines()
        assert len(kept) == lines
    said = segcli("send", "-d", "webhook", "--sandbox", "--rejects", "kept.ndjson", ".")

    assert said.code == 2
    assert said.err.endswith("Name a path outside it: --rejects PATH\n")


def test_output_in_a_hidden_subfolder_of_the_input_is_allowed(segcli: Segcli, folder: Path) -> None:
    (folder / ".kept").mkdir()
    said = segcli("transform", "-q", folder, "--report", "in/.kept/report.json")

    assert said.code == 0
    assert (folder / ".kept" / "report.json").exists()


# --- what an output must be


@pytest.mark.parametrize(
    ("option", "places"),
    [
        ("--journal", ("/dev/full", "pipe", "socket", "events.jsonl/x", "loop")),
        ("--rejects", ("socket", "loop", "/dev/fd/987654")),
        ("--report", ("socket", "/dev/fd/987654")),
        ("--html", ("socket",)),
        ("--metrics", ("socket", "/dev/fd/987654")),
        ("--log-file", ("socket",)),
        ("--keep", ("socket", "loop")),
    ],
)
def test_path_where_no_file_can_be_written_is_a_wrong_option(
    segcli: Segcli, tmp_path: Path, option: str, places: Sequence[str]
) -> None:
    """Exit code 3 would mean that a run has started and stopped."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        for place in places:
            said = segcli("send", "-d", "webhook", "--sandbox", option, place, "events.jsonl")

            assert said.code == 2, (place, said.err)
            assert place in said.err
            assert said.err.endswith(f"{option} PATH\n"), place


def test_state_that_is_no_regular_file_is_a_wrong_option(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "vip.csv").write_text("user_id\nu1\n")
    os.mkfifo(tmp_path / "state.lock")
    for place in ("state", "vip.csv/x"):
        said = segcli(
            *("engage", "audience", "VIP", "vip.csv", "-d", "webhook", "--sandbox"),
            *("--state", place),
        )
        assert said.code == 2, said.err
        assert "another segcli" not in said.err


def test_report_in_a_read_only_folder_is_refused(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    access = os.access
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode, **more: Path(path).name != "closed" and access(path, mode, **more),
    )
    said = segcli("transform", "events.jsonl", "--report", "closed/report.json")

    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        f"Error: --report closed/report.json: the folder {tmp_path / 'closed'} is not writable",
        "Name another file: --report PATH",
    ]


def test_sandbox_keep_refuses_a_file_that_has_no_payloads(segcli: Segcli, tmp_path: Path) -> None:
    before = state_of(tmp_path)
    said = segcli("sandbox", "--port", "0", "--keep", CONFIG)

    assert said.err.splitlines() == [
        f"Error: --keep {CONFIG} exists already, and is not a payload file",
        "Name another file: --keep PATH",
    ]
    said = segcli("sandbox", "--port", "0", "--keep", "missing/kept")
    assert "Error: --keep missing/kept: the folder missing does not exist\n" in said.err
    assert state_of(tmp_path) == before


def test_a_dash_is_not_the_name_of_an_output(segcli: Segcli, tmp_path: Path) -> None:
    sample = SAMPLES / "checkout.jsonl"
    rehearsal = ("send", "--dest", "gist", "--sandbox", sample)
    write_events = ("--report", "--rejects", "--journal", "--log-file", "--metrics", "--keep")
    commands = [
        *((*rehearsal, option, "-") for option in write_events),
        ("check", "--output", "json=-", sample),
        ("check", "--expect", "-", sample),
        ("capture", "--output", "-", "--", "true"),
    ]
    for words in commands:
        said = segcli(*words)

        assert said.code == 2
        assert "- is not a file; stdout is /dev/stdout" in said.err
        assert not (tmp_path / "-").exists()
