"""`python -m segcli` is the command `segcli`."""

import os
import sys

# As `typing` has it, which takes a while to import.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import NoReturn


def run() -> "NoReturn":
    """Run the command of this process.

    Ctrl-C ends it without a word while the command line is imported: there is nothing to tidy up,
    and an exception would be a traceback, or be lost. After that `main` has a message for it.
    """
    # What `signal` is made of. It is built in: an interrupt while `signal` itself is imported would
    # be a traceback.
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415

    # It is ignored where whoever started us has said so.
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

    from segcli.cli import main  # noqa: PLC0415  # see above

    main()


def _forget_working_folder() -> None:
    """Take the working folder off the import path, where `python -m` has put it first.

    A `yarl.py` beside the events would be run otherwise, with the keys in its environment. What
    the user has put on the path stays there.
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
