"""Recorded results of Segment's own code; no tests here."""

from collections.abc import Callable
from typing import Any

import pytest
from support.samples import ROOT
from support.tables import Test, for_each

from segcli.core import exact_json

FOLDER = ROOT.parent / "shared" / "conformance"


def cases(name: str) -> list[Any]:
    """Return the recorded cases of a file, none where there is no such file."""
    file = FOLDER / name
    return (
        [exact_json.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []
    )


def each_recorded(name: str) -> Callable[[Test], Test]:
    """Run a test with each recorded case of a file as `case`; skip it where there is no file."""
    found = cases(name)
    return for_each("case", found) if found else pytest.mark.skip(reason="nothing is recorded here")
