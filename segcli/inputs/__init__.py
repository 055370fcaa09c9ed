"""Inputs: find them by the names on the command line, and read each as a stream of bytes.

`segcli.lines.chunks` splits the bytes into numbered lines.
"""

from segcli.inputs.archive import Days, split
from segcli.inputs.discover import inputs
from segcli.inputs.input import Input, total_size
from segcli.inputs.local_file import PlainFile
from segcli.inputs.look import Looked, look
from segcli.inputs.open import open_input, plain_file, streams
from segcli.inputs.stream import ReadError, Stream, shortened

__all__ = [
    "Days",
    "Input",
    "Looked",
    "PlainFile",
    "ReadError",
    "Stream",
    "inputs",
    "look",
    "open_input",
    "plain_file",
    "shortened",
    "split",
    "streams",
    "total_size",
]
