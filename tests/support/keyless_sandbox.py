"""A sandbox with the vendor of a plug-in, which takes any JSON without a key."""

from collections.abc import Iterator
from contextlib import contextmanager

from segcli.sandbox import SandboxServer, Script, running

PLUG_IN = "acme"


@contextmanager
def running_with_plug_in(script: Script) -> Iterator[SandboxServer]:
    """Run a sandbox that knows a plug-in during the block."""
    with running(script) as sandbox:
        sandbox.app.host(PLUG_IN)
        yield sandbox
