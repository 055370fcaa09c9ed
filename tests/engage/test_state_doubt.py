"""What was sent without a result is in doubt, and is sent again."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from support.engage import (
    AUDIENCE,
    TRAIT,
    audience,
    changes,
    difference,
    member,
    opened,
    sync,
    values,
)

from segcli.engage.identify import Computation, message_id
from segcli.engage.state import DeliveryState, EngageState, SyncKey

BIG = Computation(kind="audience", key="big", label="Acme")
KILLED = ("sent",)
REFUSED = ("sent", "refused")


def ids(state: EngageState, *members: str) -> list[str]:
    """Return the messageIds of the events that a sync of these members would send."""
    return [message_id(one, BIG) for one in changes(state, difference(state, audience(*members)))]


def test_change_in_doubt_is_sent_again_as_the_same_event(state: EngageState) -> None:
    before = ids(state, "u1", "u2")
    sync(state, audience("u1", "u2"), answers=KILLED)

    assert ids(state, "u1", "u2") == before
    assert sync(state, audience("u1", "u2")) == {"u1": "true", "u2": "true"}
    assert ids(state, "u1", "u2") == []


def test_removed_member_in_doubt_gets_false(state: EngageState) -> None:
    sync(state, audience("u1", "u2"), answers=KILLED)

    assert sync(state, audience("u2")) == {"u2": "true", "u1": "false"}
    assert sync(state, audience("u2")) == {}


def test_returning_member_in_doubt_gets_true(state: EngageState) -> None:
    sync(state, audience("u1", "u2"))
    sync(state, audience("u2"), answers=KILLED)

    assert sync(state, audience("u1", "u2")) == {"u1": "true"}
    assert sync(state, audience("u1", "u2")) == {}


def test_restored_value_is_sent_if_another_value_is_in_doubt(
    state: EngageState,
) -> None:
    sync(state, values(u1="5"), TRAIT)
    sync(state, values(u1="7"), TRAIT, answers=KILLED)

    assert sync(state, values(u1="5"), TRAIT) == {"u1": "5"}
    assert sync(state, values(u1="5"), TRAIT) == {}


def test_doubt_persists_over_syncs_without_the_user(state: EngageState) -> None:
    sync(state, values(u1="5"), TRAIT)
    sync(state, values(u1="7"), TRAIT, answers=KILLED)
    assert sync(state, values(u2="1"), TRAIT, removals=False) == {"u2": "1"}

    assert sync(state, values(u1="5", u2="1"), TRAIT) == {"u1": "5"}


def test_member_who_was_never_sent_is_not_removed(state: EngageState) -> None:
    found = difference(state, audience("u1", "u2", "u3"))
    state.note(found, [("sent", 1)])

    assert sync(state, []) == {"u1": "false"}


def test_refused_member_is_sent_next_time_or_dropped_if_removed(state: EngageState) -> None:
    before = ids(state, "u1", "u2")
    sync(state, audience("u1", "u2"), answers=REFUSED)

    assert ids(state, "u1", "u2") == before
    assert state.known()[0].pending == 2
    assert sync(state, []) == {}
    assert state.known()[0].members == 0


def test_refused_removal_is_sent_again(state: EngageState) -> None:
    sync(state, audience("u1", "u2"))
    sync(state, audience("u2"), answers=REFUSED)

    assert sync(state, audience("u2"), answers=REFUSED) == {"u1": "false"}
    assert sync(state, audience("u1", "u2")) == {}


def test_refusal_does_not_resolve_an_earlier_doubt(state: EngageState) -> None:
    sync(state, audience("u1", "u2"))
    sync(state, audience("u2"), answers=KILLED)
    sync(state, audience("u1", "u2"), answers=REFUSED)

    assert sync(state, audience("u1", "u2")) == {"u1": "true"}
    assert sync(state, audience("u1", "u2")) == {}


def test_member_in_doubt_counts_as_known_and_removable(state: EngageState) -> None:
    sync(state, audience("u1", "u2"), answers=KILLED)
    found = difference(state, audience("u2"))

    assert (found.known, found.removed) == (2, 1)


def test_same_value_sent_later_has_a_new_message_id(state: EngageState) -> None:
    told = []
    for members in (("u1", "u2"), ("u2",), ("u1", "u2"), ("u2",)):
        told += ids(state, *members)[:1]
        sync(state, audience(*members))

    assert len(set(told)) == 4


def test_values_alternating_in_doubt_have_new_message_ids(state: EngageState) -> None:
    """A vendor ignores an id that it has seen before, with any content."""
    sync(state, audience("u1", "u2"))
    told = []
    for members in (("u2",), ("u1", "u2"), ("u2",), ("u1", "u2")):
        told += ids(state, *members)
        sync(state, audience(*members), answers=KILLED)

    assert len(set(told)) == len(told) == 4


def test_several_values_in_doubt_have_different_message_ids(state: EngageState) -> None:
    ids = []
    for value in ("7", "8", "7"):
        [change] = changes(state, difference(state, values(u1=value), TRAIT))
        ids.append(message_id(change, BIG))
        sync(state, values(u1=value), TRAIT, answers=KILLED)

    assert len(set(ids)) == 3


def test_message_id_depends_on_change_user_and_computation(state: EngageState) -> None:
    [one] = changes(state, difference(state, audience("u1")))
    [again] = changes(state, difference(state, audience("u1")))
    [value] = changes(state, difference(state, values(u1="true"), TRAIT))
    others = [
        Computation(kind="trait", key="big", label="Acme"),
        Computation(kind="audience", key="bigger", label="Acme"),
        Computation(kind="audience", key="big", label="Zeta"),
    ]

    assert message_id(one, BIG) == message_id(again, BIG) == message_id(value, BIG)
    assert len({message_id(one, BIG), *(message_id(one, other) for other in others)}) == 4


# What becomes of a change: whether the vendor takes it, and what the state gets to know.
OUTCOMES: dict[str, tuple[bool, tuple[DeliveryState, ...]]] = {
    "delivered": (True, ("sent", "delivered")),
    "taken, but the answer was lost": (True, ("sent",)),
    "lost on the way": (False, ("sent",)),
    "refused": (False, ("sent", "refused")),
    "never sent": (False, ()),
}
USERS = ("u1", "u2")
ABSENT = ""
MEMBERS = st.fixed_dictionaries(
    {user: st.sampled_from(["1", "2", "null", ABSENT]) for user in USERS}
).map(lambda found: {user: value for user, value in found.items() if value != ABSENT})
OUTCOMES_OF_ALL = st.tuples(*[st.sampled_from(sorted(OUTCOMES)) for _ in USERS])
SYNCS = st.lists(st.tuples(MEMBERS, OUTCOMES_OF_ALL), max_size=8)


class Vendor:
    """Keeps the last value of each user, and ignores an event whose id it has seen before."""

    def __init__(self, which: SyncKey) -> None:
        self.which = which
        self.values: dict[str, str] = {}
        self.told = 0
        self._seen: set[str] = set()

    def sync(self, state: EngageState, members: dict[str, str], outcomes: Sequence[str]) -> None:
        rows = [member(user, value=self.value(given)) for user, given in members.items()]
        found = difference(state, rows, self.which)
        computation = Computation(kind=self.which.kind, key=self.which.key, label="")
        for (number, _, change), outcome in zip(list(state.changes(found)), outcomes, strict=False):
            taken, known = OUTCOMES[outcome]
            self.told += 1
            name = message_id(change, computation)
            if taken and name not in self._seen:
                self._seen.add(name)
                self.values[change.user_id] = change.value
            state.note(found, [(what, number) for what in known])

    def value(self, given: str) -> str:
        return "true" if self.which is AUDIENCE else given


@settings(max_examples=300)
@given(SYNCS, MEMBERS, st.sampled_from([AUDIENCE, TRAIT]))
def test_one_complete_sync_makes_state_and_vendor_agree_after_any_history(
    syncs: list[tuple[dict[str, str], Sequence[str]]], members: dict[str, str], which: SyncKey
) -> None:
    vendor = Vendor(which)
    with opened(None) as state:
        for earlier, outcomes in syncs:
            vendor.sync(state, earlier, outcomes)
        vendor.sync(state, members, ["delivered"] * len(USERS))
        told = vendor.told
        vendor.sync(state, members, ["delivered"] * len(USERS))

    assert vendor.told == told, "the state knows what the vendor knows"
    for user in USERS:
        wanted = vendor.value(members[user]) if user in members else which.gone
        assert vendor.values.get(user, which.gone) == wanted
