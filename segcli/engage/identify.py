"""Engage: audience membership and computed traits as the identify events Segment would send.

Segment sends a member who enters or leaves an audience as an identify with a trait of the
audience's name, `true` or `false`, and a computed trait with its value; `context.personas` says
what was computed [doc].
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from segcli.core import exact_json

Kind = Literal["audience", "trait"]

_WORD_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Computation:
    """What was computed, and for whom: an audience or a trait of a destination's users.

    `label` is the destination's name in the integrations object; empty where it has none.
    """

    kind: Kind
    key: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitChange:
    """What one user is to be told: the value as JSON text, `null` where it is gone.

    `round` counts how often this user was told, or may have been told, something else before, so
    that the same value told again later is another event. `traits` are further ones, as a JSON
    object.
    """

    user_id: str
    anonymous_id: str
    email: str
    value: str
    round: int = 0
    traits: str = "{}"


def property_name(name: str) -> str:
    """Return the snake_cased property of an audience or trait: `order_completed_last_30days`.

    Accents go (`Café` is `cafe`), camelCase is taken apart (`bigSpenders`, `VIPUsers` are
    `big_spenders`, `vip_users`), digits stay with the letters they touch, and every run of
    anything else is one underscore, none at the ends. Empty where nothing is left.
    """
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    return _NOT_A_WORD.sub("_", _WORD_BORDER.sub("_", plain).lower()).strip("_")


def identify(change: TraitChange, computation: Computation, *, timestamp: str) -> bytes:
    """Return the identify event that tells a change; the same change makes the same messageId."""
    further = exact_json.loads(change.traits.encode())
    value = exact_json.loads(change.value.encode())
    traits: dict[str, Any] = {**further, computation.key: value}
    if change.email:
        traits["email"] = change.email
    event: dict[str, Any] = {
        "type": "identify",
        "messageId": message_id(change, computation),
        "timestamp": timestamp,
        **_ids(change),
        "traits": traits,
        "context": {"personas": _personas(computation)},
        "integrations": _integrations(computation.label),
    }
    return exact_json.dumps(event)


def message_id(change: TraitChange, computation: Computation) -> str:
    """Return an id made of the computation, the user, the value and the round alone."""
    what = (
        computation.kind,
        computation.key,
        computation.label,
        change.user_id,
        change.anonymous_id,
        change.value,
        str(change.round),
    )
    return f"segcli-{_digest(*what)}"


def _ids(change: TraitChange) -> dict[str, str]:
    ids = {"userId": change.user_id, "anonymousId": change.anonymous_id}
    return {name: value for name, value in ids.items() if value}


def _integrations(label: str) -> dict[str, bool]:
    """Switch all other destinations off; one without a label would be switched off with them."""
    return {"All": False, label: True} if label else {}


def _personas(computation: Computation) -> dict[str, str]:
    """Return `context.personas` in Segment's form; the ids are ours, made from the key."""
    prefix = "aud_" if computation.kind == "audience" else "tra_"
    space = f"spa_{_digest('segcli')[:24]}"
    return {
        "computation_class": computation.kind,
        "computation_id": prefix + _digest(computation.kind, computation.key)[:24],
        "computation_key": computation.key,
        "namespace": space,
        "space_id": space,
    }


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:40]
