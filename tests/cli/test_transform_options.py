"""The options that `transform` shares with all commands that map events."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult
from support.samples import SAMPLES, Run, line_of, lines_of

LINES = b"\n".join(
    [
        line_of(userId="u1", event="Order Completed", timestamp="2026-02-01T10:00:00Z"),
        line_of(userId="u2", event="Order Refunded", timestamp="2026-02-02T10:00:00Z"),
        line_of(userId="u3", event="Signed Up", timestamp="2026-02-03T10:00:00Z"),
        line_of(userId="u4", type="page", event=..., timestamp="2026-02-04T10:00:00Z"),
        line_of(userId="u5", integrations={"All": False}, timestamp="2026-02-05T10:00:00Z"),
    ]
)


Transform = Callable[..., CommandResult]


@pytest.fixture
def transform(segcli: Callable[..., CommandResult], tmp_path: Path) -> Transform:
    """Run `segcli transform` in this process on a file with these lines, or on another file."""

    def run(*options: object, lines: bytes = LINES, file: object = "events.jsonl") -> CommandResult:
        (tmp_path / "events.jsonl").write_bytes(lines)
        return segcli("transform", *options, file)

    return run


def users(said: CommandResult) -> list[str]:
    return [json.loads(line)["userId"] for line in said.out.splitlines()]


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ([], "u1 u2 u3 u4"),
        (["--type", "page"], "u4"),
        (["--type", "page", "--type", "track"], "u1 u2 u3 u4"),
        (["--event", "Order *"], "u1 u2"),
        (["--event", "Order C*", "--event", "Signed Up"], "u1 u3"),
        (["--user", "u2", "--user", "u4"], "u2 u4"),
        (["--since", "2026-02-02"], "u2 u3 u4"),
        (["--since", "2026-02-02T10:00:00Z", "--until", "2026-02-03T10:00:00Z"], "u2"),
        (["--until", "2026-02-03T12:00:00+02:00"], "u1 u2"),
        (["--limit", "2"], "u1 u2"),
        (["--limit", "0"], ""),
        (["--ignore-integrations"], "u1 u2 u3 u4 u5"),
        (["--ignore-integrations", "--since", "2026-02-04", "--limit", "1"], "u4"),
    ],
)
def test_selection_options_count_unselected_events_as_skipped(
    transform: Transform, options: list[str], taken: str
) -> None:
    done = transform("-d", "webhook", *options)

    assert users(done) == taken.split()
    assert done.code == 0
    skipped = 5 - len(taken.split())
    assert f"{skipped}  skipped" in done.err


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--since", "soon", "'soon' is not a valid time. Type for example 2026-02-03"),
        ("--until", "2026-02-30", "2026-02-30"),
        ("--max-line", "big", "'big' is not a valid size. Type for example 64KiB"),
        ("--max-line", "0", "it must be more than 0."),
        ("--limit", "-1", "-1"),
        ("--limit", "many", "many"),
        ("--type", "purchase", "'purchase' is not one of"),
        ("--set", "properties", "--set: a setting has no value"),
        ("--set", "=1", "a setting has no value"),
        ("--set", "propertys=1", "Did you mean properties?"),
        ("--set", "properties=perhaps", "properties must be true or false, not 'perhaps'"),
        (
            "--config",
            "nowhere.toml",
            "nowhere.toml does not exist\n--config takes a settings",
        ),
        ("--dest", "./no.toml", "./no.toml does not exist\n`segcli guide destination-files`"),
        ("--api-key-file", "nowhere.key", "nowhere.key"),
        ("--dest", "gits", "there is no destination 'gits'\nDid you mean gist? There are: point"),
        ("--dest", "zzz", "there is no destination 'zzz'\nThere are: pointillist, plotline, gist"),
        ("--rejects", "nowhere/r.ndjson", "the folder nowhere does not exist"),
        ("--report", "nowhere/r.json", "the folder nowhere does not exist"),
        ("--unknown", "1", "No such option"),
    ],
)
def test_wrong_option_value_exits_2_with_a_helpful_message(
    transform: Transform, option: str, value: str, says: str
) -> None:
    done = transform(option, value)

    said = done.err
    assert done.code == 2
    assert says in said
    assert "Error: " in said
    assert "Traceback" not in said
    assert done.out == ""


def test_destination_can_come_from_the_environment(
    transform: Transform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGCLI_DEST", "webhook")

    assert users(transform()) == ["u1", "u2", "u3", "u4"]


def test_settings_come_from_the_toml_file_in_the_working_folder(
    transform: Transform, tmp_path: Path
) -> None:
    (tmp_path / "segcli.toml").write_text('[pointillist]\nactor = "visitor"\n[gist]\nnone = 1\n')

    done = transform("--limit", "1")

    assert json.loads(done.out)["actors"] == {"visitor": {"userId": "u1"}}


def test_set_overrides_environment_overrides_config_file(
    transform: Transform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "segcli.toml").write_text('[pointillist]\nactor = "folder"\n')
    (tmp_path / "my.toml").write_text('[pointillist]\nactor = "mine"\nevent_source = "mine"\n')
    mine = ["--config", "my.toml"]

    def actor_and_source(*options: str) -> tuple[str, str]:
        body = json.loads(transform("--limit", "1", *options).out)
        return next(iter(body["actors"])), body["eventSource"]

    assert actor_and_source() == ("folder", "segment")
    assert actor_and_source(*mine) == ("mine", "mine")
    monkeypatch.setenv("SEGCLI_POINTILLIST_ACTOR", "environment")
    assert actor_and_source(*mine) == ("environment", "mine")
    assert actor_and_source(*mine, "--set", "actor=set") == ("set", "mine")


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[pointillist\n", "segcli.toml:1:13: not TOML: "),
        ("[pointillist]\na = 1 2\n", "segcli.toml:2:7: not TOML: "),
        ("[pointillist]\nb = 1\na", "segcli.toml: not TOML: "),
        (
            "pointillist = 1\n",
            "segcli.toml:1: pointillist is not a table\nWrite it as [pointillist]",
        ),
        ("[pointillist]\nactr = 1\n", "segcli.toml:2: pointillist has no setting 'actr'"),
        ("[pointillist]\nactor = []\n", "segcli.toml:2: pointillist: actor must be text, not []"),
    ],
)
def test_invalid_toml_file_is_named(
    transform: Transform, tmp_path: Path, toml: str, says: str
) -> None:
    (tmp_path / "segcli.toml").write_text(toml)

    done = transform()

    assert done.code == 2
    assert says in done.err


def test_rejects_file_can_be_repaired_and_read_as_input(
    transform: Transform, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.ndjson"
    bad = line_of(userId=None, event="Café")
    lines = b"\n".join([LINES, bad, b"\xff", b"no json"])

    first = transform("-d", "webhook", "--rejects", rejects.name, lines=lines)
    again = transform("-d", "webhook", "-q", file=rejects.name)

    records = [json.loads(line) for line in rejects.read_bytes().splitlines()]
    assert first.code == again.code == 1
    assert f"rejects: {rejects.name}" in first.err
    assert [(one["file"], one["line"], one["state"]) for one in records] == [
        ("events.jsonl", 6, "rejected"),
        ("events.jsonl", 7, "rejected"),
        ("events.jsonl", 8, "rejected"),
    ]
    assert records[0]["reason"] == "userId is required, or anonymousId"
    assert records[0]["event"] == json.loads(bad)
    assert (records[1]["raw_base64"], records[2]["raw"]) == ("/w==", "no json")

    rejects.write_bytes(rejects.read_bytes().replace(b'"userId": null', b'"userId": "u6"'))
    repaired = transform("-d", "webhook", file=rejects.name)
    assert users(repaired) == ["u6"]


def test_rejects_file_is_created_on_demand_and_appended_to(
    transform: Transform, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.ndjson"
    transform("-d", "webhook", "--rejects", rejects.name)
    assert not rejects.exists()

    for _ in range(2):
        transform("--rejects", rejects.name, lines=b"no json")
    assert len(rejects.read_bytes().splitlines()) == 2


def test_no_rejects_file_without_the_option(transform: Transform, tmp_path: Path) -> None:
    transform(lines=b"no json")

    assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]


def test_report_is_json_whose_counts_add_up(transform: Transform, tmp_path: Path) -> None:
    file = SAMPLES / "hostile.jsonl"

    done = transform("-d", "gist", "-q", "--report", "report.json", file=file)

    report = json.loads((tmp_path / "report.json").read_bytes())
    assert report["command"] == "transform"
    assert report["destination"] == "gist"
    assert report["inputs"] == [{"name": str(file), "bytes": file.stat().st_size}]
    assert report["bytes_read"] == file.stat().st_size
    assert report["read"] == sum(report["ledger"].values()) == len(lines_of("hostile"))
    assert report["exit_code"] == done.code == 1
    for state in ("rejected", "skipped"):
        lines = sum(row["lines"] for row in report["reasons"] if row["state"] == state)
        assert lines == report["ledger"][state]


def test_quiet_prints_errors_only(transform: Transform) -> None:
    assert transform("-q").err == ""
    assert transform("-q", lines=b"no json").err == ""
    assert transform("-q", file="nowhere.jsonl").err.startswith("Error: ")


def test_line_longer_than_max_line_is_rejected_and_the_next_is_read(transform: Transform) -> None:
    lines = b"\n".join([line_of(pad="x" * 2_000, userId="u1"), line_of(userId="u2")])

    done = transform("-d", "webhook", "--max-line", "1KiB", lines=lines)

    assert users(done) == ["u2"]
    assert "longer than --max-line" in done.err
    assert users(transform("-d", "webhook", lines=lines)) == ["u1", "u2"]


def test_a_rejected_line_is_found_with_the_command_at_the_end(
    segcli: Callable[..., CommandResult], tmp_path: Path
) -> None:
    (tmp_path / "bad one.jsonl").write_bytes(LINES + b"\n{]\n")
    (tmp_path / "own.toml").write_text('[transform]\ndest = "gist"\n')
    for options, command in (
        (["-d", "gist", "--type=track"], "segcli check -d gist --type=track 'bad one.jsonl'"),
        (["-q", "-d", "gist"], None),
        (["-d", "gist", "--rejects", "kept"], None),
        (["-d", "gist", "--outcomes"], None),
        # `check` has no default destination, and reads no options of `transform`.
        ([], "segcli check -d pointillist 'bad one.jsonl'"),
        (["--config", "own.toml"], "segcli check -d gist --config own.toml 'bad one.jsonl'"),
    ):
        said = segcli("transform", *options, "bad one.jsonl")
        found = [line for line in said.err.splitlines() if line.startswith("which lines: ")]
        assert found == ([f"which lines: {command}"] if command else [])
        if command:
            checked = segcli(*shlex.split(command)[1:])
            assert "bad one.jsonl:6: SEG101 rejected: not JSON" in checked.out


def test_no_command_is_named_for_rejected_lines_that_cannot_be_read_again(run_segcli: Run) -> None:
    for words in ((), ("-",), ("/dev/stdin",)):
        said = run_segcli("transform", *words, stdin=LINES + b"\n{]\n").stderr.decode()
        assert "1  rejected" in said
        assert "which lines" not in said


def test_no_command_is_named_where_no_line_is_rejected(transform: Transform) -> None:
    assert "which lines" not in transform().err
