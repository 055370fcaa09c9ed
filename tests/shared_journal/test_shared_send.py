"""`send` with a shared journal: another machine goes on, in a folder and in S3."""

import json
import math
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.destination_file import ACME, changed, with_oauth
from support.fakes import (
    PATIENCE,
    Answer,
    CommandResult,
    ReceivedRequest,
    Vendor,
    records,
    track,
    tracks,
    wait_until,
    write_events,
)
from support.fork_server import ForkedProcess, ForkServer
from support.journals import delivered
from support.resuming import LimitedVendor, Segcli, Serve, to_webhook
from support.s3 import Bucket
from support.shared_journals import Clock, begun, put

import segcli as program
from segcli.runs import send_start
from segcli.shared_journal import lease_clock
from segcli.shared_journal.folder_store import FolderStore
from segcli.shared_journal.log import Log
from segcli.shared_journal.log_state import read_state
from segcli.shared_journal.take_over import LEASE as LEASE_SECONDS

Machine = Callable[..., ForkedProcess]

EVENTS = 450
USERS = 60
IN_FLIGHT = 8
# Less waiting for older attempts: their last requests are over sooner.
LEASE = {"segcli.shared_journal.take_over.LEASE": 2.0}
LOG = "log.ndjson"
BAD = 210
REFUSED = 241


@dataclass(slots=True)
class RecordingVendor:
    """A vendor that kills a run, or does something else, once it has taken a number of events.

    at: that number.
    happens: what it does then.
    most: how many events it takes; it answers 503 to others.
    """

    at: int
    happens: Callable[[], object]
    most: float = math.inf
    numbers: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, got: ReceivedRequest) -> Answer:
        number = int(json.loads(got.body)["messageId"][1:])
        with self.lock:
            if len(self.numbers) >= self.most:
                return Answer(503)
            if number != REFUSED:
                self.numbers.append(number)
            if len(self.numbers) == self.at:
                self.at = 0
                self.happens()
        return Answer(400 if number == REFUSED else 200)


@pytest.fixture
def events() -> list[dict[str, Any] | bytes]:
    found = [track(number, f"u{number % USERS}") for number in range(EVENTS)]
    return [*found[:BAD], b"no JSON", *found[BAD:]]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return f"{tmp_path}/shared/"
    return f"{request.getfixturevalue('bucket')}/jobs/one"


@pytest.fixture
def machine(
    tmp_path: Path, clean_environment: dict[str, str], forking: ForkServer
) -> Iterator[Machine]:
    """Start a run on another machine: another name, another folder, another home."""
    started: list[ForkedProcess] = []

    def start(name: str, *arguments: object) -> ForkedProcess:
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        aws = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
        env = clean_environment | aws | {"HOME": str(home)}
        words = [*map(str, arguments)]
        process = forking.start(words, cwd=home, env=env, host=name, constants=LEASE)
        started.append(process)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def sending(vendor: Vendor, events: object, place: str) -> list[str]:
    how = ["--concurrency", str(IN_FLIGHT), "--timeout", "500ms", "--report", "report.json"]
    how += ["-v", "--log-format", "json", "--log-file", LOG]
    to = ["send", "-d", "webhook", "--endpoint", vendor.url, "--set", "api_key=horse-battery-7"]
    return [*to, *how, str(events), "--journal", place]


def ended(process: ForkedProcess) -> CommandResult:
    out, err = process.communicate(timeout=PATIENCE)
    return CommandResult(process.returncode, out, err)


def check_repeats(numbers: list[int], *homes: Path) -> None:
    """Check that only one event a user came again, and what got no answer in time.

    On a busy machine some requests time out.
    """
    rows = [json.loads(line) for home in homes for line in (home / LOG).read_text().splitlines()]
    late = [row for row in rows if row["event"] == "retry" and "status" not in row]
    # One event a user is in flight or not recorded.
    assert len(numbers) - (EVENTS - 1) <= USERS + len(late)


def check_order(numbers: list[int]) -> None:
    for user in range(USERS):
        first = list(dict.fromkeys(number for number in numbers if number % USERS == user))
        assert all(one < other for one, other in pairwise(first)), f"u{user}"


def test_a_run_whose_machine_is_lost_continues_on_another_machine(
    place: str,
    events: list[dict[str, Any] | bytes],
    vendor: Serve,
    machine: Machine,
    tmp_path: Path,
) -> None:
    started: Future[ForkedProcess] = Future()
    recording_vendor = RecordingVendor(EVENTS // 3, lambda: started.result(PATIENCE).kill())
    command = sending(
        vendor(recording_vendor), write_events(tmp_path / "events.jsonl", events), place
    )
    first = machine("first", *command)
    started.set_result(first)
    killed = ended(first)
    assert killed.code == -signal.SIGKILL, killed.err

    refused = ended(machine("second", *command))
    assert refused.code == 2
    assert "--resume" in refused.err
    assert "Sending" not in refused.err
    done = ended(machine("second", *command, "--resume"))

    assert done.code == 1, done.err
    assert set(recording_vendor.numbers) == set(range(EVENTS)) - {REFUSED}, "nothing is lost"
    check_repeats(recording_vendor.numbers, tmp_path / "first", tmp_path / "second")
    check_order(recording_vendor.numbers)
    report = json.loads((tmp_path / "second" / "report.json").read_bytes())
    assert report["read_over_all_runs"] == EVENTS + 1
    assert report["ledger_over_all_runs"]["delivered"] == EVENTS - 1
    kept = records(tmp_path / "second" / "webhook.rejects.ndjson")
    assert sorted(row["line"] for row in kept) == [BAD + 1, REFUSED + 2]
    assert ended(machine("third", *command, "--resume")).code == 2


def test_the_older_of_two_concurrent_attempts_stops(
    place: str,
    events: list[dict[str, Any] | bytes],
    vendor: Serve,
    machine: Machine,
    tmp_path: Path,
) -> None:
    has_begun = threading.Event()
    # Not all, however long the newer one takes to begin.
    recording_vendor = RecordingVendor(40, has_begun.set, most=EVENTS // 2)
    path = write_events(tmp_path / "events.jsonl", events)
    command = sending(vendor(recording_vendor), path, place)
    # Slow, so that it is in the middle of them when the other one takes over.
    older = machine("older", *command, "--rate", "30/s")
    wait_until(lambda: has_begun.is_set() or older.poll() is not None)
    assert has_begun.is_set(), ended(older).err
    newer = machine("newer", *command, "--resume")
    stopped = ended(older)
    recording_vendor.most = math.inf
    done = ended(newer)

    assert stopped.code == 3
    assert "another attempt has taken over the journal " in stopped.err
    assert f": process {newer.pid} on newer, since 20" in stopped.err
    assert "--resume" not in stopped.err
    assert done.code == 1, done.err
    assert set(recording_vendor.numbers) == set(range(EVENTS)) - {REFUSED}
    check_repeats(recording_vendor.numbers, tmp_path / "older", tmp_path / "newer")
    check_order(recording_vendor.numbers)


def test_a_take_over_says_how_long_it_waits(
    segcli: Segcli, vendor: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lease_clock, "seconds", lambda: 1000.0)
    waits: list[float] = []
    monkeypatch.setattr(send_start, "time", SimpleNamespace(sleep=waits.append))
    put(begun(tmp_path / "shared", timeout=20.0), delivered(1))
    at = vendor(lambda _: Answer())
    write_events(tmp_path / "events.jsonl", tracks(1))
    how = ["--journal", f"{tmp_path}/shared/", "--restart", "events.jsonl"]
    said = segcli("send", "-d", "webhook", "--endpoint", at.url, "--set", "api_key=k", *how)

    assert said.code == 0, said.err
    assert "An earlier attempt has not ended; its last request is over in 25 s." in said.err
    assert waits == [25.0]


def test_no_key_is_in_an_object(bucket: Bucket, segcli: Segcli, vendor: Serve) -> None:
    keys = ("horse-battery-7", "hidden-in-the-url")

    def refusing(got: ReceivedRequest) -> Answer:
        text = b" ".join([got.body, *(value.encode() for value in got.headers.values())])
        return Answer(401 if b'"m3"' in got.body else 400, body=text)

    write_events(Path("events.jsonl"), tracks(5))
    to = ["send", "-d", "webhook", "--endpoint", f"{vendor(refusing).url}/?k={keys[1]}"]
    how = ["--set", f"api_key={keys[0]}", "--concurrency", "1", "--journal", f"{bucket}/jobs"]
    said = segcli(*to, *how, "events.jsonl")

    assert said.code == 3, said.err
    listed = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"]
    objects = [
        bucket.client.get_object(Bucket=bucket.name, Key=one["Key"])["Body"].read()
        for one in listed
    ]
    assert len(objects) > 3
    assert any(b'"kept"' in content for content in objects)
    for key in (*keys, os.environ["AWS_SECRET_ACCESS_KEY"]):
        assert not [content for content in objects if key.encode() in content]


def test_an_event_that_waited_for_a_token_is_not_sent_after_a_take_over(
    segcli: Segcli, vendor: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock()
    monkeypatch.setattr(lease_clock, "seconds", lambda: clock.now)
    (tmp_path / "acme.json").write_text(json.dumps(changed(ACME, with_oauth())))
    monkeypatch.setenv("SEGCLI_ACME_CLIENT_SECRET", "horse-battery-7")

    def answers(got: ReceivedRequest) -> Answer:
        if got.path == "/token":
            # It takes so long that the newer attempt has waited for the last request.
            store = FolderStore(tmp_path / "shared")
            log = Log(store, read_state(store))
            log.claim(replace(log.state.open_claims[-1], host="newer"), only_next=False)
            clock.pass_time(LEASE_SECONDS + 31)
        return Answer(body=b'{"access_token": "tok-5f2c8e1b9d"}')

    at = vendor(answers)
    to = ["send", "-d", "./acme.json", "--endpoint", at.url, "--set", "client_id=me"]
    how = ["--set", f"token_url={at.url}/token", "--journal", f"{tmp_path}/shared/"]
    said = segcli(*to, *how, write_events(tmp_path / "events.jsonl", tracks(3, users=1)))

    assert said.code == 3, said.err
    assert "another attempt has taken over the journal" in said.err
    assert [got.path for got in at.got] == ["/token"]


def test_the_python_interface_resumes_a_shared_journal_with_its_rejects(
    place: str, vendor: Serve, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor(left=2)
    settings = {"endpoint": vendor(limited_vendor).url}
    path = write_events(tmp_path / "events.jsonl", [b"no JSON", *tracks(5)])

    def send(**more: Any) -> "program.Report":
        return program.send(
            path, dest="webhook", settings=settings, journal=place, concurrency=1, **more
        )

    with pytest.raises(program.Stopped) as stopped:
        send()
    assert "resume=True" in stopped.value.hint
    with pytest.raises(program.UsageError, match="was not finished"):
        send()
    limited_vendor.accept_all()
    report = send(resume=True)

    assert limited_vendor.taken == ["m0", "m1", "m2", "m3", "m4"]
    assert [kept["line"] for kept in report.rejects] == [1]
    assert report.ledger_over_all_runs["delivered"] == 5


def test_a_journal_among_the_inputs_is_refused(
    bucket: Bucket, segcli: Segcli, tmp_path: Path
) -> None:
    bucket.put("in/events.jsonl", write_events(tmp_path / "events.jsonl", tracks(1)).read_bytes())
    to = ["send", "-d", "webhook", "--endpoint", "https://vendor.example"]
    Path("in").mkdir()
    write_events(Path("in/events.jsonl"), tracks(1))
    for inputs, place in (
        (f"{bucket}/in", f"{bucket}/in/journal"),
        (f"{bucket}/in/", f"{bucket}/in"),
        ("in", "in/journal/"),
        ("in", "in"),
    ):
        said = segcli(*to, inputs, "--journal", place)
        assert said.code == 2
        assert "would become an input" in said.err or "is also an input" in said.err


def test_an_unusable_place_for_a_journal_is_an_error(
    bucket: Bucket, segcli: Segcli, tmp_path: Path
) -> None:
    write_events(tmp_path / "events.jsonl", tracks(1))
    to = ["send", "-d", "webhook", "--endpoint", "https://vendor.example", "events.jsonl"]
    for place, code, problem in (
        ("s3://no-such-bucket/job", 3, "the journal s3://no-such-bucket/job cannot be used: "),
        ("gopher://host/job", 2, "gopher:// is not supported"),
        (f"{bucket}/with-others", 2, "holds photo.jpg, which is no part of a journal"),
    ):
        bucket.put("with-others/photo.jpg", b"jpg")
        said = segcli(*to, "--journal", place)
        assert (said.code, problem in said.err) == (code, True), said.err


def test_a_store_without_conditional_writes_is_refused(
    bucket: Bucket, segcli: Segcli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An older store that speaks S3 ignores the header of the condition."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    app = DomainDispatcherApplication(create_backend_app)

    def ignoring(environ: dict[str, Any], start: Any) -> Any:
        environ.pop("HTTP_IF_NONE_MATCH", None)
        return app(environ, start)

    server = make_server("127.0.0.1", 0, ignoring, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    write_events(tmp_path / "events.jsonl", tracks(1))
    try:
        said = segcli(*to_webhook("https://vendor.example", "events.jsonl", "--journal", bucket))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

    assert said.code == 2
    assert f"{bucket} cannot hold a journal: its store replaces an object" in said.err
    assert "Name a place in S3" in said.err
