"""Destinations that are described in a file, TOML or JSON, without code.

    name = "acme"                                          about, label
    [settings.api_key]                                     what has to be known of an account
    secret = true
    required = true
    [request]                                              where requests go, and the key
    url = "https://api.acme.example/v1/track"
    auth = { bearer = "{settings.api_key}" }
    [batch]                                                how events share a request
    [reply]                                                what replies mean
    [limits]                                               what the vendor takes
    [[actions]]                                            which events, and what they become
    subscribe = 'type = "track"'
    mapping = { event = { "@path" = "$.event" } }

`schema.json` has every key. A file is read in steps: `document` (its text), `structure` (held
against the schema), then each table by a module of its own, and `factory` makes the destination.
What is wrong is collected by `mistakes` and said at once. Nothing here touches a disk: whoever
calls brings the text.
"""

from collections.abc import Iterable
from typing import Any

from segcli.core.destination import Destination
from segcli.destination_file.actions import Load
from segcli.destination_file.build import check_name, destination_of
from segcli.destination_file.parse import parse_document
from segcli.destination_file.placeholders import Placeholders
from segcli.destination_file.problems import Mistakes
from segcli.destination_file.schema import checked, schema_text

__all__ = ["destination_from_text", "schema_text"]


def destination_from_text(
    text: str, title: str, load: Load, *, taken: Iterable[str]
) -> Destination[Any]:
    """Return the destination that a file's text describes.

    `title` names the file in messages, and tells by its ending whether it is TOML or JSON. `load`
    returns the text of a file that is named in it, or raises ValueError. `taken` are the names of
    all other destinations: a file that could read their settings is refused. Raises
    DestinationError with every mistake at once.
    """
    mistakes = Mistakes(title)
    document = parse_document(text, title)
    settings = document.get("settings")
    placeholders = Placeholders(settings if isinstance(settings, dict) else {}, mistakes)
    table = checked(document, mistakes)
    check_name(table.get("name", ""), taken, mistakes)
    return destination_of(table, placeholders, load, mistakes)
