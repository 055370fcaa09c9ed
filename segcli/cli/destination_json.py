"""A destination as a JSON document, for `segcli destinations --format json`."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict
from typing import Any

from segcli.core import settings
from segcli.core.destination import Destination
from segcli.core.replay import Replay
from segcli.core.secret import Secret
from segcli.replay.fact_rows import named_facts

_KINDS = {str: "text", int: "integer", float: "number", bool: "boolean", Secret: "secret"}


def destination_document(
    destination: Destination[Any], origins: Mapping[str, settings.Origin]
) -> dict[str, Any]:
    """Return what `segcli destinations NAME` shows. It holds no value of a setting, so no key.

    origins: where each setting comes from now
    """
    return {
        "name": destination.name,
        "about": destination.about,
        "label": destination.label or None,
        "types": sorted(destination.types),
        "limits": asdict(destination.limits),
        "settings": [
            _setting(row, origins.get(row.name, settings.BY_DEFAULT))
            for row in settings.describe(destination.name, destination.settings)
        ],
        "fan_out": destination.fans_out,
        "actions": [asdict(action) for action in destination.actions],
        "fields": [asdict(entry) for entry in destination.fields],
        "replay": [
            {"action": action or None, **_facts(facts)}
            for action, facts in named_facts(destination)
        ],
    }


def _facts(facts: Replay) -> dict[str, Any]:
    """Return the facts as JSON; null stands for what is not known."""
    found = asdict(facts) | {"split": sorted(facts.split)}
    return {name: None if value == "" else value for name, value in found.items()}


def _setting(row: settings.Setting, origin: settings.Origin) -> dict[str, Any]:
    has_default = row.default is not MISSING and not isinstance(row.default, Secret)
    return {
        "name": row.name,
        "kind": _KINDS[row.kind],
        "env": row.env,
        "required": row.required,
        "default": row.default if has_default else None,
        "help": row.help,
        "set_by": None if origin == settings.BY_DEFAULT else origin.name,
    }
