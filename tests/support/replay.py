"""A destination file with facts about old events, and events of some days; no tests here."""

import json
from pathlib import Path
from typing import Any

from support.destination_file import ACME, changed

NOW = "2026-11-30"
FACTS: dict[str, Any] = {
    "oldest": "5d",
    "older": "lost",
    "set": [{"path": "backfill", "value": True}],
}


def acme_file(folder: Path, replay: dict[str, Any] = FACTS, **changes: Any) -> str:
    """Write the file of a vendor with these facts, and return its path."""
    path = folder / "acme.json"
    path.write_text(json.dumps(changed(ACME, {"replay": replay, **changes})))
    return str(path)


def at(day: str, number: int = 0) -> dict[str, Any]:
    """Return an event of a day in November 2026."""
    event = {"type": "track", "event": "E", "userId": "u", "messageId": f"m{number}"}
    return event | {"timestamp": f"2026-11-{day}T00:00:00Z"}
