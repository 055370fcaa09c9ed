"""A run whose options come from the environment or a settings file is resumed as any other."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.fakes import CommandResult, tracks, write_events
from support.resuming import LimitedVendor, Segcli, Serve
from support.samples import KEY

ALL = [f"m{number}" for number in range(12)]
SELECTED = [f"m{number}" for number in range(12) if number % 3 == 0]


@dataclass(frozen=True, slots=True)
class RefusingVendor:
    """A vendor that refuses the key after two events, and its address."""

    limited_vendor: LimitedVendor
    url: str


@pytest.fixture
def at(vendor: Serve, tmp_path: Path) -> RefusingVendor:
    write_events(tmp_path / "events.jsonl", tracks(12))
    limited_vendor = LimitedVendor(left=2)
    return RefusingVendor(limited_vendor, vendor(limited_vendor).url)


def send(segcli: Segcli, *more: str) -> CommandResult:
    return segcli("send", "-d", "webhook", "--concurrency", 1, "events.jsonl", *more)


def command_in(said: CommandResult) -> list[str]:
    """Return the words after `segcli` of the command that a stopped run prints."""
    (line,) = (line for line in said.err.splitlines() if line.startswith("  segcli send"))
    return shlex.split(line)[1:]


def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SEGCLI_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("trust", ["found", "named"])
def test_values_of_the_environment_are_in_the_printed_command(
    trust: str,
    at: RefusingVendor,
    segcli: Segcli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "my.toml").write_text("[send]\nrate = 1000\n")
    first = tracks(12)[0]["userId"]
    variables = {
        "SEGCLI_WEBHOOK_ENDPOINT": at.url,
        "SEGCLI_WEBHOOK_API_KEY": KEY,
        "SEGCLI_USER": first,
        "SEGCLI_TYPE": "track page",
        "SEGCLI_RETRY_FOR": "1ms",
        "SEGCLI_NO_FIRST_LOOK": "yes",
        **({"SEGCLI_CONFIG": "my.toml"} if trust == "named" else {}),
    }
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    stopped = send(segcli)
    assert stopped.code == 3
    words = command_in(stopped)
    listed = segcli("journals").out
    without_variables(monkeypatch)
    monkeypatch.setenv("SEGCLI_WEBHOOK_API_KEY", KEY)
    at.limited_vendor.accept_all()
    resumed = segcli(*words)

    assert resumed.code == 0, resumed.err
    assert at.limited_vendor.taken == SELECTED
    assert KEY not in stopped.err + listed
    joined = shlex.join(words)
    assert f"--set endpoint={at.url}" in joined
    assert f"--type track --type page --user {first}" in joined
    assert "--no-first-look" in words
    assert ("--config my.toml" in joined) is (trust == "named")
    assert joined in listed


@pytest.mark.parametrize(
    ("option", "text", "toml"),
    [
        ("type", "page", '["page"]'),
        ("limit", "9", "9"),
        ("since", "2020-01-01", "2020-01-01"),
        ("where", 'type = "track"', "'type = \"track\"'"),
    ],
)
def test_a_changed_option_is_refused_wherever_it_comes_from(
    option: str,
    text: str,
    toml: str,
    at: RefusingVendor,
    segcli: Segcli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    to = ("--endpoint", at.url)
    assert send(segcli, *to).code == 3
    by_option = send(segcli, *to, f"--{option}", text, "--resume")
    monkeypatch.setenv(f"SEGCLI_{option.upper()}", text)
    by_variable = send(segcli, *to, "--resume")
    monkeypatch.delenv(f"SEGCLI_{option.upper()}")
    Path("my.toml").write_text(f"[send]\n{option} = {toml}\n")
    by_file = send(segcli, *to, "--config", "my.toml", "--resume")

    assert by_option.code == 2
    assert f"the run to resume had no --{option}; this one has --{option} {text}" in by_option.err
    assert by_variable == by_option
    assert by_file == by_option
    at.limited_vendor.accept_all()
    assert send(segcli, *to, "--resume").code == 0
    assert at.limited_vendor.taken == ALL


def test_a_quantity_may_change(
    at: RefusingVendor, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = ("--endpoint", at.url)
    monkeypatch.setenv("SEGCLI_RETRY_FOR", "1ms")
    assert send(segcli, *to).code == 3
    monkeypatch.setenv("SEGCLI_RATE", "1000/s")
    monkeypatch.setenv("SEGCLI_RETRY_FOR", "5s")
    at.limited_vendor.accept_all()

    assert send(segcli, *to, "--resume").code == 0
    assert at.limited_vendor.taken == ALL
