"""Events that several actions take, on Spark: a row for each action, and each is sent once."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fakes import CommandResult, vendor_server
from support.fan_out import (
    NAMES,
    ThreeRoutes,
    check_counts,
    check_order,
    check_rejects,
    events_in,
    file_of,
    state_at,
)

pytestmark = pytest.mark.spark
COUNT = 60


def test_table_has_a_row_for_each_action(
    spark: Any,
    on_spark: Callable[..., CommandResult],
    segcli: Callable[..., CommandResult],
    tmp_path: Path,
) -> None:
    words = (events_in(tmp_path, COUNT), "-d", file_of(tmp_path))

    said = on_spark("transform", *words, "--out", tmp_path / "out", "--report", tmp_path / "r1")
    one = segcli("transform", *words, "--outcomes", "--report", tmp_path / "r2")

    assert said.code == one.code == 1, said.err
    expected = Counter(
        (row["line"], each["state"], each["action"], each["route"], json.dumps(each.get("payload")))
        for row in map(json.loads, one.out.splitlines())
        for each in row["requests"]
    )
    rows = spark.read.parquet(f"{tmp_path}/out/outcomes").collect()
    assert expected == Counter(
        (row.line, row.state, row.action, row.route, json.dumps(json.loads(row.payload or "null")))
        for row in rows
    )
    cluster, machine = (json.loads((tmp_path / name).read_text()) for name in ("r1", "r2"))
    for name in ("ledger", "reasons", "actions", "fanned_out", "notes"):
        assert cluster[name] == machine[name], name
    rejected = sum(state_at(number, "Second") == "rejected" for number in range(COUNT))
    assert f"{rejected}  rejected" in said.err


def test_each_action_gets_an_event_once_also_through_a_stop(
    on_spark: Callable[..., CommandResult], tmp_path: Path
) -> None:
    vendor = ThreeRoutes(left=70)
    report = tmp_path / "report.json"
    with vendor_server(vendor) as server:
        words = (
            *("send", events_in(tmp_path, COUNT), "-d", file_of(tmp_path)),
            *("--endpoint", server.url, "--state", tmp_path / "state", "--buckets", "2"),
            *("--timeout", "1s", "--report", report),
        )
        assert on_spark(*words).code == 3
        vendor.left = 1_000_000
        said = on_spark(*words, "--resume")

    assert said.code == 1, said.err
    sent = [(n, name) for n in range(COUNT) for name in NAMES if state_at(n, name) != "rejected"]
    assert sorted(vendor.got) == sorted(sent)
    check_order(vendor.got)
    check_counts(json.loads(report.read_text()), COUNT)
    kept = on_spark("rejects", tmp_path / "state").out.splitlines()
    check_rejects([json.loads(one) for one in kept], COUNT)
