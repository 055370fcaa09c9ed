"""A package with an entry point in the group `segcli.destinations` adds a destination."""

import json
from collections.abc import Callable

import pytest
from support.samples import Run, line_of

from segcli import catalog
from segcli.destinations import BUILT_IN

Install = Callable[..., dict[str, str]]


def test_plug_in_destination_maps_events(run_segcli: Run, install: Install) -> None:
    env = install("acme = acme:ACME")
    event = line_of(timestamp="2026-02-03", properties={"price": 9.5, "sku": "x"})

    done = run_segcli("transform", "-d", "acme", "--set", "region=us", stdin=event, env=env)

    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "name": "Tried",
        "user": "u1",
        "time": "2026-02-03",
        "price": 9.5,
        "data": {"price": 9.5, "sku": "x"},
    }
    assert b"note: priced" in done.stderr


def test_plug_in_destination_skips_and_rejects_like_a_built_in_one(
    run_segcli: Run, install: Install
) -> None:
    env = install("acme = acme:ACME")
    lines = [
        line_of(type="page"),
        line_of(),
        line_of(properties={"price": "9.50"}),
        line_of(properties={"price": 1, "pad": "x" * 20_000}),
        line_of(properties={"price": 1}, integrations={"Acme": False}),
        line_of(properties={"price": 1}),
    ]

    done = run_segcli("transform", "-d", "acme", "--outcomes", stdin=b"\n".join(lines), env=env)

    assert [json.loads(line).get("reason") for line in done.stdout.splitlines()] == [
        "page is not for acme",
        "properties.price is required by Acme",
        "properties.price is text",
        "larger than the 20,000 bytes that acme takes",
        "switched off in integrations",
        None,
    ]
    assert done.returncode == 1


def test_plug_in_destination_has_its_own_settings(run_segcli: Run, install: Install) -> None:
    env = install("acme = acme:ACME") | {"SEGCLI_ACME_REGION": "us", "SEGCLI_DEST": "acme"}

    done = run_segcli("transform", "--outcomes", stdin=line_of(properties={"price": 1}), env=env)

    assert json.loads(done.stdout)["route"] == "/v1/us"


def test_plug_in_destination_is_listed_and_described(run_segcli: Run, install: Install) -> None:
    env = install("acme = acme:ACME")

    listed = run_segcli("destinations", env=env)
    described = run_segcli("destinations", "acme", env=env)

    lines = [line for line in listed.stdout.decode().splitlines() if not line.startswith(" ")]
    names = [line.partition(" ")[0] for line in lines]
    assert names == ["built", *BUILT_IN, "", "catalog", *catalog.NAMES, "", "plug-in", "acme"]
    said = described.stdout.decode()
    assert described.returncode == 0
    for part in (
        "acme: What a test needs.",
        "takes track; in the integrations object it is Acme",
        "100 events a request, 1,000,000 bytes of events a request, 20,000 bytes an event",
        "10 requests/s",
        "SEGCLI_ACME_REGION",
        "properties.*",
    ):
        assert part in said


def test_hint_suggests_the_name_of_a_plug_in(run_segcli: Run, install: Install) -> None:
    done = run_segcli("transform", "-d", "acmee", env=install("acme = acme:ACME"))

    assert done.returncode == 2
    assert b"Did you mean acme? " in done.stderr


def test_plug_in_cannot_replace_a_built_in_destination(run_segcli: Run, install: Install) -> None:
    env = install("gist = acme:ACME")

    done = run_segcli("transform", "-d", "gist", "--outcomes", stdin=line_of(), env=env)
    listed = run_segcli("destinations", env=env)

    assert json.loads(done.stdout)["route"] == "/events"
    assert listed.stdout.decode().count("gist ") == 1


@pytest.mark.parametrize(
    ("entry_point", "code", "message"),
    [
        ("broken:ACME", None, "cannot be loaded: No module named 'broken'"),
        ("broken:ACME", "OTHER = 1", "cannot be loaded: module 'broken' has no attribute 'ACME'"),
        ("broken:ACME", "raise OSError('no licence')", "cannot be loaded: no licence"),
        ("broken:ACME", "def (:", "cannot be loaded: invalid syntax"),
        ("broken:ACME", "ACME = {'name': 'acme'}", "is not a segcli.Destination"),
        ("acme:payload", None, "is not a segcli.Destination"),
    ],
)
def test_broken_plug_in_is_an_error_that_names_it(
    run_segcli: Run, install: Install, entry_point: str, code: str | None, message: str
) -> None:
    modules = {} if code is None else {"broken": code}
    env = install(f"acme = {entry_point}", **modules)

    done = run_segcli("transform", "-d", "acme", stdin=line_of(), env=env)

    said = done.stderr.decode()
    assert done.returncode == 2
    assert said.startswith(f"Error: the plug-in 'acme' ({entry_point}) {message}")
    assert "Traceback" not in said
    assert len(said.splitlines()) == 2, "the message and what to do"
    assert done.stdout == b""


def test_broken_plug_in_does_not_affect_built_in_destinations(
    run_segcli: Run, install: Install
) -> None:
    env = install("acme = broken:ACME")

    done = run_segcli("transform", "-d", "webhook", stdin=line_of(), env=env)

    assert done.returncode == 0
    assert done.stdout == line_of() + b"\n"


def test_a_bug_in_a_plug_in_keeps_its_traceback(run_segcli: Run, install: Install) -> None:
    code = "import dataclasses\nfrom acme import ACME\n" + (
        "BUGGY = dataclasses.replace(ACME, payload=lambda event, settings: 1 / 0)\n"
    )
    env = install("acme = buggy:BUGGY", buggy=code)

    done = run_segcli("transform", "-d", "acme", stdin=line_of(), env=env)

    assert done.returncode == 70
    assert b"ZeroDivisionError" in done.stderr
