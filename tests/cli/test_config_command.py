"""`segcli config` shows what is set where, and prints a schema that agrees with segcli."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.documents import GUIDES, README
from support.fakes import CommandResult
from support.samples import KEY

Segcli = Callable[..., CommandResult]

FULL = """
[send]
rate = "50/s"
retry_for = 60
type = ["track"]

[engage]
latency = "1s"

[gist]
batch = 50
"""


@pytest.fixture
def schema(segcli: Segcli) -> Any:
    return json.loads(segcli("config", "--schema").out)


def rows(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines() if "--" in line]


def test_without_a_file_nothing_is_set(segcli: Segcli) -> None:
    assert segcli("config") == CommandResult(
        0,
        "There is no settings file: segcli.toml would be read.\n"
        "No option is set by it or by the environment.\n",
        "",
    )


def test_each_set_option_is_shown_with_its_source(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "segcli.toml").write_text(FULL)
    monkeypatch.setenv("SEGCLI_RATE", "20/s")
    said = segcli("config")

    assert said.code == 0
    assert "segcli.toml, found in the working folder" in said.out.splitlines()[0]
    found = rows(said.out)
    assert ["send", "--rate", "20/s", "SEGCLI_RATE"] in found
    assert ["check", "--rate", "20/s", "SEGCLI_RATE"] in found
    assert ["send", "--retry-for", "60", "segcli.toml:4"] in found
    assert ["send", "--type", "track", "segcli.toml:5"] in found
    assert ["engage", "trait", "--latency", "1s", "segcli.toml:8"] in found
    assert "segcli.toml:10: [gist] sets batch; see segcli destinations gist" in said.out


def test_a_command_is_shown_with_all_its_options(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "segcli.toml").write_text(FULL)
    found = rows(segcli("config", "send").out)

    assert ["--rate", "50/s", "segcli.toml:3"] in found
    assert ["--timeout", "30s", "default"] in found
    assert ["--concurrency", "10", "default"] in found
    assert ["--quiet", "false", "default"] in found
    assert segcli("config", "engage", "trait").code == 0
    assert "Did you mean 'send'?" in segcli("config", "sned").err


def test_keys_are_not_shown(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "segcli.toml").write_text(f'[gist]\napi_key = "{KEY}"\n')
    monkeypatch.setenv("SEGCLI_SANDBOX_KEY", KEY)
    monkeypatch.setenv("SEGCLI_SEGMENT_API_KEY", KEY)
    for words in ((), ("sandbox",), ("--format", "json")):
        said = segcli("config", *words)
        assert said.code == 0
        assert KEY not in said.out + said.err


def test_as_json_it_has_the_same(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(FULL)
    found = json.loads(segcli("config", "--config", "my.toml", "--format", "json").out)

    assert (found["file"], found["was_found"]) == ("my.toml", False)
    assert found["destinations"] == {"gist": ["batch"]}
    row = {"command": "send", "option": "--type", "value": ["track"], "source": "my.toml:5"}
    assert row in found["options"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[capture]\nsettel = 1", "segcli.toml:2: capture has no option 'settel'"),
        ("[check]\nrate = 'x'", "segcli.toml:2: Invalid value for '--rate'"),
        ("[sandbox]\nport = 80", "segcli.toml:2: port is not taken from segcli.toml"),
    ],
)
def test_it_checks_the_tables_of_all_commands(
    text: str, message: str, segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "segcli.toml").write_text(text)
    said = segcli("config")

    assert said.code == 2
    assert said.err.startswith(f"Error: {message}")


def test_a_wrong_variable_is_an_error(segcli: Segcli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGCLI_TIMEOUT", "soon")

    assert "'--timeout' (from SEGCLI_TIMEOUT): 'soon' is not" in segcli("config").err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[gist]\nbacth = 3\n", "segcli.toml:2: gist has no setting 'bacth'\nDid you mean batch?"),
        ("[gist]\nbatch = 'x'\n", "segcli.toml:2: gist: batch must be a whole number, not 'x'"),
        ("[webhook]\nendpoint = 'x'\n", "segcli.toml:2: webhook: endpoint must be an address"),
    ],
)
def test_the_settings_of_known_destinations_are_checked_too(
    text: str, problem: str, segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "segcli.toml").write_text(text)
    for words in (("config",), ("config", "send"), ("config", "--format", "json")):
        said = segcli(*words)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith(f"Error: {problem}")


@pytest.mark.parametrize(
    ("table", "more"),
    [
        ("gst", "did you mean [gist]?"),
        ("chekc", "did you mean [check]?"),
        ("acme", "see segcli destinations acme"),
    ],
)
def test_a_table_of_no_known_destination_is_asked_about(
    table: str, more: str, segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "segcli.toml").write_text(f"[{table}]\nbatch = 3\n")

    assert f"segcli.toml:1: [{table}] sets batch; {more}\n" in segcli("config").out


def test_tables_in_a_pipe_have_no_spaces_at_the_ends_of_lines(segcli: Segcli) -> None:
    for words in (("destinations",), ("destinations", "gist"), ("config", "send")):
        lines = segcli(*words).out.splitlines()
        assert [line for line in lines if line.endswith(" ")] == []


# --- the schema


def test_the_schema_of_the_repository_is_the_one_that_is_printed(
    schema: Any, segcli: Segcli, root: Path, *, update_golden: bool
) -> None:
    """Its `$id` is the address of that file."""
    file = root / schema["$id"].removeprefix(
        "https://raw.githubusercontent.com/segcli/segcli/main/"
    )
    printed = segcli("config", "--schema").out
    if update_golden:
        file.write_text(printed)

    assert file.read_text() == printed, "pytest --update-golden rewrites it"


def test_the_schema_is_one_and_belongs_to_the_project(schema: Any) -> None:
    Draft202012Validator.check_schema(schema)

    assert schema["$id"].startswith("https://raw.githubusercontent.com/segcli/segcli/main/")


EXAMPLES = [
    block.partition("```")[0]
    for document in (README, *GUIDES.values())
    for block in document.read_text().split("```toml\n# segcli.toml\n")[1:]
]


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        "",
        "[check]\nstrict = true\nselect = ['SEG1', 'SEG203']\nmax-findings = 5",
        "[sandbox]\nport = 9000\nfault = ['503:5%']\nseed = 5\n[capture]\nsettle = 1.5",
        '[engage]\nmax-removals = "10%"\nremoved = "null"\n[acme]\nregion = "eu"\n[ui]\n',
        "[transform]\nwhere = 'type = \"track\"'\nmax_line = 5000\nquiet = false",
        *EXAMPLES,
    ],
)
def test_a_file_that_segcli_reads_is_valid(
    text: str, schema: Any, segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "my.toml").write_text(text)

    assert segcli("config", "--config", "my.toml").code == 0
    Draft202012Validator(schema).validate(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "[send]\nrte = 1",
        "[send]\nrate = true",
        "[send]\nconcurrency = 0",
        "[send]\nconcurrency = 1001",
        "[send]\ntype = 'track'",
        "[send]\ntype = ['trak']",
        "[send]\nendpoint = 'x'",
        "[transform]\nrate = 1",
        "[check]\nstrict = 'yes'",
        "[engage]\nremoved = 'maybe'",
        "rate = 5",
    ],
)
def test_a_file_that_segcli_refuses_is_not_valid(
    text: str, schema: Any, segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "my.toml").write_text(text)

    assert segcli("config", "--config", "my.toml").code == 2
    assert not Draft202012Validator(schema).is_valid(tomllib.loads(text))
