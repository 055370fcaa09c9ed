"""A program gets the mistakes in a destination file one by one, with the paths of their keys."""

import pytest

from segcli.destination_file import destination_from_text
from segcli.errors import DestinationError, FileMistake


def mistakes_in(text: str, title: str = "acme.toml") -> list[FileMistake]:
    with pytest.raises(DestinationError) as raised:
        destination_from_text(text, title, str, taken=())
    found = list(raised.value.mistakes)
    assert all(mistake.problem in raised.value.message for mistake in found)
    return found


def test_each_mistake_has_the_path_of_its_key() -> None:
    text = 'name = 5\n[request]\nurl = "https://a"\n[[actions]]\nsubscribe = "type ="\nmapping = {}'
    paths = [mistake.path for mistake in mistakes_in(text)]

    assert ("name",) in paths
    assert ("actions", 0, "subscribe") in paths


def test_syntax_error_has_its_line_and_column() -> None:
    (toml,) = mistakes_in('name = "acme"\nlabel = nope\n')
    (json,) = mistakes_in('{\n "name": }', "acme.json")

    assert (toml.path, toml.line, toml.column) == ((), 2, 9)
    assert (json.path, json.line) == ((), 2)
