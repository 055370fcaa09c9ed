"""Delivery: what `send` does. Read and map lines, queue payloads, post them, account for each line.

`pipeline` puts the parts together. `queues` keep the order of each user, `batch` says which
payloads share a request, `retry` posts a batch until it is settled, `throttle` limits requests,
`ledger` counts results and saves them in a progress store. Nothing here knows who is watching.
"""
