"""The capture as an ASGI app: it writes the events of a request, and then acknowledges them.

No reply contains an event: pages of all origins may send events, and none may read them.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from segcli.capture.finish import Arrival, finished
from segcli.core import exact_json
from segcli.local_server.guard import Guard, preflight_headers
from segcli.local_server.http_reply import (
    Headers,
    HttpReply,
    Receive,
    Refusal,
    Scope,
    Send,
    bytes_reply,
    json_reply,
    refused,
    send_reply,
)
from segcli.local_server.request_body import MAX_BODY, Uploads, decompressed
from segcli.local_server.segment_api import (
    MAX_BATCH_EVENTS,
    MAX_EVENT_BYTES,
    MAX_REQUEST_BYTES,
    ROUTES,
    without_slash,
)

_SUCCESS = bytes_reply(200, b'{"success":true}')
# An event in a batch may be nested as deeply as an event on a line.
_LEVELS = exact_json.MAX_DEPTH + 2
# Clients choose the paths that messages contain, so their number is limited.
_MOST_PROBLEMS = 20
# After a 5xx, clients retry for minutes, and the command would wait for them. That could not make
# the output complete again.
_NOT_WRITTEN = 400
_GET = frozenset({"GET", "HEAD"})
# analytics.js sends statistics about itself here. They are not events.
_METRICS = "/v1/m"
# analytics.js loads the settings of a source from here before it sends events.
_SETTINGS_PATH = re.compile(r"/v1/projects/([^/]+)/settings")


class Capture:
    """The ASGI app.

    events: how many events are written.
    large: how many of them are larger than Segment accepts.
    large_requests: how many requests with events are larger, or have more events.
    open: how many requests are not answered yet.
    last: when a request last started or ended, in seconds of a monotonic clock.
    problems: why requests were refused, and how often.
    uploads: the request bodies.
    failure: why an event could not be written; after that, no events are written.
    """

    def __init__(
        self, write: Callable[[bytes], object], guard: Guard, failed: Callable[[], object]
    ) -> None:
        """Write events with `write`, in whole lines; call `failed` once if it raises."""
        self.events = 0
        self.large = 0
        self.large_requests = 0
        self.open = 0
        self.last = time.monotonic()
        self.problems: Counter[str] = Counter()
        self.failure: Exception | None = None
        self._write = write
        self._guard = guard
        self._failed = failed
        self.uploads = Uploads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        self.open += 1
        self.last = time.monotonic()
        try:
            await self._answer(scope, receive, send)
        finally:
            self.last = time.monotonic()
            self.open -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = scope["headers"]
        if refusal := self._guard.refusal(headers):
            await send_reply(send, self._no(refusal))
            return
        cors = self._guard.reply_headers(headers)
        if cors:
            # Some pages make their client send cookies too.
            cors = (*cors, (b"access-control-allow-credentials", b"true"))
        if self._guard.is_preflight(scope["method"], headers):
            await send_reply(send, HttpReply(204, b"", tuple(preflight_headers(headers))), cors)
            return
        body = await self.uploads.received(receive)
        if body is not None:
            await send_reply(send, self._reply(scope, body), cors)

    def _reply(self, scope: Scope, body: bytes | Refusal) -> HttpReply:
        path, headers = scope["path"], dict(scope["headers"])
        kind = ROUTES.get(without_slash(path))
        if kind is None:
            return self._page(path, scope["method"], headers)
        if scope["method"] != "POST":
            return self._no(Refusal(405, "the method must be POST", "POST"))
        plain = _plain(body, headers)
        if isinstance(plain, Refusal):
            return self._no(plain)
        events = _events(plain, kind)
        return self._no(events) if isinstance(events, Refusal) else self._keep(events, len(plain))

    def _page(self, path: str, method: str, headers: Mapping[bytes, bytes]) -> HttpReply:
        """Answer a request that is not for events: of analytics.js, or to see if this is up."""
        if path == _METRICS and method == "POST":
            return _SUCCESS
        key = _key_in(path)
        if key is None and path != "/":
            return self._no(Refusal(404, f"{path} is not a route of Segment's HTTP API"))
        if method not in _GET:
            return self._no(Refusal(405, "the method must be GET", "GET, HEAD"))
        if key is None:
            return json_reply(200, {"message": "segcli capture accepts events here"})
        host = headers[b"host"].decode("latin-1")
        return json_reply(200, _browser_settings(key, host, _protocol(headers)))

    def _keep(self, events: list[Any], size: int) -> HttpReply:
        """Write all events of a request with a body of this size, and return the reply."""
        lines = [exact_json.dumps(event) + b"\n" for event in events]
        if self.failure is None:
            try:
                self._write(b"".join(lines))
            except Exception as failure:  # the main thread raises it again
                self.failure = failure
                self._failed()
        if self.failure is not None:
            return self._no(Refusal(_NOT_WRITTEN, "the event could not be written"))
        self.events += len(lines)
        self.large += sum(len(line) > MAX_EVENT_BYTES for line in lines)
        self.large_requests += size > MAX_REQUEST_BYTES or len(lines) > MAX_BATCH_EVENTS
        return _SUCCESS

    def _no(self, refusal: Refusal) -> HttpReply:
        known = refusal.problem in self.problems or len(self.problems) < _MOST_PROBLEMS
        self.problems[refusal.problem if known else "other reasons"] += 1
        return refused(refusal, {"success": False, "message": refusal.problem})


def _plain(body: bytes | Refusal, headers: Mapping[bytes, bytes]) -> bytes | Refusal:
    """Return the decompressed body, or why it is refused."""
    if isinstance(body, Refusal):
        return body
    if len(body) > MAX_BODY:
        return Refusal(413, f"the body must have at most {MAX_BODY:,} bytes")
    return decompressed(body, headers, most=MAX_BODY)


def _events(body: bytes, kind: str) -> list[Any] | Refusal:
    """Return the events of a decompressed body, or why it is refused."""
    try:
        value = exact_json.loads(body, levels=_LEVELS)
    except ValueError as error:
        return Refusal(400, f"the body is {error}")
    arrival = Arrival(kind=kind, received=datetime.now(UTC), new_id=lambda: str(uuid4()))
    try:
        return finished(value, arrival)
    except ValueError as error:
        return Refusal(400, str(error))


def _key_in(path: str) -> str | None:
    """Return the write key in the path of the settings; None for another path."""
    match = _SETTINGS_PATH.fullmatch(path)
    return match[1] if match else None


def _protocol(headers: Mapping[bytes, bytes]) -> str:
    """Return how the page reaches the capture: by https only if a proxy in front says so."""
    said = headers.get(b"x-forwarded-proto", b"").partition(b",")[0].strip().lower()
    return "https" if said == b"https" else "http"


def _browser_settings(key: str, host: str, protocol: str) -> dict[str, Any]:
    """Return settings that make analytics.js send all events to this host.

    It loads no integrations and drops no events. The form is that of Segment's CDN [code].
    """
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "apiHost": f"{host}/v1",
                "protocol": protocol,
                "unbundledIntegrations": [],
                "addBundledMetadata": False,
                "retryQueue": True,
            }
        },
        "plan": {
            "track": {"__default": {"enabled": True, "integrations": {}}},
            "identify": {"__default": {"enabled": True}},
            "group": {"__default": {"enabled": True}},
        },
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }
