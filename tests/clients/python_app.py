"""An application that uses Segment's client for Python; no tests here."""

import os
import sys

from segment import analytics  # type: ignore[import-untyped]

analytics.write_key = "KEY_OF_PYTHON"
analytics.host = os.environ["SEGCLI_CAPTURE_URL"] + (sys.argv[1] if len(sys.argv) > 1 else "")
analytics.gzip = "--gzip" in sys.argv
analytics.upload_size = 3
analytics.identify("u1", {"email": "ada@example.com"})
analytics.track("u1", "Order Completed", {"total": 12.5})
analytics.page("u1", "Docs", "Home")
analytics.screen("u1", "Docs", "Home")
analytics.group("u1", "g1", {"name": "Acme"})
analytics.alias("a1", "u1")
analytics.flush()
