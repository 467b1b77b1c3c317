"""Reuse of past broadcasts: a recorded one is broadcast again, the recording of a live one becomes a programme."""

import datetime
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import Kind, Priority
from broadcast_bridge.models import Broadcast, BroadcastSound
from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.intake import About
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import Origin, ProgrammeState
from haichieu.errors import HaiChieuError
from haichieu.media import Media, MediaStore

WORTH_HEARING = datetime.timedelta(hours=1)


class NotAgain(HaiChieuError):
    """The broadcast has nothing that could be broadcast again."""


@dataclass(frozen=True)
class Again:
    """What would be broadcast; `was_approved` is true when all of it is approved programmes."""

    sound_ids: list[int]
    programme_ids: list[int | None]
    was_approved: bool


def what_again(session: Session, broadcast: Broadcast, at: datetime.datetime) -> Again:
    """Return what can be broadcast again now. Raises NotAgain, or NotForTheAir for one of the programmes.

    A text that was read on air belongs to no programme. Emergencies can be started only by their own procedure.
    """
    if broadcast.kind != Kind.RECORDED or broadcast.priority == Priority.EMERGENCY:
        raise NotAgain("programme.again.only_recorded")
    links = session.execute(
        sa.select(BroadcastSound.media_id, BroadcastSound.programme_id)
        .where(BroadcastSound.broadcast_id == broadcast.id)
        .order_by(BroadcastSound.position)
    ).all()
    sounds = [link.media_id for link in links]
    if not sounds:
        raise NotAgain("programme.again.no_sound")
    named = [link.programme_id for link in links]
    programmes = session.scalars(
        sa.select(Programme).where(Programme.sound_id.in_(sounds) | Programme.id.in_(named)).order_by(Programme.id)
    ).all()
    of_sound = {link.programme_id: link.media_id for link in links}
    approved = {one.sound_id for one in programmes if one.state == ProgrammeState.APPROVED}
    for one in programmes:
        if one.sound_id not in approved or one.state == ProgrammeState.APPROVED:
            approval.require_for_the_air(one, at)
        if of_sound.get(one.id, one.sound_id) != one.sound_id:
            raise NotAgain("programme.again.changed", title=one.title)
    return Again(sounds, named, set(sounds) <= approved)


def air_again(session: Session, broadcast: Broadcast, who: str, at: datetime.datetime) -> Broadcast:
    """Broadcast it again at once in the same places. Raises as `what_again` and `starting.ask` do."""
    again = what_again(session, broadcast, at)
    wish = Request(
        asked_by=who, title=broadcast.title, sound_ids=again.sound_ids, programme_ids=again.programme_ids,
        zone_codes=broadcast.zone_codes, speaker_codes=broadcast.speaker_codes,
        priority=Priority(broadcast.priority), due_at=at, worth_hearing_until=at + WORTH_HEARING,
    )  # fmt: skip
    return starting.ask(session, wish, at)


def recording_of(broadcast: Broadcast) -> Media:
    """Return the recording of a live voice. Raises NotAgain."""
    if broadcast.recording is None:
        raise NotAgain("programme.again.no_recording", number=broadcast.id)
    return broadcast.recording


def ready_again(recording: Path, folder: Path) -> intake.Ready:
    """Convert a recording for a programme; this takes a moment and needs no transaction."""
    return intake.ready_recording(recording, folder, Origin.LIVE)


def keep_as_programme(
    session: Session, store: MediaStore, about: About, placed: intake.Placed, at: datetime.datetime
) -> Programme:
    """Store it as a programme and submit it for approval. Raises ProgrammeRefused."""
    programme = intake.add(session, store, about, placed, at)
    approval.submit(session, programme, about.author, at)
    return programme
