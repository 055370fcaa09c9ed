"""Posting over HTTP: what carries a request, and what comes of it.

httpx is the interface, and what carries its requests is chosen in `transport`.
"""
