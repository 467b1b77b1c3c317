"""Content of one case's page: messages, permitted actions, and digests that detect changes."""

import datetime
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from admin.access.visitors import Visitor
from admin.cases.scope import workers_in
from admin.entries.scope import units_to_choose
from broadcast_bridge.models import Zone
from feedback import job_kinds
from feedback.cases import duplicates
from feedback.cases.case_lifecycle import OPEN
from feedback.cases.merging import merged_into
from feedback.citizens.consents import may_be_answered_on_air
from feedback.citizens.privacy import number_for
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, CaseLink, Category, Department, Message
from feedback.states import CASE, CaseEvent, CaseStatus, Channel, Direction, Way
from haichieu.account_rights import Action
from haichieu.jobs import Job, JobState
from haichieu.people import Account, Official, Unit, units_above

UNSURE = 0.5
"""Words with a lower confidence are marked."""


@dataclass(frozen=True)
class Likely:
    """A possible duplicate, and the phrases that it shares, as this case writes them."""

    case: Case
    link: CaseLink
    phrases: Sequence[str]


@dataclass(frozen=True)
class People:
    """The possible assignees of a case."""

    units: Sequence[Unit]
    categories: Sequence[Category]
    departments: Sequence[Department]
    accounts: Sequence[Account]

    @property
    def account_ids(self) -> frozenset[int]:
        """The ids of the accounts."""
        return frozenset(one.id for one in self.accounts)


@dataclass(frozen=True)
class Conversation:
    """Everything that the page of one case shows."""

    case: Case
    phone: str
    messages: Sequence[Message]
    names: dict[str, str]
    """Names by their actor in the audit trail."""
    likely: Sequence[Likely]
    main: Case | None
    merged: Sequence[Case]
    being_written: frozenset[int]
    not_written: frozenset[int]
    """Messages that could not be transcribed."""
    ways: frozenset[Way]
    """Methods by which the citizen can be reached."""
    mark: str
    overdue: bool
    people: People | None
    """None for a visitor with read access only."""

    def may_happen(self, event: str) -> bool:
        """Return whether an event is possible in the case's state."""
        return (CaseStatus(self.case.status), CaseEvent(event)) in CASE.table

    def name(self, actor: str) -> str:
        """Return a person's name, or their name in the audit trail."""
        return self.names.get(actor, actor)


def conversation(session: Session, book: CitizenBook, who: Visitor, case: Case, at: datetime.datetime) -> Conversation:
    """Gather the content of the page."""
    messages = messages_of(session, case)
    actors = {message.author for message in messages} | {step.actor for step in case.history}
    spoken = [message.id for message in messages if message.sound_id is not None and message.transcript is None]
    jobs = session.execute(
        sa.select(Job.subject_id, Job.state).where(Job.kind == job_kinds.TRANSCRIBE, Job.subject_id.in_(spoken))
    ).all()
    main = session.get(Case, case.duplicate_of_id) if case.duplicate_of_id is not None else None
    return Conversation(
        case,
        number_for(book, who.account, case),
        messages,
        _names(session, actors),
        _likely(session, who, case, messages),
        main,
        merged_into(session, case),
        frozenset(one for one, state in jobs if state in (JobState.WAITING, JobState.RUNNING)),
        frozenset(one for one, state in jobs if state == JobState.FAILED),
        ways_to(session, case),
        mark_of(messages),
        case.status in OPEN and main is None and case.due_at is not None and case.due_at < at,
        _people(session, who, case) if who.may(Action.WORK_ON_CASES) else None,
    )


def messages_of(session: Session, case: Case) -> Sequence[Message]:
    """Return the messages in order."""
    return session.scalars(
        sa.select(Message)
        .where(Message.case_id == case.id)
        .options(
            selectinload(Message.sound),
            selectinload(Message.transcript),
            selectinload(Message.replies),
            selectinload(Message.attachments),
        )
        .order_by(Message.id)
    ).all()


def mark_of(messages: Sequence[Message]) -> str:
    """Return a digest for answers; it changes with every new message, and when an answer is taken back.

    SQLite gives the id of a removed message to the next one.
    """
    return f"{messages[-1].id}-{messages[-1].at.timestamp()}" if messages else ""


def mark_of_transcript(message: Message) -> str:
    """Return a digest for corrections; it changes with every correction or new transcription."""
    text = message.transcript.text if message.transcript else ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ways_to(session: Session, case: Case) -> frozenset[Way]:
    """Return the methods by which the citizen can be answered; on air unless that was withdrawn."""
    if case.citizen is None:
        return frozenset({Way.AIR})
    agrees = may_be_answered_on_air(session, case)
    closed = ({Way.TEXT} if case.citizen.opted_out_at else set()) | (set() if agrees else {Way.AIR})
    return frozenset(Way) - closed


def usual_ways(case: Case, possible: frozenset[Way]) -> frozenset[Way]:
    """Return the methods that are chosen beforehand: as the citizen came, or the only one there is."""
    came = {Channel.TEXT: Way.TEXT, Channel.CALL: Way.CALL}.get(Channel(case.channel))
    return possible if len(possible) == 1 else possible & {came}


def zones_of(session: Session, case: Case) -> Sequence[Zone]:
    """Return the zones that reach the case's unit, where an answer on air belongs."""
    above = units_above(session, case.unit_id)
    query = sa.select(Zone).where(Zone.removed_at.is_(None), Zone.units.any(Unit.id.in_(above)))
    return session.scalars(query.order_by(Zone.code)).all()


def _likely(session: Session, who: Visitor, case: Case, messages: Sequence[Message]) -> list[Likely]:
    if case.duplicate_of_id is not None:
        return []
    found = [
        (session.get_one(Case, link.other_id if link.case_id == case.id else link.case_id), link)
        for link in duplicates.links_of(session, case)
    ]
    mine = _said(messages)
    return [
        Likely(other, link, duplicates.shared_phrases(mine, _said(messages_of(session, other))))
        for other, link in found
        if other.unit_id in who.units
    ]


def _said(messages: Sequence[Message]) -> str:
    """Return the citizen's words, written and spoken."""
    said = [one for one in messages if one.direction == Direction.IN]
    return "\n".join(f"{one.text}\n{one.transcript.text if one.transcript else ''}" for one in said)


def _names(session: Session, actors: Collection[str]) -> dict[str, str]:
    keys = {kind: {actor.partition(":")[2] for actor in actors if actor.startswith(f"{kind}:")}
            for kind in ("account", "official")}  # fmt: skip
    accounts = session.execute(sa.select(Account.email, Account.name).where(Account.email.in_(keys["account"])))
    officials = session.execute(sa.select(Official.code, Official.name).where(Official.code.in_(keys["official"])))
    return {
        **{f"account:{email}": name for email, name in accounts},
        **{f"official:{code}": name for code, name in officials},
    }


def _people(session: Session, who: Visitor, case: Case) -> People:
    units = units_to_choose(session, who)
    return People(
        units if case.unit in units else [case.unit, *units],
        session.scalars(sa.select(Category).order_by(Category.code)).all(),
        session.scalars(sa.select(Department).order_by(Department.name)).all(),
        workers_in(session, units_above(session, case.unit_id)),
    )
