"""Outlook of a recorded broadcast before it is requested: where it would be heard now, and the obstacles."""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.starting import active_deliveries
from broadcast_bridge.broadcasts.states import Kind, Priority, precedence
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.schedule.states import OccurrenceReason
from broadcast_bridge.speakers.quiet_hours import MaySound, speakers_may_sound
from broadcast_bridge.speakers.zones import speakers_in


@dataclass(frozen=True)
class Outlook:
    """The speakers of some zones, which of them may play now, and the broadcasts that have some of them.

    `waits_for` are titles of broadcasts that keep their speakers, `takes_from` of those that lose them.
    """

    zones: Sequence[Zone]
    speakers: Sequence[Speaker]
    may_sound: MaySound
    waits_for: Sequence[str]
    takes_from: Sequence[str]

    @property
    def ready(self) -> int:
        """The number of speakers that are reachable and may play now."""
        return sum(speaker.counts_as_reachable for speaker in self.may_sound.speakers)

    @property
    def away(self) -> Sequence[Speaker]:
        """The unreachable speakers."""
        return [speaker for speaker in self.speakers if not speaker.counts_as_reachable]

    @property
    def silent(self) -> Sequence[Speaker]:
        """The speakers that may play only an emergency now."""
        return [speaker for speaker, _ in self.may_sound.left_out]

    @property
    def refused(self) -> OccurrenceReason | None:
        """Why nothing may be played now, or None."""
        return self.may_sound.reason

    @property
    def mark(self) -> str:
        """A digest of the zones and their speakers."""
        shown = [[zone.code for zone in self.zones], [speaker.code for speaker in self.speakers]]
        return hashlib.sha256(repr(shown).encode()).hexdigest()


def outlook(session: Session, zones: Sequence[Zone], priority: Priority, at: datetime.datetime) -> Outlook:
    """Return the outlook of a recorded broadcast of this priority in some zones at the given time."""
    speakers = speakers_in(session, [zone.id for zone in zones])
    waits_for: dict[str, None] = {}
    takes_from: dict[str, None] = {}
    for delivery in active_deliveries(session, speakers):
        other = delivery.broadcast
        stays = other.precedence >= precedence(Kind.RECORDED, priority)
        (waits_for if stays else takes_from)[other.on_air_name] = None
    may_sound = speakers_may_sound(session, speakers, priority, at)
    return Outlook(zones, speakers, may_sound, list(waits_for), list(takes_from))
