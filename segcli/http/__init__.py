"""Requests over HTTP: one client, two transports."""
