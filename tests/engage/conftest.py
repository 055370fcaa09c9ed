"""The state of audiences and traits."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.engage import opened

from segcli.engage.state import EngageState


@pytest.fixture
def state(tmp_path: Path) -> Iterator[EngageState]:
    """Return an open state, empty."""
    with opened(tmp_path / "state.sqlite") as state:
        yield state
