"""A stand-in for every vendor: it makes a whole replay possible without a key and a network.

It is one ASGI app. `/<vendor>/...` answers as the vendor does, and a script of faults can spoil
the replies. The app follows the vendors' wire formats and does not know the mappings, so it
refuses what a mapping gets wrong. For a destination file, it follows what the file says about
requests and replies.
"""

from segcli.local_server.guard import parse_origin
from segcli.sandbox.app import Received, Sandbox
from segcli.sandbox.exchange import MOST_REPLY_BYTES, Exchange
from segcli.sandbox.faults import (
    DEFAULT_KEY,
    FAULT_EXAMPLES,
    ITEM,
    REQUEST_KINDS,
    STATUSES,
    USUAL_STATUSES,
    Fault,
    Script,
    parse_fault,
)
from segcli.sandbox.server import SandboxServer, running, serve_sandbox

__all__ = [
    "DEFAULT_KEY",
    "FAULT_EXAMPLES",
    "ITEM",
    "MOST_REPLY_BYTES",
    "REQUEST_KINDS",
    "STATUSES",
    "USUAL_STATUSES",
    "Exchange",
    "Fault",
    "Received",
    "Sandbox",
    "SandboxServer",
    "Script",
    "parse_fault",
    "parse_origin",
    "running",
    "serve_sandbox",
]
