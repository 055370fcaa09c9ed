"""The state records what a vendor was sent, and compares it with the current members."""

import pytest
from support.engage import (
    AUDIENCE,
    TRAIT,
    audience,
    changes,
    difference,
    member,
    sync,
    values,
)

from segcli.engage.identify import TraitChange
from segcli.engage.members import BadRow
from segcli.engage.state import EngageState, MemberChanges, SyncKey
from segcli.errors import InputError

# --- an audience


def test_first_sync_sends_all_members_in_list_order(state: EngageState) -> None:
    found = difference(state, audience("u2", "u1", "u3"))

    assert (found.known, found.updated, found.removed) == (0, 3, 0)
    assert [
        (number, line, change.user_id, change.value)
        for number, line, change in state.changes(found)
    ] == [(1, 2, "u2", "true"), (2, 3, "u1", "true"), (3, 4, "u3", "true")]


def test_later_sync_sends_added_and_removed_members_only(state: EngageState) -> None:
    sync(state, audience("u1", "u2", "u3"))

    assert sync(state, audience("u3", "u4")) == {"u4": "true", "u1": "false", "u2": "false"}
    assert sync(state, audience("u3", "u4")) == {}
    assert sync(state, audience("u1", "u4")) == {"u1": "true", "u3": "false"}


def test_difference_counts_known_updated_and_removed(state: EngageState) -> None:
    sync(state, audience("u1", "u2", "u3"))
    found = difference(state, audience("u3", "u4"))

    assert (found.known, found.updated, found.removed) == (3, 1, 2)


def test_last_row_of_a_user_wins(state: EngageState) -> None:
    rows = [
        member("u1", 2, email="old@example.com"),
        member("u2", 3),
        member("u1", 4, email="new@example.com", anonymous_id="a1"),
    ]
    found = difference(state, rows)

    assert [(line, change.email) for _, line, change in state.changes(found)] == [
        (3, "u2@example.com"),
        (4, "new@example.com"),
    ]


def test_removal_is_sent_with_the_known_ids_and_email(state: EngageState) -> None:
    sync(state, [member("u1", email="ada@example.com", anonymous_id="a1")])
    found = difference(state, [])

    assert changes(state, found) == [
        TraitChange(
            user_id="u1", anonymous_id="a1", email="ada@example.com", value="false", round=1
        )
    ]


def test_list_without_emails_keeps_known_emails(state: EngageState) -> None:
    sync(state, [member("u1", email="ada@example.com", anonymous_id="a1")])
    sync(state, [])
    found = difference(state, [member("u1", email="")])

    assert [(one.email, one.anonymous_id) for one in changes(state, found)] == [
        ("ada@example.com", "a1")
    ]


def test_changed_email_alone_is_not_a_change(state: EngageState) -> None:
    sync(state, [member("u1", email="ada@example.com")])

    assert sync(state, [member("u1", email="lovelace@example.com")]) == {}


def test_no_member_is_removed_without_removals(state: EngageState) -> None:
    sync(state, audience("u1", "u2"))

    assert sync(state, audience("u2", "u3"), removals=False) == {"u3": "true"}
    assert sync(state, audience("u2", "u3")) == {"u1": "false"}


def test_audiences_destinations_and_endpoints_are_independent(state: EngageState) -> None:
    sync(state, audience("u1"))
    others = [
        SyncKey(destination="acme", endpoint="", kind="audience", key="other"),
        SyncKey(destination="acme", endpoint="", kind="trait", key="big"),
        SyncKey(destination="acme", endpoint="https://eu.acme.example", kind="audience", key="big"),
        SyncKey(destination="zeta", endpoint="", kind="audience", key="big"),
    ]

    assert [sync(state, audience("u1"), which) for which in others] == [{"u1": "true"}] * 4
    assert sync(state, audience("u1")) == {}


def test_members_with_only_an_anonymous_id_are_added_and_removed(
    state: EngageState,
) -> None:
    anonymous = member("", anonymous_id="a1", email="")

    assert sync(state, [anonymous]) == {"a1": "true"}
    assert sync(state, [anonymous, member("a1")]) == {"a1": "true"}
    assert sync(state, [member("a1")]) == {"a1": "false"}


def test_member_who_gets_a_user_id_is_not_removed(state: EngageState) -> None:
    sync(state, [member("", anonymous_id="a1"), member("", anonymous_id="a2")])
    now = [member("u1", anonymous_id="a1")]

    assert sync(state, now) == {"u1": "true", "a2": "false"}
    assert sync(state, []) == {"a1": "false", "u1": "false"}


# --- a trait


def test_trait_is_sent_only_if_its_value_changed(state: EngageState) -> None:
    sync(state, values(u1="5", u2="7", u3='"gold"'), TRAIT)
    now = values(u1="5", u2="7.5", u3='"Gold"', u4="null", u5="false")

    assert sync(state, now, TRAIT) == {"u2": "7.5", "u3": '"Gold"', "u5": "false"}
    assert sync(state, now, TRAIT) == {}


def test_value_that_becomes_null_is_sent_and_can_return(state: EngageState) -> None:
    sync(state, values(u1="5"), TRAIT)

    assert sync(state, values(u1="null"), TRAIT) == {"u1": "null"}
    assert sync(state, values(u1="null"), TRAIT) == {}
    assert sync(state, values(u1="5"), TRAIT) == {"u1": "5"}


def test_values_that_differ_in_one_digit_differ(state: EngageState) -> None:
    sync(state, values(u1="12345678901234567890.01"), TRAIT)

    assert sync(state, values(u1="12345678901234567890.02"), TRAIT) == {
        "u1": "12345678901234567890.02"
    }


def test_user_missing_from_the_values_gets_null_only_with_removals(state: EngageState) -> None:
    sync(state, values(u1="5", u2="7"), TRAIT)

    assert sync(state, values(u2="7"), TRAIT, removals=False) == {}
    assert sync(state, values(u2="7"), TRAIT) == {"u1": "null"}
    assert sync(state, values(u2="7"), TRAIT) == {}


# --- comparing


def test_refused_difference_changes_nothing(state: EngageState) -> None:
    sync(state, audience("u1", "u2"))
    left = difference(state, audience("u1", "u2", "u3"))

    def object_to(found: MemberChanges) -> None:
        raise InputError(f"{found.removed} of {found.known}")

    state.stage([])
    with pytest.raises(InputError, match="2 of 2"):
        state.compare(AUDIENCE, removals=True, check=object_to)

    assert [change.user_id for change in changes(state, left)] == ["u3"]
    assert sync(state, []) == {"u1": "false", "u2": "false"}


def test_new_difference_replaces_pending_changes(state: EngageState) -> None:
    difference(state, audience("u1", "u2"))
    found = difference(state, audience("u2", "u3"))

    assert [change.user_id for change in changes(state, found)] == ["u2", "u3"]


def test_every_change_is_read_once_while_earlier_ones_are_delivered(state: EngageState) -> None:
    found = difference(state, audience(*(f"u{number}" for number in range(2500))))
    numbers = []
    for number, _, _ in state.changes(found):
        numbers.append(number)
        state.note(found, [("sent", number), ("delivered", number)])

    assert numbers == list(range(1, 2501))
    assert state.known()[0].pending == 0


def test_bad_rows_are_kept_in_order(state: EngageState) -> None:
    rows = [BadRow(line=line, text=b"\xff", problem="bad") for line in range(2500)]
    harmless = BadRow(line=9999, text=b",", problem="names no user", hides_user=False)

    assert state.stage([*rows, member("u1", 5), harmless]) == 2500
    assert [(row.line, row.text) for row in state.bad_rows()] == [
        *((line, b"\xff") for line in range(2500)),
        (9999, b","),
    ]
    assert state.stage([member("u1")]) == 0
    assert list(state.bad_rows()) == []
