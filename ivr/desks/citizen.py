"""The citizens' desk: implements `CitizenDesk` over casework and broadcasts."""

import asyncio
import hashlib
import hmac
import shutil
import tempfile
import zoneinfo
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.programmes import survey
from broadcast_bridge.programmes.bulletins import latest_bulletins
from feedback.cases.case_lifecycle import NoSuchCase, find_case
from feedback.cases.case_numbers import WrongCheckDigit
from feedback.cases.enquiries import answers_to
from feedback.citizens.consent_recordings import ConsentRecordings
from feedback.citizens.registry import CitizenBook
from feedback.intake.voice_messages import Beginning, VoiceMessages
from feedback.models import Category, Message
from feedback.states import CaseStatus
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.early_recording import recorded_meanwhile
from haichieu.ari.errors import AriError, NotAnswered
from haichieu.audio.sound import resample, write_wav
from haichieu.database import Database, now
from haichieu.day_hours import within
from haichieu.errors import HaiChieuError
from haichieu.media import MediaStore
from haichieu.people import Level, Unit, units_under
from haichieu.phone_numbers import normalise
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.spoken_text import spoken_text
from haichieu.speech.synthesis import Synthesiser
from haichieu.station import the_station
from haichieu.units.former_names import former_names
from ivr.calls.call_back_dispatcher import LegsFor
from ivr.calls.caller_limits import CallerLimits, TooManyCaseNumbers
from ivr.calls.routing import Dialled
from ivr.calls.transfer import transfer_call
from ivr.desks.citizen_rights import PhoneRightsDesk
from ivr.desks.protocols import BulletinSeen, CaseSeen, CategorySeen, CommuneSeen, DutyDesk
from ivr.desks.repairs import PhoneFaultDesk, RepairLine
from ivr.prompts.store import PromptStore

log = structlog.get_logger()

DUTY_DESK_RINGS_SECONDS = 25.0
TELEPHONE_RATE = 8000


@dataclass(frozen=True)
class CitizensLine:
    """The parts that the desks of all calls share."""

    client: AriClient
    database: Database
    store: MediaStore
    citizens: CitizenBook
    messages: VoiceMessages
    prompts: PromptStore
    synthesiser: Synthesiser
    limits: CallerLimits
    legs_for: LegsFor
    repairs: RepairLine
    consents: ConsentRecordings


class PhoneCitizenDesk:
    """The desk of one call. The caller's choices are stored after it, unless the caller is anonymous."""

    def __init__(self, line: CitizensLine, call: Call, dialled: Dialled) -> None:
        self._line = line
        self._call = call
        self._dialled = dialled
        self.faults = PhoneFaultDesk(line.repairs, call, dialled.unit_id)
        self._language = ""
        self._commune: CommuneSeen | None = None
        self._anonymous = False
        self._spoken: Path | None = None
        self._rights = PhoneRightsDesk(line.database, line.citizens, line.consents, call.caller_number)

    @property
    def rights(self) -> PhoneRightsDesk:
        """The rights of the caller in the cases of this telephone."""
        return self._rights

    async def languages(self) -> Sequence[str]:
        """Return the station's languages with recorded prompts, and the fallback."""
        if self._dialled.language:
            return ()
        offered = await self._line.database.look(lambda session: the_station(session).languages)
        prompts = self._line.prompts
        return await asyncio.to_thread(
            lambda: [
                language
                for language in offered
                if language == prompts.fallback
                or (prompts.recorded("language-name", language) and prompts.recorded("hotline-menu", language))
            ]
        )

    async def earlier_language(self) -> str:
        def look(session: Session) -> str:
            known = self._line.citizens.find(session, number) if (number := self._call.caller_number) else None
            return known.language if known else ""

        return await self._line.database.look(look)

    def speaks(self, language: str) -> None:
        self._language = language

    async def commune(self) -> CommuneSeen | None:
        """Return the commune of this call, of an earlier one if the number serves it, or of the number itself."""
        if self._commune is not None:
            return self._commune

        def look(session: Session) -> CommuneSeen | None:
            if (earlier := self._earlier_commune(session)) is not None:
                return earlier
            own = session.get_one(Unit, self._dialled.unit_id)
            return CommuneSeen(own.id, own.name) if own.level in (Level.COMMUNE, Level.VILLAGE) else None

        return await self._line.database.look(look)

    async def communes(self) -> Sequence[CommuneSeen]:
        """Return the unit of the number, and the communes below it by name."""

        def look(session: Session) -> list[CommuneSeen]:
            own = session.get_one(Unit, self._dialled.unit_id)
            below = units_under(session, [own.id]) - {own.id}
            here = (Unit.id.in_(below), Unit.level == Level.COMMUNE, Unit.retired_at.is_(None))
            communes = session.scalars(sa.select(Unit).where(*here).order_by(Unit.name))
            old = former_names(session, below)
            return [CommuneSeen(unit.id, unit.name, tuple(old.get(unit.id, ()))) for unit in (own, *communes)]

        return await self._line.database.look(look)

    def lives_in(self, commune: CommuneSeen) -> None:
        self._commune = commune

    async def bulletins(self, commune: CommuneSeen) -> Sequence[BulletinSeen]:
        def look(session: Session) -> list[BulletinSeen]:
            return [
                BulletinSeen(programme.id, programme.title, str(self._line.store.path(programme.sound).with_suffix("")))
                for programme in latest_bulletins(session, commune.id, now())
                if programme.sound is not None
            ]

        return await self._line.database.look(look)

    async def vote(self, bulletin: BulletinSeen, commune: CommuneSeen, *, useful: bool) -> None:
        """Count the vote under a key that identifies the caller only within this programme."""
        number = self._call.caller_number
        voter = voter_of(self._line.citizens.digest(number), bulletin.id) if number else None
        await self._line.database.run(
            lambda session: survey.vote(session, bulletin.id, commune.id, voter, now(), useful=useful)
        )

    async def categories(self) -> Sequence[CategorySeen]:
        """Return the categories whose code is a single key."""

        def look(session: Session) -> list[CategorySeen]:
            found = session.scalars(sa.select(Category).order_by(Category.code))
            return [CategorySeen(one.id, one.code, one.name) for one in found if one.code in set("123456789")]

        return await self._line.database.look(look)

    async def begin_message(self, category: CategorySeen | None, language: str) -> str:
        """Store everything that filing needs; the unit is the caller's commune, or that of the number."""
        number = self._call.caller_number
        self._line.limits.message(number, self._call.line)
        chosen = self._commune or await self._line.database.look(self._earlier_commune)
        about = Beginning(
            chosen.id if chosen else self._dialled.unit_id,
            "citizen" if chosen else "number",
            number,
            category.id if category else None,
            language=language,
            dialled=self._dialled.number,
        )
        return await asyncio.shield(asyncio.to_thread(self._line.messages.begin, about))

    def recorded_meanwhile(self, name: str, max_seconds: int) -> AbstractAsyncContextManager[None]:
        """Record the caller's side of the call during the block, under the early name of the message."""
        return recorded_meanwhile(self._line.client, self._call.id, self._line.messages.early(name), max_seconds)

    def message_sound(self, name: str) -> str:
        return self._line.messages.sound(name)

    async def has_speech(self, name: str) -> bool:
        """Return whether it contains speech; an unreadable recording is left to the intake."""
        try:
            return await asyncio.to_thread(self._line.messages.has_speech, name)
        except HaiChieuError:
            return True

    async def keep_message(self, name: str, *, anonymous: bool) -> str:
        """File the message, even when the caller hangs up meanwhile."""
        self._anonymous = self._anonymous or anonymous
        return await asyncio.shield(asyncio.to_thread(self._line.messages.keep, name, anonymous=anonymous))

    def forget_sound(self, name: str) -> None:
        """Delete the sound and keep the draft."""
        self._line.messages.discard_sound(name)

    async def discard_message(self, name: str) -> None:
        """Delete the sound and the draft."""
        await asyncio.to_thread(self._line.messages.discard, name)

    def release_message(self, name: str) -> None:
        self._line.messages.let_go(name)

    async def case(self, number: str) -> CaseSeen:
        """Find the case, and synthesise written answers.

        Wrong numbers are counted before they are looked up. Once they are too many, callers hear only of the cases
        of the telephone that they call from.
        """
        caller, line = self._call.caller_number, self._call.line
        may_hear = self._line.limits.case_number(caller, line)
        if not may_hear:
            log.warning("case_numbers.too_many", line=line)

        def look(session: Session) -> tuple[CaseStatus, list[Message], str]:
            try:
                case = find_case(session, number)
            except (NoSuchCase, WrongCheckDigit):
                if may_hear:
                    raise
                raise TooManyCaseNumbers from None
            citizen = self._line.citizens.find(session, caller) if caller else None
            if not may_hear and (citizen is None or case.citizen_id != citizen.id):
                raise TooManyCaseNumbers
            return CaseStatus(case.status), list(answers_to(session, case)), case.language

        status, answers, language = await self._line.database.look(look)
        if may_hear:
            self._line.limits.case_number_was_right(caller, line)
        return CaseSeen(status, tuple(await asyncio.to_thread(self._sounds_of, answers, language)))

    async def duty_desk_is_open(self) -> bool:
        """Check the desk's hours and the calendar."""
        if not self._dialled.duty_phone:
            return False
        zone = await self._line.database.look(lambda session: the_station(session).timezone)
        return within(self._dialled.duty_hours, now().astimezone(zoneinfo.ZoneInfo(zone)), working_days=True)

    async def ring_duty_desk(self) -> DutyDesk:
        """Ring the desk, with the number dialled as caller ID instead of the caller's."""
        try:
            legs = await self._line.legs_for(normalise(self._dialled.duty_phone) or "")
        except HaiChieuError as problem:
            log.warning("duty_desk.not_called", problem=str(problem))
            return DutyDesk.NO_ANSWER
        try:
            await transfer_call(
                self._line.client,
                self._call,
                legs,
                ring_seconds=DUTY_DESK_RINGS_SECONDS,
                shows=self._dialled.number,
            )
        except NotAnswered as refusal:
            busy = refusal.cause in (NotAnswered.BUSY, NotAnswered.REJECTED)
            return DutyDesk.BUSY if busy else DutyDesk.NO_ANSWER
        except AriError:
            return DutyDesk.NO_ANSWER
        return DutyDesk.TALKED

    async def call_over(self) -> None:
        """Store the caller's choices for the next call, and delete sounds synthesised for this one."""
        if self._spoken is not None:
            await asyncio.to_thread(shutil.rmtree, self._spoken, ignore_errors=True)
        number = self._call.caller_number
        if not number or self._anonymous or not (self._language or self._commune):
            return

        def remember(session: Session) -> None:
            citizen = self._line.citizens.meet(session, number, now())
            citizen.language = self._language or citizen.language
            citizen.unit_id = self._commune.id if self._commune else citizen.unit_id

        await self._line.database.run(remember)

    def _earlier_commune(self, session: Session) -> CommuneSeen | None:
        """Return the commune that this telephone chose earlier, if the number serves it."""
        number = self._call.caller_number
        known = self._line.citizens.find(session, number) if number else None
        if known is None or known.unit_id is None:
            return None
        if known.unit_id not in units_under(session, [self._dialled.unit_id]):
            return None
        return CommuneSeen(known.unit_id, session.get_one(Unit, known.unit_id).name)

    def _sounds_of(self, answers: Sequence[Message], language: str) -> list[str]:
        """Return the answers as sounds: recordings, and the others synthesised for this call."""
        sounds = []
        for answer in answers:
            if answer.sound is not None:
                sounds.append(str(self._line.store.path(answer.sound).with_suffix("")))
                continue
            if self._spoken is None:
                self._spoken = Path(tempfile.mkdtemp(prefix=".answers-", dir=self._line.store.folder))
            spoken_in = language if language in self._line.synthesiser.languages else self._line.prompts.fallback
            wav = self._spoken / f"{answer.id}.wav"
            if not wav.exists():
                dictionary = dictionary_of(self._line.database)
                speech = spoken_text(answer.text, spoken_in, self._line.synthesiser, dictionary)
                write_wav(wav, resample(speech, TELEPHONE_RATE))
            sounds.append(str(wav.with_suffix("")))
        return sounds


def voter_of(digest: str, programme_id: int) -> str:
    """Return a keyed hash for one programme, so that votes about two programmes cannot be linked to one caller."""
    return hmac.new(digest.encode(), f"programme:{programme_id}".encode(), hashlib.sha256).hexdigest()
