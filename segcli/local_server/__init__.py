"""The common parts of the servers on this machine: allowed headers, bodies, replies, a thread."""
