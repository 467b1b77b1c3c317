"""Delivery of answers by call: calls the citizens with waiting answers and runs the answer flow.

The answer is played only after a key is pressed, so that neither another member of the household nor an answering
machine hears it.
"""

import asyncio
import datetime
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from feedback.answers import answer_calls
from feedback.answers.answer_calls import AnswerToPlay, PendingAnswers
from feedback.answers.answer_sounds import AnswerSound, AnswerSounds
from feedback.answers.satisfaction import rate
from feedback.citizens.registry import CitizenBook
from feedback.intake.voice_messages import Beginning, VoiceMessages
from haichieu.ari.client import AriClient
from haichieu.ari.dialling import dial
from haichieu.ari.errors import AriError, HungUp, NotAnswered
from haichieu.audio.ingest import UnusableSound
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError, shown
from haichieu.jobs import ClaimLost
from haichieu.locale import Message, message, render
from haichieu.phone_numbers import holds_number
from haichieu.speech.synthesis import SpeechError
from haichieu.station import the_station
from haichieu.work_runner import WorkRunner
from ivr.calls.call_back_dispatcher import RING_SECONDS, LegsFor
from ivr.calls.reception import Reception
from ivr.desks.protocols import AnswerSeen

log = structlog.get_logger()

MOST_CALLS = 4
"""At once: a small office has few lines, and citizens must get through as well."""
MOST_SECONDS = 300.0
"""Limit of a call, in addition to three times the duration of its answers."""

NOT_PLACED = message("call.answer.not_placed")
HEARD = message("call.answer.heard")
NOT_LISTENED = message("call.answer.not_listened")
TOO_LONG = message("call.answer.too_long")
NO_ANSWER = message("call.answer.no_answer")
NO_SOUND = message("call.answer.no_sound")
REFUSED = {
    NotAnswered.BUSY: message("call.answer.busy"),
    NotAnswered.UNREACHABLE: message("call.answer.unreachable"),
    NotAnswered.REJECTED: message("call.answer.rejected"),
    NotAnswered.REDIRECTED: message("call.answer.redirected"),
}


class AnswerCalls(WorkRunner[PendingAnswers]):
    """Claims answers by call and places the calls. The claim is committed before dialling."""

    at_once = MOST_CALLS

    def __init__(
        self,
        client: AriClient,
        database: Database,
        reception: Reception,
        legs_for: LegsFor,
        *,
        book: CitizenBook,
        sounds: AnswerSounds,
        messages: VoiceMessages,
        pauses: Sequence[datetime.timedelta],
    ) -> None:
        """`pauses` are between the attempts; there is one more attempt than pauses."""
        super().__init__(database)
        self._client = client
        self._reception = reception
        self._legs_for = legs_for
        self._book = book
        self._sounds = sounds
        self._messages = messages
        self._pauses = pauses

    async def ready(self) -> None:
        """Wait for Asterisk."""
        await self._client.connected.wait()

    async def next_due(self) -> datetime.datetime | None:
        """Return when the next answer is due."""
        return await self._database.look(answer_calls.next_due)

    def claim(self, session: Session, most: int) -> list[PendingAnswers]:
        """Claim the citizens to call."""
        return answer_calls.claim(session, now(), most)

    async def handle(self, work: PendingAnswers) -> None:
        """Place one call and record the outcome."""
        outcome = await self._tell(work)
        log.info("answer_call.done", replies=_replies(work), outcome=render(outcome, "en"))

    async def failed(self, work: PendingAnswers, problem: Exception) -> None:
        """Leave the answers to their lease."""
        if isinstance(problem, ClaimLost):
            log.info("answer_call.claim_lost", problem=shown(problem))
        else:
            log.error("answer_call.failed", replies=_replies(work), exc_info=problem)

    async def hold(self, work: PendingAnswers) -> None:
        """Extend the lease while the citizen is on the telephone."""
        while True:
            await asyncio.sleep(answer_calls.LEASE.total_seconds() / 3)
            try:
                await self._database.run(lambda session: answer_calls.extend(session, work, now()))
            except ClaimLost:
                return

    async def _tell(self, pending: PendingAnswers) -> Message:
        sounds = await self._sounds_of(pending)
        clock = await self._database.look(lambda session: ZoneInfo(the_station(session).timezone))
        number = self._book.unlock(pending.number_locked)
        desk = CitizenAnswers(self._database, self._messages, pending, sounds, clock, number)
        outcome = await self._ring(pending, desk, number) if sounds else NO_SOUND
        heard = desk.heard_answers()
        for answer in heard:
            await desk.write_heard(answer)
        await self._database.until_written(lambda session: _put_off(session, pending, sounds, outcome, self._pauses))
        return HEARD if len(heard) == len(pending.answers) else outcome

    async def _sounds_of(self, pending: PendingAnswers) -> dict[int, AnswerSound]:
        """Make the sounds before dialling; an answer without a sound has failed."""
        sounds = {}
        for answer in pending.answers:
            try:
                sounds[answer.reply_id] = await asyncio.to_thread(self._sounds.ready, answer.message_id)
            except (SpeechError, UnusableSound) as problem:
                failed = partial(answer_calls.failed, answer=answer, because=problem.message, at=now())
                await self._database.run(failed)
            except HaiChieuError as problem:
                later = partial(
                    answer_calls.not_heard, answer=answer, because=problem.message, at=now(), pauses=self._pauses
                )
                await self._database.run(later)
        return sounds

    async def _ring(self, pending: PendingAnswers, desk: "CitizenAnswers", number: str) -> Message:
        """Call the citizen and play the answers; return the outcome."""
        try:
            legs = await self._legs_for(number)
            async with (
                asyncio.timeout(RING_SECONDS + MOST_SECONDS + 3 * desk.seconds),
                dial(self._client, legs, timeout=RING_SECONDS, called_number=number) as phone,
            ):
                await self._reception.play_answers(phone, desk, pending.language)
        except NotAnswered as refusal:
            return REFUSED.get(refusal.cause, NO_ANSWER)
        except HungUp:
            return NOT_LISTENED
        except TimeoutError:
            return TOO_LONG
        except AriError as problem:
            log.warning("answer_call.not_placed", problem=type(problem).__name__)
            return NOT_PLACED
        except HaiChieuError as problem:
            return NOT_PLACED if holds_number(str(problem), number) else problem.message
        return NOT_LISTENED


class CitizenAnswers:
    """The `AnswerDesk` of one call."""

    def __init__(
        self,
        database: Database,
        messages: VoiceMessages,
        pending: PendingAnswers,
        sounds: Mapping[int, AnswerSound],
        clock: ZoneInfo,
        number: str,
    ) -> None:
        self._database = database
        self._messages = messages
        self._pending = pending
        self._sounds = sounds
        self._clock = clock
        self._number = number
        self._by_id = {answer.reply_id: answer for answer in pending.answers if answer.reply_id in sounds}
        self._waiting = deque(self._by_id.values())
        self._told: AnswerToPlay | None = None
        self._played: dict[int, float] = {}
        self._acknowledged: set[int] = set()
        self.seconds = sum(sound.seconds for sound in sounds.values())
        """Duration of all answers together."""

    def next_answer(self) -> AnswerSeen | None:
        if not self._waiting:
            return None
        self._told = answer = self._waiting.popleft()
        return AnswerSeen(answer.reply_id, self._sounds[answer.reply_id].path, answer.opened_at.astimezone(self._clock))

    def played(self, answer: AnswerSeen, seconds: float) -> None:
        """Keep the longest time that was played."""
        whole = self._sounds[answer.id].seconds
        self._played[answer.id] = max(self._played.get(answer.id, 0.0), min(seconds, whole))

    async def heard(self, answer: AnswerSeen) -> None:
        """Record it at once, so that a crash in the rest of the call causes no second call.

        While the database is away the call continues; the answer is recorded after it.
        """
        self._acknowledged.add(answer.id)
        try:
            await self._database.run(self._heard(self._by_id[answer.id]))
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as problem:
            log.warning("answer_call.not_recorded_yet", reply=answer.id, problem=type(problem).__name__)

    @property
    def has_heard(self) -> bool:
        return bool(self._acknowledged)

    async def rate(self, *, satisfied: bool) -> None:
        """Store it; while the database is away, an opinion is not worth keeping the citizen on the telephone."""
        numbers = sorted(self._acknowledged)
        try:
            await self._database.run(lambda session: rate(session, numbers, satisfied=satisfied))
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as problem:
            log.warning("answer_call.not_rated", replies=numbers, problem=type(problem).__name__)

    async def write_heard(self, answer: AnswerToPlay) -> None:
        """Record that it was heard, and for how long. Raises ClaimLost."""
        await self._database.until_written(self._heard(answer))

    def heard_answers(self) -> list[AnswerToPlay]:
        """Return the answers that need no second call: acknowledged, or played almost to their end."""
        return [
            answer
            for id, answer in self._by_id.items()
            if id in self._acknowledged
            or (id in self._played and self._played[id] >= answer_calls.ENOUGH * self._sounds[id].seconds)
        ]

    def _heard(self, answer: AnswerToPlay) -> Callable[[Session], None]:
        seconds = round(self._played.get(answer.reply_id, 0.0), 1)
        return lambda session: answer_calls.heard(session, answer, seconds, now())

    async def begin_message(self) -> str:
        """Return the name to record to, for the case of the last answer."""
        told = self._told or self._pending.answers[0]
        about = Beginning(told.unit_id, "", self._number, case_id=told.case_id, language=self._pending.language)
        return await asyncio.to_thread(self._messages.begin, about)

    def message_sound(self, name: str) -> str:
        return self._messages.sound(name)

    async def keep_message(self, name: str) -> None:
        """File the message, even when the citizen hangs up meanwhile."""
        await asyncio.shield(asyncio.to_thread(self._messages.keep, name))

    def discard_message(self, name: str) -> None:
        self._messages.discard_sound(name)

    def release_message(self, name: str) -> None:
        self._messages.let_go(name)


def _replies(pending: PendingAnswers) -> list[int]:
    return [answer.reply_id for answer in pending.answers]


def _put_off(
    session: Session,
    pending: PendingAnswers,
    sounds: Mapping[int, AnswerSound],
    because: Message,
    pauses: Sequence[datetime.timedelta],
) -> None:
    for answer in pending.answers:
        if answer.reply_id in sounds:
            answer_calls.not_heard(session, answer, because, now(), pauses)
