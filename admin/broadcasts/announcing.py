"""Starting a broadcast of a text, a recording or an approved programme, from a page or the API.

Speech synthesis takes a second or two and runs outside a transaction: first rights, then the sound, then the row. Of a
long text only the beginning is spoken here; it is on air while the worker speaks the rest.
"""

import contextlib
import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from admin.access.permissions import require_in
from admin.access.visitors import Visitor, visitor
from admin.panel import Panel
from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.spoken_rests import add_rest
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.states import OccurrenceReason
from broadcast_bridge.schedule.states import reason_message as occurrence_reason
from broadcast_bridge.speakers import quiet_hours
from broadcast_bridge.speakers.zones import unit_of_zones, units_heard, zones_coded
from haichieu.account_rights import Action
from haichieu.errors import UsageError
from haichieu.media import Stored
from haichieu.speech.bulletin_parts import bulletin_parts
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.synthesis import Synthesiser
from haichieu.speech.voice_choice import wanted_voices

LANGUAGE = "vi"
WORTH_HEARING = datetime.timedelta(hours=1)
LONGEST_TITLE = 120
FARTHEST = datetime.timedelta(days=366)
Record = Callable[[Session, int], None]


class NoSuchProgramme(UsageError):
    """There is no programme of this number."""


class NobodyWouldHear(UsageError):
    """Only an emergency may be played there at that time."""


@dataclass(frozen=True)
class Wish:
    """A requested broadcast: a text, a sound or a programme, the zones, the priority and the start time (None is now).

    `sound_id` is a stored sound with its title; that of a text is its spoken beginning.
    """

    zone_codes: Sequence[str]
    text: str = ""
    programme_id: int | None = None
    sound_id: int | None = None
    title: str = ""
    _: KW_ONLY
    priority: Priority = Priority.NORMAL
    at: datetime.datetime | None = None
    siren: bool | None = None
    """None: with an emergency only."""
    times: int = 1


def put_on_air(
    panel: Panel, who: Visitor, wish: Wish, at: datetime.datetime, record: Record = lambda _session, _number: None
) -> int:
    """Request the broadcast; return its id. `record` receives the id in the same transaction.

    Raises NotAllowed, UnknownZone, NotForTheAir, SpeechError, …
    """
    with panel.database.reading() as session:
        _check(session, wish, at)
    if wish.text.strip():
        return _put_text_on_air(panel, who, wish, at, record)
    with panel.database.session() as session:
        title, sound_id = wish.title, wish.sound_id
        if wish.programme_id is not None:
            programme = session.get(Programme, wish.programme_id)
            if programme is None:
                raise _no_programme(wish.programme_id)
            approval.require_for_the_air(programme, wish.at or at)
            title, sound_id = programme.title, programme.sound_id
        number = _ask(session, who, wish, title, [sound_id] if sound_id else [], at, wish.programme_id).id
        record(session, number)
        return number


def _put_text_on_air(panel: Panel, who: Visitor, wish: Wish, at: datetime.datetime, record: Record) -> int:
    intake.check_text(wish.text, LANGUAGE)
    first, *rest = bulletin_parts(wish.text)

    def request(session: Session, beginning: int) -> int:
        number = _ask(session, who, wish, title_of(wish.text), [beginning], at).id
        if rest:
            add_rest(session, number, LANGUAGE, rest, at)
        record(session, number)
        return number

    if wish.sound_id is not None:
        with panel.database.session() as session:
            return request(session, wish.sound_id)
    with spoken(panel, first, wish.zone_codes) as stored, panel.database.session() as session:
        _check(session, wish, at)  # speaking takes a moment
        return request(session, panel.store.add(session, stored).id)


@contextlib.contextmanager
def spoken(panel: Panel, text: str, zone_codes: Sequence[str]) -> Iterator[Stored]:
    """Speak a text, and keep its files in the store for the block, which adds the row. Raises SpeechError, DiskFull."""
    voices = voices_for(panel, zone_codes)
    panel.store.require_space()
    with panel.store.scratch() as folder:
        ready = intake.ready_text(text, LANGUAGE, voices, Path(folder), dictionary_of(panel.database))
        yield panel.store.put(ready.forms.narrow, ready.forms.wide)


def voices_for(panel: Panel, zone_codes: Sequence[str]) -> Synthesiser:
    """Return the voices that read a text to these zones."""
    with panel.database.reading() as session:
        return panel.synthesiser.preferring(wanted_voices(session, unit_of_zones(session, zone_codes)))


def action_of(wish: Wish) -> Action:
    """Return the action that the request requires."""
    if wish.priority is Priority.EMERGENCY:
        return Action.EMERGENCY
    return Action.AIR if wish.programme_id is not None else Action.ANNOUNCE


def title_of(text: str) -> str:
    """Return the beginning of a text, as the title of its broadcast."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"


def _check(session: Session, wish: Wish, at: datetime.datetime) -> None:
    """Check what is known before synthesis. Units come first, so that nobody can probe what lies elsewhere."""
    require_in(session, action_of(wish), units_heard(session, wish.zone_codes))
    has_text, has_programme = bool(wish.text.strip()), wish.programme_id is not None
    if has_text + has_programme != 1 and (has_text or has_programme or wish.sound_id is None):
        raise UsageError("api.text_or_programme")
    if wish.at is not None and not at - datetime.timedelta(minutes=1) <= wish.at <= at + FARTHEST:
        raise UsageError("panel.air.wrong_time")
    zones = [zone.id for zone in zones_coded(session, wish.zone_codes)]
    silent = quiet_hours.may_sound(session, zones, wish.priority, wish.at or at).reason
    if silent in (OccurrenceReason.QUIET_HOURS, OccurrenceReason.ZONE_SILENCED):
        raise NobodyWouldHear("panel.air.silent", reason=occurrence_reason(silent))
    if wish.programme_id is not None:
        programme = session.get(Programme, wish.programme_id)
        if programme is None or programme.unit_id not in visitor().units:
            raise _no_programme(wish.programme_id)


def _ask(
    session: Session,
    who: Visitor,
    wish: Wish,
    title: str,
    sounds: Sequence[int],
    at: datetime.datetime,
    programme_id: int | None = None,
) -> Broadcast:
    due_at = wish.at or at
    siren = wish.priority is Priority.EMERGENCY if wish.siren is None else wish.siren
    return starting.ask(
        session,
        Request(
            asked_by=who.actor, title=title, sound_ids=sounds, programme_ids=[programme_id for _ in sounds],
            zone_codes=list(wish.zone_codes), priority=wish.priority, due_at=due_at, siren=siren, times=wish.times,
            worth_hearing_until=due_at + WORTH_HEARING,
        ),
        at,
    )  # fmt: skip


def _no_programme(number: int) -> NoSuchProgramme:
    return NoSuchProgramme("panel.programmes.no_such", number=number)
