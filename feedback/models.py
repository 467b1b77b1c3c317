"""The tables of casework.

A citizen's number is stored only in `citizens`, in `citizen_calls`, in `formal_cases` and, during a recording, in
`voice_drafts`: always encrypted, with a keyed hash to find it by (`feedback.citizens.registry`).
"""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.states import CASE, REPLY, Channel, Direction, Published, Way
from haichieu.database import Base
from haichieu.locale import Message as LocaleMessage
from haichieu.locale.column import MessageText
from haichieu.media import Media
from haichieu.people import Account, Unit


def _one_of(column: str, values: object) -> sa.CheckConstraint:
    return sa.CheckConstraint(sa.column(column).in_([str(value) for value in values]), name=column)  # type: ignore[attr-defined]


class Department(Base):
    """An office that answers cases."""

    __tablename__ = "departments"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    email: Mapped[str] = mapped_column(sa.String(254), default="")


class Category(Base):
    """The subject of cases; it decides the department and the due date (working days)."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(4), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("departments.id"))
    answer_within_days: Mapped[int]
    keywords: Mapped[list[str]] = mapped_column(default=list)

    department: Mapped[Department] = relationship()


class AnswerTemplate(Base):
    """A text of the station for answers; it replaces the built-in one with the same key."""

    __tablename__ = "answer_templates"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(4), unique=True)
    """The digit that inserts it after a slash."""
    name: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.Text)


class Citizen(Base):
    """A caller or sender: a number with the preferences of its owner. Anonymous citizens have no row."""

    __tablename__ = "citizens"

    id: Mapped[int] = mapped_column(primary_key=True)
    number_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    number_locked: Mapped[str] = mapped_column(sa.Text)
    unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"))
    """The commune chosen last, for bulletins and the next case."""
    language: Mapped[str] = mapped_column(sa.String(8), default="")
    opted_out_at: Mapped[datetime.datetime | None]
    """Since when no text may be sent to them."""
    created_at: Mapped[datetime.datetime]
    seen_at: Mapped[datetime.datetime]


class Case(Base):
    """A citizen's concern (phản ánh). `number` ends in a check digit and can be spoken and keyed in.

    `category_by` and `unit_by` name who chose them, in the words of the audit trail: `citizen`, `number` (the number
    dialled), `keywords: điện, nước`, `place: Cốc Pàng`, `account:…`. `search_text` is the folded text of all messages
    and transcripts.
    """

    __tablename__ = "cases"
    __table_args__ = (
        _one_of("channel", Channel),
        _one_of("status", CASE.states),
        sa.Index("ix_cases_status_due_at", "status", "due_at"),
        sa.Index("ix_cases_unit_id_opened_at", "unit_id", "opened_at"),
        # SQLite looks through all words in the order of the list without reading the rows; PostgreSQL needs no help,
        # and its indexes take no long texts.
        sa.Index("ix_cases_opened_at_search_text", "opened_at", "id", "search_text").ddl_if(dialect="sqlite"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(12), unique=True)
    channel: Mapped[str] = mapped_column(sa.String(8))
    status: Mapped[str] = mapped_column(sa.String(12), default=CASE.initial)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    unit_by: Mapped[str] = mapped_column(sa.String(200), default="")
    category_id: Mapped[int | None] = mapped_column(sa.ForeignKey("categories.id"), index=True)
    category_by: Mapped[str] = mapped_column(sa.String(200), default="")
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    assignee_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id", ondelete="SET NULL"), index=True)
    citizen_id: Mapped[int | None] = mapped_column(sa.ForeignKey("citizens.id"), index=True)
    """None for an anonymous citizen, and after an erasure."""
    language: Mapped[str] = mapped_column(sa.String(8), default="vi")
    opened_at: Mapped[datetime.datetime] = mapped_column(index=True)
    due_at: Mapped[datetime.datetime | None]
    answered_at: Mapped[datetime.datetime | None]
    closed_at: Mapped[datetime.datetime | None]
    updated_at: Mapped[datetime.datetime] = mapped_column(index=True)
    reminded_at: Mapped[datetime.datetime | None]
    """When the reminder of the due date was given."""
    overdue_alarm_at: Mapped[datetime.datetime | None]
    duplicate_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    """The case that this one was merged into."""
    search_text: Mapped[str] = mapped_column(sa.Text, default="")
    dialled: Mapped[str] = mapped_column(sa.String(32), default="")
    """The station's number that the citizen called or texted; empty where it is unknown."""
    hold_reason: Mapped[str] = mapped_column(sa.String(300), default="")
    """Why nothing of the case may be erased, such as a lawsuit; empty without such a hold."""

    unit: Mapped[Unit] = relationship()
    category: Mapped[Category | None] = relationship()
    department: Mapped[Department | None] = relationship()
    assignee: Mapped[Account | None] = relationship()
    citizen: Mapped[Citizen | None] = relationship()
    messages: Mapped[list["Message"]] = relationship(back_populates="case", order_by="Message.id")
    history: Mapped[list["CaseChange"]] = relationship(back_populates="case", order_by="CaseChange.id")


class CaseChange(Base):
    """One step in the history of a case; `before` and `after` are states, names, or messages as JSON."""

    __tablename__ = "case_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime.datetime]
    actor: Mapped[str] = mapped_column(sa.String(200))
    what: Mapped[str] = mapped_column(sa.String(40))
    before: Mapped[str] = mapped_column(sa.Text, default="")
    after: Mapped[str] = mapped_column(sa.Text, default="")

    case: Mapped[Case] = relationship(back_populates="history")

    @property
    def before_message(self) -> LocaleMessage:
        """The value before the step, to be rendered for a reader."""
        return LocaleMessage.from_json(self.before)

    @property
    def after_message(self) -> LocaleMessage:
        """The value after the step, to be rendered for a reader."""
        return LocaleMessage.from_json(self.after)


class CaseLink(Base):
    """Two cases that are likely duplicates; `score` is 0 to 1, `dismissed` is set by a person."""

    __tablename__ = "case_links"

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)
    score: Mapped[float]
    dismissed: Mapped[bool] = mapped_column(default=False)


class Message(Base):
    """One message in a case: the citizen's, the office's, or an internal note.

    `author` is an actor of the audit trail (`citizen`, `official:1001`, `account:…`, `system`). `external_id` is the
    provider's id of a text, so that a repeated delivery is filed once.
    """

    __tablename__ = "messages"
    __table_args__ = (_one_of("direction", Direction), _one_of("channel", Channel))

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    direction: Mapped[str] = mapped_column(sa.String(4))
    channel: Mapped[str] = mapped_column(sa.String(8))
    author: Mapped[str] = mapped_column(sa.String(200))
    at: Mapped[datetime.datetime]
    text: Mapped[str] = mapped_column(sa.Text, default="")
    sound_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"), index=True)
    language: Mapped[str] = mapped_column(sa.String(8), default="vi")
    external_id: Mapped[str | None] = mapped_column(sa.String(100), unique=True)

    case: Mapped[Case] = relationship(back_populates="messages")
    sound: Mapped[Media | None] = relationship()
    transcript: Mapped["Transcript | None"] = relationship(back_populates="message")
    replies: Mapped[list["Reply"]] = relationship(back_populates="message", order_by="Reply.id")
    attachments: Mapped[list["Attachment"]] = relationship(order_by="Attachment.id")


class Attachment(Base):
    """A file that came with a message, or was added by hand."""

    __tablename__ = "attachments"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(sa.ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    media_id: Mapped[int] = mapped_column(sa.ForeignKey("media.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    content_type: Mapped[str] = mapped_column(sa.String(100))

    media: Mapped[Media] = relationship()


class Transcript(Base):
    """What was understood of a spoken message. `text` may have been corrected by hand, `original_text` never changes.

    `confidence` is 0 to 1. `doubtful` says that a person should listen. `words` are `{"w": word, "s": begin, "e": end,
    "p": probability}` in seconds, of the original. An empty text means that nothing was understood.
    """

    __tablename__ = "transcripts"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(sa.ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    text: Mapped[str] = mapped_column(sa.Text)
    original_text: Mapped[str] = mapped_column(sa.Text)
    engine: Mapped[str] = mapped_column(sa.String(60))
    model: Mapped[str] = mapped_column(sa.String(120))
    language: Mapped[str] = mapped_column(sa.String(8))
    confidence: Mapped[float | None]
    doubtful: Mapped[bool] = mapped_column(default=False)
    words: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON, default=list)
    made_at: Mapped[datetime.datetime]
    corrected_by: Mapped[str] = mapped_column(sa.String(200), default="")
    corrected_at: Mapped[datetime.datetime | None]

    message: Mapped[Message] = relationship(back_populates="transcript")


class Reply(Base):
    """The delivery of an outgoing message by one method: proof of arrival, or the reason why not.

    `provider_id` is the provider's id of a text; `segments` the number of texts it takes; `attempts` the number of
    attempts; `programme_id` the programme of an answer on air.
    """

    __tablename__ = "replies"
    __table_args__ = (
        _one_of("way", Way),
        _one_of("state", REPLY.states),
        sa.UniqueConstraint("message_id", "way", name="uq_replies_message_id_way"),
        sa.Index(
            "ix_replies_satisfied",
            "changed_at",
            sqlite_where=sa.text("satisfied IS NOT NULL"),
            postgresql_where=sa.text("satisfied IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(sa.ForeignKey("messages.id", ondelete="CASCADE"))
    way: Mapped[str] = mapped_column(sa.String(8))
    state: Mapped[str] = mapped_column(sa.String(12), default=REPLY.initial, index=True)
    reason: Mapped[LocaleMessage | None] = mapped_column(MessageText, default=None, nullable=False)
    attempts: Mapped[int] = mapped_column(default=0)
    provider: Mapped[str] = mapped_column(sa.String(40), default="")
    provider_id: Mapped[str | None] = mapped_column(sa.String(100), unique=True)
    segments: Mapped[int | None]
    seconds_heard: Mapped[float | None]
    satisfied: Mapped[bool | None]
    """What the citizen keyed in after an answer by call; None without an answer."""
    programme_id: Mapped[int | None]
    with_voice: Mapped[bool] = mapped_column(default=False)
    """Whether an answer on air begins with the citizen's recorded message."""
    created_at: Mapped[datetime.datetime]
    changed_at: Mapped[datetime.datetime]

    message: Mapped[Message] = relationship(back_populates="replies")


class ReceivedText(Base):
    """A text that was filed, as the digest of its provider's id: neither a repetition nor an erasure files it again."""

    __tablename__ = "received_texts"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    received_at: Mapped[datetime.datetime] = mapped_column(index=True)


class TextLine(Base):
    """A provider that lists the texts it received for us: everything before `listed_until` is filed."""

    __tablename__ = "text_lines"

    name: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    listed_until: Mapped[datetime.datetime]


class VoiceDraft(Base):
    """A message that is being recorded: what its case will need when the caller or the switchboard is gone by its end.

    It is committed before the tone, and removed in the transaction that files the case. `name` is the recording's name
    in Asterisk's spool and reveals nothing about the caller. `case_id` is set when it continues a case.
    """

    __tablename__ = "voice_drafts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    number_locked: Mapped[str] = mapped_column(sa.Text, default="")
    """Empty for a caller who withholds the number or wants to stay anonymous."""
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    unit_by: Mapped[str] = mapped_column(sa.String(200), default="")
    category_id: Mapped[int | None] = mapped_column(sa.ForeignKey("categories.id"))
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(sa.String(8), default="vi")
    dialled: Mapped[str] = mapped_column(sa.String(32), default="")
    node: Mapped[str] = mapped_column(sa.String(60), default="")
    started_at: Mapped[datetime.datetime]


class FormalCase(Base):
    """The entry of a case in the formal register (Decree 20/2008); every other case is informal.

    Name, address and phone are encrypted, and empty after an erasure. `result` was published by the method
    `published_by`.
    """

    __tablename__ = "formal_cases"
    __table_args__ = (_one_of("published_by", ["", *Published]),)

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)
    name_locked: Mapped[str] = mapped_column(sa.Text)
    address_locked: Mapped[str] = mapped_column(sa.Text)
    phone_locked: Mapped[str] = mapped_column(sa.Text)
    received_on: Mapped[str] = mapped_column(sa.String(32))
    """The published number of the station that received it; empty for a visit to the office."""
    content: Mapped[str] = mapped_column(sa.Text)
    made_formal_at: Mapped[datetime.datetime] = mapped_column(index=True)
    made_formal_by: Mapped[str] = mapped_column(sa.String(200))
    forward_due_at: Mapped[datetime.datetime]
    forwarded_at: Mapped[datetime.datetime | None]
    forwarded_to: Mapped[str] = mapped_column(sa.String(200), default="")
    alarmed_at: Mapped[datetime.datetime | None]
    result: Mapped[str] = mapped_column(sa.Text, default="")
    published_by: Mapped[str] = mapped_column(sa.String(8), default="")
    published_at: Mapped[datetime.datetime | None]

    case: Mapped[Case] = relationship()


class CitizenCall(Base):
    """A pending call back to a caller who hung up: placed once, into the flow of the number that was dialled."""

    __tablename__ = "citizen_calls"
    __table_args__ = (sa.CheckConstraint(sa.column("state").in_(["owed", "calling", "done", "expired"]), name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number_hash: Mapped[str] = mapped_column(sa.String(64), index=True)
    number_locked: Mapped[str] = mapped_column(sa.Text)
    dialled: Mapped[str] = mapped_column(sa.String(32))
    state: Mapped[str] = mapped_column(sa.String(8), default="owed", index=True)
    due_at: Mapped[datetime.datetime]
    expires_at: Mapped[datetime.datetime]
    outcome: Mapped[str] = mapped_column(sa.String(200), default="")
