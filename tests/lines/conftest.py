"""An input of any bytes."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[bytes], Path]:
    """Write an input that has these bytes."""

    def write(data: bytes) -> Path:
        path = tmp_path / "input.jsonl"
        path.write_bytes(data)
        return path

    return write
