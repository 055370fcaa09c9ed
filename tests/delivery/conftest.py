"""Shared by the tests of runs that stop and are resumed."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from support.fakes import CommandResult
from support.resuming import LimitedVendor, pasted


@pytest.fixture
def paste(shell_environment: dict[str, str], tmp_path: Path) -> Callable[..., CommandResult]:
    """Run a command line in a shell, in the test's folder."""
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    return partial(pasted, cwd=tmp_path, env=shell_environment | home)


@pytest.fixture
def limited_vendor() -> LimitedVendor:
    """Return a vendor that accepts all events, until a test says how many."""
    return LimitedVendor()
