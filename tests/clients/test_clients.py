"""Segment's own clients send to the capture and to the sandbox, and what they send becomes events.

These tests need clients of other languages, and are run by name: `pytest -m clients`. `.ci/run`
installs what they need; it says in SEGCLI_TEST_CLIENTS where `npm ci` has put its modules.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fakes import PATIENCE
from support.samples import Run

from segcli.core.event import parse
from segcli.sandbox import SandboxServer

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# What each application does, in its order.
CALLS = ["identify", "track", "page", "screen", "group", "alias"]
OF_A_PAGE = ["page", "identify", "track", "group", "alias", "screen"]
Captured = Callable[..., list[dict[str, Any]]]


def modules() -> Path:
    """Return the folder with the modules of npm; fails where there is none."""
    folder = os.environ.get("SEGCLI_TEST_CLIENTS")
    assert folder, "SEGCLI_TEST_CLIENTS names no folder: .ci/run shows how to install the clients"
    return Path(folder)


@pytest.fixture
def node_app(tmp_path: Path) -> list[str]:
    """Return the command of the application for Node, which looks for modules beside it."""
    (tmp_path / "node_modules").symlink_to(modules() / "node_modules")
    shutil.copy(HERE / "node_app.mjs", tmp_path)
    return ["node", "node_app.mjs"]


@pytest.fixture
def page(tmp_path: Path) -> Callable[[str], list[str]]:
    """Return what makes the command that opens a bundled page in a browser."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser, "there is no Chromium: apt-get install chromium"
    bundler = modules() / "node_modules" / ".bin" / "esbuild"
    script = tmp_path / "page.js"
    subprocess.run(
        [bundler, HERE / "page.mjs", "--bundle", "--format=esm", f"--outfile={script}"],
        env=os.environ | {"NODE_PATH": str(modules() / "node_modules")},
        check=True,
        capture_output=True,
    )

    def command(query: str) -> list[str]:
        profile = str(tmp_path / f"profile-{query}")
        return [sys.executable, str(HERE / "browse.py"), browser, str(script), profile, query]

    return command


@pytest.fixture
def captured(tmp_path: Path, clean_environment: dict[str, str]) -> Captured:
    """Return what runs a command under a capture, and returns the events that it wrote."""

    def run(*command: str, name: str = "events.jsonl") -> list[dict[str, Any]]:
        words = ["capture", "--stable", "--output", name, "--", *command]
        done = subprocess.run(
            [sys.executable, "-m", "segcli", *words],
            cwd=tmp_path,
            env=clean_environment,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert b"refused" not in done.stderr
        lines = (tmp_path / name).read_bytes().splitlines()
        assert b"KEY_OF" not in b"".join(lines)
        return [parse(line).data for line in lines]

    return run


def check_events(events: list[dict[str, Any]], calls: list[str], library: str) -> None:
    """Check what every client's events have in common."""
    assert [event["type"] for event in events] == calls
    for event in events:
        assert {"messageId", "timestamp", "originalTimestamp", "sentAt", "receivedAt"} <= set(event)
        assert event["context"]["library"]["name"] == library
    by_type = {event["type"]: event for event in events}
    assert by_type["track"]["properties"] == {"total": 12.5}
    assert by_type["identify"]["traits"]["email"] == "ada@example.com"


@pytest.mark.parametrize("more", [[], ["", "--gzip"], ["/"]])
def test_python_client_events_are_captured(more: list[str], captured: Captured) -> None:
    events = captured(sys.executable, str(HERE / "python_app.py"), *more)

    check_events(events, CALLS, "analytics-python")


def test_node_client_events_are_captured(node_app: list[str], captured: Captured) -> None:
    screen, *others = captured(*node_app)

    # One of its calls has an anonymousId alone, which is another series.
    check_events([*others[:3], screen, *others[3:]], CALLS, "@segment/analytics-node")
    assert others[-1]["previousId"] == screen["anonymousId"]


@pytest.mark.parametrize("query", ["", "batching=1"])
def test_analytics_js_events_from_a_browser_are_captured(
    query: str, page: Callable[[str], list[str]], captured: Captured
) -> None:
    events = captured(*page(query))

    check_events(events, OF_A_PAGE, "analytics.js")
    assert len({event["anonymousId"] for event in events}) == 1


def test_two_captures_of_a_client_are_byte_identical(
    node_app: list[str], captured: Captured, tmp_path: Path
) -> None:
    for command in ([sys.executable, str(HERE / "python_app.py")], node_app):
        captured(*command, name="one.jsonl")
        captured(*command, name="two.jsonl")

        assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


def test_check_accepts_captured_events(
    node_app: list[str], captured: Captured, run_segcli: Run
) -> None:
    captured(*node_app)
    done = run_segcli("check", "--dest", "segment", "events.jsonl")

    assert done.returncode == 0, done.stdout.decode()
    assert b"6 mapped, 0 rejected, 0 skipped" in done.stdout


def test_sandbox_accepts_events_of_the_server_clients(
    node_app: list[str], tmp_path: Path, start_sandbox: Callable[..., SandboxServer]
) -> None:
    python = [sys.executable, str(HERE / "python_app.py")]
    for key, command in (("KEY_OF_PYTHON", python), ("KEY_OF_NODE", node_app)):
        server = start_sandbox(key=key)
        url = server.endpoint("segment").removesuffix("/v1")
        subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"SEGCLI_CAPTURE_URL": url},
            timeout=PATIENCE,
            check=True,
        )

        assert sorted(taken.payload["type"] for taken in server.app.accepted) == sorted(CALLS)
        assert server.app.counts()["totals"]["refused"] == 0
