"""The plan: how many requests and bytes an input makes, and how long a rate lets that take."""

from collections.abc import Sequence
from dataclasses import dataclass

from segcli.core.outcome import Job


@dataclass(slots=True)
class RouteEstimate:
    """What goes to one route. `requests` counts batches as full as the limits let them be.

    They may be less full, since the order of a user's events holds: it is the least.
    """

    route: str
    events: int = 0
    requests: int = 0
    bytes: int = 0
    largest: int = 0
    _in_batch: int = 0
    _batch_bytes: int = 0


class Estimate:
    """Adds up what mapped events would make."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._routes: dict[str, RouteEstimate] = {}

    def see(self, route: str, sizes: Sequence[int]) -> None:
        """Take in the bytes of payloads of a route, in the order in which they are sent."""
        found = self._routes.get(route)
        if found is None:
            found = self._routes[route] = RouteEstimate(route)
        found.events += len(sizes)
        found.bytes += sum(sizes)
        found.largest = max(found.largest, max(sizes, default=0))
        most = self._job.destination.events_per_request(route, self._job.settings)
        if most == 1:
            found.requests += len(sizes)
        else:
            self._fill(found, sizes, most)

    def routes(self) -> list[RouteEstimate]:
        """Return the routes, in the order in which they first came up."""
        return list(self._routes.values())

    def seconds(self, rate: float | None) -> float | None:
        """Return how long the requests take at a rate a second, or the destination's own limit."""
        rates = [one for one in (rate, self._job.destination.limits.rate) if one is not None]
        requests = sum(route.requests for route in self._routes.values())
        return requests / min(rates) if rates else None

    def _fill(self, route: RouteEstimate, sizes: Sequence[int], most: int) -> None:
        """Put payloads into the request that is being filled, and into more of them."""
        room = self._job.destination.bytes_per_request(route.route, self._job.settings)
        for size in sizes:
            fits = room is None or route._batch_bytes + size <= room
            if not (0 < route._in_batch < most and fits):
                route.requests += 1
                route._in_batch = route._batch_bytes = 0
            route._in_batch += 1
            route._batch_bytes += size + 1
