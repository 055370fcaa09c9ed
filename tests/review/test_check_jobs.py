"""`check --jobs`: any number of processes gives the same review."""

import random
from pathlib import Path
from typing import Any

import pytest
from support.check_reports import job_that_sends
from support.event_strategies import lines_with_any_kind_of_value
from support.samples import NAMES, job_for, line_of, lines_of

from segcli.accounting.rejects import Rejects
from segcli.core.outcome import Job
from segcli.inputs import inputs
from segcli.parallel import ordered_map
from segcli.parallel.worker import WorkerFailed
from segcli.review import coverage
from segcli.review.check_run import CheckRun
from segcli.review.checker import review_inputs
from segcli.review.review import Review


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a process get a few lines at a time."""
    monkeypatch.setattr(ordered_map, "_BLOCK", 3000)
    monkeypatch.setattr(ordered_map, "_BLOCK_FOR_WORKERS", 3000)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of lines good, bad and odd, in no order; some of their messageIds are repeated."""
    chance = random.Random(12)
    lines = [line for name in NAMES for line in lines_of(name) if len(line) < 5000]
    lines += lines_with_any_kind_of_value(chance, 200)
    lines += [line_of(messageId=f"m{number % 70}", n=number % 3) for number in range(200)]
    chance.shuffle(lines)
    path = tmp_path / "many.jsonl"
    path.write_bytes(b"\n".join(lines))
    return path


def review_by(jobs: int, many: Path, job: Job, **more: Any) -> tuple[Review, bytes]:
    """Return the review, and what was kept of rejected lines."""
    rejects = many.with_name(f"rejects{jobs}")
    other = many.with_name("other.jsonl")
    other.write_bytes(line_of(messageId="m3", only_here=1) + b"\n\n{\n")
    found = inputs([str(many), str(other)])
    review = review_inputs(
        CheckRun(job=job, inputs=found, jobs=jobs, rejects=Rejects(rejects), **more)
    )
    return review, rejects.read_bytes() if rejects.exists() else b""


@pytest.fixture
def without_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not look for what is left out: a test of findings has nothing of that, and waits for it.

    Every process would probe the shapes that it meets.
    """
    monkeypatch.setattr(coverage, "_BYTES_TRIED", 0)


@pytest.mark.parametrize("dest", ["pointillist", "gist", "segment", "webhook"])
def test_mixed_lines_get_the_same_review_with_any_number_of_processes(
    dest: str, many: Path
) -> None:
    one = review_by(1, many, job_for(dest))

    assert one[0].errors > 30
    assert one[0].warnings > 130
    assert review_by(2, many, job_for(dest)) == one
    assert review_by(3, many, job_for(dest)) == one


@pytest.mark.parametrize("dest", ["segment", "pointillist"])
def test_unsearched_shapes_are_the_same_with_any_number_of_processes(
    dest: str, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "_BYTES_TRIED", 200_000)
    one = review_by(1, many, job_for(dest))

    assert one[0].untried > 50
    assert one[0].left_out
    assert review_by(2, many, job_for(dest)) == one
    assert review_by(3, many, job_for(dest)) == one


@pytest.mark.usefixtures("without_probes")
def test_shown_findings_are_the_same_with_any_number_of_processes(many: Path) -> None:
    job = job_for("pointillist")
    all_of_them = review_by(1, many, job, most_findings=100_000)[0].findings

    for most in (0, 1, 7, 90):
        one = review_by(1, many, job, most_findings=most)[0]
        assert review_by(3, many, job, most_findings=most)[0] == one
        assert len(one.findings) == most
        assert set(map(str, one.findings)) <= set(map(str, all_of_them))


@pytest.mark.usefixtures("without_probes")
def test_golden_comparison_is_the_same_with_any_number_of_processes(many: Path) -> None:
    golden = many.with_name("golden.ndjson")
    job = job_for("pointillist")
    review_by(3, many, job, expect=golden, update=True)
    written = golden.read_bytes()
    review_by(1, many, job, expect=golden, update=True)

    assert golden.read_bytes() == written
    lines = written.splitlines()
    golden.write_bytes(b"\n".join([*lines[:40], *lines[41:]]))
    one = review_by(1, many, job, expect=golden)[0]
    assert review_by(3, many, job, expect=golden)[0] == one
    assert sum(finding.state == "new" for finding in one.findings) == 1


def test_exception_of_a_plug_in_is_raised_in_the_main_process(many: Path) -> None:
    def body(event: object) -> dict[str, Any]:
        raise ZeroDivisionError(event)

    with pytest.raises(ZeroDivisionError):
        review_by(1, many, job_that_sends(body))
    with pytest.raises(WorkerFailed, match="ZeroDivisionError"):
        review_by(2, many, job_that_sends(body))
