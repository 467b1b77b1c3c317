"""Preview of airing a programme now, which the user confirms."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from admin.access.permissions import require_in
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.speakers.zones import speakers_in, units_heard, zones_coded
from haichieu.account_rights import Action
from haichieu.errors import UsageError


@dataclass(frozen=True)
class Hearers:
    """The chosen zones and their speakers."""

    zones: Sequence[Zone]
    speakers: Sequence[Speaker]

    @property
    def away(self) -> Sequence[Speaker]:
        """The unreachable speakers."""
        return [speaker for speaker in self.speakers if not speaker.counts_as_reachable]

    @property
    def mark(self) -> str:
        """A digest of everything that was shown."""
        shown = [
            [zone.code for zone in self.zones],
            [(speaker.code, speaker in self.away) for speaker in self.speakers],
        ]
        return hashlib.sha256(repr(shown).encode()).hexdigest()


def hearers(session: Session, codes: Sequence[str]) -> Hearers:
    """Return the preview. Raises UsageError, UnknownZone or NotAllowed."""
    if not codes:
        raise UsageError("panel.air.no_zone")
    zones = zones_coded(session, codes)
    require_in(session, Action.AIR, units_heard(session, codes))
    speakers = speakers_in(session, [zone.id for zone in zones])
    if not speakers:
        raise UsageError("panel.air.no_speaker")
    return Hearers(zones, speakers)
