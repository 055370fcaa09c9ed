"""The plan: how many requests and bytes an input makes, and how long a rate lets that take."""

from dataclasses import dataclass

from segcli.outcome import Job, Mapped


@dataclass(slots=True)
class Route:
    """What goes to one route. `requests` counts batches as full as the limits let them be."""

    route: str
    events: int = 0
    requests: int = 0
    bytes: int = 0
    largest: int = 0
    _in_batch: int = 0
    _batch_bytes: int = 0


class Plan:
    """Adds up what mapped events would make."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._routes: dict[str, Route] = {}

    def see(self, mapped: Mapped) -> None:
        """Take in a mapped event."""
        route = self._routes.get(mapped.route)
        if route is None:
            route = self._routes[mapped.route] = Route(mapped.route)
        size = len(mapped.body)
        route.events += 1
        route.bytes += size
        route.largest = max(route.largest, size)
        if not self._fits(route, size):
            route.requests += 1
            route._in_batch = route._batch_bytes = 0
        route._in_batch += 1
        route._batch_bytes += size + 1

    def routes(self) -> list[Route]:
        """Return the routes, in the order in which they first came up."""
        return list(self._routes.values())

    def seconds(self, rate: float | None) -> float | None:
        """Return how long the requests take at a rate a second, or the destination's own limit."""
        rates = [one for one in (rate, self._job.destination.limits.rate) if one is not None]
        requests = sum(route.requests for route in self._routes.values())
        return requests / min(rates) if rates else None

    def _fits(self, route: Route, size: int) -> bool:
        """Tell whether one more payload goes into the request that is being filled."""
        destination, settings = self._job.destination, self._job.settings
        most = destination.events_per_request(route.route, settings)
        room = destination.bytes_per_request(route.route, settings)
        return 0 < route._in_batch < most and (room is None or route._batch_bytes + size <= room)
