"""A client and a sandbox that the tests of a module share."""

from collections.abc import Iterator

import httpx
import pytest

from segcli.sandbox import SandboxServer, Script, running


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client without proxies."""
    with httpx.Client(verify=False, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """A sandbox that remembers what it accepts."""
    with running(Script(remember=True)) as sandbox:
        yield sandbox
