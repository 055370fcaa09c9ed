"""The sandbox as an ASGI app: it plays the script, asks the vendor, counts, and answers.

The rules of each vendor are in `vendors`.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from segcli.accounting.atomic_write import open_to_append, write_all
from segcli.core.redaction import Redactor
from segcli.core.reply import is_temporary
from segcli.core.secret import Secret
from segcli.local_server.guard import Guard, preflight_headers
from segcli.local_server.http_reply import (
    Headers,
    HttpReply,
    Receive,
    Refusal,
    Scope,
    Send,
    send_reply,
)
from segcli.local_server.request_body import MAX_BODY, Uploads
from segcli.sandbox import replies
from segcli.sandbox.counts import Counts
from segcli.sandbox.dice import dice_of
from segcli.sandbox.excerpt import Excerpt
from segcli.sandbox.exchange import Exchange, RequestContext, exchange_of
from segcli.sandbox.faults import ITEM, RESET_AFTER, RESET_BEFORE, TIMEOUT, Script, fault_at
from segcli.sandbox.json_body import JSON
from segcli.sandbox.kept import kept_line
from segcli.sandbox.validate import validate_request
from segcli.sandbox.vendors import PLUG_IN, VENDORS
from segcli.sandbox.vendors.file_tokens import TOKEN_PATH
from segcli.sandbox.vendors.vendor import LATER, NEVER, Accepted, Call, ReceivedItem, Vendor

# Events that are remembered because others kept them out, so that the memory is bounded.
_MOST_SPARED = 100_000


@dataclass(frozen=True, slots=True)
class Received:
    """One accepted event.

    vendor: the name of the vendor.
    route: the path after the endpoint.
    payload: an object; any JSON for the vendor of a plug-in.
    """

    vendor: str
    route: str
    payload: JSON


class Sandbox:
    """The ASGI app.

    Accepted events are in `accepted` and in the kept file, in the same order, before the reply
    is sent.

    accepted: the accepted events, if the script says `remember`.
    kept: the file for the payloads of accepted events; None for none.
    excerpt: the first accepted events, in the form in which they came.
    sever: resets the connection of a scope; the server sets it, because an app cannot do that.
    guard: the allowed values of Host and Origin; the server sets it once it knows its address.
    uploads: the request bodies.
    watch: called with each request for a vendor and its reply, before that is sent; None for no
        observer.
    on_failure: called with a full disk or a bug, beside the reply 500 to the request that met it.
    """

    def __init__(self, script: Script) -> None:
        """Start with zero counts; raises OSError if the file `keep` cannot be written."""
        self.accepted: list[Received] = []
        self.excerpt = Excerpt()
        self.sever: Callable[[Scope], None] = _cannot_sever
        self.guard: Guard | None = None
        self.uploads = Uploads()
        self.watch: Callable[[Exchange], object] | None = None
        self.on_failure: Callable[[Exception], object] = _cannot_tell
        self._vendors = dict(VENDORS)
        self._counts = Counts()
        self.play(script)
        self.kept = script.keep
        if self.kept is not None:
            open_to_append(self.kept).close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or play a fault of the script."""
        if scope["type"] != "http":
            return
        headers, guard = scope["headers"], self.guard
        if guard and (early := _early_reply(guard, scope["method"], headers)):
            await send_reply(send, early, guard.reply_headers(headers))
            return
        body = await self.uploads.received(receive, self._most_body(scope))
        if body is None:
            return
        reply = self._reply(scope, body)
        # Free the body while the reply waits.
        del body
        if reply is None:
            await _disconnected(receive)
            return
        if self._script.latency and _vendor_in(scope):
            await asyncio.sleep(self._script.latency)
        await send_reply(send, reply, guard.reply_headers(headers) if guard else ())

    def play(self, script: Script) -> None:
        """Follow this script from the next request on. The file `keep` stays as it is."""
        self._script = script
        self._faults = script.faults_of_requests
        self._dice = dice_of(script.seed)
        self._spared: set[bytes] = set()
        self._known = Redactor(Secret(script.key).forms())
        self._bucket = _full_bucket(script.rate, time.monotonic()) if script.rate else None

    def host(self, name: str, vendor: Vendor = PLUG_IN) -> None:
        """Add a vendor, before the first request for it; that of a plug-in accepts any JSON."""
        self._vendors[name] = vendor

    def vendor(self, name: str) -> Vendor:
        """Return the vendor of a name; one that is not known is a plug-in's."""
        return self._vendors.get(name, PLUG_IN)

    @property
    def fails_items(self) -> bool:
        """Whether the script makes single events fail."""
        return self._script.share_of_items > 0

    def counts(self) -> dict[str, Any]:
        """Return the counts, as `GET /_sandbox` does; safe to call from another thread."""
        return self._counts.report()

    def _most_body(self, scope: Scope) -> int:
        name = _vendor_in(scope)
        return self.vendor(name).most_body if name else MAX_BODY

    def _reply(self, scope: Scope, body: bytes | Refusal) -> HttpReply | None:
        """Return the reply; None if the request is never answered."""
        if isinstance(body, Refusal):
            return replies.early_refusal(body)
        if scope["path"] == replies.OWN_PATH:
            return replies.own_page(scope["method"], self.counts())
        name = _vendor_in(scope)
        if name not in self._vendors:
            # A vendor for every path would accept what a client with a wrong address sends.
            return replies.unknown_path(scope["path"], self._vendors)
        return self._outcome(scope, _call(scope, body, key=self._script.key.encode()), name=name)

    def _outcome(self, scope: Scope, call: Call, *, name: str) -> HttpReply | None:
        """Roll the dice for the request and return its reply; None if it is never answered."""
        tally = self._counts.of(name)
        tally.requests += 1
        fault = self._fault(scope, call)
        if fault:
            tally.play(fault)
        answer: _Answer | None = None
        if fault not in (RESET_BEFORE, RESET_AFTER, TIMEOUT):
            refused = self._fault_reply(fault, name)
            answer = _Answer(refused) if refused else self._answer(call, name=name)
        elif fault == RESET_AFTER:
            answer = replace(self._answer(call, name=name), reply=None)
        if self.watch:
            self.watch(self._exchange(call, answer or _Answer(None), name=name, fault=fault))
        if fault in (RESET_BEFORE, RESET_AFTER):
            self.sever(scope)
        return answer.reply if answer else None

    def _fault(self, scope: Scope, call: Call) -> str:
        """Roll the dice for a request, and return the fault, or "" for none.

        A fault that refuses is for events: without an access token a run would stop.
        """
        fault = fault_at(self._dice.roll(scope["raw_path"], call.body), self._faults)
        is_refusal = fault.isdigit() and not is_temporary(int(fault))
        return "" if is_refusal and call.path == TOKEN_PATH else fault

    def _exchange(self, call: Call, answer: "_Answer", *, name: str, fault: str) -> Exchange:
        vendor = self.vendor(name)
        return exchange_of(
            call,
            answer.reply,
            RequestContext(
                vendor=name,
                route=call.path.removeprefix(vendor.home),
                fault=fault,
                items=answer.items,
                failed=answer.failed,
                key_paths=vendor.key_paths,
                known=self._known,
            ),
        )

    def _fault_reply(self, fault: str, name: str) -> HttpReply | None:
        """Return the reply of a fault, or of the rate limit; None if the vendor is to answer."""
        if fault:
            refusal = Refusal(int(fault), "a simulated fault (--fault)")
        elif self._bucket and not self._bucket.take(time.monotonic()):
            self._counts.of(name).throttled += 1
            refusal = Refusal(429, f"more than {self._script.rate:g} requests a second")
        else:
            return None
        return replies.temporary_error(self.vendor(name), refusal, wait=self._script.retry_after)

    def _answer(self, call: Call, *, name: str) -> "_Answer":
        """Return the vendor's answer, and store what it accepts."""
        try:
            outcome = validate_request(call, self.vendor(name), script=self._script)
            if isinstance(outcome, Accepted):
                failed = self._failed(outcome.items, name=name)
                lost = self._lost(outcome.items, failed, name=name)
                taken = [item for place, item in enumerate(outcome.items) if place not in lost]
                self._store(call, taken, name=name)
                reply = self._success(outcome, failed, name=name)
                return _Answer(reply, outcome.items, lost)
        except Exception as bug:
            # The server logs nothing: without this, a bug or a full disk would be invisible.
            outcome = Refusal(500, f"the sandbox failed: {bug!r}")
            self.on_failure(bug)
        self._counts.of(name).refuse(outcome.problem)
        return _Answer(replies.vendor_error(self.vendor(name), outcome))

    def _failed(self, items: Sequence[ReceivedItem], *, name: str) -> dict[int, int]:
        """Return the events that fail: the wrong ones, and those for which the dice say so.

        Half of the others that fail may succeed later.
        """
        tally = self._counts.of(name)
        failed = {place: NEVER for place, item in enumerate(items) if item.problem}
        for place in failed:
            tally.refuse(items[place].problem)
        share = self._script.share_of_items
        if not share or self.vendor(name).by_item is None:
            return failed
        for place, item in enumerate(items):
            if item.raw in self._spared:
                self._spared.discard(item.raw)
                continue
            roll = self._dice.roll(b"item", item.raw)
            if place not in failed and roll < share:
                failed[place] = LATER if roll < share / 2 else NEVER
                tally.play(ITEM)
        return failed

    def _lost(
        self, items: Sequence[ReceivedItem], failed: dict[int, int], *, name: str
    ) -> Mapping[int, int]:
        """Return the events that are not taken, because they fail or others do.

        Those that others keep out are sent again, and get no second chance to fail: else more of
        them would fail than the script says.
        """
        find = self.vendor(name).lost
        lost = find(items, failed) if find and failed else failed
        if self._script.share_of_items and len(self._spared) < _MOST_SPARED:
            self._spared.update(items[place].raw for place in lost if place not in failed)
        return lost

    def _success(self, accepted: Accepted, failed: dict[int, int], *, name: str) -> HttpReply:
        by_item = self.vendor(name).by_item
        if by_item is None or not failed:
            return replies.success(accepted.reply)
        status, body = by_item(accepted.items, failed)
        return replies.success(body, status)

    def _store(self, call: Call, items: Sequence[ReceivedItem], *, name: str) -> None:
        route = call.path.removeprefix(self.vendor(name).home)
        if self.kept is not None:
            # Open the file for each request, so that the lines survive the process.
            with open_to_append(self.kept) as file:
                vendor = self.vendor(name)
                lines = [kept_line(name, route, item, vendor, self._known) for item in items]
                write_all(file.fileno(), b"".join(lines))
        if self._script.remember:
            self.accepted.extend(Received(name, route, item.payload) for item in items)
        self.excerpt.add(call.method, route, items)
        self._counts.of(name).accept(route, len(items))


@dataclass(frozen=True, slots=True)
class _Answer:
    """What becomes of a request.

    reply: the reply; None if none is sent.
    items: the events of a good request.
    failed: those of them that fail, by their place, with their status.
    """

    reply: HttpReply | None
    items: Sequence[ReceivedItem] = ()
    failed: Mapping[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Bucket:
    """A token bucket for one second of requests, at least one.

    rate: requests a second.
    level: how many requests it allows at once now.
    seen: when `level` was true, in seconds of a monotonic clock.
    """

    rate: float
    level: float
    seen: float

    def take(self, now: float) -> bool:
        """Return whether a request at `now` is within the rate, and count it if it is."""
        self.level = min(max(self.rate, 1.0), self.level + (now - self.seen) * self.rate)
        self.seen = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


def _full_bucket(rate: float, now: float) -> _Bucket:
    """Return a full bucket."""
    return _Bucket(rate, max(rate, 1.0), now)


def _cannot_sever(_scope: Scope) -> None:
    """Do nothing: with a server that cannot reset connections, a reset becomes a timeout."""


def _cannot_tell(_bug: Exception) -> None:
    """Do nothing: the reply has the reason."""


def _early_reply(guard: Guard, method: str, headers: Headers) -> HttpReply | None:
    """Return the reply to a forbidden request or a CORS preflight; None for all others."""
    if refusal := guard.refusal(headers):
        return replies.early_refusal(refusal)
    if guard.is_preflight(method, headers):
        return replies.preflight(preflight_headers(headers))
    return None


def _vendor_in(scope: Scope) -> str:
    """Return the name of the vendor of a request; empty if it is for the sandbox itself."""
    name: str = scope["path"][1:].partition("/")[0]
    return "" if name.startswith("_") else name


def _call(scope: Scope, body: bytes, *, key: bytes) -> Call:
    _, slash, rest = scope["path"][1:].partition("/")
    return Call(
        method=scope["method"],
        path=slash + rest,
        headers=dict(scope["headers"]),
        body=body,
        raw_path=slash + scope["raw_path"].decode("latin-1")[1:].partition("/")[2],
        query=scope["query_string"].decode("latin-1"),
        key=key,
    )


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
