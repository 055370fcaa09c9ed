"""The estimate: how many requests and bytes an input makes, and how long sending takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from segcli.core.outcome import Job
from segcli.core.request_layout import route_of_key

# Requests of one route that are filled at the same time; further payloads count as one each.
_MOST_OPEN = 10_000


@dataclass(slots=True)
class RouteEstimate:
    """What goes to one route.

    route: the route.
    events: how many payloads: an event has one for each action that takes it.
    requests: the smallest possible number of requests, with every batch as full as the limits
        allow. Sending may need more, since a user's events are never in flight at the same time.
    bytes: the size of all payloads.
    largest: the size of the largest payload, in bytes.
    """

    route: str
    events: int = 0
    requests: int = 0
    bytes: int = 0
    largest: int = 0
    _open: "dict[str, tuple[int, int]]" = field(default_factory=dict)


class Estimate:
    """Adds up the requests and bytes that mapped events would make."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._routes: dict[str, RouteEstimate] = {}

    def add(self, key: str, sizes: Sequence[int]) -> None:
        """Add payloads that may share requests, by their sizes in bytes, in input order.

        key: the key of their request; the estimate is by its route.
        """
        route = route_of_key(key)
        found = self._routes.get(route)
        if found is None:
            found = self._routes[route] = RouteEstimate(route)
        found.events += len(sizes)
        found.bytes += sum(sizes)
        found.largest = max(found.largest, max(sizes, default=0))
        most = self._job.destination.events_per_request(route, self._job.settings)
        is_open = key in found._open or len(found._open) < _MOST_OPEN
        if most == 1 or not is_open:
            found.requests += len(sizes)
        else:
            self._fill(found, key, sizes, most)

    def routes(self) -> list[RouteEstimate]:
        """Return the routes, in the order in which they first appeared."""
        return list(self._routes.values())

    def seconds(self, rate: float | None) -> float | None:
        """Return how long the requests take, in seconds; None if there is no limit.

        The lower of `rate` (requests a second) and the destination's own limit applies, and at the
        same time the limit of each route.
        """
        destination = self._job.destination
        rates = [one for one in (rate, destination.limits.rate) if one is not None]
        requests = sum(route.requests for route in self._routes.values())
        of_routes = destination.rates_of_routes()
        found = [requests / min(rates)] if rates else []
        found += [
            route.requests / of_routes[name]
            for name, route in self._routes.items()
            if name in of_routes
        ]
        return max(found, default=None)

    def _fill(self, route: RouteEstimate, key: str, sizes: Sequence[int], most: int) -> None:
        """Fill the current request of a key with payloads, and open new ones as needed."""
        room = self._job.destination.bytes_per_request(key, self._job.settings)
        count, total = route._open.get(key, (0, 0))
        for size in sizes:
            fits = room is None or total + size <= room
            if not (0 < count < most and fits):
                route.requests += 1
                count = total = 0
            count += 1
            total += size + 1
        route._open[key] = count, total
