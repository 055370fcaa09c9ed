"""Inputs that lie on this machine as they are read, so that others can read parts of them."""

from pathlib import Path

from segcli.inputs.compressed import packing_of
from segcli.inputs.input import Input
from segcli.inputs.start import LOOKED_AT


def is_plain_file(entry: Input) -> bool:
    """Tell whether an input is a file on this machine, and not compressed."""
    if entry.remote or not entry.can_be_read_again:
        return False
    try:
        with Path(entry.name).open("rb") as file:
            return packing_of(file.read(LOOKED_AT)) is None
    except OSError:
        return False
