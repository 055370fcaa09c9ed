"""The rejects file of a run that names none."""

import re
from collections.abc import Sequence
from pathlib import Path


def default_rejects(destination: str, taken: Sequence[str]) -> Path:
    """Return `<dest>.rejects.ndjson`, or the next numbered name if such a file is an input.

    So a rejects file that a person has repaired and sends does not get the new rejects.
    """
    series = re.compile(rf"{re.escape(destination)}\.rejects(?:\.(\d+))?\.ndjson")
    here = Path.cwd().resolve()
    inputs = (Path(name).resolve() for name in taken)
    found = (series.fullmatch(path.name) for path in inputs if path.parent == here)
    last = max((int(name[1] or 1) for name in found if name), default=0)
    return Path(f"{destination}.rejects{f'.{last + 1}' if last else ''}.ndjson")
