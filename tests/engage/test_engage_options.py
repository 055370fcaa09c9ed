"""The options of `segcli engage`: which property, how many removals, which state."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.engage import STATE, csv, engage, received_changes
from support.fakes import CommandResult, report_in

from segcli.sandbox import SandboxServer

Segcli = Callable[..., CommandResult]
Start = Callable[..., SandboxServer]
NOWHERE = "http://127.0.0.1:9"


def requests(at: SandboxServer) -> int:
    return int(at.app.counts()["totals"]["requests"])


# --- the property


@pytest.mark.parametrize(("name", "value"), [("pointillist", "true"), ("gist", True)])
def test_key_option_names_the_property(
    name: str, value: object, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = csv(tmp_path / "m.csv", ["u1"])
    assert segcli(*engage(name, at.endpoint(name), file, "--key", "VIP Club")).code == 0

    assert received_changes(at, "VIP Club") == [("u1", value)]


def test_names_with_the_same_property_are_one_audience(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    to = engage("gist", at.endpoint("gist"), csv(tmp_path / "m.csv", ["u1"]))
    segcli(*to)
    to[2] = "big-spenders!"
    segcli(*to)

    assert len(received_changes(at)) == 1
    status = segcli("engage", "status", "--state", STATE).out
    assert "big-spenders!" in status
    assert "Big Spenders" not in status


@pytest.mark.parametrize(
    ("name", "problem", "hint"),
    [
        ("顧客", "no property can be made from the name '顧客'", "Name it: --key NAME"),
        ("E-Mail ", None, None),
        ("Email", "the property email is the user's address", "Name another key: --key NAME"),
    ],
)
def test_name_without_a_property_or_named_email_is_refused(
    name: str, problem: str | None, hint: str | None, segcli: Segcli, tmp_path: Path
) -> None:
    to = engage("gist", NOWHERE, csv(tmp_path / "m.csv", ["u1"]), "--dry-run")
    to[2] = name
    said = segcli(*to)

    assert said.code == (2 if problem else 0)
    assert f"{problem}\n{hint}\n" in said.err or not problem
    assert segcli(*to, "--key", "shoppers").code == 0


# --- how many may be removed


@pytest.mark.parametrize(
    ("most", "left", "code"),
    [
        (None, 5, 0),
        (None, 4, 2),
        ("60%", 4, 0),
        ("0%", 10, 0),
        ("0", 9, 2),
        ("3", 7, 0),
        ("3", 6, 2),
        ("100%", 0, 0),
        ("12.5 %", 9, 0),
    ],
)
def test_list_that_exceeds_max_removals_stops_before_sending(
    most: str | None, left: int, code: int, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    url = at.endpoint("plotline")
    segcli(*engage("plotline", url, csv(tmp_path / "m.csv", range(10))))
    before = requests(at)
    option = ["--max-removals", most] if most else []
    said = segcli(*engage("plotline", url, csv(tmp_path / "m.csv", [*range(left), "n"]), *option))

    assert said.code == code
    assert (requests(at) == before) is (code == 2)
    if code == 2:
        assert f"m.csv would remove {10 - left} of 10 known members; --max-removals is" in said.err
        assert said.err.endswith(f"If that is right, type --max-removals {10 - left}\n")
        assert report_in(tmp_path)["ledger"]["delivered"] == 10, "the report is the first sync's"


def test_correct_list_after_a_refused_one_sends_the_right_changes(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    url = at.endpoint("plotline")
    segcli(*engage("plotline", url, csv(tmp_path / "m.csv", range(10))))
    received_changes(at)
    segcli(*engage("plotline", url, csv(tmp_path / "m.csv", [])))
    segcli(*engage("plotline", url, csv(tmp_path / "m.csv", range(1, 10))))

    assert received_changes(at) == [("0", False)]


@pytest.mark.parametrize("most", ["many", "", "%", "-1", "nan", "inf", "1,000", "10%x", "5%%"])
def test_invalid_max_removals_is_refused_before_reading(
    most: str, segcli: Segcli, tmp_path: Path
) -> None:
    file = csv(tmp_path / "m.csv", ["u1"])
    said = segcli(*engage("gist", NOWHERE, file, "--max-removals", most))

    assert said.code == 2
    assert "Type for example 1000 or 50%." in said.err
    assert list(tmp_path.iterdir()) == [file]
