"""The lines of the keys of a destination file, TOML or JSON, by their paths."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import tree_sitter_json
import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from segcli.destination_file.problems import KeyPath


def lines_of_keys(text: str, *, is_json: bool) -> Mapping[KeyPath, int]:
    """Return the line of each key and each item of a list, from 1; a pure function.

    A text with a syntax error gives the keys that can still be recognized.
    """
    grammar = tree_sitter_json.language() if is_json else tree_sitter_toml.language()
    root = Parser(Language(grammar)).parse(text.encode()).root_node
    found: dict[KeyPath, int] = {}
    pairs = _in_json(root, ()) if is_json else _in_toml(root)
    for path, node in pairs:
        found.setdefault(path, node.start_point[0] + 1)
    return found


def line_at(path: KeyPath, lines: Mapping[KeyPath, int]) -> int:
    """Return the line of a key; of the nearest one around it if it is missing; else 1.

    The index of an item may be a text: a mapping is JSON for its own mistakes.
    """
    at: KeyPath = ()
    for part in path:
        number = int(part) if isinstance(part, str) and part.isdecimal() else part
        at = (*at, part if (*at, part) in lines else number)
    known = (lines.get(at[:length]) for length in range(len(at), 0, -1))
    return next((line for line in known if line), 1)


_Found: TypeAlias = Iterator[tuple[KeyPath, Node]]


def _in_json(node: Node, path: KeyPath) -> _Found:
    match node.type:
        case "pair":
            key, *values = node.named_children
            at = (*path, str(json.loads(_text(key))))
            yield at, node
            for value in values:
                yield from _in_json(value, at)
        case "array":
            for index, item in enumerate(node.named_children):
                yield (*path, index), item
                yield from _in_json(item, (*path, index))
        case _:
            for child in node.named_children:
                yield from _in_json(child, path)


def _in_toml(root: Node) -> _Found:
    """Yield the keys of a document: pairs, then tables, and tables of lists by their number."""
    tables: Counter[KeyPath] = Counter()
    for node in root.named_children:
        match node.type:
            case "pair":
                yield from _pair(node, ())
            case "table" | "table_array_element":
                key, *pairs = node.named_children
                path = _numbered(_names(key), tables)
                if node.type == "table_array_element":
                    tables[path] += 1
                    path = (*path, tables[path] - 1)
                yield path, node
                yield path[: len(_names(key))], node
                for pair in pairs:
                    yield from _pair(pair, path)
            case _:
                continue


def _numbered(names: KeyPath, tables: Mapping[KeyPath, int]) -> KeyPath:
    """Return the path of a table; below a table of a list, with the number of the last one."""
    path: KeyPath = ()
    for place, name in enumerate(names, 1):
        path = (*path, name)
        if place < len(names) and path in tables:
            path = (*path, tables[path] - 1)
    return path


def _pair(node: Node, path: KeyPath) -> _Found:
    if node.type != "pair":
        return
    key, *values = node.named_children
    names = _names(key)
    for length in range(1, len(names) + 1):
        yield (*path, *names[:length]), node
    for value in values:
        yield from _value(value, (*path, *names))


def _value(node: Node, path: KeyPath) -> _Found:
    if node.type == "inline_table":
        for pair in node.named_children:
            yield from _pair(pair, path)
    elif node.type == "array":
        items = [item for item in node.named_children if item.type != "comment"]
        for index, item in enumerate(items):
            yield (*path, index), item
            yield from _value(item, (*path, index))


def _names(key: Node) -> KeyPath:
    if key.type == "dotted_key":
        return tuple(name for part in key.named_children for name in _names(part))
    text = _text(key)
    if key.type != "quoted_key":
        return (text,)
    try:
        return (tomllib.loads(f"key = {text}")["key"],)
    except tomllib.TOMLDecodeError:
        return (text,)


def _text(node: Node) -> str:
    return (node.text or b"").decode()
