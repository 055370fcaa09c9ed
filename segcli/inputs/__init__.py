"""What is read: names become inputs, and an input becomes a stream of its bytes.

`segcli.delivery.source` makes numbered lines of them.
"""

from segcli.inputs.input import Input, total_size
from segcli.inputs.naming import inputs
from segcli.inputs.opening import opened
from segcli.inputs.stream import ReadError, Stream

__all__ = ["Input", "ReadError", "Stream", "inputs", "opened", "total_size"]
