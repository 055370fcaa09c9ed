"""Writes a JSON document that contains long lists, without a whole list in memory."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

_LINE_BREAK = "\n    "
# How many items are written at once.
_TOGETHER = 500


def with_lists(document: str, lists: Mapping[str, Iterable[str]]) -> Iterator[bytes]:
    """Yield the document with these items in its empty lists of these names, one a line.

    document: JSON text, indented by two
    lists: the items of each list as JSON text, in the order of the document; the name is the key
        of the list. A string cannot be mistaken for it, because its quotes are escaped.
    """
    for name, items in lists.items():
        before, found, document = document.partition(f'"{name}": []')
        yield (before + found[:-1]).encode()
        yield from _pieces(iter(items))
        document = found[-1:] + document
    yield document.encode()


def _pieces(items: Iterator[str]) -> Iterator[bytes]:
    """Yield the items of a list, each on a line, and the line break behind the last one."""
    start = _LINE_BREAK
    while together := list(islice(items, _TOGETHER)):
        yield (start + f",{_LINE_BREAK}".join(together)).encode()
        start = f",{_LINE_BREAK}"
    if start != _LINE_BREAK:
        yield _LINE_BREAK[:-2].encode()
