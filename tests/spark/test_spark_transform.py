"""`segcli spark transform` and `segcli.spark.transform`: the same outcomes as on one machine."""

import gzip
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.archives import Archive
from support.fakes import CommandResult
from support.samples import KEY, line_of

import segcli.spark

pytestmark = pytest.mark.spark


def row_of(line: str) -> tuple[Any, ...]:
    """Return an object of `--outcomes` as a row of the table."""
    one = json.loads(line)
    payload = json.dumps(one["payload"]) if "payload" in one else None
    return (one["file"], one["line"], one["state"], one.get("reason"), one.get("route"), payload)


def rows_in(frame: Any) -> Counter[tuple[Any, ...]]:
    """Return the rows of a table of outcomes, without those that say what cannot be read."""
    return Counter(
        (row.file, row.line, row.state, row.reason, row.route, again(row.payload))
        for row in frame.where("state <> 'unreadable'").collect()
    )


def again(payload: str | None) -> str | None:
    return payload and json.dumps(json.loads(payload))


def one_machine(segcli: Callable[..., CommandResult], archive: Archive, *words: str) -> list[str]:
    """Return what `segcli transform` prints; the cut file comes last, because it stops the run."""
    files = sorted(str(one) for one in archive.folder.rglob("*.gz") if one != archive.cut)
    last = [str(archive.cut)] if archive.cut else []
    said = segcli("transform", *files, *last, "-q", "--jobs", "1", *words)
    assert said.code == (3 if archive.cut else 1)
    return said.out.split("\n")[:-1]


@pytest.mark.parametrize("dest", ["gist", "webhook"])
def test_table_of_outcomes_is_what_one_machine_prints(
    dest: str,
    archive: Archive,
    spark: Any,
    on_spark: Callable[..., CommandResult],
    segcli: Callable[..., CommandResult],
    tmp_path: Path,
) -> None:
    words = ("-d", dest, "--max-line", "1500")
    out = tmp_path / "out"

    said = on_spark("transform", archive.folder, *words, "--out", out, "--skip-unreadable")

    assert said.code == 1, said.err
    found = rows_in(spark.read.parquet(f"{out}/outcomes"))
    assert found == Counter(map(row_of, one_machine(segcli, archive, "--outcomes", *words)))
    files = {row.file: row for row in spark.read.parquet(f"{out}/files").collect()}
    assert len(files) == 13
    assert [file for file, row in files.items() if row.problem] == [str(archive.cut)]
    assert sum(row.lines for row in files.values()) == sum(found.values())
    assert f"{sum(found.values()):,}  read" in said.err


@pytest.mark.parametrize("outcomes", [(), ("--outcomes",)])
def test_ndjson_is_what_one_machine_prints(
    outcomes: tuple[str, ...],
    archive: Archive,
    on_spark: Callable[..., CommandResult],
    segcli: Callable[..., CommandResult],
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    words = ("-d", "pointillist", *outcomes)

    said = on_spark(
        *("transform", archive.folder, *words, "--out", out, "--format", "ndjson"),
        "--skip-unreadable",
    )

    assert said.code == 1, said.err
    written = next(one for one in out.iterdir() if one.name != "files").glob("part-*")
    lines = [line for part in written for line in part.read_text().split("\n")[:-1]]
    assert Counter(lines) == Counter(one_machine(segcli, archive, *words))


def test_a_file_that_cannot_be_read_fails_the_job_by_its_name(
    archive: Archive, on_spark: Callable[..., CommandResult], tmp_path: Path
) -> None:
    out = tmp_path / "out"

    said = on_spark("transform", archive.folder, "-d", "gist", "--out", out)

    assert said.code == 3
    assert f"Error: {archive.cut}:" in said.err
    assert "--skip-unreadable" in said.err
    assert not os.path.exists(out / "files")
    assert not list(out.rglob("part-*.parquet"))


def test_an_output_that_exists_is_not_replaced(
    events: Callable[..., Path], on_spark: Callable[..., CommandResult], tmp_path: Path
) -> None:
    words = ("transform", events(line_of()), "-d", "webhook", "--out", tmp_path / "out")

    assert on_spark(*words).code == 0
    said = on_spark(*words)

    assert said.code == 2
    assert "exists already" in said.err


def test_notebook_gets_outcomes_as_a_table_to_filter_and_count(spark: Any, tmp_path: Path) -> None:
    day = tmp_path / "day"
    day.mkdir()
    for number in range(3):
        lines = [line_of(properties={"email": "a@b.c"}, messageId=f"{number}"), b"{"]
        (day / f"{number}.gz").write_bytes(gzip.compress(b"\n".join(lines)))

    frame = segcli.spark.transform(spark, day, dest="gist", types="track")

    states = {row.state: row["count"] for row in frame.groupBy("state").count().collect()}
    assert states == {"mapped": 3, "rejected": 3}
    assert frame.where("state = 'mapped' and line = 1").select("payload").count() == 3
    assert frame.columns == [
        *("place", "file", "line", "state", "reason", "action", "route"),
        *("request_values", "payload"),
    ]


def test_a_file_that_changed_since_it_was_listed_fails_the_job(
    spark: Any, events: Callable[..., Path]
) -> None:
    file = events(line_of())
    frame = segcli.spark.transform(spark, file, dest="gist")
    file.write_bytes(line_of(userId="other") + b"\n")

    with pytest.raises(Exception, match="has changed since the job began"):
        frame.count()


def test_a_key_is_nowhere_in_a_mapping_job(spark: Any, events: Callable[..., Path]) -> None:
    frame = segcli.spark.transform(spark, events(line_of()), dest="gist", settings={"api_key": KEY})

    shown = [str(frame.collect()), frame._jdf.queryExecution().toString()]
    shown += [value for _, value in spark.sparkContext.getConf().getAll()]
    assert not [text for text in shown if KEY in text]
