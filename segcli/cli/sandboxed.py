"""A rehearsal: a sandbox beside the run, and a destination that sends to it."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segcli.accounting.atomic_write import open_to_append
from segcli.cli.send_options import SandboxOptions
from segcli.core import settings
from segcli.core.destination import Destination
from segcli.core.secret import Secret
from segcli.errors import Stopped, UsageError
from segcli.runs.output_checks import check_holds_records
from segcli.sandbox import SandboxServer, Script

if TYPE_CHECKING:
    from segcli.delivery.shutdown import OutsideStop

# The key of every rehearsal. It must not look like a part of a path or an option: keys are hidden
# everywhere in messages.
REHEARSAL_KEY = "key-of-a-rehearsal"


@contextmanager
def sandbox_running(sandbox_options: SandboxOptions) -> Iterator[SandboxServer | None]:
    """Run a sandbox during the block if --sandbox is given, and yield it; else yield None.

    Raises UsageError if another option of the sandbox is given without --sandbox.
    """
    if not sandbox_options.sandbox and (given := _given(sandbox_options)):
        raise UsageError(f"{given} needs --sandbox", "Add --sandbox.")
    from segcli.sandbox import running

    script = Script(
        key=REHEARSAL_KEY,
        faults=sandbox_options.fault,
        latency=sandbox_options.latency,
        seed=sandbox_options.seed,
    )
    with running(script) if sandbox_options.sandbox else nullcontext() as sandbox:
        if sandbox:
            # Not made yet: it may have a second role, which the checks of a run find.
            sandbox.app.kept = sandbox_options.keep
        yield sandbox


def _given(sandbox_options: SandboxOptions) -> str:
    """Return the first option that only a sandbox has; empty if none is given."""
    given = {
        "--fault": bool(sandbox_options.fault),
        "--latency": sandbox_options.latency > 0,
        "--seed": sandbox_options.seed is not None,
        "--keep": sandbox_options.keep is not None,
    }
    return next((option for option, is_given in given.items() if is_given), "")


def kept_by(sandbox: SandboxServer | None) -> Path | None:
    """Return the file of --keep, for `check_outputs`; None if there is none."""
    return sandbox.app.kept if sandbox else None


def open_kept(sandbox: SandboxServer | None) -> None:
    """Make the file of --keep, if there is one, after `check_outputs`; raises UsageError."""
    if keep := kept_by(sandbox):
        make_kept(keep)


def make_kept(keep: Path) -> None:
    """Make the file of --keep; raises UsageError if that fails, or it is another kind of file."""
    if not os.path.isdir(keep.parent):
        hint = "Make the folder, or name another file: --keep PATH"
        raise UsageError(f"--keep {keep}: the folder {keep.parent} does not exist", hint)
    check_holds_records("--keep", keep, "payload file")
    try:
        open_to_append(keep).close()
    except OSError as error:
        problem = f"--keep {keep} cannot be written: {error.strerror}"
        raise UsageError(problem, "Name another file: --keep PATH") from None


def stop_on_failure(sandbox: SandboxServer | None) -> "OutsideStop | None":
    """Return what stops the run once the sandbox fails by itself, such as on a full disk.

    Without that, the run would try again for --retry-for: a sandbox that fails answers 500.
    """
    from segcli.delivery.shutdown import OutsideStop

    if sandbox is None:
        return None
    stop = OutsideStop()
    sandbox.app.on_failure = lambda bug: stop.stop(_failure(bug, sandbox.app.kept))
    return stop


def _failure(bug: Exception, keep: Path | None) -> Stopped:
    if keep and isinstance(bug, OSError):
        problem = f"--keep {keep} cannot be written: {bug.strerror}"
        return Stopped(problem, "Name another file: --keep PATH")
    return Stopped(f"the sandbox failed: {bug!r}")


def sandbox_overrides(
    sandbox: SandboxServer | None,
) -> Callable[[Destination[Any]], Mapping[str, str]]:
    """Return the function that gives a destination the sandbox's address and key.

    The settings that it returns win over all others; without a sandbox there are none.
    """

    def overrides(destination: Destination[Any]) -> Mapping[str, str]:
        if sandbox is None:
            return {}
        known = settings.describe(destination.name, destination.settings)
        if "endpoint" not in {row.name for row in known}:
            raise UsageError(f"--sandbox: {destination.name} has no setting endpoint to change")
        from segcli.sandbox.vendors.file_tokens import TOKEN_PATH

        host_destination(sandbox, destination)
        endpoint = sandbox.endpoint(destination.name)
        keys = {
            row.name: REHEARSAL_KEY if row.takes(REHEARSAL_KEY) else endpoint
            for row in known
            if row.kind is Secret or row.name == "api_key"
        }
        tokens = {"token_url": endpoint + TOKEN_PATH} if destination.token else {}
        return keys | tokens | {"endpoint": endpoint}

    return overrides


def host_destination(sandbox: SandboxServer, destination: Destination[Any]) -> None:
    """Teach the sandbox the vendor of a destination file or a plug-in.

    Raises UsageError if `--fault item` is given and the vendor has no results for single events.
    """
    from segcli.sandbox.vendors import PLUG_IN, VENDORS
    from segcli.sandbox.vendors.from_file import vendor_from_layout

    # A vendor of the catalog has checks of its own, which do not come from its file.
    if destination.name not in VENDORS:
        layout = destination.layout
        sandbox.app.host(destination.name, vendor_from_layout(layout) if layout else PLUG_IN)
    if sandbox.app.fails_items and not sandbox.app.vendor(destination.name).by_item:
        raise UsageError(
            f"--fault item: {destination.name} does not answer for single events",
            "A destination file says with [reply.items] where its vendor does.",
        )
