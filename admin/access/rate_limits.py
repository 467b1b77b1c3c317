"""Rate limits of the API, in the memory of the web process.

Each valid token has a bucket of requests that is filled up evenly. Requests with an invalid token are limited per
client address, so that guesses do not reach the database; a token that was valid before is not affected by them.
"""

import ipaddress
import math
import threading
import time
from collections.abc import Callable

from haichieu.errors import TooMany
from haichieu.locale import message

REQUESTS_PER_MINUTE = 3000
COST_OF_CHANGE = 10
"""A request that is not a GET counts as so many."""
BAD_TOKENS_PER_MINUTE = 60
MOST_BUCKETS = 10_000
"""The bucket that was used least recently is dropped."""


class TooManyRequests(TooMany):
    """The limit of this token or address is used up for `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(message("api.too_many", count=retry_after))
        self.retry_after = retry_after


class Buckets:
    """One token bucket per name: `per_minute` at once, and as many per minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._clock = clock
        self._content: dict[str, tuple[float, float]] = {}
        """By name: what was left, and when."""
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._content

    def take(self, name: str, cost: int) -> None:
        """Take `cost` from a bucket. Raises TooManyRequests when it has less, and takes nothing."""
        with self._lock:
            at = self._clock()
            left = self._left(name, at)
            enough = left >= cost
            self._content.pop(name, None)
            self._content[name] = (left - cost if enough else left, at)
            if len(self._content) > MOST_BUCKETS:
                del self._content[next(iter(self._content))]
        if not enough:
            raise TooManyRequests(self._seconds_until(cost - left))

    def require(self, name: str) -> None:
        """Raise TooManyRequests when less than one is left in a bucket; take nothing."""
        with self._lock:
            left = self._left(name, self._clock())
        if left < 1:
            raise TooManyRequests(self._seconds_until(1 - left))

    def _left(self, name: str, at: float) -> float:
        left, since = self._content.get(name, (float(self._most), at))
        return min(self._most, left + (at - since) * self._most / 60)

    def _seconds_until(self, missing: float) -> int:
        return max(1, math.ceil(missing * 60 / self._most))


class ApiLimits:
    """The limits of one web process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = Buckets(REQUESTS_PER_MINUTE, clock)
        self._bad_tokens = Buckets(BAD_TOKENS_PER_MINUTE, clock)

    def before_look_up(self, token_digest: str, address: str) -> None:
        """Raise TooManyRequests for an unknown token from an address that has sent too many invalid ones."""
        if token_digest not in self._tokens:
            self._bad_tokens.require(_network(address))

    def refused(self, address: str) -> None:
        """Count an invalid token. Raises TooManyRequests."""
        self._bad_tokens.take(_network(address), 1)

    def accepted(self, token_digest: str, *, changes: bool) -> None:
        """Count a request with a valid token. Raises TooManyRequests."""
        self._tokens.take(token_digest, COST_OF_CHANGE if changes else 1)


def _network(address: str) -> str:
    """Return the network that a single client can choose addresses of: an IPv6 client has a /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
