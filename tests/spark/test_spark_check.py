"""`segcli spark check`: the same findings, counts and coverage as on one machine."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.archives import write_archive
from support.fakes import CommandResult
from support.samples import line_of

import segcli.spark

pytestmark = pytest.mark.spark


@pytest.mark.parametrize("dest", ["gist", "pointillist"])
def test_check_reports_what_one_machine_reports(
    dest: str,
    on_spark: Callable[..., CommandResult],
    segcli: Callable[..., CommandResult],
    tmp_path: Path,
) -> None:
    # The samples are in every file, so most messageIds and lines are repeated.
    archive = write_archive(tmp_path, is_cut=False, files=6)
    words = (archive.folder, "-d", dest, "-q", "--max-findings", "100000")

    said = on_spark("check", *words, "--report", tmp_path / "cluster.json")
    one = segcli("check", *words, "--report", tmp_path / "one.json", "--jobs", "1")

    assert said.code == one.code == 1, said.err
    found, expected = (
        json.loads((tmp_path / name).read_text()) for name in ("cluster.json", "one.json")
    )
    assert found["read"] > 2000
    assert found == expected


def test_a_cut_file_is_an_error_or_left_out(
    on_spark: Callable[..., CommandResult], tmp_path: Path
) -> None:
    archive = write_archive(tmp_path, files=3)

    said = on_spark("check", archive.folder, "-d", "gist")
    without = on_spark("check", archive.folder, "-d", "gist", "--skip-unreadable")

    assert said.code == 2
    assert f"{archive.cut}:" in said.err
    assert "nothing is reported" in said.err
    assert without.code == 1
    assert f"left out: {archive.cut}:" in without.err


def test_notebook_gets_a_review(spark: Any, tmp_path: Path) -> None:
    lines = [line_of(properties={"email": "a@b.c"}, messageId=str(number)) for number in range(9)]
    (tmp_path / "events.gz").write_bytes(gzip.compress(b"\n".join([*lines, lines[0]])))

    review = segcli.spark.check(spark, tmp_path, dest="gist", rate="2/s")

    assert (review.read, review.counts["mapped"]) == (10, 10)
    assert [(one.line, one.other) for one in review.findings if one.other] == [
        (10, f"{tmp_path}/events.gz:1")
    ]
    assert review.ok
