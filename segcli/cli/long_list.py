"""Writes a JSON document that contains a long list, without the whole list in memory."""

from collections.abc import Iterable, Iterator


def with_list(document: str, name: str, items: Iterable[str]) -> Iterator[bytes]:
    """Yield the document with these items in its first empty list of that name, one a line.

    document: JSON text, indented by two
    name: the key of the list; a string cannot be mistaken for it, because its quotes are escaped
    items: the items as JSON text
    """
    empty = f'"{name}": []'
    before, found, behind = document.partition(empty)
    yield (before + found[:-1]).encode()
    line_break = "\n    "
    has_items = False
    for item in items:
        yield f"{',' if has_items else ''}{line_break}{item}".encode()
        has_items = True
    yield f"{line_break[:-2] if has_items else ''}{found[-1:]}{behind}".encode()
