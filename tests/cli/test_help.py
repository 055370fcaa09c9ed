"""`--help` shows options in groups, in one column, and fits a narrow screen."""

import re
from collections.abc import Callable

import pytest
from support.fakes import CommandResult

from segcli.cli import COMMANDS
from segcli.cli.help_format import GROUPS

Segcli = Callable[..., CommandResult]
GROUPED = ["transform", "check", "send", "engage audience", "engage trait"]
EVERY = ["", *COMMANDS, "engage audience", "engage trait", "engage status", "engage forget"]


def sections(help_text: str) -> dict[str, list[str]]:
    """Return the lines of each section of a help, by its title, without what follows."""
    found: dict[str, list[str]] = {}
    for line in help_text.splitlines():
        if title := re.fullmatch(r"(\S.*):", line):
            found[title[1]] = []
        elif found and line.startswith(" "):
            list(found.values())[-1].append(line)
    return found


@pytest.mark.parametrize("command", GROUPED)
def test_every_option_is_in_a_group_and_groups_are_ordered(command: str, segcli: Segcli) -> None:
    found = sections(segcli(*command.split(), "--help").out)

    assert list(found) == [*(title for title in GROUPS if title in found), "Other"]
    assert found["Other"] == [line for line in found["Other"] if "--help" in line]
    assert {"Destination and mapping", "Input", "Output"} <= found.keys()


def test_help_of_send_groups_options_by_their_task(segcli: Segcli) -> None:
    found = sections(segcli("send", "--help").out)

    assert list(found) == [
        *("Destination and mapping", "Selection", "Old events", "Input", "Delivery", "Output"),
        "Sandbox",
        "Other",
    ]
    for title, option in (
        ("Selection", "--where FQL"),
        ("Delivery", "--rate RATE"),
        ("Delivery", "--resume"),
        ("Sandbox", "--fault KIND:SHARE"),
    ):
        assert any(line.strip().startswith(option) for line in found[title])


@pytest.mark.parametrize("command", [*GROUPED, "sandbox", "capture", "engage status"])
def test_a_help_ends_with_where_else_options_come_from(command: str, segcli: Segcli) -> None:
    last = " ".join(segcli(*command.split(), "--help").out.split("\n\n")[-1].split())

    assert last.startswith("Options can also be set by SEGCLI_… variables and in segcli.toml")
    assert last.endswith("`segcli guide configuration` has the rules.")


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("command", GROUPED)
def test_all_option_groups_use_the_same_columns(
    command: str, columns: int, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    said = segcli(*command.split(), "--help").out
    starts = {
        found.end()
        for lines in sections(said).values()
        for line in lines
        if (found := re.match(r"  (?:-\S, )?--\S+(?: [A-Z]\S*)? {2,}|  {10,}", line))
    }

    assert len(starts) == 1


@pytest.mark.parametrize("command", EVERY)
def test_every_help_fits_60_columns(
    command: str, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = segcli(*command.split(), "--help").out.splitlines()

    assert [line for line in lines if len(line) > 60] == []


@pytest.mark.parametrize("command", EVERY)
def test_help_command_prints_the_help_of_a_command(command: str, segcli: Segcli) -> None:
    said = segcli("help", *command.split())

    assert said == segcli(*command.split(), "--help")


def test_the_words_that_an_argument_may_be_are_listed_without_escapes(segcli: Segcli) -> None:
    said = segcli("completion")

    assert said.code == 2
    assert "Choose from:\n  bash,\n  zsh,\n  fish\n" in said.err


def test_bounds_of_numbers_are_in_words(segcli: Segcli) -> None:
    for command in EVERY:
        assert not re.search(r"x[<>]=|[<>]=x", segcli(*command.split(), "--help").out)
    words = " ".join(segcli("send", "--help").out.split())
    assert "[default: 10; 1 to 1000]" in words
    assert "after the other filters. [0 or more]" in words
    assert "'x' is not a valid whole number." in segcli("send", "--concurrency", "x").err
    assert "0 is not in the range 1 to 1000." in segcli("send", "--concurrency", "0").err
