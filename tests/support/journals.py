"""Journals for tests without a run: create, write and read one."""

from pathlib import Path

from segcli.core.line import Line, Result
from segcli.journal import checkpoint
from segcli.journal.checkpoint import Header
from segcli.journal.journal import Journal
from segcli.journal.resume import Start, begin

HEADER = Header(destination="webhook", endpoint="https://acme.example", inputs=["/a"])


def opened(path: Path, start: Start = Start.FRESH) -> Journal:
    return begin(path, HEADER, [], start)


def delivered(*numbers: int, place: int = 0) -> Result:
    return Result([Line("a", number, b"", place) for number in numbers], "delivered")


def totals(path: Path) -> dict[str, int]:
    """Return the number of settled lines in a journal, by state."""
    found = checkpoint.read_checkpoint(path)
    return dict(found.totals) if found else {}


def put(path: Path, content: bytes) -> None:
    """Replace a file: to truncate it takes a hundred times as long on some disks."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
