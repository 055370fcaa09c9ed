"""The table `batch`: how events share a request."""

from collections.abc import Mapping, Sequence
from typing import Any

from segcli.core.request_layout import BatchLayout, PostLayout
from segcli.destination_file.payload_mapping import FileParts
from segcli.destination_file.problems import KeyPath, Mistakes
from segcli.destination_file.request_builder import least_frame
from segcli.destination_file.shape import read_shape


def read_batch(
    table: Mapping[str, Any] | None, path: KeyPath, parts: FileParts
) -> BatchLayout | None:
    """Read a table `batch`; None if there is none, or if it has mistakes, which are noted."""
    if table is None:
        return None
    extra, under = table.get("with", {}), table.get("under", "")
    _check_under(extra, under.split("."), path, parts.mistakes)
    if "events" not in table:
        return None
    size = table.get("bytes")
    item = table.get("item")
    return BatchLayout(
        events=int(table["events"]),
        bytes=None if size is None else int(size),
        under=under,
        extra=parts.placeholders.read_all(extra, (*path, "with"), payload="fields"),
        by=tuple(table.get("by", ())),
        item=None if item is None else read_shape(item, (*path, "item"), parts),
    )


def check_room(post: PostLayout, path: KeyPath, mistakes: Mistakes) -> None:
    """Note a limit of bytes that leaves no room for an event."""
    batch = post.batch
    if batch and batch.bytes is not None and batch.bytes <= least_frame(post):
        mistakes.add(
            (*path, "bytes"), f"is too small: a request without events has {least_frame(post)}"
        )


def _check_under(
    extra: Mapping[str, Any], names: Sequence[str], path: KeyPath, mistakes: Mistakes
) -> None:
    """Note a field of `with` where the array, or a table around it, belongs."""
    if names != [""] and not all(names):
        mistakes.add((*path, "under"), "must be a dotted path, such as data.events")
    at: Any = extra
    for place, name in enumerate(names):
        if not isinstance(at, Mapping) or name not in at:
            return
        at = at[name]
        is_last = place == len(names) - 1
        if is_last or not isinstance(at, Mapping):
            problem = "is already the key of the events" if is_last else "must be a table"
            where = (*path, "with", *names[: place + 1])
            mistakes.add(where, f"{problem}, by batch.under")
