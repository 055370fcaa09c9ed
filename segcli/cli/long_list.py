"""JSON documents with a long list in them, which is never in memory as a whole."""

from collections.abc import Iterable, Iterator


def with_list(document: str, name: str, items: Iterable[str]) -> Iterator[bytes]:
    """Yield a document whose first empty list of that name gets these items, a line for each.

    The items are JSON already, and the document is indented by two. What looks like that list
    stands in no string: its quotes would be escaped there.
    """
    empty = f'"{name}": []'
    before, found, behind = document.partition(empty)
    yield (before + found[:-1]).encode()
    line_break = "\n    "
    are_there = False
    for item in items:
        yield f"{',' if are_there else ''}{line_break}{item}".encode()
        are_there = True
    yield f"{line_break[:-2] if are_there else ''}{found[-1:]}{behind}".encode()
