"""How large a body may be: a vendor states its own bound, and there is one for all vendors."""

import gzip

import httpx
import pytest
from support.destination_file import acme
from support.tables import for_each

from segcli.local_server.request_body import LARGEST_BODY, MAX_BODY
from segcli.sandbox import SandboxServer
from segcli.sandbox.vendors.direct_destination import message
from segcli.sandbox.vendors.from_file import vendor_from_layout
from segcli.sandbox.vendors.vendor import Vendor, VendorRoute, always, single


@for_each("packed", [False, True])
def test_vendor_may_take_larger_bodies_than_the_others(
    client: httpx.Client, packed: bool, sandbox: SandboxServer
) -> None:
    most = MAX_BODY + 1_000_000
    route = VendorRoute(single(lambda _: ""), always(b"{}"))
    vendor = Vendor(routes={"": {"POST": route}}, error=message, most_body=most, gzip=packed)
    sandbox.app.host("spacious", vendor)

    def status_of(size: int, vendor: str = "spacious") -> int:
        body = b'"' + b"x" * (size - 2) + b'"'
        headers = {"Content-Type": "application/json"}
        if packed:
            headers, body = headers | {"Content-Encoding": "gzip"}, gzip.compress(body, 1)
        return client.post(sandbox.endpoint(vendor), content=body, headers=headers).status_code

    assert [status_of(size) for size in (most, most + 1, most + 2)] == [200, 413, 413]
    assert packed or status_of(most, "webhook") == 413


def test_no_vendor_may_take_bodies_without_end() -> None:
    with pytest.raises(ValueError, match="at most 33,554,432 bytes"):
        Vendor(routes={}, error=message, most_body=LARGEST_BODY + 1)


@for_each(
    ("bytes_", "most"),
    [
        (None, MAX_BODY),
        (1_000, MAX_BODY),
        (20_000_000, 20_000_000),
        (900_000_000, LARGEST_BODY),
    ],
)
def test_vendor_of_a_file_takes_its_largest_batch(bytes_: int | None, most: int) -> None:
    batch = {"events": 9} | ({"bytes": bytes_} if bytes_ else {})
    layout = acme({"batch": batch}).layout
    assert layout

    assert vendor_from_layout(layout).most_body == most
