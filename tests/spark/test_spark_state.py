"""The state of a send on Spark: runs, waves, halts and rates, and an account that adds up."""

import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.fakes import CommandResult, wait_until
from support.replay import acme_file
from support.samples import KEY, line_of
from support.tables import for_each

import segcli
import segcli.spark
from segcli.core.line import Line, Result
from segcli.core.secret import Secret
from segcli.delivery.rate import SharedRate
from segcli.errors import InputError, OutputError, SettingsError, UsageError
from segcli.inputs import Input
from segcli.journal.checkpoint import Checkpoint, Header
from segcli.shared_journal.folder_store import FolderStore
from segcli.spark import account, control, job_state
from segcli.spark.bucket_log import (
    FileAccount,
    bucket_of,
    pending_rows,
    save_accounts,
    saved_accounts,
    take_over_bucket,
)
from segcli.spark.executor import key_source, keys_from
from segcli.spark.job_state import StatePlace, state_at
from segcli.spark.rate_shares import TaskUse
from segcli.spark.session import check_session

HEADER = Header(destination="gist", endpoint="https://api.example", inputs=["/archive"])


@pytest.fixture
def state(tmp_path: Path) -> StatePlace:
    return state_at(str(tmp_path / "state"))


def begun(state: StatePlace, *, waves: int = 2, buckets: int = 2) -> job_state.SparkRun:
    header = {
        "header": {"destination": "gist", "endpoint": "https://api.example"},
        "waves": [[number, number] for number in range(waves)],
        "buckets": buckets,
        "files": [["/a", "1"], ["/b", "2"]],
        "began": "2026-02-03T10:00:00+00:00",
        "host": "driver",
    }
    return job_state.begin_job(state, header)


def settle(state: StatePlace, wave: str, bucket: int, *results: Result) -> None:
    """Write results to the log of a bucket, as a task does."""

    async def write_events() -> None:
        for one in results:
            journal.settle(one)
        await journal.synced()
        journal.end(finished=True)

    import asyncio

    journal = take_over_bucket(
        state.bucket(wave, bucket), HEADER, timeout=1.0, lines=lambda _past: iter(())
    )
    asyncio.run(write_events())


def test_a_bucket_is_the_same_on_every_machine() -> None:
    assert [bucket_of(user, 1024) for user in ("u1", "user-2", "Zoë", "")] == [886, 942, 554, 0]


def test_a_later_run_halts_the_earlier_ones_and_continues_their_job(state: StatePlace) -> None:
    first = begun(state)
    resumed = job_state.resume_job(state, first)
    found = job_state.latest_job(state)

    assert (resumed.number, resumed.job, resumed.header) == (2, 1, first.header)
    assert found == resumed
    assert control.Control(state.control(1)).reason_to_halt() == "run 2 has taken over"
    assert control.Control(state.control(2)).reason_to_halt() == ""
    job_state.end_run(state, resumed)
    assert not job_state.is_running(state, resumed)
    assert begun(state).job == 3
    assert control.Control(state.control(2)).reason_to_halt() == ""


def test_the_account_is_that_of_complete_waves_and_of_logs(state: StatePlace) -> None:
    run = begun(state)
    lines = [Line("/a", number, b"{}", 0) for number in range(1, 6)]
    for wave, settled in ((0, 5), (1, 3)):
        name = run.wave(wave)
        one = FileAccount(wave, "/a", "1", lines=7, rows=5)
        one.skipped["blank line"] = 2
        save_accounts(state.files(name), [one])
        settle(
            state,
            name,
            1,
            Result(lines[:1], "refused", "HTTP 422: no"),
            Result(lines[1:settled], "delivered"),
        )
    done = account.account_of_wave(state, run.wave(0), 2)
    job_state.wave_is_done(state, run, 0, done.document())

    found = account.account_of_job(state, run)
    tally = found.tally()

    assert (found.files, tally.read, tally.delivered, tally.refused) == (2, 14, 6, 2)
    assert (tally.skipped, tally.unsent) == (4, 2)
    assert account.account_from(json.loads(json.dumps(done.document()))) == done
    kept = [json.loads(record) for record in account.kept_records(state, run)]
    assert [(one["file"], one["line"], one["state"]) for one in kept] == [
        ("/a", 1, "refused"),
        ("/a", 1, "refused"),
    ]


def test_a_forgotten_job_can_be_written_by_no_attempt(state: StatePlace) -> None:
    run = begun(state, waves=1)
    place = state.bucket(run.wave(0), 0)
    journal = take_over_bucket(place, HEADER, timeout=1.0, lines=lambda _past: iter(()))

    account.fence_job(state, run)
    journal.settle(Result([Line("/a", 1, b"{}", 0)], "delivered"))
    journal.end(finished=True)

    assert account.account_of_wave(state, run.wave(0), 2).totals.total() == 0


def test_each_attempt_of_a_task_saves_the_account_of_its_files_once(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    cut = FileAccount(3, "/a", "1", lines=1, problem="/a:2: cut")
    whole = FileAccount(3, "/a", "1", lines=9)

    for accounts in ([cut], [cut], [whole], [whole], []):
        save_accounts(store, accounts)

    assert saved_accounts(store) == [whole.document()]
    assert len(store.names()) == 2


def test_rows_out_of_order_are_never_sent() -> None:
    def rows(*lines: int) -> SimpleNamespace:
        columns = [[], [], [0] * len(lines), lines, [-1] * len(lines), [b"{}"] * len(lines)]
        return SimpleNamespace(
            column=lambda at: SimpleNamespace(to_pylist=lambda: columns[at]),
        )

    past = Checkpoint(HEADER)
    past.apply({"lines": [(0, 1, 2)]})
    read = pending_rows(iter([rows(1, 3), rows(4)]), {0: "/a"})(past)

    assert [line.number for some in read for line in some.lines] == [3, 4]
    with pytest.raises(RuntimeError, match="out of order"):
        list(pending_rows(iter([rows(3), rows(2)]), {0: "/a"})(past))


def quick_controls(folder: Path, count: int) -> list[control.Control]:
    found = [control.Control(FolderStore(folder)) for _ in range(count)]
    for one in found:
        one.every = 0.01
    return found


def shares_of(rates: Sequence[SharedRate]) -> list[tuple[float | None, int | None]]:
    return [(rate.per_second, rate.in_flight) for rate in rates]


def test_a_task_is_told_its_share_and_why_to_halt(tmp_path: Path) -> None:
    driver, *tasks = quick_controls(tmp_path, 3)
    rates = [SharedRate(1.0, in_flight=1) for _ in tasks]
    halts: list[str] = []
    one, other = (
        control.TaskWatch(task, bucket, rate, on_halt=halts.append)
        for bucket, (task, rate) in enumerate(zip(tasks, rates, strict=True))
    )

    division = control.RateDivision(driver, 90.0, concurrency=8, slots=2, buckets=2)
    with division.dividing(), one.watching(), other.watching():
        with other.sending():
            with one.sending():
                wait_until(lambda: shares_of(rates) == [(45.0, 3), (45.0, 3)])
            # The rate is there for the last task alone.
            wait_until(lambda: shares_of(rates)[1] == (90.0, 6))
        driver.halt("the key is wrong")
        driver.halt("later")
        wait_until(lambda: len(halts) == 2)

    assert set(halts) == {"the key is wrong"}
    assert driver.look().ended == {0: 0, 1: 0}
    assert not driver.look().reports


def test_without_a_rate_the_requests_in_flight_are_divided(tmp_path: Path) -> None:
    driver, task = quick_controls(tmp_path, 2)
    rate = SharedRate(None, in_flight=4)
    watch = control.TaskWatch(task, 0, rate, on_halt=str)

    division = control.RateDivision(driver, None, concurrency=8, slots=2, buckets=2)
    with division.dividing(), watch.watching(), watch.sending():
        driver.ended(1)
        wait_until(lambda: rate.in_flight == 7)

    assert rate.per_second is None


def test_another_attempt_at_a_bucket_counts_on(tmp_path: Path) -> None:
    driver, task = quick_controls(tmp_path, 2)
    lost = driver.report(3, TaskUse(7, 40, 1.5), [])
    rate = SharedRate(10.0)
    watch = control.TaskWatch(task, 3, rate, on_halt=str)

    with watch.watching(), watch.sending():
        wait_until(lambda: driver.look().running[3].report > 7)
        rate.take(0.0)
        wait_until(lambda: driver.look().sent == 41)
        assert lost not in driver.look().reports[3]

    assert driver.look().ended == {3: 41}


def test_a_task_that_fails_is_neither_running_nor_ended(tmp_path: Path) -> None:
    driver, task = quick_controls(tmp_path, 2)
    watch = control.TaskWatch(task, 3, SharedRate(10.0), on_halt=str)

    def fail() -> None:
        with watch.watching(), watch.sending():
            wait_until(lambda: 3 in driver.look().running)
            raise KeyError(3)

    with pytest.raises(KeyError):
        fail()

    found = driver.look()
    assert (found.running, found.ended, found.reports) == ({}, {}, {})


def test_a_wave_begins_without_what_another_has_written(tmp_path: Path) -> None:
    [driver] = quick_controls(tmp_path, 1)
    driver.halt("stays")
    shares = control.TaskShares({5: control.Share(1.5, 2)}, control.Share(0.0, 1))
    for number in (1, 2, 3):
        driver.write_shares(number, shares)
    driver.ended(1, 20)
    driver.report(2, TaskUse(1, 5, 0.0), [])
    found = driver.look()

    assert (found.halts, found.rate, found.sent, found.ended) == (True, 3, 25, {1: 20})
    assert driver.shares(3) == driver.shares(2) == shares
    assert driver.shares(1) is None
    assert shares.of(5) == control.Share(1.5, 2)
    assert shares.of(6) == shares.others
    driver.begin_wave()
    assert driver.look() == control.Look(halts=True, rate=0, running={}, ended={}, reports={})


def test_an_executor_has_the_key_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(f"{KEY}\nother\n")
    monkeypatch.setenv("VENDOR_KEY", KEY)

    keys = keys_from(
        {"a": key_source("env:VENDOR_KEY"), "b": key_source(f"file:{tmp_path}/key")},
    )

    assert keys == {"a": Secret(KEY), "b": Secret(KEY)}
    for text, error in (
        (KEY, UsageError),
        ("env:", UsageError),
        ("env:NONE_SUCH", SettingsError),
        (f"file:{tmp_path}/none", SettingsError),
    ):
        with pytest.raises(error) as raised:
            key_source(text).key()
        assert KEY not in f"{raised.value} {raised.value.hint}"


def test_a_key_file_of_an_executor_without_a_key_is_named_with_what_to_do(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    with pytest.raises(SettingsError) as raised:
        key_source(f"file:{empty}").key()

    assert raised.value.message == f"--api-key-from file:{empty}: the first line is empty"
    assert raised.value.hint.startswith("Write the key into the first line")


def test_speculation_and_old_versions_are_refused() -> None:
    def session(version: str, **conf: str) -> SimpleNamespace:
        get = lambda key, default: conf.get(key.removeprefix("spark."), default)  # noqa: E731
        return SimpleNamespace(version=version, conf=SimpleNamespace(get=get))

    check_session(session("3.5.6"))
    for one, problem in (
        (session("4.0.1", speculation="true"), "spark.speculation is true"),
        (session("3.4.4"), "Spark 3.4.4 is too old"),
    ):
        with pytest.raises(UsageError, match=problem):
            check_session(one)


def test_status_and_rejects_need_no_spark(
    state: StatePlace, segcli: Callable[..., CommandResult], tmp_path: Path
) -> None:
    run = begun(state, waves=1)
    line = Line("/a", 2, b"{", 0)
    save_accounts(state.files(run.wave(0)), [FileAccount(0, "/a", "1", lines=3, rows=3)])
    settle(state, run.wave(0), 0, Result([line], "rejected", "not JSON", code="SEG101"))

    shown = segcli("spark", "status", tmp_path / "state")
    kept = segcli("spark", "rejects", tmp_path / "state")
    none = segcli("spark", "status", tmp_path / "other")

    assert shown.code == kept.code == 0
    assert "to gist at https://api.example" in shown.out
    assert "0 of 1 complete" in shown.out
    assert "1  rejected" in shown.out
    assert "2  unsent" in shown.out
    assert json.loads(kept.out)["raw"] == "{"
    assert none.code == 2
    assert "there is no job at" in none.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("transform", "--out", "o"), "there is no module pyspark"),
        (("transform", "--out", "o", "--limit", "3"), "--limit cannot be used on Spark"),
        (("transform", "--out", "o", "--rejects", "r"), "--rejects cannot be used on Spark"),
        (("transform", "--out", "o", "--outcomes"), "--outcomes needs NDJSON"),
        (("check", "--expect", "golden"), "--expect cannot be used on Spark"),
        (("send", "--state", "s"), "gist needs api_key"),
        (("send", "--state", "s", "--api-key-from", KEY), "--api-key-from names no source"),
        (("send", "--state", "s", "--api-key-from", "env:K"), "there is no module pyspark"),
        (("send", "--state", "archive/s", "--api-key-from", "env:K"), "is below the input"),
    ],
)
def test_what_cannot_be_is_an_error_with_what_to_do(
    words: tuple[str, ...],
    problem: str,
    segcli: Callable[..., CommandResult],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)

    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "events.jsonl").write_bytes(line_of())

    said = segcli("spark", words[0], archive, "-d", "gist", *words[1:])

    assert said.code == 2
    assert problem in said.err
    assert KEY not in said.err


@for_each(
    ("name", "only_here"),
    [
        ("transform", {"limit"}),
        ("check", {"limit", "expect", "baseline", "keep_all", "jobs"}),
        ("send", {"limit", "journal", "rejects", "http_transport", "on_progress", "concurrency"}),
    ],
)
def test_functions_for_spark_have_the_arguments_of_those_for_one_machine(
    name: str, only_here: set[str]
) -> None:
    one, spark = (
        inspect.signature(getattr(module, name)).parameters for module in (segcli, segcli.spark)
    )

    shared = one.keys() - only_here - {"inputs"}
    assert shared <= spark.keys()
    assert [spark[each] for each in sorted(shared)] == [one[each] for each in sorted(shared)]


def test_the_command_line_imports_nothing_of_spark() -> None:
    code = (
        "import sys, segcli.cli.commands.spark, segcli.spark\n"
        "print({'pyspark', 'pyarrow', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "set()\n"


def test_a_store_that_cannot_be_written_is_an_error_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OutputError, match=r"the state .* cannot be used"):
        begun(state_at(str(tmp_path / "file" / "state")))


def test_only_the_same_files_can_be_resumed() -> None:
    pytest.importorskip("pyarrow")
    from segcli.spark.delivery import check_same_files

    now = [Input("/a", 1, 0, version="1"), Input("/b", 1, 1, version="2")]
    check_same_files([["/a", "1"], ["/b", "2"]], now)
    for before, problem in (
        ([["/a", "0"], ["/b", "2"]], "/a has changed"),
        ([["/a", "1"], ["/b", "2"], ["/c", "3"]], "/c is missing"),
        ([["/a", "1"]], "/b is new"),
    ):
        with pytest.raises(InputError, match=problem):
            check_same_files(before, now)


def test_messages_to_people_are_sent_only_if_someone_has_agreed(
    segcli: Callable[..., CommandResult],
    events: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    dest = acme_file(tmp_path, {"messages": "yes"})
    words = ("spark", "send", events(line_of()), "-d", dest, "--set", "api_key=k", "--state", "s")

    refused, agreed = segcli(*words), segcli(*words, "--yes")

    assert (refused.code, agreed.code) == (2, 2)
    assert "acme starts messages to people for old events too; nothing was sent" in refused.err
    assert "there is no module pyspark" in agreed.err
