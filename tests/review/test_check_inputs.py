"""`segcli check` accepts the inputs of other commands: files, stdin, selection, any destination."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.acme import ACME
from support.fakes import CommandResult, records
from support.samples import Run, line_of

from segcli import destinations
from segcli.destinations import BUILT_IN

Segcli = Callable[..., CommandResult]
DAYS = [line_of(timestamp=f"2026-02-0{day}", userId=f"u{day}", n=day) for day in range(1, 6)]
NO_SOCKETS = """
import sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(event)

sys.addaudithook(refuse)
"""


@pytest.fixture
def document(segcli: Segcli) -> Callable[..., dict[str, Any]]:
    """Run the check and return its JSON document."""

    def run(*arguments: object) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(segcli("check", "--format", "json", *arguments).out)
        return found

    return run


def write_events(folder: Path, name: str, *lines: bytes) -> Path:
    file = folder / name
    file.write_bytes(b"\n".join(lines))
    return file


def test_several_files_are_checked_together_and_findings_name_the_file(
    document: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    one = write_events(tmp_path, "one.jsonl", line_of(messageId="a", timestamp="2026-02-03"), b"{")
    two = write_events(tmp_path, "two.jsonl", line_of(messageId="a", timestamp="2026-02-03"), b" ")

    found = document(one, two)

    assert found["inputs"] == [str(one), str(two)]
    assert found["counts"] == {"mapped": 2, "rejected": 1, "skipped": 1}
    assert [(finding["file"], finding["line"]) for finding in found["findings"]] == [
        (str(one), 2),
        (str(two), 1),
    ]
    assert found["findings"][1]["other"] == f"{one}:1"


@pytest.mark.parametrize("files", [[], ["-"]])
def test_check_reads_stdin_without_files(run_segcli: Run, files: list[str]) -> None:
    done = run_segcli("check", *files, stdin=b"\n".join([*DAYS, b"nothing"]))

    assert done.returncode == 1
    assert done.stdout.startswith(b"stdin:6: SEG101 rejected: not JSON")


@pytest.mark.parametrize(
    ("options", "mapped"),
    [
        ([], 5),
        (["--type", "page"], 0),
        (["--event", "Tr*"], 5),
        (["--event", "Order *"], 0),
        (["--since", "2026-02-03"], 3),
        (["--until", "2026-02-03"], 2),
        (["--user", "u2", "--user", "u4"], 2),
        (["--limit", "2"], 2),
        (["--limit", "0"], 0),
        (["--max-line", "10"], 0),
    ],
)
def test_selection_options_select_the_checked_events(
    document: Callable[..., dict[str, Any]], tmp_path: Path, options: list[str], mapped: int
) -> None:
    found = document(*options, write_events(tmp_path, "events.jsonl", *DAYS))

    assert found["counts"]["mapped"] == mapped
    assert found["plan"]["requests"] == mapped
    assert sum(found["counts"].values()) == found["read"] == 5


def test_lines_after_the_limit_are_not_checked(
    document: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    found = document("--limit", "2", write_events(tmp_path, "events.jsonl", *DAYS[:2], b"{"))

    assert (found["errors"], found["counts"]["skipped"]) == (0, 1)


def test_events_switched_off_are_skipped_unless_integrations_are_ignored(
    document: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    off = line_of(timestamp="2026-02-03", integrations={"All": False})
    file = write_events(tmp_path, "events.jsonl", off)

    assert document(file)["counts"]["skipped"] == 1
    assert document("--ignore-integrations", file)["counts"]["mapped"] == 1


@pytest.mark.parametrize(
    ("rate", "seconds"), [([], None), (["--rate", "2/s"], 2.5), (["--rate", "30/min"], 10)]
)
def test_rate_option_estimates_the_sending_time(
    document: Callable[..., dict[str, Any]],
    tmp_path: Path,
    rate: list[str],
    seconds: float | None,
) -> None:
    found = document(*rate, write_events(tmp_path, "events.jsonl", *DAYS))

    assert found["plan"]["seconds"] == seconds


def test_settings_change_which_fields_are_carried(
    document: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    event = line_of(timestamp="2026-02-03", properties={"price": 3})
    file = write_events(tmp_path, "events.jsonl", event)

    assert [one["path"] for one in document(file)["not_carried"]] == ["properties.price"]
    assert document("--set", "properties=true", file)["not_carried"] == []


@pytest.mark.parametrize("dest", BUILT_IN)
def test_every_destination_is_checked_without_a_key_and_without_a_network(
    run_segcli: Run, samples: Path, tmp_path: Path, dest: str
) -> None:
    write_events(tmp_path, "sitecustomize.py", NO_SOCKETS.encode())
    env = {"PYTHONPATH": str(tmp_path)}

    done = run_segcli("check", "-d", dest, samples / "signup.jsonl", env=env)

    assert done.stderr == b""
    assert f"\n{dest} would get ".encode() in done.stdout


def test_socket_block_really_blocks_sockets(run_segcli: Run, samples: Path, tmp_path: Path) -> None:
    write_events(tmp_path, "sitecustomize.py", NO_SOCKETS.encode())
    env = {"PYTHONPATH": str(tmp_path)}

    done = run_segcli("send", "-d", "gist", "--sandbox", samples / "signup.jsonl", env=env)

    assert b"RuntimeError: socket." in done.stderr


def test_plug_in_destination_is_checked_like_a_built_in_one(
    document: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "named_destination", {"acme": ACME}.__getitem__)
    lines = [line_of(properties={"price": n, "sku": "a"}, context={"ip": "::1"}) for n in (1, 2)]
    file = write_events(tmp_path, "events.jsonl", *lines, line_of())

    found = document("--dest", "acme", file)

    assert [finding["field"] for finding in found["findings"]] == ["properties.price"]
    assert [(one["path"], one["events"]) for one in found["not_carried"]] == [("context.ip", 2)]
    assert found["plan"]["requests"] == 1
    assert found["plan"]["seconds"] == 0.1


def test_rejects_option_writes_rejected_lines(segcli: Segcli, tmp_path: Path) -> None:
    file = write_events(tmp_path, "events.jsonl", *DAYS, b'{"type": "track"}', b"nothing")

    said = segcli("check", "--rejects", "kept.ndjson", file)

    kept = records(tmp_path / "kept.ndjson")
    assert said.code == 1
    assert [(one["line"], one["state"]) for one in kept] == [(6, "rejected"), (7, "rejected")]
    assert (kept[0]["event"], kept[1]["raw"]) == ({"type": "track"}, "nothing")


def test_report_is_the_json_document_for_any_printed_format(
    segcli: Segcli, samples: Path, tmp_path: Path
) -> None:
    printed = segcli("check", "--format", "json", samples / "signup.jsonl")

    segcli("check", "--format", "github", "--report", "report.json", samples / "signup.jsonl")
    segcli("check", "--quiet", "--report", "quiet.json", samples / "signup.jsonl")

    assert (tmp_path / "report.json").read_text() == printed.out
    assert (tmp_path / "quiet.json").read_text() == printed.out
