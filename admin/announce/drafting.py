"""Drafts of broadcasts from forms and uploads, and their way on air."""

import datetime
from collections.abc import Collection
from pathlib import PurePath
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from admin.access.permissions import require_in
from admin.access.visitors import Visitor
from admin.broadcasts.announcing import (
    LANGUAGE,
    LONGEST_TITLE,
    NoSuchProgramme,
    Wish,
    spoken,
    title_of,
)
from admin.layout.language import say
from admin.layout.pages import Form
from admin.panel import Panel
from broadcast_bridge.broadcasts import broadcast_drafts
from broadcast_bridge.broadcasts.broadcast_drafts import BroadcastDraft
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Zone
from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.speakers.zones import speakers_in, zones_coded
from haichieu.account_rights import Action
from haichieu.errors import UsageError
from haichieu.media import Media
from haichieu.speech.bulletin_parts import bulletin_parts
from haichieu.station import the_station

PRIORITIES = (Priority.NORMAL, Priority.PRIORITY)


class WrongTime(UsageError):
    """The start time is no time."""


def draft_from(session: Session, form: Form, who: Visitor, at: datetime.datetime) -> BroadcastDraft:
    """Store the text, the programme or the sound of an earlier draft (`sound_of`) that a form names as a draft.

    Raises UsageError, NotAllowed, UnknownZone, NotForTheAir, SpeechError or NoSuchDraft.
    """
    text, programme, again = _text(form), form.value("programme"), form.value("sound_of")
    require_zones(session, form, Action.AIR if programme and not (text or again) else Action.ANNOUNCE)
    if not (text or programme or again):
        raise UsageError("panel.announce.nothing")
    if sum(map(bool, (text, programme, again))) > 1:
        raise UsageError("panel.announce.only_one")
    draft = _draft(form, who, at)
    if text:
        intake.check_text(text, LANGUAGE)
        draft.text, draft.title = text, title_of(text)
    elif programme:
        draft.programme = _programme(session, programme, who)
        approval.require_for_the_air(draft.programme, at)
        draft.title = title_of(draft.programme.title)
    else:
        earlier = broadcast_drafts.find(session, _number(again), who.actor)
        draft.title, draft.sound_id = earlier.title, earlier.sound_id
    session.add(draft)
    session.flush()
    return draft


def draft_of_sound(
    session: Session, form: Form, who: Visitor, sound: Media | None, at: datetime.datetime
) -> BroadcastDraft:
    """Store a recording or an uploaded file as a draft; `name` of the form is the name of the file.

    The sound of a large file follows later.
    """
    draft = _draft(form, who, at)
    draft.title, draft.sound = _title(form.value("name"), who), sound
    session.add(draft)
    session.flush()
    return draft


def require_zones(session: Session, form: Form, action: Action) -> list[Zone]:
    """Return the zones of a form. Raises UsageError without any speaker, NotAllowed, UnknownZone."""
    codes = form.values("zone")
    if not codes:
        raise UsageError("panel.air.no_zone")
    return heard_zones(session, codes, action)


def heard_zones(session: Session, codes: Collection[str], action: Action) -> list[Zone]:
    """Return zones in all of whose units the visitor has the right. Raises UsageError, NotAllowed, UnknownZone."""
    zones = zones_coded(session, codes)
    speakers = speakers_in(session, [zone.id for zone in zones])
    require_in(session, action, {speaker.unit_id for speaker in speakers})
    if not speakers:
        raise UsageError("panel.air.no_speaker")
    return zones


def action_for(draft: BroadcastDraft) -> Action:
    """Return the action that airing a draft requires."""
    return Action.AIR if draft.programme_id is not None else Action.ANNOUNCE


def wish_of(draft: BroadcastDraft, due_at: datetime.datetime | None) -> Wish:
    """Return the request that airs a draft; without a start time, at once."""
    return Wish(
        draft.zone_codes, draft.text, draft.programme_id, draft.sound_id, draft.title,
        priority=Priority(draft.priority), at=due_at,
    )  # fmt: skip


def beginning_of(panel: Panel, number: int, who: Visitor) -> Media:
    """Return the spoken beginning of a draft's text, which is spoken once and then aired."""
    with panel.database.reading() as session:
        draft = broadcast_drafts.find(session, number, who.actor)
        if draft.sound is not None:
            return draft.sound
        first, zones = parts_of(draft)[0], draft.zone_codes
    with spoken(panel, first, zones) as stored, panel.database.session() as session:
        draft = broadcast_drafts.find(session, number, who.actor)
        draft.sound = draft.sound or panel.store.add(session, stored)
        return draft.sound


def parts_of(draft: BroadcastDraft) -> list[str]:
    """Return the parts in which the text of a draft is spoken; none of a draft without text."""
    return bulletin_parts(draft.text) if draft.text else []


def start_time(session: Session, form: Form) -> datetime.datetime | None:
    """Return the start time that was chosen, by the station's clock; None is now. Raises WrongTime."""
    if form.value("then") != "later":
        return None
    zone = ZoneInfo(the_station(session).timezone)
    try:
        wall = datetime.datetime.fromisoformat(form.value("at")[:16]).replace(tzinfo=None)
        return wall.replace(tzinfo=zone).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise WrongTime("panel.announce.no_time") from None


def _draft(form: Form, who: Visitor, at: datetime.datetime) -> BroadcastDraft:
    priority = form.value("priority", Priority.NORMAL)
    if priority not in PRIORITIES:
        raise UsageError("panel.announce.wrong_priority")
    zones = list(dict.fromkeys(form.values("zone")))
    return BroadcastDraft(made_by=who.actor, created_at=at, zone_codes=zones, priority=Priority(priority))


def _programme(session: Session, chosen: str, who: Visitor) -> Programme:
    number = _number(chosen)
    programme = session.get(Programme, number)
    if programme is None or programme.unit_id not in who.units:
        raise NoSuchProgramme("panel.programmes.no_such", number=number)
    return programme


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0


def _text(form: Form) -> str:
    """Return the text as typed; browsers send every line end as two characters."""
    return form.value("text").replace("\r\n", "\n").replace("\x00", "").strip()


def _title(file_name: str, who: Visitor) -> str:
    name = "".join(letter for letter in PurePath(file_name).stem if letter.isprintable()).strip()
    if not name or file_name.startswith(intake.RECORDED_IN_BROWSER):
        return say("announce.recorded_by", who=who.account.name)[:LONGEST_TITLE]
    return title_of(name)
