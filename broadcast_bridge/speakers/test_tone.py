"""Test of one speaker: a tone sent as an ordinary broadcast, so that its delivery is the proof."""

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.starting import Request, ask, refuse_if_busy
from broadcast_bridge.broadcasts.states import AfterCut, Kind, Priority, precedence
from broadcast_bridge.models import Broadcast, Speaker
from broadcast_bridge.schedule.states import reason_message
from broadcast_bridge.speakers.quiet_hours import speakers_may_sound
from haichieu.audio.sound import write_wav
from haichieu.audio.tones import WIDEBAND_RATE, level_tone
from haichieu.errors import HaiChieuError
from haichieu.locale import message, render
from haichieu.media import MediaStore, Stored
from haichieu.station import the_station

WORTH_HEARING = datetime.timedelta(minutes=2)


class CannotTry(HaiChieuError):
    """The tone would not be heard now."""


@contextlib.contextmanager
def tone_in(store: MediaStore) -> Iterator[Stored]:
    """Put the test tone into the store, outside of the transaction that uses it. Raises DiskFull."""
    store.require_space()
    with store.scratch() as folder:
        narrow, wide = Path(folder) / "narrow.wav", Path(folder) / "wide.wav"
        write_wav(narrow, level_tone())
        write_wav(wide, level_tone(WIDEBAND_RATE))
        yield store.put(narrow, wide)


def ask_for_tone(
    session: Session, store: MediaStore, tone: Stored, speaker: Speaker, who: str, at: datetime.datetime
) -> Broadcast:
    """Play the test tone on one speaker at once. Raises CannotTry or ZoneBusy."""
    if speaker.removed_at is not None:
        raise CannotTry("speaker.retired", name=speaker.name)
    if not speaker.counts_as_reachable:
        raise CannotTry("speaker.unreachable", name=speaker.name)
    if (reason := speakers_may_sound(session, [speaker], Priority.NORMAL, at).reason) is not None:
        raise CannotTry("speaker.muted", name=speaker.name, reason=reason_message(reason))
    refuse_if_busy(session, [speaker], precedence(Kind.RECORDED, Priority.NORMAL))
    sound = store.add(session, tone)
    title = render(message("speaker.test_title", name=speaker.name), the_station(session).language)
    return ask(
        session,
        Request(
            asked_by=who, title=title[:300], sound_ids=[sound.id], speaker_codes=[speaker.code],
            after_cut=AfterCut.DROP, worth_hearing_until=at + WORTH_HEARING,
        ),
        at,
    )  # fmt: skip
