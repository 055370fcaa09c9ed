"""The findings of a check: added up over all lines, by group, and held against a baseline."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from segcli.review.codes import CODES, Level
from segcli.review.finding_spool import FindingSpool, FoundAt
from segcli.review.notes import PLACES, HashedLines, Key, NoteLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding of a check.

    file: the input it is about; the golden file for a payload that is missing.
    line: the number of the line, the first one if there are several.
    level: error or warning.
    code: the code, a key of `CODES`.
    field: the dotted path of the field; empty for the whole event.
    problem: what is wrong with it.
    count: how many lines it stands for.
    other: the place of another line that the problem is about; empty for none.
    """

    file: str
    line: int
    level: Level
    code: str
    field: str
    problem: str
    count: int = 1
    other: str = ""

    @property
    def key(self) -> Key:
        """What all findings of its group have in common."""
        return Key(self.code, self.field, self.problem)

    @property
    def place(self) -> str:
        """The file and the line."""
        return f"{self.file}:{self.line}"

    @property
    def state(self) -> str:
        """The kind of finding, such as `rejected`: that of its code."""
        return CODES[self.code].state

    @property
    def text(self) -> str:
        """The finding without its place: `rejected: traits is not an object`."""
        more = f" ({_more(self.count - 1)})" if self.count > 1 else ""
        other = f" ({self.other})" if self.other else ""
        return f"{self.state}: {f'{self.field} {self.problem}'.strip()}{other}{more}"


def _more(lines: int) -> str:
    return f"and {lines:,} more line{'s' if lines > 1 else ''}"


@dataclass(slots=True)
class Group:
    """All findings with the same code, field and problem.

    key: what they have in common.
    level: error or warning.
    count: how many findings there are.
    first: the first few, in the order of the input.
    known: how many of them the baseline knows.
    """

    key: Key
    level: Level
    count: int = 0
    first: list[Finding] = field(default_factory=list)
    known: int = 0

    @property
    def lines(self) -> int:
        """How many lines the findings stand for."""
        # Only findings that are alone in their group stand for several lines.
        return self.count - len(self.first) + sum(one.count for one in self.first)

    @property
    def text(self) -> str:
        """The finding without its first place, with how many there are and the next places."""
        first, *next_ = self.first
        if self.count == 1:
            return first.text
        places = [str(one.line) if one.file == first.file else one.place for one in next_]
        rest = ["…"] if self.count > len(self.first) else []
        known = f"; the baseline has {self.known:,}" if self.known else ""
        other = f" ({first.other})" if first.other else ""
        said = f"{_more(self.lines - 1)}: {', '.join([*places, *rest])}{known}"
        return f"{first.state}: {f'{first.field} {first.problem}'.strip()}{other} ({said})"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineResult:
    """What a baseline did.

    accepted: how many findings it accepted; they are not shown and do not fail.
    gone: how many findings it has that are no longer there.
    written: whether it was written now.
    """

    accepted: int
    gone: int
    written: bool = False


_Found = TypeVar("_Found", bound=Finding | Group)


class Findings:
    """Adds up findings, in the order of the input.

    All are counted, in groups. At most `limits.groups` groups of each level are held, and at most
    `limits.findings` findings of each level one by one; errors take precedence over warnings. With
    `limits.has_all` all findings are in a temporary file too.
    """

    def __init__(self, limits: NoteLimits, *, strict: bool) -> None:
        self._limits = limits
        self._strict = strict
        self._spool = FindingSpool() if limits.has_all else None
        self._accepted: set[Key] = set()
        self._groups: dict[Key, Group] = {}
        self._by_hash: dict[int, Group] = {}
        self._room: Counter[Level] = Counter()
        self._others: Counter[Level] = Counter()
        self._kept: list[Finding] = []
        self._kept_of: Counter[tuple[Level, bool]] = Counter()

    def level_of(self, code: str) -> Level:
        """Return the level of findings with this code."""
        return "error" if self._strict else CODES[code].level

    def takes(self, code: str) -> bool:
        """Return whether findings with this code count."""
        return self._limits.wanted.takes(code)

    def finding(
        self, key: Key, file: str, line: int, *, count: int = 1, other: str = ""
    ) -> Finding:
        """Return a finding, without adding it."""
        return Finding(
            file=file,
            line=line,
            level=self.level_of(key.code),
            code=key.code,
            field=key.field,
            problem=key.problem,
            count=count,
            other=other,
        )

    def add(self, finding: Finding) -> None:
        """Add a finding, if it counts."""
        if self.takes(finding.code):
            self.count(finding.key, 1, [finding])
            found = FoundAt(finding.line, finding.key, finding.count, finding.other)
            self.keep(finding.file, [found])

    def count(self, key: Key, number: int, first: Iterable[Finding]) -> None:
        """Count findings of a group, of which these are the first."""
        group = self._groups.get(key)
        if group is None:
            level = self.level_of(key.code)
            # A process has its limit for each level without --strict, so it holds enough.
            if key not in self._limits.known and self._room[level] >= self._limits.groups:
                self._others[level] += number
                return
            self._room[level] += key not in self._limits.known
            group = self._groups[key] = self._by_hash[hash(key)] = Group(key, level)
        group.count += number
        group.first += islice(first, PLACES - len(group.first))

    def count_others(self, level: Level, others: HashedLines, file: str, first: int) -> None:
        """Count findings of groups that a process has not noted by their texts.

        level: their level without --strict.
        others: their groups, which are held if another process has noted them before.
        file: the file they are in.
        first: the number of the first line.
        """
        for hashed, place in zip(others.hashes, others.places, strict=True):
            group = self._by_hash.get(hashed)
            if group is None:
                self._others["error" if self._strict else level] += 1
            else:
                self.count(group.key, 1, (self.finding(group.key, file, first + place),))

    def keep(self, file: str, found: Sequence[FoundAt]) -> None:
        """Hold findings of an input that are counted, as many as there is room for.

        Raises OutputError if the temporary file cannot be written.
        """
        if self._spool:
            self._spool.add(file, found)
        for one in found:
            kind = (self.level_of(one.key.code), one.key in self._limits.known)
            if self._kept_of[kind] < self._limits.findings:
                self._kept_of[kind] += 1
                self._kept.append(self._finding_at(file, one))

    def total(self, level: Level) -> int:
        """Return how many findings of this level there are."""
        groups = (group.count for group in self._groups.values() if group.level == level)
        return self._others[level] + sum(groups)

    @property
    def are_whole(self) -> bool:
        """Whether every finding is in a group."""
        return not self._others.total()

    def counts(self) -> dict[Key, int]:
        """Return how many findings each group has."""
        return {key: group.count for key, group in self._groups.items()}

    def accept(self, known: Mapping[Key, int]) -> BaselineResult:
        """Drop the groups that have no more findings than a baseline knows.

        It is unknown which ones of a group are new, so a group that has more stays whole.
        """
        accepted = gone = 0
        for key, number in known.items():
            group = self._groups.get(key)
            if group is None:
                gone += number if self.takes(key.code) else 0
            elif group.count > number:
                group.known = number
            else:
                accepted += group.count
                gone += number - group.count
                self._accepted.add(key)
                del self._groups[key]
        return BaselineResult(accepted=accepted, gone=gone)

    def groups(self) -> list[Group]:
        """Return at most `limits.findings` groups, in the order in which they were found."""
        return _first(self._groups.values(), self._limits.findings)

    def all_groups(self) -> list[Group]:
        """Return all groups that are held, in the order in which they were found."""
        return list(self._groups.values())

    def all_kept(self) -> "Iterable[Finding] | None":
        """Return all findings, which are read again each time; None without `limits.has_all`."""
        return _AllFindings(self) if self._spool else None

    def spooled(self) -> Iterator[Finding]:
        """Yield all findings of the temporary file, without the accepted ones."""
        for file, one in self._spool or ():
            if one.key not in self._accepted:
                yield self._finding_at(file, one)

    def _finding_at(self, file: str, one: FoundAt) -> Finding:
        return self.finding(one.key, file, one.line, count=one.lines, other=one.other)

    def kept(self) -> list[Finding]:
        """Return at most `limits.findings` findings, in the order in which they were found.

        The group of each one is among `groups`.
        """
        kept = [one for one in self._kept if one.key in self._groups]
        return _first(kept, self._limits.findings)


@dataclass(frozen=True, slots=True)
class _AllFindings:
    """All findings of a check, from its temporary file."""

    findings: Findings

    def __iter__(self) -> Iterator[Finding]:
        return self.findings.spooled()


def _first(found: Iterable[_Found], most: int) -> list[_Found]:
    """Return the first few, in their order; errors take precedence over warnings."""
    everything = list(found)
    leading = [one for one in everything if one.level == "error"][:most]
    following = (one for one in everything if one.level == "warning")
    shown = {id(one) for one in (*leading, *islice(following, most - len(leading)))}
    return [one for one in everything if id(one) in shown]
