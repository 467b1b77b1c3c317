"""Tables of alerts: sources, geocodes of units, and received messages."""

import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from broadcast_bridge.alerts.states import ALERT, AlertState
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast, Speaker, Zone
from haichieu.database import Base
from haichieu.locale import Message
from haichieu.locale.column import MessageText
from haichieu.people import Unit


class DecisionKind(StrEnum):
    """Result of a decision about a message."""

    AIR = "air"
    UPDATE = "update"
    CANCEL = "cancel"
    DUPLICATE = "duplicate"
    IGNORE = "ignore"
    REFUSE = "refuse"


alert_source_zones = sa.Table(
    "alert_source_zones",
    Base.metadata,
    sa.Column("source_id", sa.ForeignKey("alert_sources.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("zone_id", sa.ForeignKey("zones.id"), primary_key=True),
)

cap_alert_speakers = sa.Table(
    "cap_alert_speakers",
    Base.metadata,
    sa.Column("alert_id", sa.ForeignKey("cap_alerts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("speaker_id", sa.ForeignKey("speakers.id"), primary_key=True),
)


class AlertSource(Base):
    """A sender whose alerts this station broadcasts: how it is authenticated, and its highest priority.

    `senders` are patterns (`*` matches any characters) of the CAP `sender`. At least one proof is configured: a
    certificate for signed alerts, a shared secret (encrypted by the vault) or an Ed25519 key for alerts with a detached
    signature, or an https feed.
    """

    __tablename__ = "alert_sources"
    __table_args__ = (
        sa.CheckConstraint(sa.column("highest_priority").in_([str(p) for p in Priority]), name="highest_priority"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    senders: Mapped[list[str]] = mapped_column(default=list)
    secret_locked: Mapped[str] = mapped_column(sa.Text, default="")
    certificate: Mapped[str] = mapped_column(sa.Text, default="")
    public_key: Mapped[str] = mapped_column(sa.Text, default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    highest_priority: Mapped[str] = mapped_column(sa.String(12), default=Priority.EMERGENCY)
    speaks_exercises: Mapped[bool] = mapped_column(default=False)

    feed_url: Mapped[str] = mapped_column(sa.Text, default="")
    feed_seconds: Mapped[int] = mapped_column(default=60)
    silent_minutes: Mapped[int] = mapped_column(default=60)
    feed_etag: Mapped[str] = mapped_column(sa.Text, default="")
    feed_modified: Mapped[str] = mapped_column(sa.Text, default="")
    feed_seen: Mapped[list[str]] = mapped_column(default=list)
    feed_since: Mapped[datetime.datetime | None]
    next_poll_at: Mapped[datetime.datetime | None] = mapped_column(index=True)
    last_ok_at: Mapped[datetime.datetime | None]
    last_problem: Mapped[Message | None] = mapped_column(MessageText, nullable=False)
    failures: Mapped[int] = mapped_column(default=0)

    zones: Mapped[list[Zone]] = relationship(secondary=alert_source_zones, order_by=Zone.code)


class UnitGeocode(Base):
    """The name of a unit in a list of areas, e.g. scheme `VN-DVHC`, value `01285`."""

    __tablename__ = "unit_geocodes"
    __table_args__ = (sa.UniqueConstraint("unit_id", "scheme", "value"), sa.Index(None, "scheme", "value"))

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id", ondelete="CASCADE"), index=True)
    scheme: Mapped[str] = mapped_column(sa.String(60))
    value: Mapped[str] = mapped_column(sa.String(60))

    unit: Mapped[Unit] = relationship()


class CapAlert(Base):
    """One authentic message and the decision about it, unique by source, sender, identifier and sent.

    `document` is the part of the message that was proven genuine, `digest` the SHA-256 of the bytes as received.
    """

    __tablename__ = "cap_alerts"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "sender", "identifier", "sent"),
        sa.CheckConstraint(sa.column("state").in_([str(s) for s in ALERT.states]), name="state"),
        sa.CheckConstraint(sa.column("decision").in_([str(d) for d in DecisionKind]), name="decision"),
        sa.CheckConstraint(sa.column("priority").in_([str(p) for p in Priority]), name="priority"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("alert_sources.id"), index=True)
    sender: Mapped[str] = mapped_column(sa.String(200))
    identifier: Mapped[str] = mapped_column(sa.String(200))
    sent: Mapped[datetime.datetime]
    status: Mapped[str] = mapped_column(sa.String(12))
    message_type: Mapped[str] = mapped_column(sa.String(12))
    digest: Mapped[str] = mapped_column(sa.String(64))
    document: Mapped[str] = mapped_column(sa.Text)
    proof: Mapped[str] = mapped_column(sa.String(40))
    received_at: Mapped[datetime.datetime] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(sa.String(12), default=AlertState.RECEIVED, index=True)
    decision: Mapped[str] = mapped_column(sa.String(12))
    reason: Mapped[Message | None] = mapped_column(MessageText, nullable=False)
    priority: Mapped[str] = mapped_column(sa.String(12), default=Priority.NORMAL)
    areas: Mapped[str] = mapped_column(sa.Text, default="")
    not_before: Mapped[datetime.datetime]
    expires_at: Mapped[datetime.datetime]
    broadcast_id: Mapped[int | None] = mapped_column(sa.ForeignKey("broadcasts.id"), index=True)

    source: Mapped[AlertSource] = relationship()
    broadcast: Mapped[Broadcast | None] = relationship()
    speakers: Mapped[list[Speaker]] = relationship(secondary=cap_alert_speakers, order_by=Speaker.code)
    texts: Mapped[list["AlertText"]] = relationship(cascade="all, delete-orphan", order_by="AlertText.id")
    references: Mapped[list["AlertReference"]] = relationship(
        cascade="all, delete-orphan", order_by="AlertReference.id"
    )


class AlertText(Base):
    """The text to be spoken for an alert, in one language (ISO 639)."""

    __tablename__ = "cap_alert_texts"

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("cap_alerts.id", ondelete="CASCADE"), index=True)
    language: Mapped[str] = mapped_column(sa.String(20))
    text: Mapped[str] = mapped_column(sa.Text)


class AlertReference(Base):
    """An earlier message that an alert refers to; it may never have arrived."""

    __tablename__ = "cap_alert_references"
    __table_args__ = (sa.Index("ix_cap_alert_references_name", "sender", "identifier", "sent"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("cap_alerts.id", ondelete="CASCADE"), index=True)
    sender: Mapped[str] = mapped_column(sa.String(200))
    identifier: Mapped[str] = mapped_column(sa.String(200))
    sent: Mapped[datetime.datetime]
