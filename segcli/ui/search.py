"""Looks for events in the background: hits as they come, until it has seen all or is stopped."""

import re
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from segcli.core.event import Event
from segcli.core.line import TooLong
from segcli.core.outcome import Decide, Job, event_of, make_mapper, outcome_at
from segcli.errors import UsageError
from segcli.fql import FqlError, matcher
from segcli.ui.event_index import EventIndex, IndexedLine

# How many lines are looked at between two looks at whether to stop.
_CHUNK = 400
# Seconds between two looks at an index that is still growing.
_PAUSE = 0.05
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events to list.

    text: a text that the line contains, in any case.
    where: a query in FQL.
    state: the state of the outcome; "" for any.
    """

    text: str = ""
    where: str = ""
    state: str = ""

    @property
    def is_empty(self) -> bool:
        """True if every line matches."""
        return not (self.text or self.where or self.state)


class Search:
    """One search. Its hits are numbers of lines, in order.

    looked: how many lines it has looked at.
    is_done: whether it has looked at all, or was stopped.
    problem: why it could not look at all.
    """

    def __init__(self, query: EventQuery, index: EventIndex, job: Job) -> None:
        """Prepare a search; raises UsageError for a query that cannot be read."""
        self.query = query
        self.looked = 0
        self.is_done = False
        self.problem = ""
        self._index = index
        self._hits = array("Q")
        self._stopped = threading.Event()
        self._matches = _matcher(query, job)
        self._thread = threading.Thread(target=self._run, name="segcli-search", daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Look no further."""
        self._stopped.set()

    def wait(self) -> None:
        """Return when it is done; at once if it was not started."""
        if self._thread.ident:
            self._thread.join()

    def __len__(self) -> int:
        return len(self._hits)

    def hits(self, first: int, count: int) -> Sequence[int]:
        """Return hits from a number on."""
        return list(self._hits[first : first + count])

    def _run(self) -> None:
        try:
            for lines in self._chunks():
                self._hits.extend(self.looked + place for place in self._matches(lines))
                self.looked += len(lines)
        except OSError as error:
            self.problem = f"the search has ended early: {error.strerror}"
        finally:
            self.is_done = True

    def _chunks(self) -> Iterator[list[IndexedLine]]:
        """Yield all lines in chunks, also those that are indexed meanwhile."""
        while not self._stopped.is_set():
            is_complete = self._index.is_complete
            if lines := list(self._index.lines(self.looked, _CHUNK)):
                yield lines
            elif is_complete:
                return
            else:
                self._stopped.wait(_PAUSE)


_Matches = Callable[[Sequence[IndexedLine]], Iterator[int]]


def _matcher(query: EventQuery, job: Job) -> _Matches:
    """Return the function that yields the places of the lines that match, cheap tests first."""
    holds_text = _finder(query.text.lower())
    matches_event = _predicate(query.where)
    decide: Decide | None = make_mapper(job) if query.state else None

    def places(lines: Sequence[IndexedLine]) -> Iterator[int]:
        for place, line in enumerate(lines):
            text = line.text.head if isinstance(line.text, TooLong) else line.text
            if not holds_text(text):
                continue
            if matches_event and not matches_event(line.text):
                continue
            if decide and outcome_at("", 0, decide([line.text])[0]).state != query.state:
                continue
            yield place

    return places


def _finder(needle: str) -> Callable[[bytes], bool]:
    """Return a test: whether a line holds a text of lower case, escaped or not."""
    if needle.isascii():
        plain = needle.encode()
        return lambda line: plain in line.lower()

    def holds(line: bytes) -> bool:
        text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), line.decode(errors="replace"))
        # Two escapes can be the halves of one letter.
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return needle in whole.lower()

    return holds


def _predicate(where: str) -> Callable[[bytes | TooLong], bool] | None:
    if not where:
        return None
    try:
        wanted = matcher(where, strict=True)
    except FqlError as error:
        raise UsageError(str(error)) from None

    def matches(text: bytes | TooLong) -> bool:
        event = event_of(text)
        return isinstance(event, Event) and wanted(event.data)

    return matches
