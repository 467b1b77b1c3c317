"""Preview of an emergency broadcast: speakers, unreachable speakers, message.

The user confirms exactly this; when it has changed by then, the preview is shown again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from admin.access.permissions import require_in
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.speakers.zones import speakers_in, units_heard, zones_coded
from haichieu.account_rights import Action
from haichieu.errors import UsageError

TIMES = (1, 2, 3, 5)
LONGEST_MESSAGE = 2000


@dataclass(frozen=True)
class Sounding:
    """What will play where."""

    zones: Sequence[Zone]
    speakers: Sequence[Speaker]
    text: str
    siren: bool
    times: int

    @property
    def reachable(self) -> int:
        """The number of reachable speakers."""
        return len(self.speakers) - len(self.away)

    @property
    def away(self) -> Sequence[Speaker]:
        """The unreachable speakers."""
        return [speaker for speaker in self.speakers if not speaker.counts_as_reachable]

    @property
    def mark(self) -> str:
        """A digest of everything that was shown."""
        shown = [self.text, self.siren, self.times, [zone.code for zone in self.zones]]
        shown += [[(speaker.code, speaker in self.away) for speaker in self.speakers]]
        return hashlib.sha256(repr(shown).encode()).hexdigest()


def sounding(session: Session, codes: Sequence[str], text: str, *, siren: bool, times: int) -> Sounding:
    """Return the preview. Raises UsageError, UnknownZone or NotAllowed."""
    if not codes:
        raise UsageError("panel.air.no_zone")
    zones = zones_coded(session, codes)
    require_in(session, Action.EMERGENCY, units_heard(session, codes))
    text = text.strip()
    if not text:
        raise UsageError("panel.emergency.no_text")
    if len(text) > LONGEST_MESSAGE:
        raise UsageError("panel.emergency.too_long", count=len(text), most=LONGEST_MESSAGE)
    if times not in TIMES:
        raise UsageError("panel.emergency.wrong_times")
    speakers = speakers_in(session, [zone.id for zone in zones])
    if not speakers:
        raise UsageError("panel.air.no_speaker")
    return Sounding(zones, speakers, text, siren, times)
