"""`python -m segcli` is the command `segcli`."""

import os
import sys


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

    from segcli.cli import main

    main()
