"""Shared by the tests of engage: member lists, and syncs of a state without a vendor; no tests."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segcli.engage.identify import TraitChange
from segcli.engage.members import Member
from segcli.engage.state import EngageState, MemberChanges, SyncKey
from segcli.sandbox import DEFAULT_KEY, SandboxServer

AUDIENCE = SyncKey(destination="acme", endpoint="", kind="audience", key="big", name="Big")
TRAIT = SyncKey(destination="acme", endpoint="", kind="trait", key="ltv", name="LTV")


@contextmanager
def opened(path: Path | None, **how: bool) -> Iterator[EngageState]:
    """Open a state, and close it at the end, also after an error."""
    state = EngageState(path, **how)
    try:
        yield state
    finally:
        state.close()


def member(user: str, line: int = 1, **more: Any) -> Member:
    """Return a member of this userId."""
    given = {"anonymous_id": "", "email": f"{user}@example.com"} | more
    return Member(line=line, **{"user_id": user, **given})


def audience(*users: str) -> list[Member]:
    return [member(user, line) for line, user in enumerate(users, 2)]


def values(**by_user: str) -> list[Member]:
    """Return the members of a trait: what each user's value is, as JSON text."""
    return [member(user, line, value=value) for line, (user, value) in enumerate(by_user.items())]


def difference(
    state: EngageState,
    members: Iterable[Member],
    which: SyncKey = AUDIENCE,
    *,
    removals: bool = True,
) -> MemberChanges:
    """Make the difference that a sync of these members would tell."""
    state.stage(members)
    return state.compare(which, removals=removals)


def changes(state: EngageState, found: MemberChanges) -> list[TraitChange]:
    return [change for _, _, change in state.changes(found)]


def sent_values(found: Sequence[TraitChange]) -> dict[str, str]:
    """Return the value that each user is sent."""
    return {change.user_id or change.anonymous_id: change.value for change in found}


def sync(
    state: EngageState,
    members: Iterable[Member],
    which: SyncKey = AUDIENCE,
    *,
    removals: bool = True,
    answers: Sequence[str] = ("sent", "delivered"),
) -> dict[str, str]:
    """Sync these members with these answers. Return the value that each user was sent."""
    found = difference(state, members, which, removals=removals)
    numbered = list(state.changes(found))
    for answer in answers:
        state.note(found, [(answer, number) for number, _, _ in numbered])  # type: ignore[misc]
    return sent_values([change for _, _, change in numbered])


def csv(path: Path, users: Iterable[object]) -> Path:
    """Write a list of members, each with an email."""
    rows = "".join(f"{user},{user}@example.com\n" for user in users)
    path.write_text(f"userId,email\n{rows}")
    return path


def events(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


# --- by the command line

STATE = "state.sqlite"
# Where a payload of each destination says who it is of, and where the properties.
TOLD_IN = {
    "pointillist": lambda payload: (
        payload["actors"]["customer"],
        payload["labels"] | payload["numbers"],
    ),
    "plotline": lambda payload: (payload, payload["traits"]),
    "webhook": lambda payload: (payload, payload["traits"]),
    "segment": lambda payload: (payload, payload["traits"]),
    "gist": lambda payload: ({"userId": payload["user_id"]}, payload["custom_properties"]),
}


def engage(name: str, url: str, file: object, *more: object, key: str = DEFAULT_KEY) -> list[str]:
    """Return a command line that syncs the audience "Big Spenders" at a vendor."""
    to = ["--dest", name, "--endpoint", url, "--set", f"api_key={key}", "--retry-for", "20s"]
    kept = ["--state", STATE, "--report", "report.json"]
    return ["engage", "audience", "Big Spenders", str(file), *to, *kept, *map(str, more)]


def trait(name: str, url: str, file: object, *more: object) -> list[str]:
    """Return a command line that syncs the computed trait "Lifetime Value" at a vendor."""
    return ["engage", "trait", "Lifetime Value", *engage(name, url, file, *more)[3:]]


def received_changes(at: SandboxServer, key: str = "big_spenders") -> list[tuple[str, Any]]:
    """Return each user and value that a vendor received since the last call, in order."""
    found = []
    for received in at.app.accepted:
        ids, properties = TOLD_IN[received.vendor](received.payload)
        found.append((ids.get("userId") or ids["anonymousId"], properties[key]))
    at.app.accepted.clear()
    return found
