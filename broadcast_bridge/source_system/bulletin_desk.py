"""Jobs of bulletins: prepare the sound, make priority and emergency bulletins broadcasts, let offers expire.

All progress is in the rows: a bulletin is aired once per start time, however often a job is repeated.
"""

import datetime
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.broadcasts.starting import NothingToPlayOn
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes.approval import NotForTheAir
from broadcast_bridge.source_system import bulletin_steps, meetings
from broadcast_bridge.source_system.bulletin_intake import BULLETIN_JOB, STILL_ON_TIME
from broadcast_bridge.source_system.bulletin_sound import sound_of
from broadcast_bridge.source_system.errors import BulletinRefused, SourceProblem
from broadcast_bridge.source_system.exchange import Wire
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from broadcast_bridge.source_system.states import IN_FORCE, BulletinEvent, BulletinState
from haichieu import jobs
from haichieu.database import Database, now
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, Job
from haichieu.locale import Message, message
from haichieu.media import MediaStore, Stored
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.synthesis import Voices
from haichieu.speech.voice_choice import wanted_voices

PLANNED_AHEAD = datetime.timedelta(hours=24)
"""Broadcasts are requested this long before: the commune's own schedule is known for longer."""
SOUND_AGAIN = (datetime.timedelta(seconds=10), datetime.timedelta(minutes=5))
"""First and longest pause before a sound is fetched again."""
SOUND_AWAITED = datetime.timedelta(days=2)
"""A bulletin without an end of validity is refused when its sound cannot be fetched for this long from a source that
answers otherwise; while the source itself is away, the bulletin waits."""

WireTo = Callable[[int], AbstractAsyncContextManager[Wire]]
"""Opens the wire to a source, given its row."""


class BulletinDesk(JobRunner):
    """Handles one bulletin after the other, in the worker."""

    kinds = (BULLETIN_JOB,)
    lease = datetime.timedelta(seconds=60)
    at_once = 2

    def __init__(self, database: Database, store: MediaStore, synthesiser: Voices, wire_to: WireTo) -> None:
        super().__init__(database)
        self._store = store
        self._synthesiser = synthesiser
        self._wire_to = wire_to

    async def handle(self, claim: Claim) -> None:
        """Prepare the sound if there is none, then do what is due."""
        bulletin = await self._database.look(lambda session: _find(session, claim.subject_id))
        if _lacks_sound(bulletin) and not await self._prepared(claim, bulletin):
            return
        await self._database.run(lambda session: _work(session, claim, now()))

    def give_up(self, session: Session, job: Job) -> None:
        """Refuse a bulletin whose job failed for good, with an alarm."""
        bulletin = session.get_one(Bulletin, job.subject_id)
        if bulletin_steps.can(bulletin, BulletinEvent.REFUSE):
            bulletin_steps.refuse(session, bulletin, job.problem or message("source.not_aired"), now())
        super().give_up(session, job)

    async def _prepared(self, claim: Claim, bulletin: Bulletin) -> bool:
        """Store the sound, or settle the job and return False."""
        run: Callable[[Callable[[Session], None]], Awaitable[None]] = self._database.run
        wanted = await self._database.look(lambda session: wanted_voices(session, bulletin.unit_id))
        voices = self._synthesiser.preferring(wanted)
        with self._store.scratch() as folder:
            try:
                async with self._wire_to(bulletin.source_id) as wire:
                    words = dictionary_of(self._database)
                    stored = await sound_of(bulletin, wire, self._store, Path(folder), voices, words)
            except BulletinRefused as refusal:
                await run(partial(_refuse, claim=claim, version=bulletin.version, reason=refusal.message))
                return False
            except SourceProblem as problem:
                await run(partial(_fetch_later, claim=claim, version=bulletin.version, problem=problem.message))
                return False
            await run(partial(self._keep, claim=claim, version=bulletin.version, stored=stored))
        return True

    def _keep(self, session: Session, claim: Claim, version: int, stored: Stored) -> None:
        bulletin = session.get_one(Bulletin, claim.subject_id, with_for_update=True, populate_existing=True)
        if _lacks_sound(bulletin) and bulletin.version == version:
            bulletin.sound = self._store.add(session, stored)


def _find(session: Session, bulletin_id: int) -> Bulletin:
    return session.get_one(Bulletin, bulletin_id, options=[joinedload(Bulletin.source)])


def _lacks_sound(bulletin: Bulletin) -> bool:
    is_new = bulletin.state in (BulletinState.OFFERED, BulletinState.ACCEPTED)
    return is_new and bulletin.sound_id is None and bulletin.programme_id is None


def _refuse(session: Session, claim: Claim, version: int, reason: Message) -> None:
    bulletin = session.get_one(Bulletin, claim.subject_id, with_for_update=True)
    if bulletin.version != version:  # its source has changed it meanwhile
        return jobs.put_off(session, claim, now(), None, counts=False)
    if bulletin_steps.can(bulletin, BulletinEvent.REFUSE):
        bulletin_steps.refuse(session, bulletin, reason, now())
    return jobs.done(session, claim, now())


def _fetch_later(session: Session, claim: Claim, version: int, problem: Message) -> None:
    """Postpone the job; the pause grows with the time that the sound has been missing."""
    bulletin, at = session.get_one(Bulletin, claim.subject_id), now()
    until = bulletin.valid_until or _sound_awaited_until(bulletin)
    if until is not None and at >= until:
        return _refuse(session, claim, version, problem)
    shortest, longest = SOUND_AGAIN
    pause = min(max(shortest, (at - bulletin.issued_at) / 4), longest)
    jobs.put_off(session, claim, at + pause, problem, counts=False)
    return None


def _sound_awaited_until(bulletin: Bulletin) -> datetime.datetime | None:
    """Return until when the sound of a bulletin without an end may be missing; None while its source is away."""
    source = bulletin.source
    if source.failures:
        return None
    return max(bulletin.issued_at, source.asked_since or bulletin.issued_at) + SOUND_AWAITED


def _work(session: Session, claim: Claim, at: datetime.datetime) -> None:
    """Do what is due for a bulletin with a sound, and settle its job or postpone it to the next due time."""
    bulletin = session.get_one(Bulletin, claim.subject_id, with_for_update=True, populate_existing=True)
    next_at: datetime.datetime | None = None
    if _lacks_sound(bulletin):  # its source has changed it while the earlier sound was prepared
        next_at = at
    elif bulletin.state == BulletinState.OFFERED:
        next_at = _let_expire(session, bulletin, at)
    elif bulletin.priority != Priority.NORMAL and bulletin.state in IN_FORCE:
        try:
            next_at = _air(session, bulletin, at)
        except (NothingToPlayOn, NotForTheAir) as problem:
            bulletin_steps.refuse(session, bulletin, problem.message, at)
    if next_at is None:
        jobs.done(session, claim, at)
    else:
        jobs.put_off(session, claim, next_at, None, counts=False)


def _let_expire(session: Session, bulletin: Bulletin, at: datetime.datetime) -> datetime.datetime | None:
    if bulletin.valid_until is None or bulletin.valid_until > at:
        return bulletin.valid_until
    bulletin_steps.advance(session, bulletin, BulletinEvent.DECLINE, at, message("source.not_chosen"))
    return None


def _air(session: Session, bulletin: Bulletin, at: datetime.datetime) -> datetime.datetime | None:
    """Request the broadcasts that are due; return when there is more to do."""
    if bulletin.valid_until is not None and bulletin.valid_until <= at and not bulletin.airings:
        bulletin_steps.refuse(session, bulletin, message("source.expired", at=bulletin.valid_until), at)
        return None
    for start in _starts(bulletin, at):
        if all(airing.starts_at != start for airing in bulletin.airings):
            bulletin.airings.append(BulletinAiring(starts_at=start))
    session.flush()
    if not bulletin.airings and bulletin_steps.can(bulletin, BulletinEvent.REFUSE):
        bulletin_steps.refuse(session, bulletin, message("source.not_aired"), at)
    later = [_air_once(session, bulletin, airing, at) for airing in bulletin.airings]
    return min((when for when in later if when is not None), default=None)


def _starts(bulletin: Bulletin, at: datetime.datetime) -> list[datetime.datetime]:
    """Return the start times that are not over, while the bulletin is valid.

    An emergency is aired at once, and so is a bulletin without any time.
    """
    if bulletin.priority == Priority.EMERGENCY or not bulletin.starts:
        return [bulletin.issued_at]
    starts = [datetime.datetime.fromisoformat(start) for start in bulletin.starts]
    until = bulletin.valid_until
    return [one for one in starts if one >= at - STILL_ON_TIME and (until is None or one < until)]


def _air_once(
    session: Session, bulletin: Bulletin, airing: BulletinAiring, at: datetime.datetime
) -> datetime.datetime | None:
    """Request the broadcast of one start time unless it is too early; return when to look at it again."""
    is_urgent = bulletin.priority == Priority.EMERGENCY
    if airing.broadcast_id is None:
        if not is_urgent and airing.starts_at > at + PLANNED_AHEAD:
            return airing.starts_at - PLANNED_AHEAD
        bulletin_steps.plan(session, bulletin, airing, airing.starts_at, at)
    return None if is_urgent else meetings.look(session, bulletin, airing, at)
