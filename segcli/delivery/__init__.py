"""Delivery: the only floor with disk, network and clock.

`transform` prints payloads, `deliver` sends them; both read through `source` and count into one
`Tally`. Nothing here knows who is watching.
"""
