"""The rejects file of a run that names none."""

import re
from collections.abc import Sequence
from pathlib import Path


def default_rejects(destination: str, taken: Sequence[str], *, rehearsal: bool) -> Path:
    """Return `<dest>.rejects.ndjson`, or the next numbered name if such a file is an input.

    So a rejects file that a person has repaired and sends does not get the new rejects. A rehearsal
    has `<dest>.sandbox.rejects.ndjson`: its events are still to be sent, and must not be in a file
    that is sent after the real run.
    """
    start = f"{destination}.sandbox.rejects" if rehearsal else f"{destination}.rejects"
    series = re.compile(rf"{re.escape(start)}(?:\.(\d+))?\.ndjson")
    here = Path.cwd().resolve()
    inputs = (Path(name).resolve() for name in taken)
    found = (series.fullmatch(path.name) for path in inputs if path.parent == here)
    last = max((int(name[1] or 1) for name in found if name), default=0)
    return Path(f"{start}{f'.{last + 1}' if last else ''}.ndjson")
