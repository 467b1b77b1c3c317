"""Tables of the link to source systems: sources, their places, bulletins, airings, commands, and reports to send."""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast, Speaker
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.source_system.states import BULLETIN, ContentKind, DeviceAction, First
from haichieu.database import Base
from haichieu.locale import Message
from haichieu.locale.column import MessageText
from haichieu.media import Media
from haichieu.people import Unit


class Source(Base):
    """A source information system: its dialect and address, and where the exchange with it has got to.

    `external_id` is the station's own id there (`NguonID`). Bulletins belong to `unit`, or to the unit below it that
    has all of their speakers. `removed_at` marks one that was removed; its bulletins stay.
    """

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    dialect: Mapped[str] = mapped_column(sa.String(20))
    address: Mapped[str] = mapped_column(sa.Text)
    username: Mapped[str] = mapped_column(sa.String(200))
    password_locked: Mapped[str] = mapped_column(sa.Text)
    external_id: Mapped[str] = mapped_column(sa.String(120))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    file_hosts: Mapped[list[str]] = mapped_column(default=list)
    """Other hosts that bulletins' sounds may be fetched from."""
    poll_seconds: Mapped[int] = mapped_column(default=15)
    removed_at: Mapped[datetime.datetime | None]

    cursor: Mapped[str] = mapped_column(sa.Text, default="")
    next_poll_at: Mapped[datetime.datetime | None] = mapped_column(index=True)
    """None asks it at once."""
    asked_since: Mapped[datetime.datetime | None]
    """Since when it is asked: the first time, or the end of its last outage of an hour or more."""
    last_ok_at: Mapped[datetime.datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    last_problem: Mapped[Message | None] = mapped_column(MessageText, nullable=False, default=None)
    logged_until: Mapped[datetime.datetime | None]
    """Reports exist of the broadcasts that had ended by then."""
    counted_until: Mapped[datetime.date | None] = mapped_column(sa.Date)
    """The last day of the station's calendar whose counts are reported."""

    unit: Mapped[Unit] = relationship()
    places: Mapped[list["SourcePlace"]] = relationship(cascade="all, delete-orphan", order_by="SourcePlace.external_id")


class SourcePlace(Base):
    """The id by which a source names one of our units or speakers; two sources may name the same one."""

    __tablename__ = "source_places"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "external_id"),
        sa.CheckConstraint("(unit_id IS NULL) <> (speaker_id IS NULL)", name="names_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(sa.String(120))
    unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"), index=True)
    speaker_id: Mapped[int | None] = mapped_column(sa.ForeignKey("speakers.id", ondelete="CASCADE"), index=True)

    unit: Mapped[Unit | None] = relationship()
    speaker: Mapped[Speaker | None] = relationship()


class Bulletin(Base):
    """One bulletin of a source, unique by its id there. It is stored before anything is done with it.

    A withdrawal that arrives before its bulletin is a row in the state `withdrawn` without content.
    `starts` are the start times (ISO 8601) that the source wants; `speaker_codes` are the speakers in its areas. The
    sound passes to the programme that is made of it.
    """

    __tablename__ = "source_bulletins"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "external_id"),
        sa.CheckConstraint(sa.column("state").in_([str(s) for s in BULLETIN.states]), name="state"),
        sa.CheckConstraint(sa.column("priority").in_([str(p) for p in Priority]), name="priority"),
        sa.CheckConstraint(sa.column("kind").in_([str(k) for k in ContentKind]), name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    external_id: Mapped[str] = mapped_column(sa.String(200))
    title: Mapped[str] = mapped_column(sa.String(200), default="")
    kind: Mapped[str] = mapped_column(sa.String(8), default=ContentKind.TEXT)
    text: Mapped[str] = mapped_column(sa.Text, default="")
    link: Mapped[str] = mapped_column(sa.Text, default="")
    declared_seconds: Mapped[float | None]
    language: Mapped[str] = mapped_column(sa.String(8), default="vi")
    priority: Mapped[str] = mapped_column(sa.String(12), default=Priority.NORMAL)
    field: Mapped[str] = mapped_column(sa.String(80), default="")
    author: Mapped[str] = mapped_column(sa.String(200), default="")
    areas: Mapped[list[str]] = mapped_column(default=list)
    devices: Mapped[list[str]] = mapped_column(default=list)
    starts: Mapped[list[str]] = mapped_column(default=list)
    valid_until: Mapped[datetime.datetime | None]

    state: Mapped[str] = mapped_column(sa.String(12), default=BULLETIN.initial, index=True)
    reason: Mapped[Message | None] = mapped_column(MessageText, nullable=False, default=None)
    received_at: Mapped[datetime.datetime] = mapped_column(index=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    speaker_codes: Mapped[list[str]] = mapped_column(default=list)
    sound_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programmes.id"), index=True)

    version: Mapped[int] = mapped_column(default=1)
    """How many contents and dates it has had."""
    revision: Mapped[int] = mapped_column(default=0)
    """The source's own count of them; 0 where it does not count."""
    content_mark: Mapped[str] = mapped_column(sa.String(64), default="")
    seen: Mapped[list[str]] = mapped_column(default=list)
    """Digests of the issues that have arrived."""
    changed_at: Mapped[datetime.datetime | None]
    content_at: Mapped[datetime.datetime | None]
    """When the present content arrived, None for the first one."""

    @property
    def issued_at(self) -> datetime.datetime:
        """When the present content arrived."""
        return self.content_at or self.received_at

    @property
    def audio(self) -> Media | None:
        """What is heard, as far as it is here."""
        return self.programme.sound if self.programme is not None else self.sound

    source: Mapped[Source] = relationship()
    unit: Mapped[Unit] = relationship()
    sound: Mapped[Media | None] = relationship()
    programme: Mapped[Programme | None] = relationship()
    airings: Mapped[list["BulletinAiring"]] = relationship(
        back_populates="bulletin", cascade="all, delete-orphan", order_by="BulletinAiring.starts_at"
    )


class BulletinAiring(Base):
    """One start time of a bulletin, and the broadcast that was requested for it.

    When it meets programmes of the commune with the same priority, they are `rival`, from `rival_begins` to
    `rival_ends`; a person, asked at `asked_at`, decides by `decide_by` which is `first`.
    """

    __tablename__ = "bulletin_airings"
    __table_args__ = (
        sa.UniqueConstraint("bulletin_id", "starts_at"),
        sa.CheckConstraint(sa.column("first").in_([str(one) for one in First]), name="first"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("source_bulletins.id", ondelete="CASCADE"))
    starts_at: Mapped[datetime.datetime]
    rival: Mapped[str] = mapped_column(sa.String(300), default="")
    rival_begins: Mapped[datetime.datetime | None]
    rival_ends: Mapped[datetime.datetime | None]
    decide_by: Mapped[datetime.datetime | None] = mapped_column(index=True)
    asked_at: Mapped[datetime.datetime | None]
    first: Mapped[str] = mapped_column(sa.String(8), default=First.UNDECIDED)
    decided_by: Mapped[str] = mapped_column(sa.String(200), default="")
    """The actor who decided; empty while nothing is decided, and when nobody did in time."""
    broadcast_id: Mapped[int | None] = mapped_column(sa.ForeignKey("broadcasts.id"), index=True)

    bulletin: Mapped[Bulletin] = relationship(back_populates="airings")
    broadcast: Mapped[Broadcast | None] = relationship()


class EarlierProgramme(Base):
    """A programme that was made of an earlier content of a bulletin: its broadcasts are reported, too."""

    __tablename__ = "source_earlier_programmes"

    id: Mapped[int] = mapped_column(primary_key=True)
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("source_bulletins.id", ondelete="CASCADE"), index=True)
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programmes.id"), unique=True)

    bulletin: Mapped[Bulletin] = relationship()
    programme: Mapped[Programme] = relationship()


class DeviceCommand(Base):
    """A command of a source to devices, unique by its id there, with its result in words."""

    __tablename__ = "source_commands"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "external_id"),
        sa.CheckConstraint(sa.column("action").in_([str(one) for one in DeviceAction]), name="action"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    external_id: Mapped[str] = mapped_column(sa.String(200))
    action: Mapped[str] = mapped_column(sa.String(12))
    value: Mapped[int | None]
    received_at: Mapped[datetime.datetime] = mapped_column(index=True)
    speaker_codes: Mapped[list[str]] = mapped_column(default=list)
    """Speakers that carried it out."""
    reason: Mapped[Message | None] = mapped_column(MessageText, nullable=False, default=None)
    """Why it was refused, wholly or in part."""

    source: Mapped[Source] = relationship()


class SourceReport(Base):
    """A report to a source, unique by its `key`, by which the source recognises one that it gets a second time.

    `body` is the report as `exchange` defines it; `delivery_id` is set where it reports the proof of one speaker.
    `problem` is why the source refused it; after some attempts it is set aside.
    """

    __tablename__ = "source_reports"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "key"),
        sa.Index("ix_source_reports_source_id_sent_at", "source_id", "sent_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    key: Mapped[str] = mapped_column(sa.String(240))
    kind: Mapped[str] = mapped_column(sa.String(12))
    body: Mapped[dict[str, Any]] = mapped_column()
    delivery_id: Mapped[int | None] = mapped_column(sa.ForeignKey("deliveries.id"), index=True)
    created_at: Mapped[datetime.datetime]
    sent_at: Mapped[datetime.datetime | None]
    refusals: Mapped[int] = mapped_column(default=0)
    problem: Mapped[Message | None] = mapped_column(MessageText, nullable=False, default=None)
