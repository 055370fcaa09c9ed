"""`segcli.send`, as a notebook or a task of a workflow uses it."""

import asyncio
import io
import json
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.fakes import (
    Answer,
    ReceivedRequest,
    Vendor,
    records,
    report_in,
    track,
    tracks,
    write_events,
)
from support.resuming import LimitedVendor
from support.samples import KEY, Run

import segcli
from segcli.accounting.held_rejects import MAX_HELD
from segcli.sandbox import SandboxServer

StartSandbox = Callable[..., SandboxServer]
Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]


def send_to(url: str, inputs: Any, **options: Any) -> segcli.Report:
    settings = {"endpoint": url, **options.pop("settings", {})}
    how = {"dest": "webhook", "concurrency": 1, **options}
    return segcli.send(inputs, settings=settings, **how)


def test_a_send_inside_a_running_loop_returns_the_report(start_sandbox: StartSandbox) -> None:
    """Jupyter runs every cell inside an event loop."""
    sandbox = start_sandbox(key=KEY)
    counts: list[int] = []

    async def cell() -> segcli.Report:
        return segcli.send(
            [*tracks(20), {"type": "page"}],
            dest="pointillist",
            settings={"endpoint": sandbox.endpoint("pointillist")},
            api_key=KEY,
            on_progress=lambda tally: counts.append(tally.read),
        )

    report = asyncio.run(cell())

    assert report.ledger == {
        "delivered": 20, "refused": 0, "rejected": 1, "skipped": 0, "unsent": 0
    }  # fmt: skip
    assert not report.ok
    assert report.exit_code == 1
    assert [kept["event"] for kept in report.rejects] == [{"type": "page"}]
    assert counts[-1] == 21


def test_the_report_is_that_of_the_command(
    start_sandbox: StartSandbox, run_segcli: Run, tmp_path: Path
) -> None:
    sandbox = start_sandbox(key=KEY)
    path = write_events(tmp_path / "events.jsonl", [*tracks(3), b"{"])
    to = ["--endpoint", sandbox.endpoint("gist"), "--set", f"api_key={KEY}"]
    run_segcli("send", "-d", "gist", *to, "--report", "report.json", path)

    report = segcli.send(
        path, dest="gist", settings={"endpoint": sandbox.endpoint("gist")}, api_key=KEY
    )

    theirs, ours = report_in(tmp_path), report.document()
    assert list(ours) == list(theirs)
    varying = {"started", "seconds", "latency_ms", "rejects", "rejects_from", "series"}
    # The command writes them to a file, and the program holds them.
    assert (theirs["rejects_from"], ours["rejects_from"]) == (0, None)
    assert ours["series"][-1]["ledger"] == theirs["series"][-1]["ledger"] == ours["ledger"]
    assert {name: ours[name] for name in ours.keys() - varying} == {
        name: theirs[name] for name in theirs.keys() - varying
    }
    assert json.loads(json.dumps(ours)) == ours
    assert pickle.loads(pickle.dumps(report)) == report


def test_the_order_of_a_user_is_kept(vendor: Serve) -> None:
    limited_vendor = LimitedVendor()
    report = send_to(vendor(limited_vendor).url, tracks(50), concurrency=10)
    assert report.ok
    for user in range(3):
        taken = [name for name in limited_vendor.taken if int(name[1:]) % 3 == user]
        assert taken == sorted(taken, key=lambda name: int(name[1:]))


def test_a_stopped_send_raises_with_its_report_and_can_be_continued(
    vendor: Serve, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor(left=2)
    url, journal = vendor(limited_vendor).url, tmp_path / "job.journal"
    path = write_events(tmp_path / "events.jsonl", tracks(5))

    with pytest.raises(segcli.Stopped, match="401") as raised:
        send_to(url, path, journal=journal)
    assert raised.value.exit_code == 3
    assert raised.value.report.ledger["delivered"] == 2
    assert raised.value.report.ledger["unsent"] == 3
    assert "resume=True" in raised.value.hint
    assert "export" not in raised.value.hint
    with pytest.raises(segcli.UsageError, match="was not finished") as refused:
        send_to(url, path, journal=journal)
    assert refused.value.hint.startswith("Add resume=True to continue")
    limited_vendor.accept_all()
    report = send_to(url, path, journal=journal, resume=True)

    assert report.ok
    assert report.ledger_over_all_runs["delivered"] == 5
    assert limited_vendor.taken == ["m0", "m1", "m2", "m3", "m4"]
    assert not journal.exists()


def test_rejects_in_memory_survive_with_the_journal(vendor: Serve, tmp_path: Path) -> None:
    limited_vendor = LimitedVendor(left=2)
    url, journal = vendor(limited_vendor).url, tmp_path / "job.journal"
    poison = track(0, note="POISON", big=12345678901234567890123)
    path = write_events(tmp_path / "events.jsonl", [poison, *tracks(4)])
    with pytest.raises(segcli.Stopped) as raised:
        send_to(url, path, journal=journal)
    assert [kept["event"] for kept in raised.value.report.rejects] == [poison]
    limited_vendor.accept_all()

    report = send_to(url, path, journal=journal, resume=True)

    assert [(kept["state"], kept["event"]) for kept in report.rejects] == [("refused", poison)]
    assert report.ledger_over_all_runs["refused"] == 1
    assert sorted(os.listdir(tmp_path)) == ["events.jsonl"]


def test_rejects_of_a_journal_go_to_the_file_that_a_later_run_names(
    vendor: Serve, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor(left=2)
    url, journal, rejects = (
        vendor(limited_vendor).url,
        tmp_path / "job.journal",
        tmp_path / "rejects",
    )
    path = write_events(tmp_path / "events.jsonl", [b"{", *tracks(4), b"["])
    with pytest.raises(segcli.Stopped):
        send_to(url, path, journal=journal)
    limited_vendor.accept_all()

    report = send_to(url, path, journal=journal, resume=True, rejects=rejects)

    assert [kept["line"] for kept in records(rejects)] == [1, 6]
    assert report.rejects == ()
    assert report.rejects_file == str(rejects)


def test_more_rejects_than_memory_holds_stop_the_run(vendor: Serve, tmp_path: Path) -> None:
    url = vendor(LimitedVendor()).url
    lines = [b"{"] * (MAX_HELD + 1)
    assert len(send_to(url, lines[1:]).rejects) == MAX_HELD

    with pytest.raises(segcli.Stopped, match="rejects are held in memory") as raised:
        send_to(url, [*lines, json.dumps(track()).encode()])
    report = raised.value.report
    assert sum(report.ledger.values()) == report.read
    assert send_to(url, lines, rejects=tmp_path / "rejects").ledger["rejected"] == MAX_HELD + 1


def test_an_interrupt_in_the_thread_of_the_caller_stops_the_run_and_is_raised_again(
    vendor: Serve, tmp_path: Path
) -> None:
    journal, sent = tmp_path / "job.journal", threading.Event()

    def answers(_got: ReceivedRequest) -> Answer:
        sent.set()
        return Answer()

    def interrupt() -> None:
        sent.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    path = write_events(tmp_path / "events.jsonl", tracks(20_000))
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(KeyboardInterrupt) as raised:
        send_to(vendor(answers).url, path, journal=journal)

    report: segcli.Report = raised.value.report  # type: ignore[attr-defined]
    assert report.exit_code == 130
    assert 0 < report.ledger["delivered"] < 20_000
    assert sum(report.ledger.values()) == report.read
    assert "resume=True" in raised.value.__notes__[0]
    assert journal.exists()
    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert not [one for one in threading.enumerate() if one.name == "segcli-send"]


def test_an_error_of_on_progress_stops_the_run_and_is_raised(vendor: Serve) -> None:
    def fail(_tally: segcli.Tally) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        send_to(vendor(LimitedVendor()).url, tracks(3), on_progress=fail)


def test_an_error_of_the_iterable_is_raised_with_what_was_sent(vendor: Serve) -> None:
    def failing() -> Iterator[dict[str, Any]]:
        yield track()
        raise LookupError("the database is gone")

    with pytest.raises(LookupError, match="the database is gone"):
        send_to(vendor(LimitedVendor()).url, failing())


def test_a_send_works_in_any_thread_and_leaves_the_signals_alone(vendor: Serve) -> None:
    reports: list[segcli.Report] = []
    url = vendor(LimitedVendor()).url
    threads = [
        threading.Thread(target=lambda: reports.append(send_to(url, tracks(5)))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.ok for report in reports] == [True, True]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"resume": True}, "there is no journal to continue"),
        ({"journal": "j", "resume": True, "restart": True}, "resume=True and restart=True"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "until 2026-02-01 is not later than"),
        ({"journal": "j", "rejects": "j"}, "rejects j is also journal"),
        ({"rate": "fast"}, "rate: 'fast' is not a rate"),
        ({"rate": 0}, "rate: 0 is not a rate"),
        ({"concurrency": 0}, "concurrency must be at least 1"),
        ({"http_transport": "curl"}, "there is no transport 'curl'"),
        ({"api_key": "k", "settings": {"api_key": "k"}}, "given as api_key"),
        ({"endpoint": "http://vendor.example", "api_key": "k123"}, "unencrypted"),
        ({"dest": "gist"}, "gist needs api_key"),
    ],
)
def test_a_mistake_is_an_error_before_anything_is_sent(
    options: dict[str, Any], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = options.pop("endpoint", "https://vendor.example")
    with pytest.raises(segcli.UsageError, match=problem):
        send_to(url, [track()], **options)
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_written_is_no_input(tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.jsonl", [track()])
    for option in ("journal", "rejects"):
        for inputs in (path, tmp_path):
            with pytest.raises(segcli.UsageError, match=r"is also an input|would become an input"):
                send_to("https://vendor.example", inputs, **{option: path})


def test_no_key_is_in_a_report_an_error_or_a_traceback(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(key="another-key-of-the-vendor")
    wrong = "wrong-key-123456"
    with pytest.raises(segcli.Stopped) as raised:
        segcli.send(
            [track()],
            dest="pointillist",
            settings={"endpoint": sandbox.endpoint("pointillist")},
            api_key=segcli.Secret(wrong),
        )
    whole = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    ours = [text for text in whole.format() if "test_api_send" not in text]
    assert wrong not in "".join(ours)
    assert wrong not in repr(raised.value.report)
    assert wrong not in raised.value.hint


def test_a_run_of_an_iterable_is_continued_with_the_same_events(
    vendor: Serve, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor(left=2)
    url, journal = vendor(limited_vendor).url, tmp_path / "job.journal"
    with pytest.raises(segcli.Stopped):
        send_to(url, iter(tracks(5)), journal=journal)
    limited_vendor.accept_all()
    with pytest.raises(segcli.InputError, match="events"):
        send_to(url, [track(9), *tracks(4)], journal=journal, resume=True)
    with pytest.raises(segcli.InputError, match="the run to resume read events"):
        send_to(url, io.BytesIO(b"{}"), journal=journal, resume=True)

    assert send_to(url, iter(tracks(5)), journal=journal, resume=True).ok
    assert limited_vendor.taken == ["m0", "m1", "m2", "m3", "m4"]


def test_the_command_continues_the_run_of_a_program(
    vendor: Serve, tmp_path: Path, run_segcli: Run
) -> None:
    limited_vendor = LimitedVendor(left=2)
    url, journal = vendor(limited_vendor).url, tmp_path / "job.journal"
    path = write_events(tmp_path / "events.jsonl", [b"{", *tracks(5)])
    with pytest.raises(segcli.Stopped):
        send_to(url, path, journal=journal, types="track")
    limited_vendor.accept_all()

    how = ["--endpoint", url, "--journal", journal, "--resume", "--type", "track"]
    done = run_segcli("send", "-d", "webhook", *how, path)

    assert done.returncode == 1, done.stderr
    assert sorted(limited_vendor.taken) == ["m0", "m1", "m2", "m3", "m4"]
    assert [kept["line"] for kept in records(tmp_path / "webhook.rejects.ndjson")] == [1]


def test_a_file_that_holds_something_else_is_not_appended_to(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    diary.write_text("dear diary")
    linked = tmp_path / "linked.jsonl"
    os.link(write_events(tmp_path / "events.jsonl", [track()]), linked)
    for rejects, problem in ((diary, "is not a rejects file"), (linked, "is also an input")):
        with pytest.raises(segcli.UsageError, match=f"rejects {rejects}.* {problem}") as raised:
            send_to("https://vendor.example", tmp_path / "events.jsonl", rejects=rejects)
        assert "--" not in raised.value.hint
    assert diary.read_text() == "dear diary"


def test_errors_survive_the_way_to_another_process(start_sandbox: StartSandbox) -> None:
    with pytest.raises(segcli.Stopped) as raised:
        send_to(start_sandbox(key=KEY).endpoint("webhook"), [track()], settings={"api_key": "no"})
    for error in (raised.value, segcli.Interrupted("stopped", "again", signal_number=15)):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert again.exit_code == error.exit_code


def test_the_key_is_for_the_only_setting_that_is_one(vendor: Serve, tmp_path: Path) -> None:
    server = vendor(lambda _got: Answer())
    dest = tmp_path / "acme.json"
    document: dict[str, Any] = {
        "name": "acme",
        "settings": {
            "token": {"secret": True, "required": True},
            "endpoint": {"default": "https://acme.example"},
        },
        "request": {"url": "{settings.endpoint}/v1", "auth": {"bearer": "{settings.token}"}},
        "actions": [{"subscribe": 'type = "track"', "mapping": {"a": 1}}],
    }
    dest.write_text(json.dumps(document))
    settings = {"endpoint": server.url}
    assert segcli.send([track()], dest=dest, settings=settings, api_key=KEY).ok
    assert server.got[0].headers["Authorization"] == f"Bearer {KEY}"

    document["settings"]["other"] = {"secret": True, "required": True}
    document["request"]["headers"] = {"X-Other": "{settings.other}"}
    dest.write_text(json.dumps(document))
    with pytest.raises(segcli.UsageError, match=r"^api_key: acme has several keys") as raised:
        segcli.send([track()], dest=dest, settings=settings, api_key=KEY)
    assert "export" not in raised.value.hint


def test_a_program_with_a_handler_of_logging_gets_the_log(
    start_sandbox: StartSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "segcli")
    endpoint = start_sandbox(key="another-key").endpoint("gist")

    with pytest.raises(segcli.Stopped):
        send_to(endpoint, [track()], dest="gist", api_key=KEY)

    assert {"segcli.delivery", "segcli.http"} <= {record.name for record in caplog.records}
    assert "stopping: gist answered HTTP 401" in caplog.text
    assert KEY not in caplog.text


def test_a_note_on_the_inputs_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("events.jsonl", "gist.rejects.ndjson"):
        write_events(tmp_path / name, tracks(2))

    assert len(list(segcli.transform(tmp_path, dest="webhook"))) == 2
    [note] = [one for one in caplog.records if one.__dict__.get("event") == "note"]
    assert (note.name, note.levelname) == ("segcli.inputs", "WARNING")
    assert f"{tmp_path} has 1 rejects file, which is left out: " in note.getMessage()
