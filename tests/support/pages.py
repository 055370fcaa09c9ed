"""The local page in a test: its app, asked without a socket, and what it is set up with."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from support.fakes import wait_until

from segcli.cli.commands.ui import PageOptions
from segcli.cli.page import setup_of
from segcli.inputs import inputs, look
from segcli.inputs.judgement import accept_all
from segcli.local_server.guard import Guard, own_hosts
from segcli.ui.access import Access
from segcli.ui.routes import Visitors, page_app
from segcli.ui.run_state import RunState
from segcli.ui.workbench import Workbench

PORT = 8000
TOKEN = "token-of-a-test"
AT = f"http://127.0.0.1:{PORT}"
# A destination file that takes track events.
ACME = """\
name = "acme"

[settings.api_key]
secret = true
required = true

[request]
url = "https://api.acme.example/v1/events"
auth = { bearer = "{settings.api_key}" }

[[actions]]
name = "Order"
subscribe = 'type = "track"'

[actions.mapping]
kind = "order"
user = { "@path" = "$.userId" }
total = { "@path" = "$.properties.total" }
"""


def page_options(*files: Path, dest: str = "gist", **more: Any) -> PageOptions:
    """Return the options of `segcli ui`."""
    given: dict[str, Any] = {
        "files": tuple(map(str, files)),
        "dest": dest,
        "set": (),
        "config": None,
        "api_key_file": None,
        "endpoint": None,
        "expect": None,
        "max_line": 1024 * 1024,
        "max_unpacked": 10**8,
        "no_first_look": False,
        "port": 0,
        "no_open": True,
    }
    return PageOptions(**given | more)


class Client:
    """Sends requests to an app without a socket, one at a time."""

    def __init__(self, app: Any, runner: asyncio.Runner) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._runner = runner

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Return the whole response."""
        return self._runner.run(self._sent(method, path, more))

    async def _sent(self, method: str, path: str, more: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=AT) as client:
            return await client.request(method, path, **more)


class Page:
    """A page that is asked by its API.

    client: sends any request.
    access: decides who may ask.
    answers: the bodies of all answers.
    """

    def __init__(self, bench: Workbench, runner: asyncio.Runner) -> None:
        self.bench = bench
        self.answers: list[bytes] = []
        guard = Guard(server="the page of segcli", hosts=own_hosts((), PORT))
        self.access = Access(page_app(bench, Visitors()), TOKEN, guard)
        self.client = Client(self.access, runner)

    def get(self, path: str, **parameters: Any) -> Any:
        """Return the JSON of an answer; text for what is none."""
        return self._answered(self.client.request("GET", f"/{TOKEN}/{path}", params=parameters))

    def wait_for(self, path: str, happened: Callable[[Any], bool]) -> None:
        """Return when something has happened that the answer says, and from then on says.

        The workbench is asked many times, and the page once: an answer takes 2 ms.
        """
        ask = {"api/state": self.bench.versions, "api/review": self.bench.review}[path]
        wait_until(lambda: happened(ask()))
        assert happened(self.get(path))

    def post(self, path: str, **value: Any) -> Any:
        """Return the JSON of the answer to a change."""
        return self._answered(self.client.request("POST", f"/{TOKEN}/{path}", json=value))

    def _answered(self, response: Any) -> Any:
        self.answers += [response.content, repr(response.headers).encode()]
        is_json = response.headers.get("content-type", "").startswith("application/json")
        return response.json() if is_json else response.text


@contextmanager
def page_of(*files: Path, **options: Any) -> Iterator[Page]:
    """Yield a page of these files; all lines are indexed."""
    wanted = page_options(*files, **options)
    found = look(inputs(wanted.files), accept_all) if files else ()
    setup = setup_of(wanted, found, expect=wanted.expect, max_unpacked=wanted.max_unpacked)
    with ExitStack() as stack:
        bench = Workbench(setup, stack, run=RunState(setup.redactor))
        bench.index.wait()
        yield Page(bench, stack.enter_context(asyncio.Runner()))
