"""Validates a request in order: route, method, key, content type, body, poison."""

from dataclasses import replace

from segcli.local_server.http_reply import Refusal
from segcli.local_server.request_body import decompressed
from segcli.sandbox.faults import Script
from segcli.sandbox.json_body import JSON, parse_body
from segcli.sandbox.vendors.vendor import ANYWHERE, Accepted, Call, Vendor, VendorRoute


def validate_request(call: Call, vendor: Vendor, *, script: Script) -> Accepted | Refusal:
    """Return the events of a request and the reply, or the first reason to refuse it."""
    route = _route(call, vendor)
    if isinstance(route, Refusal):
        return route
    if not _authorised(call, vendor):
        return Refusal(401, vendor.key_hint)
    return _accepted(call, vendor, route, poison=script.poison)


def _accepted(
    call: Call, vendor: Vendor, route: VendorRoute, *, poison: str | None
) -> Accepted | Refusal:
    """Read the body, if the route has one."""
    if route.read is None:
        return Accepted((), route.reply(()))
    if vendor.gzip:
        body = decompressed(call.body, call.headers, most=vendor.most_body)
        if isinstance(body, Refusal):
            return body
        call = replace(call, body=body)
    value = _value(call, vendor, route)
    if isinstance(value, Refusal):
        return value
    reading = route.read(call, value)
    if isinstance(reading, Refusal):
        return reading
    if poison and poison.encode() in call.body:
        return Refusal(400, "the payload contains the text of --poison")
    return Accepted(reading, route.reply(reading))


def _route(call: Call, vendor: Vendor) -> VendorRoute | Refusal:
    methods = vendor.routes.get(vendor.route_of(call)) or vendor.routes.get(ANYWHERE)
    if methods is None:
        known = ", ".join(path or "the endpoint itself" for path in vendor.routes)
        return Refusal(404, f"there is no such route; known are {known}")
    route = methods.get(call.method)
    if route is not None:
        return route
    allow = ", ".join(sorted(methods))
    return Refusal(405, f"the method must be {allow}", allow)


def _authorised(call: Call, vendor: Vendor) -> bool:
    if vendor.admits:
        return vendor.admits(call)
    if not vendor.header:
        return True
    given = call.headers.get(vendor.header)
    if given is None:
        return vendor.key_optional
    return given == vendor.credential(call.key)


def _value(call: Call, vendor: Vendor, route: VendorRoute) -> JSON | Refusal:
    kind = call.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if vendor.json_only and kind != b"application/json":
        return Refusal(400, "Content-Type must be application/json")
    if len(call.body) > vendor.most_body:
        return Refusal(413, f"the body must have at most {vendor.most_body:,} bytes")
    try:
        return route.decode(call) if route.decode else parse_body(call.body)
    except ValueError as error:
        return Refusal(400, str(error) if route.decode else f"the body is not JSON: {error}")
