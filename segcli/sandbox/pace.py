"""How many requests a second are let through, so that a client meets 429 as a vendor gives it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """A token bucket that holds one second of requests, at least one; it starts full."""

    rate: float
    level: float
    seen: float

    def take(self, now: float) -> bool:
        """Tell whether the request at `now` is within the rate, and count it if it is."""
        self.level = min(max(self.rate, 1.0), self.level + (now - self.seen) * self.rate)
        self.seen = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


def full_bucket(rate: float, now: float) -> Bucket:
    """Make a bucket that lets one second of requests through at once."""
    return Bucket(rate, max(rate, 1.0), now)
