"""Answers on air: each becomes a programme of the case's unit that waits for approval and never names the citizen.

The programme and the state of the answer are written in one transaction, so no answer becomes two programmes.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.answers import replies
from feedback.cases.case_lifecycle import note
from feedback.citizens import consents
from feedback.citizens.consents import NoConsent
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, Reply
from feedback.states import ReplyEvent, ReplyState
from haichieu import jobs
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.background import in_thread
from haichieu.database import Database, now
from haichieu.errors import EnvironmentProblem, HaiChieuError
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, ClaimLost, Job
from haichieu.locale import Message, message, render_key
from haichieu.media import MediaStore
from haichieu.people import Account, Official
from haichieu.phone_numbers import holds_number
from haichieu.station import the_station

LEASE = datetime.timedelta(minutes=10)
"""Synthesising five thousand characters and levelling them takes a minute or two on a slow machine."""
LATER = datetime.timedelta(minutes=5)


class NamesTheCitizen(HaiChieuError):
    """The text contains the citizen's telephone number."""

    def __init__(self) -> None:
        super().__init__("answer.names_citizen")


@dataclass(frozen=True)
class ForTheAir:
    """An answer as a programme.

    `author` is the actor who answered; `text` is not read aloud when there is a `recording`. `voice` is the citizen's
    recording that precedes it, None without one.
    """

    title: str
    unit_id: int
    author: str
    author_name: str
    language: str
    text: str
    recording: Path | None
    voice: Path | None = None


class Programmes(Protocol):
    """Makes programmes; implemented where broadcasts are known."""

    def make(self, answer: ForTheAir, made: Callable[[Session, int], None]) -> None:
        """Make a programme and submit it, calling `made` with its number in the same transaction. Blocks.

        Raises a HaiChieuError when the answer can never become a programme, an EnvironmentProblem when it can later.
        """
        ...


class AnswersOnAir(JobRunner):
    """Makes programmes of the answers on air, in the worker."""

    kinds = (job_kinds.ANSWER_AIR,)
    lease = LEASE

    def __init__(self, database: Database, store: MediaStore, book: CitizenBook, programmes: Programmes) -> None:
        super().__init__(database)
        self._store = store
        self._book = book
        self._programmes = programmes

    async def handle(self, claim: Claim) -> None:
        """Make a programme of one answer."""
        answer = await self._database.run(lambda session: self._begin(session, claim))
        if answer is not None:
            await in_thread(lambda: self._make(claim, answer))

    def give_up(self, session: Session, job: Job) -> None:
        """Fail the answer: an administrator has to look at its case."""
        reply = session.get(Reply, job.subject_id)
        if reply is not None and reply.state in (ReplyState.WAITING, ReplyState.UNDER_WAY):
            _failed(session, reply, job.problem or message("jobs.never_finished", count=job.attempts))

    def _begin(self, session: Session, held: Claim) -> ForTheAir | None:
        reply = session.get(Reply, held.subject_id)
        if reply is None or reply.state not in (ReplyState.WAITING, ReplyState.UNDER_WAY):
            jobs.done(session, held, now())
            return None
        replies.advance(session, reply, ReplyEvent.BEGIN, now())
        reply.attempts += 1
        try:
            consents.require_for_air(session, reply.message.case, voice=reply.with_voice)
            self._require_no_number(reply)
        except (NamesTheCitizen, NoConsent) as problem:
            _fail(session, held, problem.message)
            return None
        message = reply.message
        return ForTheAir(
            _title(session, message.case, message.at),
            message.case.unit_id,
            message.author,
            _name_of(session, message.author),
            message.language,
            message.text,
            self._store.path(message.sound) if message.sound is not None else None,
            self._voice_of(session, reply),
        )

    def _make(self, held: Claim, answer: ForTheAir) -> None:
        def made(session: Session, programme_id: int) -> None:
            jobs.done(session, held, now())
            reply = session.get_one(Reply, held.subject_id)
            case = session.get_one(Case, reply.message.case_id, with_for_update=True)
            consents.require_for_air(session, case, voice=reply.with_voice)  # it may have been withdrawn meanwhile
            replies.advance(session, reply, ReplyEvent.FILE, now())
            reply.programme_id = programme_id
            note(session, reply.message.case, "system", "answer_on_air", now(), after=f"programme:{programme_id}")

        try:
            self._programmes.make(answer, made)
        except ClaimLost:
            raise
        except EnvironmentProblem as problem:
            with self._database.session() as session:
                jobs.put_off(session, held, now() + LATER, problem.message, counts=False)
                reply = session.get_one(Reply, held.subject_id)
                replies.advance(session, reply, ReplyEvent.PUT_OFF, now(), problem.message)
        except HaiChieuError as problem:
            with self._database.session() as session:
                _fail(session, held, problem.message)

    def _voice_of(self, session: Session, reply: Reply) -> Path | None:
        spoken = replies.spoken_first(session, reply.message.case) if reply.with_voice else None
        return self._store.path(spoken.sound) if spoken is not None and spoken.sound is not None else None

    def _require_no_number(self, reply: Reply) -> None:
        citizen = reply.message.case.citizen
        if citizen is not None and holds_number(reply.message.text, self._book.number_of(citizen)):
            raise NamesTheCitizen


def _title(session: Session, case: Case, at: datetime.datetime) -> str:
    """Name the subject and the date of the answer, never the citizen, in the language of the station."""
    station = the_station(session)
    language, day = station.language, at.astimezone(ZoneInfo(station.timezone)).date()
    if case.category is None:
        return render_key(language, "answer.on_air_title_general", {"day": day})
    return render_key(language, "answer.on_air_title", {"about": case.category.name[:150], "day": day})


def _name_of(session: Session, author: str) -> str:
    kind, _, key = author.partition(":")
    if kind == "account":
        return session.scalar(sa.select(Account.name).where(Account.email == key)) or key
    return session.scalar(sa.select(Official.name).where(Official.code == key)) or author


def _fail(session: Session, held: Claim, because: Message) -> None:
    jobs.fail(session, held, now(), because)
    _failed(session, session.get_one(Reply, held.subject_id), because)


def _failed(session: Session, reply: Reply, because: Message) -> None:
    replies.advance(session, reply, ReplyEvent.FAIL, now(), because)
    case = reply.message.case
    note(session, case, "system", "answer_not_on_air", now(), after=because)
    raise_alarm(session, AlarmKind.ANSWER_FAILED, f"case:{case.number}", because)
