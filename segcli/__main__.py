"""The entry point of the command `segcli`, also as `python -m segcli`."""

import os
import sys

# Type checkers treat this name like `typing.TYPE_CHECKING`; importing `typing` would take time.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import NoReturn


def run() -> "NoReturn":
    """Run the command line of this process.

    While the command line is imported, Ctrl-C ends the process without a message: there is nothing
    to clean up, and a KeyboardInterrupt would print a traceback, or be lost. After that, `main`
    handles Ctrl-C.
    """
    # `_signal` is built into the interpreter. `signal` is not: Ctrl-C during its import would print
    # a traceback.
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415

    # If the parent process set SIGINT to be ignored, it stays ignored.
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

    from segcli.cli import main  # noqa: PLC0415  # imported after the signal is set

    main()


def _forget_working_folder() -> None:
    """Remove the working folder from the import path, where `python -m` puts it first.

    Otherwise a file such as `yarl.py` beside the events would be run, with the keys in its
    environment. Folders that the user put on the path stay.
    """
    if sys.flags.safe_path or not sys.path:
        return
    try:
        is_working_folder = os.path.samefile(sys.path[0], os.curdir)
    except OSError:
        return
    if is_working_folder:
        del sys.path[0]


if __name__ == "__main__":
    _forget_working_folder()
    run()
