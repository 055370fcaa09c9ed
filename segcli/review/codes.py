"""The codes of findings: what each one means, why it matters, and how to fix it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from segcli.core.event import Rejected
from segcli.plan.judge import PlanState

Level = Literal["error", "warning"]
FindingState = (
    Literal["rejected", "warning", "uncovered", "changed", "added", "removed", "missing", "new"]
    | Literal["empty"]
    | PlanState
    | Literal["plan-mistake"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A kind of finding.

    code: the code, such as `SEG101`; the first digit is its family, a key of `FAMILIES`.
    name: a short name.
    state: the state of its findings.
    means: what was found.
    matters: why that matters.
    fix: how to fix it.
    is_harmless: a warning, although its state is one of errors.
    """

    code: str
    name: str
    state: FindingState
    means: str
    matters: str
    fix: str
    is_harmless: bool = False

    @property
    def level(self) -> Level:
        """The level of its findings; with --strict all are errors."""
        return "warning" if self.state == "warning" or self.is_harmless else "error"


FAMILIES: Mapping[str, str] = {
    "SEG1": "Lines that hold no event",
    "SEG2": "Segment's spec",
    "SEG3": "The destination",
    "SEG4": "The tracking plan",
    "SEG5": "The replay",
    "SEG6": "The golden file",
}

_LINES = (
    Code(
        code="SEG101",
        name="not-json",
        state="rejected",
        means="The line is not JSON.",
        matters="No event can be read from it, so nothing is sent.",
        fix="Write one JSON object on each line. Look for a line that was cut, for comments, for "
        "single quotes, and for text that is not UTF-8.",
    ),
    Code(
        code="SEG102",
        name="not-an-object",
        state="rejected",
        means="The line is JSON, but not an object.",
        matters="An event is an object. Nothing is sent.",
        fix="Write each event as an object on its own line. For a file that holds one array: "
        "`jq -c '.[]' events.json`.",
    ),
    Code(
        code="SEG103",
        name="line-too-long",
        state="rejected",
        means="The line is longer than --max-line.",
        matters="segcli reads no such line, so that no input can fill the memory.",
        fix="Look for a missing line break. If the event is that large, give a larger --max-line.",
    ),
    Code(
        code="SEG104",
        name="nested-too-deeply",
        state="rejected",
        means="Objects or arrays of the line are nested too deeply.",
        matters="Most JSON parsers refuse such a text. Nothing is sent.",
        fix="Send flat properties and traits.",
    ),
    Code(
        code="SEG105",
        name="nothing-checked",
        state="empty",
        means="No line was mapped, rejected or compared with a tracking plan.",
        matters="A check that looks at nothing finds nothing. Often a path or a filter is wrong.",
        fix="Look at the inputs and the filters. --allow-empty accepts it; --ignore and a "
        "baseline do not.",
    ),
)
_SPEC = (
    Code(
        code="SEG201",
        name="unknown-type",
        state="rejected",
        means="The event has no type, or none of Segment's six.",
        matters="The type decides what an event is. Nothing is sent.",
        fix="Set `type` to alias, group, identify, page, screen or track.",
    ),
    Code(
        code="SEG202",
        name="no-event-name",
        state="rejected",
        means="A track has no name in `event`, or one that is not text.",
        matters="A track without a name cannot be told from any other. Nothing is sent.",
        fix="Give the name as the first argument of the call of your library.",
    ),
    Code(
        code="SEG203",
        name="no-user",
        state="rejected",
        means="The event has neither a userId nor an anonymousId.",
        matters="It is unknown who did it, and Segment refuses such an event.",
        fix="Set `userId` for a known user, and `anonymousId` for any other.",
    ),
    Code(
        code="SEG204",
        name="id-of-wrong-type",
        state="rejected",
        means="`userId` or `anonymousId` is neither text nor a number.",
        matters="An object, an array or a boolean does not identify a user. Nothing is sent.",
        fix="Send the id as text.",
    ),
    Code(
        code="SEG205",
        name="not-an-object-field",
        state="rejected",
        means="`context`, `traits`, `properties` or `integrations` is not an object.",
        matters="Nothing in such a field has a name, so no mapping can read it. Nothing is sent.",
        fix="Send an object, or leave the field out.",
    ),
    Code(
        code="SEG206",
        name="invalid-timestamp",
        state="rejected",
        means="`timestamp` is not in a form of time that segcli reads.",
        matters="A wrong time would put the event in the wrong place of a user's history.",
        fix="Write it like 2026-02-16T09:03:51.123Z. `segcli guide events` has the forms.",
    ),
    Code(
        code="SEG211",
        name="invalid-other-time",
        state="warning",
        means="`originalTimestamp`, `receivedAt` or `sentAt` is not in a form of time that segcli "
        "reads.",
        matters="segcli never uses it. Without a `timestamp` the event may lose its time.",
        fix="Write it like 2026-02-16T09:03:51.123Z.",
    ),
    Code(
        code="SEG212",
        name="time-without-zone",
        state="warning",
        means="The time of the event names no time zone.",
        matters="It is read as UTC. If it was a local time, it is hours wrong.",
        fix="End it with `Z` or with an offset such as `+01:00`.",
    ),
    Code(
        code="SEG213",
        name="trait-of-wrong-type",
        state="warning",
        means="A reserved trait, such as `email` or `address`, is not of the type of the spec.",
        matters="Destinations expect the type of the spec. They may drop the trait.",
        fix="Send the type that the finding names, or use another name for the trait.",
    ),
    Code(
        code="SEG214",
        name="trait-not-a-date",
        state="warning",
        means="`birthday`, `createdAt` or `created_at` is not a date.",
        matters="Destinations may drop the trait, or show a wrong date.",
        fix="Send a time like 2026-02-16T09:03:51Z, a date like 2026-02-16, or seconds since 1970."
        " `segcli guide events` has the forms.",
    ),
    Code(
        code="SEG215",
        name="event-over-32-kb",
        state="warning",
        means="The event is larger than 32 KB.",
        matters="Segment's API does not accept it.",
        fix="Leave out long texts and lists, or split the event.",
    ),
    Code(
        code="SEG216",
        name="message-id-not-text",
        state="warning",
        means="`messageId` is not text.",
        matters="Segment removes duplicates by it, and needs text for that.",
        fix="Let the library make it, or send a UUID.",
    ),
    Code(
        code="SEG217",
        name="message-id-too-long",
        state="warning",
        means="`messageId` is longer than 100 characters.",
        matters="Segment does not accept it.",
        fix="Let the library make it, or send a UUID.",
    ),
    Code(
        code="SEG218",
        name="missing-id-as-text",
        state="warning",
        means="An id is a text that programs write for a missing one, such as `undefined`.",
        matters="All events with this text become one user.",
        fix="Look for the code that turns a missing value into text. Leave the id out instead.",
    ),
    Code(
        code="SEG219",
        name="half-of-a-character",
        state="warning",
        means="A text holds half of a character, an unpaired surrogate.",
        matters="Vendors may refuse the event, or show another character.",
        fix="Look for code that cuts a text at a number of UTF-16 units.",
    ),
)
_DESTINATION = (
    Code(
        code="SEG301",
        name="not-mapped",
        state="rejected",
        means="The destination cannot take the event.",
        matters="The event is never sent. `send` writes it to the rejects file.",
        fix="Add what the finding names. `segcli destinations NAME` lists what is required.",
    ),
    Code(
        code="SEG302",
        name="payload-too-large",
        state="rejected",
        means="The payload is larger than the destination takes.",
        matters="The event is never sent.",
        fix="Leave out long texts and lists, or map fewer fields.",
    ),
    Code(
        code="SEG303",
        name="no-action",
        state="rejected",
        means="Python code asked the destination for the payload of an event that no action of its "
        "destination file takes.",
        matters="There is no payload. `check` and `send` skip such an event, so they never have "
        "this finding.",
        fix="Add an action for the event, or catch the exception.",
    ),
    Code(
        code="SEG304",
        name="unknown-action",
        state="rejected",
        means="A record of a rejects file is for an action that the destination does not have, or "
        "its `actions` are no list of names.",
        matters="It is unknown which requests are still to be sent, so none is.",
        fix="Give the action its old name again, write the new name into `actions`, or take "
        "`actions` out of the record, to send the event to all of its actions.",
    ),
    Code(
        code="SEG311",
        name="destination-remark",
        state="warning",
        means="The destination takes the event, but not as it was meant.",
        matters="The finding says what the vendor will not do.",
        fix="Add what the finding names, or accept it with --baseline.",
    ),
    Code(
        code="SEG312",
        name="value-converted",
        state="warning",
        means="A value is of a type that the destination does not have, so it is converted.",
        matters="The vendor gets text for a number, a list or an object, or nothing for an empty "
        "one. Its filters and sums may not work.",
        fix="Send the type that the destination has.",
    ),
    Code(
        code="SEG313",
        name="several-actions",
        state="warning",
        means="Several actions of the destination file match the event, and with `fan_out = false` "
        "only the first one takes it.",
        matters="The others never get it.",
        fix="Make their queries exclude each other, or take `fan_out = false` out of the file.",
    ),
    Code(
        code="SEG321",
        name="not-carried",
        state="uncovered",
        means="The mapping leaves out a field of --fail-on-uncovered.",
        matters="The vendor never gets the field.",
        fix="Map the field, or make the pattern narrower.",
    ),
    Code(
        code="SEG322",
        name="not-searched",
        state="uncovered",
        means="There were too many events, or some were too large, to search for fields that are "
        "left out.",
        matters="--fail-on-uncovered cannot tell whether they lose one.",
        fix="Check a smaller sample of the events.",
    ),
)
_PLAN = (
    Code(
        code="SEG401",
        name="unplanned-event",
        state="unplanned-event",
        means="The tracking plan has no event of this name.",
        matters="It was not agreed on. Segment's Protocols can block it.",
        fix="Use the name of the plan (case and blanks count), or add the event to the plan.",
    ),
    Code(
        code="SEG402",
        name="unplanned-property",
        state="unplanned-property",
        means="The tracking plan does not have this property, or this trait, for the event.",
        matters="It was not agreed on. Segment's Protocols can leave it out.",
        fix="Use the name of the plan, or add the property to the plan.",
    ),
    Code(
        code="SEG403",
        name="plan-violation",
        state="plan-violation",
        means="A value does not match the JSON Schema of the tracking plan.",
        matters="Reports and destinations that rely on the plan get wrong data.",
        fix="Send what the plan asks for, or change the plan.",
    ),
    Code(
        code="SEG404",
        name="plan-mistake",
        state="plan-mistake",
        means="The tracking plan itself is wrong.",
        matters="Events cannot be compared with this part of the plan.",
        fix="Fix the file at the line and the JSON pointer of the finding.",
    ),
    Code(
        code="SEG405",
        name="unknown-column",
        state="plan-mistake",
        means="A column of the CSV is not read: its title is not known, or a column before it is "
        "for the same.",
        matters="If it holds rules, events are not compared with them.",
        fix="Rename the column, or remove it. `segcli guide plan` has the names.",
        is_harmless=True,
    ),
    Code(
        code="SEG406",
        name="other-version",
        state="other-version",
        means="`context.protocols.event_version` is not a version that the plan has for the event, "
        "or not a whole number.",
        matters="The event is compared with the oldest version, which may not be the one it has.",
        fix="Send the version as a number, such as 2, or add that version to the plan.",
        is_harmless=True,
    ),
)
_REPLAY = (
    Code(
        code="SEG501",
        name="repeated-message-id",
        state="warning",
        means="An earlier line has the same messageId.",
        matters="Segment drops the second event. Other vendors may count it twice; where that is "
        "known, the finding says it.",
        fix="Remove the duplicate, or give each event a messageId of its own.",
    ),
    Code(
        code="SEG502",
        name="repeated-line",
        state="warning",
        means="The line has no messageId, and an earlier line is the same.",
        matters="Most vendors count it twice. `segment` sends both with one messageId, so Segment "
        "keeps one, also if they were two events.",
        fix="Remove the duplicate, or give each event a messageId.",
    ),
    Code(
        code="SEG503",
        name="write-key-sent",
        state="warning",
        means="The event holds a write key, which is sent along with it.",
        matters="With the key anybody can send events into its source.",
        fix="Remove `writeKey` from the events.",
    ),
)
_OLD = (
    Code(
        code="SEG504",
        name="too-old-rejected",
        state="rejected",
        means="The event is older than the vendor takes, and `--older reject` rejects it.",
        matters="The vendor would refuse it, lose it, or give it another time.",
        fix="Send it elsewhere, or send it all the same with `--older send`.",
    ),
    Code(
        code="SEG511",
        name="too-old",
        state="warning",
        means="The event is older than the vendor takes.",
        matters="The vendor refuses it, refuses its whole request, loses it, or gives it the "
        "current time. So it is left out, unless `--older` says otherwise.",
        fix="See `segcli guide replay`. `--older reject` keeps such events in the rejects file, "
        "and `--older send` sends them all the same.",
    ),
    Code(
        code="SEG512",
        name="in-the-future",
        state="warning",
        means="The event is further in the future than the vendor takes.",
        matters="The vendor refuses it, hides it, or gives it the current time.",
        fix="Look for a client with a wrong clock, and correct `timestamp`.",
    ),
    Code(
        code="SEG513",
        name="starts-messages",
        state="warning",
        means="The vendor may send a message to a person because of the event, and there is no "
        "mark against it.",
        matters="People get mail about an order of last year. `send` asks before it does that.",
        fix="Switch off the vendor's automations first, leave the event out, or agree with "
        "`--yes`.",
    ),
    Code(
        code="SEG514",
        name="overwrites-profile",
        state="warning",
        means="The event is an identify that is older than a day, and the vendor keeps the value "
        "of a profile that is written last.",
        matters="An old value replaces a newer one.",
        fix="Leave identify calls out with `--type track`, or send those of today again after "
        "the replay.",
    ),
)
_GOLDEN = (
    Code(
        code="SEG601",
        name="golden-changed",
        state="changed",
        means="A field of the payload, or the state of the line, is not as in the golden file.",
        matters="The mapping or the event has changed.",
        fix="If that is meant, write the golden file again with --update.",
    ),
    Code(
        code="SEG602",
        name="golden-added",
        state="added",
        means="The payload has a field that it does not have in the golden file.",
        matters="The mapping or the event has changed.",
        fix="If that is meant, write the golden file again with --update.",
    ),
    Code(
        code="SEG603",
        name="golden-removed",
        state="removed",
        means="The payload lacks a field that it has in the golden file.",
        matters="The vendor no longer gets this field.",
        fix="If that is meant, write the golden file again with --update.",
    ),
    Code(
        code="SEG604",
        name="golden-missing",
        state="missing",
        means="The golden file has a line, or a payload, that the input no longer has.",
        matters="An event is gone, or is no longer sent.",
        fix="If that is meant, write the golden file again with --update.",
    ),
    Code(
        code="SEG605",
        name="golden-new",
        state="new",
        means="The input has a line, or a payload, that the golden file does not have.",
        matters="Its payload has not been looked at yet.",
        fix="Look at it, and write the golden file again with --update.",
    ),
)

CODES: Mapping[str, Code] = {
    one.code: one for one in (*_LINES, *_SPEC, *_DESTINATION, *_PLAN, *_REPLAY, *_OLD, *_GOLDEN)
}

NOTHING_CHECKED = "SEG105"
REPEATED_MESSAGE_ID, REPEATED_LINE = "SEG501", "SEG502"
TOO_OLD, STARTS_MESSAGES, OVERWRITES_PROFILE = "SEG511", "SEG513", "SEG514"
NOT_CARRIED, NOT_SEARCHED = "SEG321", "SEG322"
PLAN_MISTAKE, UNKNOWN_COLUMN = "SEG404", "SEG405"
CODE_OF_STATE: Mapping[str, str] = {one.state: one.code for one in (*_PLAN[:3], _PLAN[5], *_GOLDEN)}
_REJECTION, _REMARK = "SEG301", "SEG311"


def code_of_rejection(rejected: Rejected) -> str:
    """Return the code of a rejection; one that names none is of the destination."""
    return _of_state(rejected.code, "rejected", _REJECTION)


def code_of_remark(code: str) -> str:
    """Return the code of a remark; one that names none is of the destination."""
    return _of_state(code, "warning", _REMARK)


def _of_state(code: str, state: FindingState, default: str) -> str:
    """Return a code if its findings are of this state; a plug-in may name any."""
    known = CODES.get(code)
    return code if known and known.state == state else default
