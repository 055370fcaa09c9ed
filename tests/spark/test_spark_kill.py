"""Lost machines: nothing is lost, each user's order is kept, and little is sent twice.

    pytest -m spark tests/spark/test_spark_kill.py --kills 5 -n 0 -s

kills each part five times, with one action and with two, and prints what the vendor received.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.archives import Archive, write_archive
from support.fakes import Answer, ReceivedRequest, vendor_server, wait_until
from support.spark_sends import judged_by_action

pytestmark = [pytest.mark.spark, pytest.mark.timeout(600)]
EVENTS, IN_FLIGHT = 1800, 16
# Beside what is in flight: what two tasks have answered and not recorded, results of a second or 32
# of them and those that came during a put.
MOST_TWICE = 200
TWO_ACTIONS = {
    "name": "two",
    "settings": {"endpoint": {"default": "https://acme.example", "help": "where"}},
    "request": {"url": "{settings.endpoint}{route}"},
    "actions": [
        {
            "name": name,
            "subscribe": 'type = "track"',
            "route": f"/{name}",
            "mapping": {"messageId": {"@path": "$.messageId"}, "action": name},
        }
        for name in ("First", "Second")
    ],
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Kill once with one action, or as often as is asked with one and with two."""
    if "actions" in metafunc.fixturenames:
        kills = metafunc.config.getoption("kills")
        counts = [1, 2] * kills or [metafunc.function.__dict__.get("actions", 1)]
        names = [f"{count} actions, {number}" for number, count in enumerate(counts)]
        metafunc.parametrize("actions", counts, ids=names, indirect=True)


class Vendor:
    """Accepts every request, and remembers its messageId and its action, in order."""

    def __init__(self, actions: Sequence[str]) -> None:
        self.actions = actions
        self.accepted: list[tuple[str, str]] = []

    def answer(self, got: ReceivedRequest) -> Answer:
        body = json.loads(got.body)
        self.accepted.append((body["messageId"], body.get("action", "")))
        return Answer()


@pytest.fixture
def actions(request: pytest.FixtureRequest) -> Sequence[str]:
    """The actions that take each event."""
    return ("First", "Second") if request.param == 2 else ("",)


@pytest.fixture
def dest(actions: Sequence[str], tmp_path: Path) -> str:
    """Return the destination that has these actions."""
    if len(actions) == 1:
        return "webhook"
    path = tmp_path / "two.json"
    path.write_text(json.dumps(TWO_ACTIONS))
    return str(path)


@pytest.fixture
def vendor(actions: Sequence[str]) -> Vendor:
    return Vendor(actions)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return write_archive(tmp_path, files=6, events=EVENTS // 6, is_cut=False, has_samples=False)


@pytest.fixture
def start(
    vendor: Vendor, dest: str, archive: Archive, tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a send on a cluster of two executors, each a process of its own."""
    if not shutil.which("java"):
        pytest.skip("there is no Java")
    pyspark = pytest.importorskip("pyspark")
    home = Path(pyspark.__file__).parent
    scala = "2.13" if pyspark.__version__ >= "4" else "2.12"
    env = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_SCALA_VERSION": scala,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "HOME": str(tmp_path),
    }
    env.pop("PYTHONWARNINGS", None)
    started: list[subprocess.Popen[str]] = []
    with vendor_server(vendor.answer) as server:

        def start(*words: str) -> subprocess.Popen[str]:
            command = [
                *(sys.executable, "-m", "segcli", "spark", "send", str(archive.folder)),
                *("-d", dest, "--endpoint", server.url, "--state", str(tmp_path / "state")),
                *("--master", "local-cluster[2,1,1024]", "--wave", "all", "--buckets", "4"),
                *(
                    "--rate",
                    f"{100 * len(vendor.actions)}/s",
                    "--concurrency",
                    str(IN_FLIGHT),
                    "--timeout",
                    "10s",
                ),
                *("--conf", "spark.ui.enabled=false", "--conf", "spark.executor.memory=1024m"),
                *("--report", str(tmp_path / "report.json"), *words),
            ]
            process = subprocess.Popen(
                command,
                cwd=tmp_path,
                env=env,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            started.append(process)
            return process

        yield start
        for process in started:
            kill(descendants(process.pid), process.pid)


def with_two_actions(test: Callable[..., None]) -> Callable[..., None]:
    """Let each event be taken by two actions, if the test runs once."""
    test.__dict__["actions"] = 2
    return test


def descendants(pid: int, *words: str) -> list[int]:
    """Return the processes below one whose command lines have all of these words."""
    children: dict[int, list[int]] = {}
    commands: dict[int, str] = {}
    for one in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            stat = Path(f"/proc/{one}/stat").read_text()
            children.setdefault(int(stat[stat.rindex(")") + 2 :].split()[1]), []).append(int(one))
            commands[int(one)] = Path(f"/proc/{one}/cmdline").read_bytes().decode(errors="replace")
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return [one for one in found if all(word in commands.get(one, "") for word in words)]


def kill(pids: Sequence[int], *more: int) -> None:
    for pid in (*pids, *more):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=400)
    return process.returncode, err


def received(vendor: Vendor, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until this many events are there."""
    while len(vendor.accepted) < count and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()[1]


def check_account(vendor: Vendor, archive: Archive, report: Path) -> None:
    found = judged_by_action(archive.folder, vendor.accepted, vendor.actions)
    sys.stdout.write(f"\n{len(vendor.actions)} action(s): {found}\n")
    ledger = json.loads(report.read_text())["ledger"]
    assert (found.events, found.lost, found.out_of_order) == (EVENTS, 0, 0)
    assert found.twice <= MOST_TWICE
    assert ledger == {
        "delivered": EVENTS,
        "refused": 0,
        "rejected": 18,
        "skipped": 6,
        "unsent": 0,
    }


@with_two_actions
def test_a_python_worker_and_an_executor_that_are_killed_lose_nothing(
    start: Callable[..., subprocess.Popen[str]],
    vendor: Vendor,
    archive: Archive,
    tmp_path: Path,
) -> None:
    process = start()
    received(vendor, 300 * len(vendor.actions), process)
    daemons = descendants(process.pid, "pyspark.daemon")
    workers = [pid for daemon in daemons for pid in descendants(daemon)]
    kill(workers[:1])
    assert workers
    received(vendor, 700 * len(vendor.actions), process)
    executors = descendants(process.pid, "CoarseGrainedExecutorBackend")
    kill(executors[:1])
    assert executors

    code, err = ended(process)

    assert code == 1, err
    check_account(vendor, archive, tmp_path / "report.json")


def test_a_driver_that_is_killed_is_resumed_by_another(
    start: Callable[..., subprocess.Popen[str]],
    vendor: Vendor,
    archive: Archive,
    tmp_path: Path,
) -> None:
    process = start()
    received(vendor, 600 * len(vendor.actions), process)
    drivers = descendants(process.pid, "SparkSubmit")
    kill(drivers, process.pid)
    process.communicate()
    assert drivers

    code, err = ended(start("--resume"))

    assert code == 1, err
    check_account(vendor, archive, tmp_path / "report.json")


def test_of_two_attempts_at_a_bucket_the_older_one_stops(
    vendor: Vendor, dest: str, archive: Archive, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    attempt = attempts_at_one_bucket(archive, dest, tmp_path / "state")
    results: dict[int, str] = {}
    with vendor_server(vendor.answer) as server:

        def run(number: int) -> None:
            try:
                results[number] = attempt(server.url)
            except Exception as error:
                results[number] = str(error)

        first, second = (threading.Thread(target=run, args=(number,)) for number in (1, 2))
        first.start()
        wait_until(lambda: len(vendor.accepted) > 200)
        second.start()
        first.join()
        second.join()

    found = judged_by_action(archive.folder, vendor.accepted, vendor.actions)
    sys.stdout.write(f"\n{len(vendor.actions)} action(s): {found}\n")
    assert "another attempt has taken over" in results[1]
    assert json.loads(results[2])["stopped"] == ""
    assert (found.lost, found.out_of_order) == (0, 0)
    assert found.twice <= MOST_TWICE


def attempts_at_one_bucket(archive: Archive, dest: str, state: Path) -> Callable[[str], str]:
    """Return what makes an attempt at the only bucket of a job; it returns the summary."""
    import pyarrow as pa

    from segcli.runs.job_request import JobRequest
    from segcli.spark import delivery
    from segcli.spark.bucket_log import bucket_of
    from segcli.spark.buckets import BucketedRows
    from segcli.spark.cluster_job import cluster_job
    from segcli.spark.control import Share
    from segcli.spark.delivery_job import DeliveryOptions, DeliveryTasks
    from segcli.spark.file_task import FileTasks
    from segcli.spark.job_state import begin_job, state_at
    from segcli.spark.manifest import encoded_task, job_files
    from segcli.spark.send_options import SparkSend
    from segcli.spark.shipped_job import shipped_with_keys, shipped_without_keys

    assert bucket_of("user", 1) == 0
    found = job_files([str(archive.folder)])
    place = state_at(str(state))
    run = begin_job(place, {})

    def attempt(endpoint: str) -> str:
        requested = JobRequest(dest=dest, settings={"endpoint": endpoint}).resolved()
        job = cluster_job(requested.spec, requested.job, found)
        send = SparkSend(state=place, buckets=1, timeout=10.0, retry_for=60.0)
        reading = FileTasks(
            rows=BucketedRows(keys=(0,), state=place, wave=run.wave(0)),
            job=shipped_without_keys(job.spec, job.job),
            tasks=(encoded_task(job.files),),
        )
        number = pa.RecordBatch.from_arrays([pa.array([0])], names=["id"])
        rows: Any = pa.Table.from_batches(list(reading(iter([number]))))
        sending = DeliveryTasks(
            job=shipped_with_keys(job.spec, job.job),
            keys={},
            state=place,
            run=run,
            wave=run.wave(0),
            header=delivery.log_header(job, send),
            titles={entry.place: entry.title for entry in job.files},
            max_line=job.max_line,
            options=DeliveryOptions(
                concurrency=IN_FLIGHT,
                # Slow enough that the second attempt begins long before the first one ends.
                first=Share(100.0, IN_FLIGHT),
                timeout=10.0,
                retry_for=60.0,
            ),
        )
        [summary] = sending(iter(rows.to_batches(100)))
        return str(summary.column(0)[0].as_py())

    return attempt
