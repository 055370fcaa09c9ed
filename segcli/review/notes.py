"""What a process notes of the findings on its lines: exact counts, and the first ones of each.

A finding is one of a group if code, field and problem are the same. An input may have a new
problem in every line, so a process notes only the first groups with their texts, and of all others
a hash: another process may have met them first. So the result does not depend on how many
processes there are.
"""

import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from segcli.core.decision import Decision, FanOut, Mapped, Skipped
from segcli.core.destination import Remark
from segcli.core.event import Rejected
from segcli.review.codes import CODES, Level, code_of_rejection, code_of_remark
from segcli.review.wanted import Wanted

# Fields and problems may be as long as a line.
_LONGEST = 300
# How many places of a group are kept.
PLACES = 3


class Key(NamedTuple):
    """What the findings of a group have in common.

    code: the code.
    field: the dotted path of the field; empty for the whole event.
    problem: what is wrong with it.
    """

    code: str
    field: str
    problem: str


def key_of(code: str, field: str, problem: str) -> Key:
    """Return the key of a finding; long texts are cut."""
    if len(field) > _LONGEST:
        field = f"{field[:_LONGEST]}…"
    if len(problem) > _LONGEST:
        problem = f"{problem[:_LONGEST]}…"
    return Key(code, field, problem)


def rejection_keys(outcome: Decision) -> tuple[Key, ...]:
    """Return the keys of the rejections of a line, one for each action that cannot map it."""
    match outcome:
        case Rejected():
            return (_key_of_rejection(outcome, outcome.problem),)
        case FanOut():
            return tuple(
                _key_of_rejection(one.rejected, f"{one.rejected.problem} (action {one.action})")
                for one in outcome.unmapped
            )
        case Mapped() | Skipped():
            return ()


def _key_of_rejection(rejected: Rejected, problem: str) -> Key:
    return key_of(code_of_rejection(rejected), rejected.field, problem)


@dataclass(slots=True)
class HashedLines:
    """Hashes of lines, or of something in them.

    hashes: the hashes.
    places: the index of the line of each hash.
    """

    hashes: "array[int]" = field(default_factory=lambda: array("q"))
    places: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, value: Hashable, place: int) -> None:
        """Add the hash of a value from the line with this index."""
        self.hashes.append(hash(value))
        self.places.append(place)


@dataclass(slots=True)
class GroupNote:
    """The findings of one group on some lines.

    count: how many there are.
    places: the indexes of the first lines.
    """

    count: int = 0
    places: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Notes:
    """The findings on some lines.

    groups: the groups, in the order in which they were found.
    first: the first findings, each with the index of its line; as many as may be shown.
    others: the findings of all other groups by level, each as the hash of its key.
    """

    groups: dict[Key, GroupNote] = field(default_factory=dict)
    first: list[tuple[int, Key]] = field(default_factory=list)
    others: defaultdict[Level, HashedLines] = field(
        default_factory=lambda: defaultdict(HashedLines)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLimits:
    """Which findings are noted, and how many.

    findings: how many findings of each level are noted one by one.
    groups: how many groups of each level are noted.
    has_all: all findings are noted one by one, and so all groups.
    wanted: which findings count.
    known: the groups of the baseline; they are noted in any case.
    """

    findings: int
    groups: int
    has_all: bool = False
    wanted: Wanted = Wanted()
    known: Collection[Key] = frozenset()


class Notebook:
    """Notes the findings of one process, within its limits."""

    def __init__(self, limits: NoteLimits) -> None:
        self._limits = limits
        self._wants = {code: limits.wanted.takes(code) for code in CODES}
        self._levels: Mapping[str, Level] = {code: one.level for code, one in CODES.items()}
        self._held: Counter[Level] = Counter()
        self._keys: set[Key] = set()
        left = sys.maxsize if limits.has_all else limits.findings
        self._left: dict[Level, int] = dict.fromkeys(("error", "warning"), left)
        self._left_of_known = dict(self._left)
        self._has_known = bool(limits.known)

    def wanted(self, remarks: Iterable[Remark]) -> Iterable[Remark]:
        """Return the remarks that count."""
        return [one for one in remarks if self._wants[code_of_remark(one.code)]]

    def warn(self, keys: Iterable[Key], place: int, notes: Notes) -> None:
        """Note warnings on the line with this index."""
        # Hot path of check (bench_check.py): once enough are noted they are only counted.
        counts_only = not self._has_known and not self._left["warning"]
        for key in keys:
            group = notes.groups.get(key) if counts_only else None
            if group is not None and group.count >= PLACES:
                group.count += 1
            else:
                self.note(key, place, notes)

    def note(self, key: Key, place: int, notes: Notes) -> None:
        """Note a finding on the line with this index, if it counts."""
        if not self._wants[key.code]:
            return
        group = notes.groups.get(key)
        if group is None:
            if not self._has_room_for(key):
                notes.others[self._levels[key.code]].add(key, place)
                return
            group = notes.groups[key] = GroupNote()
        group.count += 1
        if group.count <= PLACES:
            group.places.append(place)
        # Findings that the baseline knows may be accepted, so they take no room from others.
        left = self._left_of_known if self._has_known and key in self._limits.known else self._left
        level = self._levels[key.code]
        if left[level] > 0:
            left[level] -= 1
            notes.first.append((place, key))

    def _has_room_for(self, key: Key) -> bool:
        if self._limits.has_all or key in self._keys or key in self._limits.known:
            return True
        level = self._levels[key.code]
        if self._held[level] >= self._limits.groups:
            return False
        self._held[level] += 1
        self._keys.add(key)
        return True


def note_keys(remarks: Iterable[Remark]) -> tuple[Key, ...]:
    """Return the keys of remarks."""
    return tuple(key_of(code_of_remark(one.code), one.field, one.problem) for one in remarks)
