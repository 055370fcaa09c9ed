"""Checks that what `reply.items.match` looks for is in what is posted for an event."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from segcli.core.item_replies import Items
from segcli.core.placeholder import Template
from segcli.core.request_layout import Computed, PostLayout
from segcli.destination_file.problems import Mistakes
from segcli.destination_file.shape import leaves_of


def check_match(items: Items | None, posts: Collection[PostLayout], mistakes: Mistakes) -> None:
    """Note paths that no action posts: the replies that name an event by them would stop the run.

    posts: how all actions are posted.
    """
    for of_body, path in items.match.items() if items else ():
        if posts and not any(_may_have(post, path) for post in posts):
            found = sorted({other for post in posts for other in _moved(post, path)})
            hint = f": name its place there, such as {found[0]}" if found else ""
            problem = f"is not in what is posted for an event{hint}"
            mistakes.add(("reply", "items", "match", of_body), problem)


def _may_have(post: PostLayout, path: str) -> bool:
    """Return whether what is posted may have a value at a path."""
    names = path.split(".")
    inner = post.shape
    while names and isinstance(inner, Mapping):
        if names[0] not in inner:
            return False
        inner = inner[names.pop(0)]
    if inner is None or _is_whole(inner):
        return not _is_omitted(post, ".".join(names))
    return not names or isinstance(inner, Template | Computed | list)


def _moved(post: PostLayout, path: str) -> Iterator[str]:
    """Yield the paths at which what is posted has a value of the payload."""
    for place, leaf in leaves_of(post.shape):
        if not isinstance(leaf, Template) or leaf.only is None:
            continue
        taken = leaf.only.payload_path
        if taken == path:
            yield place
        elif taken == "" and not _is_omitted(post, path):
            yield f"{place}.{path}"


def _is_whole(leaf: Any) -> bool:
    return isinstance(leaf, Template) and leaf.only is not None and leaf.only.payload_path == ""


def _is_omitted(post: PostLayout, path: str) -> bool:
    return any(f"{path}.".startswith(f"{one}.") for one in post.omit)
