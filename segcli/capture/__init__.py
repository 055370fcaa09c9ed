"""Segment's HTTP API on this machine: what clients send to it becomes a file of events.

It knows nothing of destinations. What it writes is an input like any other.
"""
