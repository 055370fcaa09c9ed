"""Delivery: the only floor with disk, network and clock.

`transform` prints payloads, `deliver` sends them, `check` reviews what would be sent. `lines` are
what they read, `jobs` the processes that map them, `http` posts, the `journal` remembers what is
settled; an `audience` has its own record. Nothing here knows who is watching.
"""
