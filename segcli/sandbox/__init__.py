"""A stand-in for every vendor, so that a whole replay can be tried without a key or a customer.

It is one ASGI app: `/<vendor>/...` answers as the vendor does, and plays a script of faults on
top. It was written from the vendors' wire formats alone and knows nothing of the mappings: what a
mapping gets wrong is refused here as strictly as we know how. A vendor that a file describes is
what that says of requests and replies.
"""

from segcli.local_server.guard import parse_origin
from segcli.sandbox.app import Received, Sandbox
from segcli.sandbox.faults import Fault, Script, parse_fault
from segcli.sandbox.server import SandboxServer, running, serve_sandbox

__all__ = [
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
