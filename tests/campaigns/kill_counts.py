"""Counts of a kill campaign: what was accepted, and what the station made of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import BroadcastState
from broadcast_bridge.models import Broadcast, Delivery
from feedback.citizens.registry import CitizenBook, open_citizens
from feedback.job_kinds import TRANSCRIBE
from feedback.models import Case, Citizen, Message, Reply
from feedback.states import Channel, Direction, ReplyState
from haichieu.database import now
from haichieu.jobs import Job, JobState
from tests.campaigns.callers import Call, Callers
from tests.campaigns.office import ACCEPTED, Office
from tests.station.scene import ON_THE_WAY, Scene

GOOD_ENDS = (BroadcastState.ENDED, BroadcastState.PRE_EMPTED)
ARRIVED = (ReplyState.SENT, ReplyState.DELIVERED)
OPEN_REPLIES = (ReplyState.WAITING, ReplyState.UNDER_WAY)
MOST_SECONDS_TO_ANSWER = 5.0
TEXT_QUEUE = "Message/ast_msg_queue"
"""The channel that Asterisk keeps for all SIP MESSAGEs together, from the first one on."""


@dataclass
class Counts:
    """The counts; what must be zero is in `bad`.

    **Lost**: a caller heard "thank you", but there is no message with a sound from that number in the time of the call;
    a text was answered with 202, but there is no message with its words; an answer counts as sent, but the gateway did
    not receive it. Nothing is lost when the station said that it failed: a call that was cut before the thanks, a text
    without a 202, an answer that failed with a reason and waits for a person.

    **Doubled**: two messages from one call, two with the words of one text, an answer received twice by the gateway.

    **Anonymous**: a case of a call or text without its citizen. Every caller and sender here shows a number.

    **Stuck**, once the station was left in peace: a broadcast that is not closed, or closed without success and without
    a reason; a delivery that still has its speaker; a text that is not sent and has not failed; a job that is due (but
    transcription, for which this station has no engine); a recording in the spool; a channel or bridge of Asterisk.
    """

    seed: int
    database: str
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    broadcasts: Counter[str] = field(default_factory=Counter)
    jobs_failed: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    anonymous: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    finished: bool = False
    """Whether the station was left in peace before the counts were taken; it has had no time for its work otherwise."""
    answered_after: float | None = None
    """Seconds from the end of the last fault until a call was answered."""
    answered_in_peace: float | None = None
    """Seconds until a call was answered once the station was quiet."""

    @property
    def bad(self) -> list[str]:
        """Return what must not be."""
        found = [f"{name}: {one}" for name in ("lost", "doubled", "anonymous", "stuck") for one in getattr(self, name)]
        if not self.finished:
            found.append("the campaign was interrupted, so what is lost and stuck may only be late")
        for name, seconds in (("last fault", self.answered_after), ("quiet", self.answered_in_peace)):
            if seconds is None or seconds > MOST_SECONDS_TO_ANSWER:
                found.append(f"call after the {name}: answered after {seconds} s")
        return found

    def table(self) -> str:
        """Return all counts as Markdown."""
        rows: list[tuple[str, object]] = [
            ("database, seed", f"{self.database}, {self.seed}"),
            ("faults", f"{self.faults.total()} in {self.seconds:.0f} s: {_listed(self.faults)}"),
            ("calls", _listed(self.calls)),
            ("texts", _listed(self.texts)),
            ("answers", _listed(self.answers)),
            ("broadcasts", _listed(self.broadcasts)),
            ("jobs that failed", _listed(self.jobs_failed)),
            *((name, len(getattr(self, name))) for name in ("lost", "doubled", "anonymous", "stuck")),
            ("call answered after the last fault", _seconds(self.answered_after)),
            ("call answered once it was quiet", _seconds(self.answered_in_peace)),
        ]
        lines = [f"| {name} | {value} |" for name, value in rows]
        return "\n".join(["| what | count |", "|---|---|", *lines, *(f"- {one}" for one in self.bad)])


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "0"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


@dataclass
class Accepted:
    """What the station accepted, as those who asked for it know it."""

    calls: Sequence[Call] = ()
    texts: Mapping[str, int | None] = field(default_factory=dict)
    """With the status of each SIP response."""
    answers: Sequence[str] = ()
    broadcasts: Sequence[int] = ()
    received: Counter[str] = field(default_factory=Counter)
    """Texts that the gateway received."""


def count(counts: Counts, scene: Scene, callers: Callers, office: Office) -> None:
    """Compare what the station accepted with its rows and with Asterisk."""
    received = Counter(one["text"] for one in office.gateway.events if one["event"] == "text_received")
    accepted = Accepted(callers.calls, office.texts, office.answers, office.broadcasts, received)
    with scene.station.database.reading() as session:
        compare(counts, session, open_citizens(scene.station.settings.home), accepted)
    counts.stuck += stuck(scene)


def compare(counts: Counts, session: Session, book: CitizenBook, accepted: Accepted) -> None:
    """Compare what the station accepted with its rows."""
    _count_calls(counts, session, book, accepted.calls)
    _count_texts(counts, session, accepted.texts)
    _count_answers(counts, session, accepted)
    _count_broadcasts(counts, session, accepted.broadcasts)
    anonymous = sa.select(Case.number, Case.channel).where(Case.citizen_id.is_(None))
    counts.anonymous += [f"case {number} ({channel})" for number, channel in session.execute(anonymous)]
    counts.jobs_failed.update(session.scalars(sa.select(Job.kind).where(Job.state == JobState.FAILED)))


def _count_calls(counts: Counts, session: Session, book: CitizenBook, calls: Iterable[Call]) -> None:
    numbers = {citizen.id: book.number_of(citizen) for citizen in session.scalars(sa.select(Citizen))}
    spoken = sa.select(Message.at, Message.sound_id, Case.citizen_id).join(Case)
    spoken = spoken.where(Message.direction == Direction.IN, Message.channel == Channel.CALL)
    messages = [(at.timestamp(), sound, numbers.get(citizen or 0)) for at, sound, citizen in session.execute(spoken)]
    for call in calls:
        found = [
            sound
            for at, sound, number in messages
            if number == call.number and call.began - 1 <= at < (call.ended or at + 1) + 1
        ]
        counts.calls["made"] += 1
        counts.calls["answered"] += call.answered
        counts.calls["spoken"] += call.spoken
        counts.calls["thanked"] += call.thanked
        counts.calls["messages"] += len(found)
        counts.calls["spoken, not thanked, and stored"] += call.spoken and not call.thanked and bool(found)
        if call.thanked and not any(found):
            counts.lost.append(f"message of {call.number}, call of {call.began:.0f}–{call.ended:.0f}")
        if len(found) > 1:
            counts.doubled.append(f"message of {call.number}, call of {call.began:.0f}–{call.ended:.0f}: {len(found)}")


def _count_texts(counts: Counts, session: Session, texts: Mapping[str, int | None]) -> None:
    texted = sa.select(Message.text).where(Message.direction == Direction.IN, Message.channel == Channel.TEXT)
    stored = Counter(session.scalars(texted))
    for text, status in texts.items():
        counts.texts["sent"] += 1
        counts.texts["accepted" if status == ACCEPTED else "not accepted"] += 1
        counts.texts["stored"] += stored[text]
        if status == ACCEPTED and not stored[text]:
            counts.lost.append(f"text {text}")
        if stored[text] > 1:
            counts.doubled.append(f"text {text}: {stored[text]}")


def _count_answers(counts: Counts, session: Session, accepted: Accepted) -> None:
    received = accepted.received
    texts = sa.select(Message.text, Message.author, Reply).join(Reply, Reply.message_id == Message.id)
    for text, author, reply in session.execute(texts):
        what = "answer" if author != "system" else "receipt"
        counts.answers[f"{what}s"] += 1
        counts.answers[f"{what}s received"] += received[text]
        if reply.state == ReplyState.FAILED:
            counts.answers[f"{what}s failed, left to a person"] += 1
        if reply.state in ARRIVED and not received[text]:
            counts.lost.append(f"{what} of reply {reply.id}, sent at {reply.changed_at:%H:%M:%S}: {text}")
        if reply.state == ReplyState.FAILED and reply.reason is None:
            counts.lost.append(f"{what} of reply {reply.id} failed without a reason: {text}")
        if received[text] > 1:
            counts.doubled.append(f"{what} of reply {reply.id}, {received[text]} times: {text}")
    written = set(session.scalars(sa.select(Message.text).where(Message.direction == Direction.OUT)))
    counts.lost += [f"answer without a row: {text}" for text in accepted.answers if text not in written]


def _count_broadcasts(counts: Counts, session: Session, broadcasts: Sequence[int]) -> None:
    rows = {one.id: one for one in session.scalars(sa.select(Broadcast).where(Broadcast.id.in_(broadcasts)))}
    counts.lost += [f"broadcast {number} without a row" for number in broadcasts if number not in rows]
    for one in rows.values():
        counts.broadcasts["asked for"] += 1
        counts.broadcasts[f"{one.state} {one.reason or ''}".strip()] += 1
        if one.state not in (*ON_THE_WAY, *GOOD_ENDS) and one.reason is None:
            counts.stuck.append(f"broadcast {one.id} is {one.state} without a reason")


def stuck(scene: Scene) -> list[str]:
    """Return what the station has not finished."""
    with scene.station.database.reading() as session:
        running = sa.select(Broadcast.id, Broadcast.state).where(Broadcast.state.in_(ON_THE_WAY))
        active = sa.select(Delivery.id, Delivery.state).where(Delivery.active)
        unsent = sa.select(Reply.id, Reply.state).where(Reply.state.in_(OPEN_REPLIES))
        due = sa.or_(Job.state == JobState.RUNNING, sa.and_(Job.state == JobState.WAITING, Job.due_at <= now()))
        found = [
            f"{what} {number} is {state}"
            for what, query in (
                ("broadcast", running),
                ("delivery", active),
                ("reply", unsent),
                ("job", sa.select(Job.id, Job.kind).where(due, Job.kind != TRANSCRIBE)),
            )
            for number, state in session.execute(query)
        ]
    found += [f"{file.name} is in the spool" for file in scene.spool()]
    spooled = (scene.station.settings.home / "spool").rglob("*.about")
    found += [f"{file.name} is in the spool" for file in spooled]
    for what in ("channels", "bridges"):
        names = [one.get("name") or one["id"] for one in scene.asterisk(what)]
        found += [f"{what}: {name}" for name in names if name != TEXT_QUEUE]
    return found
