"""The vendors that are built in or in the catalog, by the first segment of the path.

The sandbox is told of all others. The rules of a vendor of the catalog do not come from its file.
"""

from collections.abc import Mapping

from segcli.sandbox.vendors.amplitude import AMPLITUDE
from segcli.sandbox.vendors.braze import BRAZE
from segcli.sandbox.vendors.customerio import CUSTOMERIO
from segcli.sandbox.vendors.direct_destination import PLOTLINE, WEBHOOK, message
from segcli.sandbox.vendors.genesys import GENESYS
from segcli.sandbox.vendors.gist import GIST
from segcli.sandbox.vendors.hubspot import HUBSPOT
from segcli.sandbox.vendors.intercom import INTERCOM
from segcli.sandbox.vendors.iterable import ITERABLE
from segcli.sandbox.vendors.klaviyo import KLAVIYO
from segcli.sandbox.vendors.mixpanel import MIXPANEL
from segcli.sandbox.vendors.pointillist import POINTILLIST
from segcli.sandbox.vendors.posthog import POSTHOG
from segcli.sandbox.vendors.segment import SEGMENT
from segcli.sandbox.vendors.vendor import ANYWHERE, Vendor, VendorRoute, always, single

VENDORS: Mapping[str, Vendor] = {
    "amplitude": AMPLITUDE,
    "braze": BRAZE,
    "customerio": CUSTOMERIO,
    "genesys": GENESYS,
    "gist": GIST,
    "hubspot": HUBSPOT,
    "klaviyo": KLAVIYO,
    "iterable": ITERABLE,
    "intercom": INTERCOM,
    "mixpanel": MIXPANEL,
    "plotline": PLOTLINE,
    "pointillist": POINTILLIST,
    "posthog": POSTHOG,
    "segment": SEGMENT,
    "webhook": WEBHOOK,
}

# The vendor of a plug-in is unknown: it accepts any JSON, without a key.
PLUG_IN = Vendor(
    routes={ANYWHERE: {"POST": VendorRoute(single(lambda _value: ""), always(b"{}"))}},
    error=message,
    json_only=False,
)
