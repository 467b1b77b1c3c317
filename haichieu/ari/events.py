"""Dispatch of ARI events from the WebSocket to listeners, in order, per channel or bridge.

A slow listener never blocks the socket: each has its own queue.
"""

import asyncio
import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

RECONNECTED = "Reconnected"
"""An event of our own, with the current state of a channel: others may have been missed."""

_TELLS_STATE = ("ChannelStateChange", RECONNECTED)


@dataclass(frozen=True)
class Event:
    """One event. `body` is the JSON object as Asterisk sent it."""

    type: str
    body: Mapping[str, Any] = field(repr=False)

    @property
    def age_seconds(self) -> float:
        """How long ago it happened, by Asterisk's clock, which is this machine's; 0 if it does not say so."""
        at = self.body.get("timestamp")
        return (
            (datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(at)).total_seconds() if at else 0.0
        )

    @property
    def subjects(self) -> tuple[str, ...]:
        """The ids of the channels and bridges that this event is about."""
        names = [self.body["channel"]["id"]] if "channel" in self.body else []
        if self.type == "Dial":
            names = [self.body["peer"]["id"]]
        medium = self.body.get("playback") or self.body.get("recording") or {}
        names += [name for _, _, name in [medium.get("target_uri", "").partition(":")] if name]
        return tuple(dict.fromkeys(names))


def is_up(event: Event) -> bool:
    """Return whether an event says that its channel is answered."""
    return event.type in _TELLS_STATE and event.body["channel"]["state"] == "Up"


def gives_sign(event: Event) -> bool:
    """Return whether an event says that the other side of a dialled channel rings, plays sound or has answered."""
    if event.type == "Dial":
        return event.body["dialstatus"] in ("RINGING", "PROGRESS", "PROCEEDING")
    return event.type in _TELLS_STATE and event.body["channel"]["state"] in ("Ringing", "Up")


class Claim:
    """The right to every event of some channels or bridges, in one queue, until released."""

    def __init__(self, router: "EventRouter", subjects: tuple[str, ...]) -> None:
        self._router = router
        self._subjects = subjects
        self.queue: asyncio.Queue[Event] = asyncio.Queue()
        self.heard: Callable[[Event], None] = lambda _: None
        """Called with each event as it arrives, whatever its handler is waiting for. It must not block."""

    def release(self) -> None:
        """Stop receiving; releasing twice does no harm."""
        self._router.release(self._subjects)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class EventRouter:
    """Dispatches each event to the claims on its subjects, or to the default handler when there are none."""

    def __init__(self, unclaimed: Callable[[Event], None]) -> None:
        self._claims: dict[str, Claim] = {}
        self._unclaimed = unclaimed

    def dispatch(self, event: Event) -> None:
        """Deliver one event; never blocks."""
        claims = [claim for name in event.subjects if (claim := self._claims.get(name))]
        for claim in claims:
            claim.queue.put_nowait(event)
            claim.heard(event)
        if not claims:
            self._unclaimed(event)

    def claim(self, *subjects: str) -> Claim:
        """Receive every event of these channels or bridges from now on; they need not exist yet."""
        taken = [subject for subject in subjects if subject in self._claims]
        if taken:
            raise ValueError(f"claimed already: {taken}")
        claim = Claim(self, subjects)
        self._claims.update(dict.fromkeys(subjects, claim))
        return claim

    def release(self, subjects: Iterable[str]) -> None:
        """Stop receiving the events of channels or bridges."""
        for subject in subjects:
            self._claims.pop(subject, None)

    @property
    def claimed(self) -> frozenset[str]:
        """The claimed channels and bridges."""
        return frozenset(self._claims)
