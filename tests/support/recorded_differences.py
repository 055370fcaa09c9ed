"""What the catalog sends otherwise than Segment's own destinations, with reasons; no tests here.

The tables are parts of those in `tests/destinations/test_catalog_conformance.py`.
"""

from collections.abc import Callable, Iterator
from typing import Any

KEYS = {"customerio": "SET_apiKey"}

ACTIONS = {
    "customerio": (
        *("createUpdatePerson", "trackEvent", "trackPageView", "trackScreenView"),
        "createUpdateObject",
    ),
}

# Traits of the group of the recorded calls.
OF_GROUPS = (
    *("address.city", "address.country", "domain", "employees", "industry", "name", "phone"),
    *("plan", "website", "total billed"),
)
DIFFERENCES: dict[str, dict[str, str]] = {
    "customerio": {
        **dict.fromkeys(
            (f"attributes.{name}" for name in OF_GROUPS),
            "traits of a group that are not under objectAttributes are sent too",
        ),
        "attributes.created_at": "a number stays a number",
        "id": "Customer.io speaks of ULIDs only: one is made of the time and the messageId",
    },
}


def _under(name: str) -> Callable[[Any], Iterator[Any]]:
    """Return the function that gives the payloads of a batch, or of a request with one."""

    def payloads(body: Any) -> Iterator[Any]:
        yield from body.get(name, [body])

    return payloads


PAYLOADS: dict[str, Callable[[Any], Iterator[Any]]] = {"customerio": _under("batch")}
