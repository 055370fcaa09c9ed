"""References within a JSON Schema: `#`, and JSON pointers behind it."""

from typing import Any
from urllib.parse import unquote


def resolved(root: Any, reference: object) -> Any:
    """Return what a reference within a schema leads to; None where it leads to nothing."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found = root
    for part in unquote(reference[1:]).split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found if isinstance(found, dict | bool) else None
