"""The state behind the page: events, destination, search, review, sandbox and run."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from segcli import destinations
from segcli.core.reply import by_status
from segcli.core.visible_text import shell_quoted, visible
from segcli.errors import SegcliError, UsageError
from segcli.sandbox import SandboxServer
from segcli.ui.background_review import BackgroundReview
from segcli.ui.draft import Draft
from segcli.ui.event_details import details_of, summary_of
from segcli.ui.event_index import EventIndex, IndexedLine
from segcli.ui.item_verdicts import ReadReply
from segcli.ui.run_state import RunState
from segcli.ui.sandbox_panel import SandboxPanel, SendWish
from segcli.ui.search import EventQuery, Search
from segcli.ui.setup import Setup

_MOST_ROWS = 200
# The most events that the page sends into its sandbox at once.
MOST_SENT = 10_000


class Workbench:
    """What the page works on; every method may be called from any thread.

    setup: what the command line gave.
    index: the lines of the inputs.
    run: the run that is shown.
    sandbox: the sandbox of the page.
    """

    def __init__(
        self, setup: Setup, stack: ExitStack, *, run: RunState, sandbox: SandboxServer | None = None
    ) -> None:
        """Begin to read the inputs; raises what `Draft` raises."""
        self.setup = setup
        self.run = run
        self._drafts = {setup.dest: Draft(setup.dest, setup)}
        self._draft = self._drafts[setup.dest]
        self.index = EventIndex(
            setup.inputs, max_line=setup.max_line, max_unpacked=setup.max_unpacked
        )
        self.sandbox = SandboxPanel(
            run, stack, key=setup.sandbox_key, server=sandbox, reading_of=self._reading_of
        )
        self._review = BackgroundReview(self.index, expect=setup.expect, max_line=setup.max_line)
        self._search: Search | None = None
        self._searches = 0
        self._lock = threading.Lock()
        self.index.start()
        stack.callback(self.index.close)
        stack.callback(self._close)
        self._review.request(self._draft.job)

    def versions(self) -> dict[str, Any]:
        """Return what changes while the page is open. It is compared several times a second."""
        found, search, problem = self._search, [], self.index.problem
        if found is not None:
            problem = problem or found.problem
            search = [self._searches, len(found), found.looked, found.is_done]
        return {
            "lines": len(self.index),
            "complete": self.index.is_complete,
            "problem": visible(problem),
            "search": search,
            "review": self._review.version,
            "reviewed": self._review.looked,
            "arrived": self.sandbox.log.last,
            "cleared": self.sandbox.log.cleared,
            "sending": self.sandbox.is_sending,
            "run": self.run.version,
            "running": self.run.is_running,
        }

    def state(self) -> dict[str, Any]:
        """Return what the page needs when it is opened."""
        return {
            **self.versions(),
            "files": [visible(entry.title) for entry in self.setup.inputs[:20]],
            "names": list(self.setup.names),
            "expect": visible(str(self.setup.expect or "")),
            "ownSandbox": self.sandbox.is_own,
            "mostSent": MOST_SENT,
            **self._described(),
        }

    # events

    def page(self, first: int, count: int) -> dict[str, Any]:
        """Return rows of the list: of all lines, or of the hits of the search."""
        count = min(count, _MOST_ROWS)
        search, job = self._search, self._draft.job
        if search is None:
            found = enumerate(self.index.lines(first, count), first)
            rows = [{"at": at, **summary_of(line, job)} for at, line in found]
            return {"rows": rows, "total": len(self.index), "done": self.index.is_complete}
        hits = search.hits(first, count)
        rows = [{"at": at, **summary_of(self._line(at), job)} for at in hits]
        return {"rows": rows, "total": len(search), "done": search.is_done}

    def search(self, query: EventQuery) -> dict[str, Any]:
        """List only what matches, from now on; raises UsageError for a query with a mistake."""
        new = None if query.is_empty else Search(query, self.index, self._draft.job)
        with self._lock:
            self._stop_search()
            self._searches += 1
            self._search = new
            if new is not None:
                new.start()
        return {"search": self._searches}

    def event(self, at: int) -> dict[str, Any]:
        """Return everything about an event; raises UsageError if there is no such line."""
        line = self._line(at)
        details = details_of(line, self._draft.job)
        return {"at": at, **details, "command": self._command_for(line)}

    def command(self) -> dict[str, str]:
        """Return the command that prints the payloads of what is listed; raises UsageError.

        An outcome needs no word in it: only what is mapped has payloads.
        """
        query = self._search.query if self._search is not None else EventQuery()
        if query.text:
            raise UsageError(
                "no command searches in the text of lines", "Clear the search, or use FQL."
            )
        return {"command": self.setup.command(self._draft.dest, query.where)}

    # the destination

    def choose(self, dest: str) -> dict[str, Any]:
        """Map for another destination; raises UsageError for one that the page does not offer."""
        if dest not in (self.setup.dest, *self.setup.names):
            raise UsageError(f"there is no destination {dest!r} on this page")
        if dest not in self._drafts:
            self._drafts[dest] = Draft(dest, self.setup)
        self._draft = self._drafts[dest]
        return self._changed()

    def edit(self, text: str) -> dict[str, Any]:
        """Take another text of the destination file."""
        self._file().edit(text)
        return self._changed()

    def save(self) -> dict[str, Any]:
        """Write the text to the file; raises UsageError if that would lose a change."""
        draft = self._file()
        if draft.problems:
            raise UsageError("a text with mistakes is not saved")
        draft.save()
        return self._described()

    def reload(self) -> dict[str, Any]:
        """Take the text that the file has now."""
        self._file().reload()
        return self._changed()

    def text(self) -> str:
        """Return the text of the destination file; "" without one."""
        return self._draft.text

    def review(self) -> dict[str, Any]:
        """Return what `check` says of the first events, or of all."""
        return self._review.result or {"pending": True}

    def review_all(self, *, is_wanted: bool) -> None:
        """Review all events in the background, until the next change; or stop that."""
        self._review.request(self._draft.job, is_whole=is_wanted)

    # the sandbox

    def send(self, at: int | None, first: int, options: dict[str, Any]) -> None:
        """Send one event, or the first ones, into the sandbox; raises UsageError."""
        lines: Sequence[IndexedLine]
        if at is not None:
            lines = [self._line(at)]
        else:
            lines = list(islice(self._listed(), min(first, MOST_SENT)))
        draft = self._draft
        if draft.problems:
            raise UsageError("fix the mistakes in the file first")
        make_job = partial(self.setup.make_job, draft.source, draft.destination)
        wish = SendWish(lines=lines, make_job=make_job, max_line=self.setup.max_line, **options)
        self.sandbox.send(wish)

    def _listed(self) -> Iterator[IndexedLine]:
        """Yield the listed lines in order."""
        if self._search is None:
            yield from self.index.lines(0, MOST_SENT)
        else:
            yield from map(self._line, self._search.hits(0, MOST_SENT))

    # inside

    def _reading_of(self, vendor: str) -> ReadReply:
        """Return how the destination of this name reads replies; by status if it is unknown."""
        for draft in (self._draft, *self._drafts.values()):
            if draft.destination.name == vendor:
                return draft.destination.verdict
        return _named_reading(vendor)

    def _line(self, at: int) -> IndexedLine:
        line = next(self.index.lines(at, 1), None)
        if line is None:
            raise UsageError("there is no such line")
        return line

    def _file(self) -> Draft:
        if not self._draft.is_file:
            raise UsageError(f"{self._draft.dest} is not a file that can be edited")
        return self._draft

    def _changed(self) -> dict[str, Any]:
        """Review again, and search again if the search is for outcomes."""
        self._review.request(self._draft.job)
        if self._search is not None and self._search.query.state:
            self.search(self._search.query)
        return self._described()

    def _described(self) -> dict[str, Any]:
        draft = self._draft
        return {
            "dest": visible(draft.dest),
            "destination": visible(draft.destination.name),
            "endpoint": self.sandbox.server.endpoint(draft.job.destination.name),
            "isFile": draft.is_file,
            "isSaved": draft.is_saved if draft.is_file else True,
            "problems": [
                {**asdict(problem), "text": visible(problem.text)} for problem in draft.problems
            ],
        }

    def _close(self) -> None:
        """Wait for every thread that reads lines: their files are closed next."""
        self._stop_search()
        if self._search is not None:
            self._search.wait()
        self._review.close()

    def _stop_search(self) -> None:
        if self._search is not None:
            self._search.stop()

    def _command_for(self, line: IndexedLine) -> str:
        """Return the command that prints the payload of one line.

        A line that was unpacked or piped in is found by no command: it is that of the list.
        """
        dest = self._draft.dest
        if not line.path:
            return self.setup.command(dest, "")
        start = f"sed -n {line.number}p {shell_quoted(line.path)}"
        return f"{start} | {self.setup.command(dest, '', is_piped=True)}"


@lru_cache(64)
def _named_reading(name: str) -> ReadReply:
    if name not in destinations.names():
        return by_status
    try:
        return destinations.named_destination(name).verdict
    except SegcliError:  # a plug-in that cannot be used
        return by_status
