"""`transform --jobs`: the output is byte-identical for any number of processes."""

import io
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.event_strategies import lines_with_any_kind_of_value
from support.samples import NAMES, SAMPLES, job_for, line_of, lines_of

from segcli.accounting.rejects import Rejects
from segcli.accounting.tally import Tally
from segcli.core.destination import Payload
from segcli.core.event import Event
from segcli.core.line import TooLong
from segcli.core.outcome import Job, Mapped, make_mapper
from segcli.core.selection import Selection
from segcli.errors import Stopped
from segcli.inputs import inputs
from segcli.lines import spans
from segcli.lines.spans import LineBlock
from segcli.parallel import ordered_map
from segcli.parallel.worker import WorkerFailed, WorkItem, WorkResult
from segcli.parallel.worker_pool import Workers
from segcli.payloads import Transformation, transform


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give workers a few lines at a time, so that some lines are longer than a block."""
    monkeypatch.setattr(ordered_map, "_BLOCK", 3000)
    monkeypatch.setattr(ordered_map, "_BLOCK_FOR_WORKERS", 3000)
    monkeypatch.setattr(spans, "_GROUP_SIZE", 700)


def result(files: Sequence[Path], job: Job, jobs: int | None, **more: Any) -> tuple[Any, ...]:
    """Return the output of a run, its rejects and its counts."""
    out, tally = io.BytesIO(), Tally()
    rejects = files[0].parent / "rejects.ndjson"
    transform(
        Transformation(
            job=job,
            inputs=inputs(list(map(str, files))),
            rejects=Rejects(rejects),
            jobs=jobs,
            **more,
        ),
        out,
        tally,
    )
    kept = rejects.read_bytes() if rejects.exists() else b""
    rejects.unlink(missing_ok=True)
    counts = (tally.read, tally.mapped, tally.rejected, tally.skipped, tally.bytes_read)
    return out.getvalue(), kept, counts, list(tally.reasons.items()), sorted(tally.notes.items())


def pid_for(event: Event, settings: object) -> Payload:  # noqa: ARG001  # the interface
    return Payload("/", {"pid": os.getpid()})


def with_payload(payload: Callable[[Event, Any], Payload]) -> Job:
    """Return a job with a destination that has this mapping."""
    job = job_for("webhook")
    return replace(job, destination=replace(job.destination, payload=payload))


def pids(out: bytes) -> set[int]:
    return {json.loads(line)["pid"] for line in out.splitlines()}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file with valid, invalid and unusual lines, mixed, without a line break at its end."""
    chance = random.Random(11)
    lines = [line for name in NAMES for line in lines_of(name) if len(line) < 5000]
    lines += lines_with_any_kind_of_value(chance, 300)
    lines += [b"", b" ", b"\r", b"\xff", b"{", b'"' * 7000, b"{}" * 9 + b" " * 4000, b"[" * 200] * 5
    lines += [line_of(timestamp="2026-02-03", n="x" * length) for length in range(0, 9000, 500)]
    chance.shuffle(lines)
    path = tmp_path / "many.jsonl"
    path.write_bytes(b"\n".join(line + chance.choice((b"", b"\r")) for line in lines) + b"\nlast")
    return path


@pytest.mark.parametrize("every_line", [False, True])
@pytest.mark.parametrize("destination", ["pointillist", "gist", "segment", "webhook"])
def test_samples_have_the_same_output_with_workers(
    destination: str, every_line: bool, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in NAMES]
    for file in files:
        file.write_bytes((SAMPLES / f"{file.name}.jsonl").read_bytes())
    job = job_for(destination)

    assert result(files, job, 2, every_line=every_line) == result(
        files, job, 1, every_line=every_line
    )


def test_mixed_lines_have_the_same_output_with_workers(many: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_bytes(line_of(timestamp="2026-02-03") + b"\n\n{\n")
    for max_line in (100, 4000, 1_000_000):
        for every_line in (False, True):
            how = {"max_line": max_line, "every_line": every_line}
            one = result([many, other], job_for("pointillist"), 1, **how)

            for jobs in (2, 3):
                assert result([many, other], job_for("pointillist"), jobs, **how) == one
            assert one[0]
            assert b'other.jsonl","line":3' in one[1]


def test_limit_applies_to_all_processes_together(many: Path) -> None:
    job = replace(job_for("pointillist"), selection=Selection(limit=70))

    one = result([many], job, 1)
    assert result([many], job, 3) == one
    assert len(one[0].splitlines()) == 70


def test_small_input_is_mapped_without_workers(tmp_path: Path) -> None:
    path = tmp_path / "small.jsonl"
    path.write_bytes((line_of() + b"\n") * 1000)

    assert pids(result([path], with_payload(pid_for), None)[0]) == {os.getpid()}


def test_large_input_is_mapped_by_workers_on_all_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_map, "usable_processors", lambda: 3)
    monkeypatch.setattr(ordered_map, "_SERIAL_BYTES", 100_000)
    path = tmp_path / "large.jsonl"
    path.write_bytes((line_of(pad="x" * 1000) + b"\n") * 3000)

    found = [
        json.loads(line)["pid"]
        for line in result([path], with_payload(pid_for), None)[0].splitlines()
    ]
    assert found[0] == os.getpid()
    assert found[-1] != os.getpid()
    assert len(set(found)) == 4


def test_usable_processors_respects_the_cpu_affinity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 3, 5}, raising=False)
    assert ordered_map.usable_processors() == 3

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(os, "sched_getaffinity")
    assert ordered_map.usable_processors() == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert ordered_map.usable_processors() == 1


def test_items_of_the_maximum_size_fit_every_slot() -> None:
    with closing(Workers(lambda piece: WorkResult(piece.first), 2, 4096)) as workers:
        numbers = []
        for number in range(8):
            if workers.are_full:
                numbers.append(workers.receive().account)
            workers.submit(WorkItem(LineBlock(b"", bytes(4096), 4096), "a", number))
        numbers += [workers.receive().account for _ in range(4)]

    assert numbers == list(range(8))


def test_requested_number_of_workers_share_the_work(many: Path) -> None:
    found = Counter(
        json.loads(line)["pid"] for line in result([many], with_payload(pid_for), 3)[0].splitlines()
    )

    workers = {pid: lines for pid, lines in found.items() if pid != os.getpid()}
    assert len(workers) == 3
    assert min(workers.values()) > max(workers.values()) / 3


@pytest.mark.parametrize("error", [ZeroDivisionError("by nothing"), SystemExit(0), Stopped("no")])
def test_bug_in_a_worker_is_raised_with_its_traceback(error: BaseException, many: Path) -> None:
    def payload(event: Event, settings: object) -> Payload:  # noqa: ARG001  # the interface
        raise error

    with pytest.raises(WorkerFailed, match=rf"(?s)Traceback.*{type(error).__name__}"):
        result([many], with_payload(payload), 2)


@pytest.mark.parametrize("code", [0, 5])
def test_worker_that_exits_stops_the_run(code: int, many: Path) -> None:
    def payload(event: Event, settings: object) -> Payload:  # noqa: ARG001  # the interface
        os._exit(code)

    with pytest.raises(Stopped, match=f"a worker process ended with {code}") as stopped:
        result([many], with_payload(payload), 2)
    assert "--jobs 1" in stopped.value.hint


def test_no_worker_process_remains(many: Path) -> None:
    before = children()
    result([many], job_for("webhook"), 3)

    assert children() == before


def children() -> set[str]:
    """Return the processes that this one has started and not waited for."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.parametrize("happens", ["removed", "replaced"])
def test_file_removed_before_workers_read_it_is_read_to_its_end(
    happens: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_map, "_SERIAL_BYTES", 2000)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(line_of(n=number) + b"\n" for number in range(100)))
    job = job_for("webhook")
    found = inputs([str(path)])
    expected = path.read_bytes()

    def stolen(self: io.BytesIO, texts: Any) -> None:
        if self.tell() == 0:
            other = tmp_path / "other"
            other.write_bytes(b"x" * len(expected))
            other.replace(path) if happens == "replaced" else path.unlink()
        io.BytesIO.writelines(self, texts)

    out = type("Out", (io.BytesIO,), {"writelines": stolen})()
    monkeypatch.setattr(ordered_map, "usable_processors", lambda: 2)
    transform(Transformation(job=job, inputs=found), out, Tally())

    assert out.getvalue() == expected


@pytest.mark.parametrize("left", [0, 0.01, 0.5, 0.99])
def test_file_truncated_before_workers_read_it_stops_the_run(
    left: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_map, "_SERIAL_BYTES", 2000)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(line_of(n=number) + b"\n" for number in range(100)))
    found = inputs([str(path)])
    expected = path.read_bytes()

    def cut(self: io.BytesIO, texts: Any) -> None:
        if self.tell() == 0:
            os.truncate(path, int(left * len(expected)))
        io.BytesIO.writelines(self, texts)

    out = type("Out", (io.BytesIO,), {"writelines": cut})()
    monkeypatch.setattr(ordered_map, "usable_processors", lambda: 2)
    with pytest.raises(Stopped, match="it became shorter while it was read") as raised:
        transform(Transformation(job=job_for("webhook"), inputs=found), out, Tally())

    printed = out.getvalue()
    assert expected.startswith(printed)
    assert printed.endswith(b"\n")
    lines = printed.count(b"\n")
    assert f"{path}:{lines + 1}: could not be read past this point" in raised.value.message
    assert "Name a copy" in raised.value.hint


def test_outcome_of_a_line_is_independent_of_its_neighbours() -> None:
    event = line_of(timestamp="2026-02-03", n=1)
    huge = event.replace(b'"n": 1', b'"n": 1e9999999999999999999')
    assert huge != event
    decide = make_mapper(job_for("pointillist"))
    [alone] = decide([huge])

    assert isinstance(alone, Mapped)
    assert decide([huge, TooLong(9, b""), b"{", huge])[::3] == [alone, alone]
