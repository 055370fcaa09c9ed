"""`--http-transport` selects the transport; a run works without the default one."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult, report_in, sending_to, tracks, write_events

from segcli.http.transports import TRANSPORTS
from segcli.sandbox import Fault, SandboxServer

Segcli = Callable[..., CommandResult]
Start = Callable[..., SandboxServer]


@pytest.fixture
def without_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "segcli.http.aiohttp_transport", raising=False)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_run_with_any_transport_delivers_all_despite_faults(
    transport: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(60, users=20))
    at = start_sandbox(faults=(Fault("503", 0.1), Fault("reset", 0.1)), seed=1, retry_after=0)
    to = sending_to("gist", at.endpoint("gist"))
    said = segcli(*to, events, "--http-transport", transport)

    assert said.code == 0
    assert report_in(tmp_path)["ledger"]["delivered"] == 60


@pytest.mark.usefixtures("without_aiohttp")
def test_missing_default_transport_is_noted_once_and_httpx_is_used(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    said = segcli(*sending_to("gist", start_sandbox().endpoint("gist")), events)

    assert said.code == 0
    assert said.err.count("aiohttp cannot be loaded (") == 1
    assert "so httpx is used, which is slower" in said.err


@pytest.mark.usefixtures("without_aiohttp")
def test_requested_transport_that_cannot_be_loaded_is_an_error(
    segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    to = sending_to("gist", "http://127.0.0.1:1")
    said = segcli(*to, events, "--http-transport", "aiohttp")

    assert said.code == 2
    assert "--http-transport aiohttp cannot be loaded: " in said.err
    assert "--http-transport httpx" in said.err


def test_httpx_is_not_suggested_where_it_cannot_be_loaded_itself(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "segcli.http.httpx_transport", None)
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    said = segcli(*sending_to("gist", "http://127.0.0.1:1"), events, "--http-transport", "httpx")

    assert said.code == 2
    assert "--http-transport httpx cannot be loaded: " in said.err
    assert said.err.count("--http-transport httpx") == 1
    assert "Install segcli again" in said.err
