"""What Segment's own code was recorded to do; no tests here."""

from typing import Any

import pytest
from support.samples import ROOT

from segcli.core import exact_json

FOLDER = ROOT.parent / "shared" / "conformance"


def cases(name: str) -> list[Any]:
    """Return the recorded cases of a file, none where there is no such file."""
    file = FOLDER / name
    return (
        [exact_json.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []
    )


def parameters(name: str) -> list[Any]:
    """Return the recorded cases of a file as parameters; one that is skipped for no file."""
    found = [pytest.param(case, id=case["name"]) for case in cases(name)]
    return found or [pytest.param({}, marks=pytest.mark.skip(reason="nothing is recorded here"))]
