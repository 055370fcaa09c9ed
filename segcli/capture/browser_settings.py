"""What analytics.js asks for before it sends anything: the settings of its source."""

import re
from typing import Any

_PATH = re.compile(r"/v1/projects/([^/]+)/settings")


def key_in(path: str) -> str | None:
    """Return the write key of a request for settings; None for every other path."""
    match = _PATH.fullmatch(path)
    return match[1] if match else None


def browser_settings(key: str, host: str) -> dict[str, Any]:
    """Return settings that have analytics.js send everything to this host, and nothing else.

    No integration is loaded and no event of the plan is switched off, so nothing comes from
    elsewhere. The shape is that of Segment's CDN [code].
    """
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "apiHost": f"{host}/v1",
                "protocol": "http",
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
