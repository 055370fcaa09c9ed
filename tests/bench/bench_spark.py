"""What Spark costs: its CPU time for a mapping, and that of `segcli transform --jobs 2`.

    python tests/bench/bench_spark.py [--events N] [--files N] [--rounds N] [--dest NAME]

Both map the same gzip files on two slots of this machine, and take turns. The start of Spark does
not count, and a small job before the first round lets Java compile what it uses most. The time is
that of all processes below this one: Java, and the Pythons that it starts.
"""

import argparse
import gzip
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from events import lines
from measure import SEGCLI, machine, say, table

from segcli.runs.job_request import JobRequest
from segcli.spark import mapping
from segcli.spark.cluster_job import ClusterJob, cluster_job
from segcli.spark.manifest import job_files
from segcli.spark.session import start_session

_TICKS = os.sysconf("SC_CLK_TCK")
_CONF = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "2g",
}


def main() -> None:
    asked = _arguments()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        spark = start_session("local[2]", "bench", conf=_CONF, java_home=None)
        spark.sparkContext.setLogLevel("ERROR")
        _write(top / "warm", 20_000, 4)
        _write(top / "archive", asked.events, asked.files)
        for write in (_ndjson, _parquet):
            _of_spark(spark, top, "warm", asked.dest, write)
        rounds = [_round(spark, top, asked.dest) for _ in range(asked.rounds)]
        spark.stop()
    names = ("transform --jobs 2", "Spark, NDJSON", "Spark, parquet")
    times = [statistics.median(times) for times in zip(*rounds, strict=True)]
    rows = [
        [name, f"{time:.1f} s", f"{time / times[0]:.2f}"]
        for name, time in zip(names, times, strict=True)
    ]
    say(f"{asked.events:,} events in {asked.files:,} files, {asked.dest}; {machine()}")
    say(table(["", "CPU time", "ratio"], rows))


def _round(spark: Any, top: Path, dest: str) -> tuple[float, float, float]:
    return (
        _of_one_machine(top / "archive", dest),
        _of_spark(spark, top, "archive", dest, _ndjson),
        _of_spark(spark, top, "archive", dest, _parquet),
    )


def _of_one_machine(archive: Path, dest: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [*SEGCLI, "transform", "-d", dest, str(archive), "--jobs", "2", "--quiet"]
    with (archive.parent / "one.ndjson").open("wb") as out:
        subprocess.run(command, stdout=out, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _of_spark(
    spark: Any, top: Path, name: str, dest: str, write: Callable[[Any, ClusterJob, str], object]
) -> float:
    requested = JobRequest(dest=dest).resolved()
    job = cluster_job(requested.spec, requested.job, job_files([str(top / name)]))
    out = top / "out"
    shutil.rmtree(out, ignore_errors=True)
    before = _cpu_time()
    write(spark, job, str(out))
    return _cpu_time() - before


def _ndjson(spark: Any, job: ClusterJob, out: str) -> None:
    mapping.write_ndjson(spark, job, out, every_line=False)


def _parquet(spark: Any, job: ClusterJob, out: str) -> None:
    mapping.write_outcomes(spark, job, out)


def _cpu_time() -> float:
    """Return the CPU seconds of this process and of all below it, those that ended too."""
    times: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2 :].split()
        times[int(process)] = sum(map(int, fields[11:15])) / _TICKS
        children.setdefault(int(fields[1]), []).append(int(process))
    todo, total = [os.getpid()], 0.0
    while todo:
        process_id = todo.pop()
        total += times.get(process_id, 0.0)
        todo += children.get(process_id, [])
    return total


def _write(folder: Path, count: int, files: int) -> None:
    """Write events to gzip files."""
    folder.mkdir()
    each = count // files
    found = lines(count)
    for number in range(files):
        text = b"".join(line for line, _ in zip(found, range(each), strict=False))
        (folder / f"{number:05}.gz").write_bytes(gzip.compress(text, 6))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=800_000)
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dest", default="gist")
    return parser.parse_args()


if __name__ == "__main__":
    main()
