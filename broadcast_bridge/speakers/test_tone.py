"""Trying out one speaker: a tone to it alone, as a broadcast like any other, so that its delivery is the proof."""

import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.starting import Request, ask, refuse_if_busy
from broadcast_bridge.broadcasts.states import AfterCut, Kind, Priority, precedence
from broadcast_bridge.models import Broadcast, Speaker
from broadcast_bridge.speakers.quiet_hours import speakers_may_sound
from haichieu.audio.sound import write_wav
from haichieu.audio.tones import WIDEBAND_RATE, level_tone
from haichieu.errors import HaiChieuError
from haichieu.media import MediaStore

WORTH_HEARING = datetime.timedelta(minutes=2)


class CannotTry(HaiChieuError):
    """The tone would not be heard now."""


def ask_for_tone(session: Session, store: MediaStore, speaker: Speaker, who: str, at: datetime.datetime) -> Broadcast:
    """Have the test tone played on one speaker at once. Raises CannotTry, ZoneBusy or DiskFull."""
    if speaker.removed_at is not None:
        raise CannotTry("Cụm loa đã ngừng dùng. / The speaker is out of use.")
    if not (speaker.reachable or speaker.is_multicast):
        raise CannotTry("Cụm loa đang mất kết nối. / The speaker cannot be reached now.")
    if speakers_may_sound(session, [speaker], Priority.NORMAL, at).left_out:
        raise CannotTry(
            "Đang trong giờ yên lặng, hoặc khu vực đang tắt tiếng. / It is quiet time, or the zone is silenced."
        )
    refuse_if_busy(session, [speaker], precedence(Kind.RECORDED, Priority.NORMAL))
    store.require_space()
    with store.scratch() as folder:
        narrow, wide = Path(folder) / "narrow.wav", Path(folder) / "wide.wav"
        write_wav(narrow, level_tone())
        write_wav(wide, level_tone(WIDEBAND_RATE))
        sound = store.keep(session, narrow, wide)
    return ask(
        session,
        Request(
            asked_by=who, title=f"Thử loa {speaker.name}"[:300], sound_ids=[sound.id], speaker_codes=[speaker.code],
            after_cut=AfterCut.DROP, worth_hearing_until=at + WORTH_HEARING,
        ),
        at,
    )  # fmt: skip
