"""What `segcli ui` and `send --ui` share: the setup of the page, its address, and the browser."""

import sys
import time
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segcli import destinations
from segcli.cli.html_page import check_libraries
from segcli.cli.job import spec_of
from segcli.cli.options import Target
from segcli.cli.output import say
from segcli.cli.sandboxed import REHEARSAL_KEY, sandbox_overrides
from segcli.core.destination import Destination
from segcli.core.outcome import Job
from segcli.core.redaction import Redactor
from segcli.core.secret import Secret
from segcli.core.settings import describe
from segcli.core.visible_text import shell_quoted
from segcli.destination_source import DestinationSource, find_source
from segcli.errors import SegcliError, UsageError
from segcli.sandbox import SandboxServer
from segcli.ui.setup import MakeJob, Setup

if TYPE_CHECKING:
    from segcli.inputs import Input
    from segcli.runs.run_result import RunResult
    from segcli.ui.page_server import PageServer

MAX_UNPACKED = 4 * 1024**3
# Seconds that the page of a run stays after the last request for it, and between two checks.
_STAYS, _LOOK = 10.0, 0.1
_LIBRARIES = ("jinja2", "starlette", "tree_sitter", "tree_sitter_json", "tree_sitter_toml")


def check_page(what: str, *, opens: bool) -> None:
    """Raise UsageError if the page cannot be served, or no browser can be opened."""
    check_libraries(what, (*_LIBRARIES, "vl_convert"))
    if opens and not sys.stderr.isatty():
        raise UsageError(f"{what} opens a browser, and this is no terminal", "Add --no-open")


def tell_address(page: "PageServer", view: str = "", *, opens: bool, until: str) -> None:
    """Say where the page is, and open it in the browser, with a view of it such as `#run`."""
    say(f"The page is at {page.url}{view} {until}")
    # Other users can see the command line of the browser: that address works once.
    if opens and not webbrowser.open(page.first_url + view):
        say("No browser could be opened: open the address yourself.")


def setup_of(
    options: Any,
    inputs: "Sequence[Input]",
    *,
    expect: Path | None = None,
    max_unpacked: int = MAX_UNPACKED,
) -> Setup:
    """Return what the page shows for these options."""
    make_job = job_maker(options)
    return Setup(
        inputs=inputs,
        dest=str(options.dest),
        names=destinations.names(),
        make_job=make_job,
        command=partial(transform_command, options),
        redactor=redactor_of(options, make_job),
        sandbox_key=REHEARSAL_KEY,
        expect=_file_to_expect(expect),
        max_line=options.max_line,
        max_unpacked=max_unpacked,
    )


@contextmanager
def run_shown(
    options: Any,
    result: "RunResult",
    inputs: "Sequence[Input]",
    *,
    opens: bool,
    sandbox: SandboxServer | None,
) -> Iterator[None]:
    """Serve the page of a run during the block, and then until no request for it has come for 10 s.

    `inputs` are those of the page, see `segcli.ui.copied_input`. Ctrl-C ends the page at once.
    """
    from segcli.ui.page_server import page_serving
    from segcli.ui.run_state import RunState

    setup = setup_of(options, inputs)
    state = RunState(setup.redactor)
    state.begin(result)
    with page_serving(setup, state, sandbox=sandbox) as page:
        until = f"until {_STAYS:.0f} s after it was closed."
        tell_address(page, "#run", opens=opens, until=until)
        try:
            yield
        finally:
            state.end()
            _wait_until_left(page)


def _wait_until_left(page: "PageServer") -> None:
    """Return when the page has been closed for long enough, or at Ctrl-C."""
    ended, visitors = time.monotonic(), page.visitors
    while visitors.open or time.monotonic() - max(ended, visitors.last) < _STAYS:
        try:
            time.sleep(_LOOK)
        except KeyboardInterrupt:
            return


def job_maker(options: Target) -> MakeJob:
    """Return the function that makes jobs as the typed options say.

    Settings that were typed are for the destination that was typed, and for no other.
    """

    def make_job(
        source: DestinationSource,
        destination: Destination[Any],
        sandbox: SandboxServer | None = None,
    ) -> Job:
        own: Any = options
        if source.dest != options.dest:
            own = replace(own, set=(), api_key_file=None, endpoint=None)
        overrides = sandbox_overrides(sandbox)
        return spec_of(own, source, destination, overrides=overrides).job(destination)

    return make_job


def redactor_of(options: Target, make_job: MakeJob) -> Redactor:
    """Return what hides the keys of every destination that the page can show."""
    secrets: list[str] = []
    for dest in dict.fromkeys((options.dest, *destinations.names())):
        try:
            if dest:
                secrets += make_job(*find_source(dest)).secrets()
        except SegcliError:
            continue  # it cannot be shown either
    return Redactor(secrets)


def transform_command(options: Any, dest: str, where: str, *, is_piped: bool = False) -> str:
    """Return the `segcli transform` that prints what the page shows. It holds no key."""
    words = ["segcli", "transform", "--dest", dest]
    if options.config:
        words += ["--config", options.config]
    if dest == options.dest:
        words += [word for pair in _settings(options, dest) for word in ("--set", pair)]
    if where:
        words += ["--where", where]
    files = () if is_piped else options.files
    return " ".join(map(shell_quoted, [*words, *files]))


def _settings(options: Any, dest: str) -> Sequence[str]:
    """Return the typed settings that are no keys."""
    try:
        destination = find_source(dest)[1]
    except SegcliError:
        return ()  # without the file, it is not known which of them are keys
    rows = describe(destination.name, destination.settings)
    keys = {row.name for row in rows if row.kind is Secret or row.name == "api_key"}
    return [pair for pair in options.set if pair.partition("=")[0].strip() not in keys]


def _file_to_expect(path: Path | None) -> Path | None:
    """Return the golden file; raises UsageError if it cannot be read."""
    if path is None:
        return None
    try:
        path.open("rb").close()
    except OSError as error:
        raise UsageError(f"--expect {path} cannot be read: {error.strerror}") from None
    return path
