"""A client and a sandbox that the tests of a module share."""

from collections.abc import Iterator

import httpx
import pytest
from support.keyless_sandbox import running_with_plug_in

from segcli.sandbox import SandboxServer, Script


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client without proxies."""
    with httpx.Client(verify=False, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """A sandbox that knows a plug-in, and remembers what it accepts."""
    with running_with_plug_in(Script(remember=True)) as sandbox:
        yield sandbox
