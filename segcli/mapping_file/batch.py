"""The table `batch`, of the file or of one action: how events share a request."""

from collections.abc import Mapping
from typing import Any

from segcli.core.request_layout import Batch
from segcli.mapping_file.holes import Holes
from segcli.mapping_file.mistakes import Mistakes, Path


def read_batch(
    table: Mapping[str, Any] | None, path: Path, holes: Holes, mistakes: Mistakes
) -> Batch | None:
    """Read the table, None where there is none or it is wrong, which is noted."""
    if table is None:
        return None
    extra, under = table.get("with", {}), table.get("under", "")
    if under in extra:
        mistakes.add((*path, "with", under), "stands there already: the events are under it")
    if "events" not in table:
        return None
    size = table.get("bytes")
    return Batch(
        events=int(table["events"]),
        bytes=None if size is None else int(size),
        under=under,
        extra=holes.read_all(extra, (*path, "with")),
    )
