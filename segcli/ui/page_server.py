"""Runs the page on a port of the loopback, in a thread."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segcli.local_server.background_server import listener_at, make_server, serving, url_of
from segcli.local_server.guard import Guard, own_hosts
from segcli.ui.access import Access, new_token
from segcli.ui.routes import Visitors, page_app
from segcli.ui.run_state import RunState
from segcli.ui.setup import Setup
from segcli.ui.workbench import Workbench

if TYPE_CHECKING:
    from segcli.sandbox import SandboxServer

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PageServer:
    """A page that is served.

    url: its address, with the token.
    first_url: an address that leads there once, for the command line of a browser.
    bench: what it shows.
    visitors: the pages that are open.
    """

    url: str
    first_url: str
    bench: Workbench
    visitors: Visitors


@contextmanager
def page_serving(
    setup: Setup, run: RunState, *, port: int = 0, sandbox: "SandboxServer | None" = None
) -> Iterator[PageServer]:
    """Serve the page during the block. Port 0 means a free port.

    sandbox: the sandbox of a rehearsal; None to start one of its own. Raises OSError if the port is
    in use, and what `Draft` raises.
    """
    with ExitStack() as stack:
        bench, visitors = Workbench(setup, stack, run=run, sandbox=sandbox), Visitors()
        access = Access(page_app(bench, visitors), new_token(), once=new_token())
        listener = stack.enter_context(listener_at(port, _HOST))
        own = own_hosts((), listener.getsockname()[1])
        access.guard = Guard(server="the page of segcli", hosts=own)
        stack.enter_context(serving(make_server(access), [listener]))
        at = url_of(listener)
        yield PageServer(f"{at}/{access.token}/", f"{at}/{access.once}", bench, visitors)
