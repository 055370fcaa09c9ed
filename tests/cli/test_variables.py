"""Variables of the environment: those of options, and those that nothing reads."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.destination_file import ACME, changed
from support.fakes import CommandResult, tracks, write_events

from segcli.cli.variables import is_one_edit

Segcli = Callable[..., CommandResult]


@pytest.fixture(autouse=True)
def _events(tmp_path: Path) -> None:
    write_events(tmp_path / "events.jsonl", tracks(6))


@pytest.mark.parametrize(
    ("variable", "text", "count"),
    [
        ("SEGCLI_TYPE", "page track", 6),
        ("SEGCLI_TYPE", "page", 0),
        ("SEGCLI_USER", "u1\nu2\n", 4),
        ("SEGCLI_EVENT", "No Such *\nNone", 0),
        ("SEGCLI_SINCE", "2100-01-01", 0),
        ("SEGCLI_WHERE", 'type = "page"', 0),
        ("SEGCLI_NO_FIRST_LOOK", "yes", 6),
    ],
)
def test_an_option_has_a_variable(
    variable: str, text: str, count: int, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    said = segcli("transform", "events.jsonl")

    assert said.code == 0, said.err
    assert len(said.out.splitlines()) == count


@pytest.mark.parametrize(
    ("variable", "option", "text"),
    [("SEGCLI_RATE", "--rate", "fast"), ("SEGCLI_CONCURRENCY", "--concurrency", "0")],
)
def test_a_wrong_value_is_an_error_with_the_variable(
    variable: str, option: str, text: str, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = segcli("send", "-d", "gist", "--sandbox", option, text, "events.jsonl")
    monkeypatch.setenv(variable, text)
    said = segcli("send", "-d", "gist", "--sandbox", "events.jsonl")

    assert said.code == 2
    assert said.err == typed.err.replace(f"'{option}'", f"'{option}' (from {variable})")


def test_the_servers_have_variables_of_their_own(
    segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGCLI_PORT", "x")
    monkeypatch.setenv("SEGCLI_SANDBOX_PORT", "none")

    assert "'--port' (from SEGCLI_SANDBOX_PORT)" in segcli("sandbox").err


def test_an_unknown_variable_of_the_destination_in_use_is_an_error(
    segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGCLI_GIST_BATCHES", "5")
    said = segcli("transform", "-d", "gist", "events.jsonl")

    assert said.code == 2
    assert said.err.startswith(
        "Error: SEGCLI_GIST_BATCHES: gist has no setting 'batches'\n"
        "Did you mean SEGCLI_GIST_BATCH? It has: "
    )
    assert segcli("transform", "-d", "plotline", "events.jsonl").code == 0


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("SEGCLI_RAET", "did you mean SEGCLI_RATE?"),
        ("SEGCLI_RTE", "did you mean SEGCLI_RATE?"),
        ("SEGCLI_CONFIGS", "did you mean SEGCLI_CONFIG?"),
        ("SEGCLI_MAX-LINE", "did you mean SEGCLI_MAX_LINE?"),
        ("SEGCLI_ENDPOINT", "export SEGCLI_<DESTINATION>_ENDPOINT"),
    ],
)
def test_a_variable_that_looks_like_an_option_is_warned_of(
    variable: str, meant: str, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    said = segcli("transform", "events.jsonl")

    assert said.code == 0
    assert said.err.splitlines()[0] == f"{variable} has no effect: {meant}"
    assert segcli("transform", "--quiet", "events.jsonl").err == ""


def test_other_variables_are_ignored(segcli: Segcli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEGCLI_OF_MINE", "SEGCLI_ACME_KEY", "SEGCLI_CAPTURE_URL", "SEGCLI_GIST_API_KEY"):
        monkeypatch.setenv(name, "1")

    assert "SEGCLI" not in segcli("transform", "events.jsonl").err


def test_a_variable_with_two_meanings_is_an_error(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {
        "name": "max",
        "settings.line": {"default": "1"},
        "request.headers": {"X": "{settings.line}"},
    }
    (tmp_path / "max.json").write_text(json.dumps(changed(ACME, changes)))
    monkeypatch.setenv("SEGCLI_MAX_FINDINGS", "5")
    assert segcli("transform", "-d", "./max.json", "events.jsonl").code == 0
    monkeypatch.setenv("SEGCLI_MAX_LINE", "1MB")
    said = segcli("transform", "-d", "./max.json", "events.jsonl")

    assert said.code == 2
    assert "SEGCLI_MAX_LINE is an option of segcli and the setting line of max" in said.err
    assert "--set line=" in said.err


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("rate", "rate", False), ("rate", "rte", True), ("rate", "ratee", True),
        ("rate", "rata", True), ("rate", "raet", True), ("rate", "arte", True),
        ("rate", "rat", True), ("rate", "xrate", True), ("rate", "ra", False),
        ("rate", "rtae", True), ("rate", "tear", False), ("rate", "rutt", False),
    ],
)  # fmt: skip
def test_one_edit(one: str, other: str, expected: bool) -> None:
    assert is_one_edit(one, other) is expected
    assert is_one_edit(other, one) is expected


@pytest.mark.parametrize("command", ["transform", "send"])
def test_a_wrong_flag_says_true_or_false(
    command: str, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGCLI_IGNORE_INTEGRATIONS", "maybe")
    said = segcli(command, "-d", "gist", "events.jsonl")

    assert said.code == 2
    assert said.err.endswith(
        "Error: Invalid value for '--ignore-integrations' (from SEGCLI_IGNORE_INTEGRATIONS): "
        "it must be true or false, not 'maybe'.\n"
    )


@pytest.mark.parametrize(
    ("name", "problem"),
    [("no.toml", " does not exist"), ("sub", " is a folder"), ("bad.toml", ":1:6: not TOML: ")],
)
def test_a_settings_file_that_a_variable_names_is_an_error_with_the_variable(
    name: str, problem: str, segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "bad.toml").write_text("[send\n")
    monkeypatch.setenv("SEGCLI_CONFIG", name)
    said = segcli("transform", "-d", "gist", "events.jsonl")

    assert said.code == 2
    assert said.err.startswith(f"Error: SEGCLI_CONFIG: {name}{problem}")
    typed = segcli("transform", "-d", "gist", "events.jsonl", "--config", name)
    assert typed.err.startswith(f"Error: {name}{problem}")
