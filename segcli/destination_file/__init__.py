"""Destinations that are described in a TOML or JSON file, without code.

    name = "acme"                                          also: about, label
    [settings.api_key]                                     what the account needs
    secret = true
    required = true
    [request]                                              where requests go, and the key
    url = "https://api.acme.example/v1/track"
    auth = { bearer = "{settings.api_key}" }
    [batch]                                                how events share a request
    [reply]                                                what replies mean
    [limits]                                               what the vendor accepts
    [[actions]]                                            which events, and their payloads
    subscribe = 'type = "track"'
    mapping = { event = { "@path" = "$.event" } }

`schema.json` describes every key. A file is read in steps: `parse` reads the text, `schema` checks
the structure, one module reads each table, and `build` makes the destination. `problems` collects
all mistakes, so that one message reports them. Nothing here reads a file: the caller passes the
text.
"""

from collections.abc import Iterable
from typing import Any

from segcli.core.destination import Destination
from segcli.destination_file.build import check_name, destination_of
from segcli.destination_file.parse import parse_document
from segcli.destination_file.payload_mapping import Load
from segcli.destination_file.placeholders import Placeholders
from segcli.destination_file.problems import Mistakes
from segcli.destination_file.schema import checked, schema_text

__all__ = ["destination_from_text", "schema_text"]


def destination_from_text(
    text: str, title: str, load: Load, *, taken: Iterable[str]
) -> Destination[Any]:
    """Return the destination that the text of a file describes.

    title: the file's name, for messages; its ending decides between TOML and JSON.
    load: returns the text of a file that this one names, or raises ValueError.
    taken: the names of all other destinations; a file whose name could read their settings is
        refused.

    Raises DestinationError with all mistakes.
    """
    mistakes = Mistakes(title)
    document = parse_document(text, title)
    table = checked(document, mistakes)
    # Also those with mistakes, but for a misspelled `settings`.
    settings = document.get("settings", table.get("settings"))
    placeholders = Placeholders(settings if isinstance(settings, dict) else {}, mistakes)
    check_name(table.get("name", ""), taken, mistakes)
    return destination_of(table, placeholders, load, mistakes)
