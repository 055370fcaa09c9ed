"""A real Chromium, and pages of `segcli ui` for it. Debian's browser: nothing is downloaded."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.samples import ROOT

PICTURES = ROOT / ".github"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Milliseconds; a page that takes longer is broken.
_WAIT = 30_000

Show = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start Chromium; skip where it is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        # The sandbox of Chromium needs rights that a container does not give.
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def show(browser: Any, spawn: Any) -> Iterator[Show]:  # noqa: ARG001  # servers end after windows
    """Open a page in a window of its own; a script error or a refused resource fails the test."""
    windows, problems = [], []

    def show(url: str, *, scheme: str = "light", width: int = 1280, height: int = 800) -> Any:
        size = {"width": width, "height": height}
        window = browser.new_context(viewport=size, color_scheme=scheme)
        windows.append(window)
        page = window.new_page()
        page.set_default_timeout(_WAIT)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console", lambda message: message.type == "error" and problems.append(message.text)
        )
        page.on("request", lambda request: _check_local(request.url, url, problems))
        page.goto(url)
        return page

    yield show
    for window in windows:
        window.close()
    # A request with a mistake is answered with 400, which the console lists.
    assert [one for one in problems if "status of 400" not in one] == []


def _check_local(asked: str, url: str, problems: list[str]) -> None:
    """Note a request that leaves the page's own address."""
    if not asked.startswith(("data:", "file:", "blob:", url.partition("#")[0].rsplit("/", 1)[0])):
        problems.append(f"asked for {asked}")


@pytest.fixture
def ui(spawn: Callable[..., "subprocess.Popen[str]"]) -> Callable[..., str]:
    """Start a command that serves a page, and return its address."""

    def start(*arguments: object) -> str:
        return address_of(spawn(*arguments, "--no-open"))

    return start


def address_of(process: "subprocess.Popen[str]") -> str:
    """Return the address that a process prints."""
    assert process.stderr
    for line in process.stderr:
        if found := re.match(r"The page is at (http://127\.0\.0\.1:\d+/\S+)", line):
            return found[1]
    raise AssertionError("the process has ended without an address")


@pytest.fixture
def picture(update_golden: bool) -> Callable[[Any, str], None]:
    """Take a picture of a page for the documents, if they are rewritten."""

    def take(page: Any, name: str) -> None:
        if update_golden:
            PICTURES.mkdir(exist_ok=True)
            page.screenshot(path=str(PICTURES / f"{name}.png"))
        assert (PICTURES / f"{name}.png").is_file(), "pytest -m browser --update-golden makes it"

    return take
