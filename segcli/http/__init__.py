"""Requests over HTTP: one client, two transports."""

# The extension of a request that holds its address as a text: to compare two `httpx.URL` takes
# longer than to open a route.
ADDRESS = "segcli.address"
