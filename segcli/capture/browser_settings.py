"""The settings of a source, which analytics.js loads before it sends events."""

import re
from typing import Any

_PATH = re.compile(r"/v1/projects/([^/]+)/settings")


def key_in(path: str) -> str | None:
    """Return the write key in the path of the settings; None for another path."""
    match = _PATH.fullmatch(path)
    return match[1] if match else None


def browser_settings(key: str, host: str) -> dict[str, Any]:
    """Return settings that make analytics.js send all events to this host.

    It loads no integrations and drops no events. The form is that of Segment's CDN [code].
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
