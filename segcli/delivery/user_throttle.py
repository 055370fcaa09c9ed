"""The throttle of single users: how many of their events a vendor takes a second and a day."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from segcli.core.outcome import Job
from segcli.core.plural import count_of
from segcli.core.replay import DAY, UserLimits
from segcli.errors import Stopped

# How many users are remembered: those that were sent last. The vendor counts the others.
_USERS = 100_000
# A part of an event that is missing because of rounding: waiting for it would take no time.
_ROUNDING = 1e-6


def user_throttle_of(job: Job) -> "UserThrottle | None":
    """Return the throttle of single users; None if the vendor has no limits of a user."""
    found = (one.user for one in job.destination.all_replay_facts())
    limits = next((one for one in found if one and (one.rate or one.day)), None)
    return UserThrottle(job.destination.name, limits) if limits else None


@dataclass(slots=True)
class _Account:
    """What a user has used.

    tokens, at: how many events may go now, as of this time.
    sent, since: how many went in the day that began then.
    """

    tokens: float
    at: float
    sent: int
    since: float


class UserThrottle:
    """Keeps the limits of a user.

    The events of one request go at once, at most those of one second. A day begins with a user's
    first event of the run: a journal knows lines, but neither their users nor when they were sent.
    """

    def __init__(
        self, name: str, limits: UserLimits, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._rate = limits.rate or float("inf")
        self._burst = max(1.0, self._rate)
        self._day = limits.day or float("inf")
        self._now = now
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def wait(self, user: str, wanted: int) -> float:
        """Return the seconds until this many events of a user may go, or those of one second."""
        found = self._accounts.get(user)
        if found is None:
            return 0.0
        now = self._now()
        if self.is_done_for_today(user):
            return found.since + DAY - now
        missing = min(wanted, self._burst) - self._tokens(found, now, self._burst)
        return missing / self._rate if missing > _ROUNDING else 0.0

    def is_done_for_today(self, user: str) -> bool:
        """Return whether a user has sent all events of a day."""
        found = self._accounts.get(user)
        return found is not None and found.sent >= self._day and self._now() < found.since + DAY

    def try_take(self, user: str, together: int) -> bool:
        """Count one more event of a user; False if it must wait.

        together: the most events that share its request.
        """
        now, most = self._now(), min(self._burst, together)
        found = self._accounts.pop(user, None) or _Account(most, now, 0, now)
        if now >= found.since + DAY:
            found.sent, found.since = 0, now
        found.tokens, found.at = self._tokens(found, now, most), now
        may_go = found.tokens >= 1 - _ROUNDING and found.sent < self._day
        if may_go:
            found.tokens -= 1
            found.sent += 1
        self._accounts[user] = found
        if len(self._accounts) > _USERS:
            self._accounts.popitem(last=False)
        return may_go

    def stopped(self, users: Collection[str]) -> Stopped:
        """Return the error of a run in which all users that are left are done for today.

        A resumed run counts from zero, so it names the time when the day of all of them is over.
        """
        wait = max(self.wait(user, 1) for user in users)
        # Rounded up to the minute.
        at = datetime.now(UTC) + timedelta(seconds=wait + 60)
        return Stopped(
            f"{self._name} takes {self._day:,} events of a user a day; the only events left are "
            f"those of {count_of(len(users), 'user')} at this limit",
            f"Resume at {at:%Y-%m-%d %H:%M} UTC or later; a resumed run counts from zero.",
        )

    def _tokens(self, account: _Account, now: float, most: float) -> float:
        if self._rate == float("inf"):
            return most
        return min(most, account.tokens + (now - account.at) * self._rate)
