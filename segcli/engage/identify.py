"""Makes the identify events of audiences and computed traits, like those of Segment's Engage.

For a user who enters or leaves an audience, Segment sends an identify with a trait of the
audience's name, `true` or `false`; for a computed trait, one with its value. `context.personas`
says what was computed [doc].
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
    """An audience or a computed trait.

    kind: which of the two
    key: the property that is sent
    label: the destination's name in the integrations object; empty if it has none
    """

    kind: Kind
    key: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitChange:
    """A change of one user.

    user_id, anonymous_id, email: who the user is; empty if unknown
    value: the new value as JSON text; `false` or `null` for a user who was removed
    round: how many values were sent before this one, or may have been. It is part of the
        messageId, so a value that returns later is a new event
    traits: other traits, as the text of a JSON object
    """

    user_id: str
    anonymous_id: str
    email: str
    value: str
    round: int = 0
    traits: str = "{}"


def property_name(name: str) -> str:
    """Return the snake_cased property of an audience or trait: `order_completed_last_30days`.

    It drops accents (`Café` becomes `cafe`), splits camelCase (`bigSpenders`, `VIPUsers` become
    `big_spenders`, `vip_users`), keeps digits with the letters that they touch, and turns each run
    of other characters into one underscore, none at the ends. The result may be empty.
    """
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    return _NOT_A_WORD.sub("_", _WORD_BORDER.sub("_", plain).lower()).strip("_")


def identify(change: TraitChange, computation: Computation, *, timestamp: str) -> bytes:
    """Return the identify event of a change. The same change always has the same messageId."""
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
    """Return an id that depends on the computation, the user, the value and the round only."""
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
    """Disable all other destinations. Without a label that would disable this one too."""
    return {"All": False, label: True} if label else {}


def _personas(computation: Computation) -> dict[str, str]:
    """Return `context.personas` in Segment's form. The ids are our own, made from the key."""
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
