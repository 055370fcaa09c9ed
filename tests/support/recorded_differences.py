"""What the catalog sends otherwise than Segment's own destinations, with reasons; no tests here.

The tables are parts of those in `tests/catalog/test_catalog_conformance.py`.
"""

from collections.abc import Callable, Iterator
from typing import Any

KEYS = {
    "customerio": "SET_apiKey", "iterable": "SET_apiKey", "intercom": "SET_access_token",
    "hubspot": "SET_access_token",
}  # fmt: skip

ACTIONS = {
    "customerio": (
        *("createUpdatePerson", "trackEvent", "trackPageView", "trackScreenView"),
        "createUpdateObject",
    ),
    "iterable": ("trackEvent", "updateUser"),
    "intercom": ("trackEvent",),
    "hubspot": ("sendCustomBehavioralEvent", "upsertContact"),
}

# Traits of the group of the recorded calls.
OF_GROUPS = (
    *("address.city", "address.country", "domain", "employees", "industry", "name", "phone"),
    *("plan", "website", "total billed"),
)
NO_TEXTS = (
    *("discount", "num_items", "position", "price", "products", "quantity", "revenue"),
    *("shipping", "subtotal", "tax", "total", "value"),
)
BEYOND_TEN = (
    *("coupon", "discount", "num_items", "payment_method", "phone", "query", "shipping_method"),
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
    "hubspot": {
        "taken": "an event without a time is not sent: it would be one of now",
        "eventName": "the names are those of a setting",
        "uuid": "Segment sends none; with it a repeat is rejected",
        **dict.fromkeys(
            (f"properties.{name}" for name in NO_TEXTS), "values are texts in HubSpot's description"
        ),
        **dict.fromkeys(("id", "idProperty"), "Segment searches first; a batch names the email"),
    },
    "iterable": {
        **dict.fromkeys(("batch_size", "enable_batching"), "options of Segment's destination"),
        "dataFields.birthday": "a day has the time of its beginning",
    },
    "intercom": {
        **dict.fromkeys(
            (f"metadata.{name}" for name in BEYOND_TEN), "Intercom takes 10 keys: the first ones"
        ),
        **dict.fromkeys(
            ("metadata.products", "metadata.actors", "metadata.genre"), "Intercom takes no lists"
        ),
        "metadata.price.*": "revenue stays a number: an amount in cents has to be calculated",
        "metadata.revenue": "revenue stays a number: an amount in cents has to be calculated",
    },
}


def _under(name: str) -> Callable[[Any], Iterator[Any]]:
    """Return the function that gives the payloads of a batch, or of a request with one."""

    def payloads(body: Any) -> Iterator[Any]:
        yield from body.get(name, [body])

    return payloads


def _iterable(body: Any) -> Iterator[Any]:
    yield from body.get("events") or body.get("users") or [body]


def _hubspot(body: Any) -> Iterator[Any]:
    yield from body.get("inputs", [body])


def _alone(body: Any) -> Iterator[Any]:
    yield body


PAYLOADS: dict[str, Callable[[Any], Iterator[Any]]] = {
    "customerio": _under("batch"),
    "iterable": _iterable,
    "intercom": _alone,
    "hubspot": _hubspot,
}
