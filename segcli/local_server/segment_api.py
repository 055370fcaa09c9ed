"""The routes and limits of Segment's HTTP API.

Each call type has a route [doc] and a short one, which analytics.js uses [code]. Mobile clients
post batches to `/v1/b` [doc], and older server clients to `/v1/import` [code].
"""

from collections.abc import Mapping

BATCH = "batch"
# The call type of a route, or `BATCH`.
ROUTES: Mapping[str, str] = {
    "/v1/batch": BATCH,
    "/v1/b": BATCH,
    "/v1/import": BATCH,
    "/v1/identify": "identify",
    "/v1/i": "identify",
    "/v1/track": "track",
    "/v1/t": "track",
    "/v1/page": "page",
    "/v1/p": "page",
    "/v1/screen": "screen",
    "/v1/s": "screen",
    "/v1/group": "group",
    "/v1/g": "group",
    "/v1/alias": "alias",
    "/v1/a": "alias",
}

# [doc] Segment's "32 KB an event, 500 KB and 2,500 events a batch", in bytes.
EVENT_BYTES = 32_768
REQUEST_BYTES = 500_000
BATCH_EVENTS = 2_500


def without_slash(path: str) -> str:
    """Return a path as in `ROUTES`; some clients add a slash at the end."""
    return path.removesuffix("/")
