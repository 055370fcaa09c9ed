"""Segment's HTTP API on this machine. It writes the events that clients send into a file.

It knows nothing about destinations. The file is an input like any other.
"""
