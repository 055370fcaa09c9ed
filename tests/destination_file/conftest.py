"""A destination file on disk, which a test may change."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.destination_file import ACME, changed


@pytest.fixture
def acme(tmp_path: Path) -> Callable[..., Path]:
    """Write a bent description to `acme.json`."""

    def write(changes: dict[str, Any] | None = None) -> Path:
        path = tmp_path / "acme.json"
        path.write_text(json.dumps(changed(ACME, changes or {})))
        return path

    return write
