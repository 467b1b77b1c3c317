"""Access to audio, decided by the message, programme or broadcast that refers to it."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor, visitor
from admin.broadcasts.scope import seen_by
from broadcast_bridge.models import Broadcast, BroadcastSound, Speaker
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.repairs.models import FaultReport, Repair
from broadcast_bridge.source_system.models import Bulletin
from feedback.citizens.models import Consent
from feedback.models import Case, Message
from haichieu.account_rights import Action
from haichieu.errors import NotFound
from haichieu.media import Media


class NoSuchSound(NotFound):
    """There is no recording with this id, or the visitor may not hear it."""

    def __init__(self, number: int) -> None:
        super().__init__("panel.sounds.none", number=number)


def heard_from(session: Session, number: int) -> Iterable[int]:
    """Return no units: `find_sound` has already authorised the request. Raises NoSuchSound."""
    find_sound(session, visitor(), number)
    return ()


def find_sound(session: Session, who: Visitor, number: int) -> Media:
    """Return a recording that belongs to something this visitor may see. Raises NoSuchSound."""
    sound = session.get(Media, number) if 0 < number < 2**31 else None
    if sound is None or not any(session.scalar(sa.select(one)) for one in _named_for(session, who, number)):
        raise NoSuchSound(number)
    return sound


def _named_for(session: Session, who: Visitor, number: int) -> Iterable[sa.Exists]:
    if who.may(Action.READ_CASES):
        said = sa.select(Message.id).join(Case, Case.id == Message.case_id)
        yield said.where(Message.sound_id == number, Case.unit_id.in_(who.units)).exists()
        agreed = sa.select(Consent.id).join(Case, Case.id == Consent.case_id)
        yield agreed.where(Consent.sound_id == number, Case.unit_id.in_(who.units)).exists()
    if who.may(Action.REPAIR):
        told = sa.select(FaultReport.id).join(Repair).join(Speaker)
        yield told.where(FaultReport.sound_id == number, Speaker.unit_id.in_(who.units)).exists()
    if who.may(Action.VIEW):
        made = sa.or_(Programme.sound_id == number, Programme.original_id == number)
        yield sa.select(Programme.id).where(made, Programme.unit_id.in_(who.units)).exists()
        issued = sa.select(Bulletin.id).where(Bulletin.sound_id == number, Bulletin.unit_id.in_(who.units))
        yield issued.exists()
        aired = sa.select(Broadcast.id).where(Broadcast.recording_id == number, seen_by(session, who))
        yield aired.exists()
        played = sa.select(BroadcastSound.media_id).join(Broadcast, Broadcast.id == BroadcastSound.broadcast_id)
        yield played.where(BroadcastSound.media_id == number, seen_by(session, who)).exists()
