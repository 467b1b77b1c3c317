"""Tables of broadcasting: speakers and their reachability, zones, broadcasts and deliveries."""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, backref, mapped_column, relationship

from broadcast_bridge.broadcasts.states import (
    BROADCAST,
    DELIVERY,
    AfterCut,
    BroadcastState,
    DeliveryState,
    Kind,
    Priority,
    Synthetic,
    precedence,
)
from broadcast_bridge.programmes.models import Programme
from haichieu.database import Base
from haichieu.folded_text import folded
from haichieu.media import Media
from haichieu.people import Official, Unit
from haichieu.sip.registered_device import RegisteredDevice

zone_units = sa.Table(
    "zone_units",
    Base.metadata,
    sa.Column("zone_id", sa.ForeignKey("zones.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("unit_id", sa.ForeignKey("units.id"), primary_key=True),
)

zone_speakers = sa.Table(
    "zone_speakers",
    Base.metadata,
    sa.Column("zone_id", sa.ForeignKey("zones.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("speaker_id", sa.ForeignKey("speakers.id", ondelete="CASCADE"), primary_key=True),
)

official_zones = sa.Table(
    "official_zones",
    Base.metadata,
    sa.Column("official_id", sa.ForeignKey("officials.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("zone_id", sa.ForeignKey("zones.id", ondelete="CASCADE"), primary_key=True),
)


class Speaker(RegisteredDevice, Base):
    """A loudspeaker cluster (cụm loa): a SIP account, or an RTP multicast group.

    `removed_at` marks one that was removed from the station; its row stays because the log refers to it.
    """

    __tablename__ = "speakers"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    password_locked: Mapped[str] = mapped_column(sa.Text, default="")
    multicast: Mapped[str] = mapped_column(sa.String(60), default="")
    codecs: Mapped[list[str]] = mapped_column(default=lambda: ["alaw", "ulaw"])
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    reachable: Mapped[bool] = mapped_column(default=False)
    reachable_since: Mapped[datetime.datetime | None]
    node: Mapped[str] = mapped_column(sa.String(60), default="")
    """The switchboard that could reach it last."""
    multicast_by_priority: Mapped[dict[str, str]] = mapped_column(default=dict)
    """Other groups of the same loudspeakers, by priority: the device itself lets the more urgent group win."""
    volume_db: Mapped[float] = mapped_column(default=0.0)
    encrypted: Mapped[bool] = mapped_column(default=False)
    """Whether its account may use nothing but TLS and SRTP."""
    make: Mapped[str] = mapped_column(sa.String(20), default="")
    """One of `dialplans.auto_answer.MAKES`; empty means any other."""
    qualify: Mapped[bool | None]
    """Whether it is asked if it is still there; None asks it unless it never answers."""
    answer_seconds: Mapped[float | None]
    """How long it may take to answer; None means the setting of the station."""
    dial_ahead: Mapped[bool | None]
    """Whether it is called before its broadcast begins; None means the setting of the station."""
    answered_in: Mapped[float | None]
    """Seconds that it took to answer when it was last called ahead."""
    removed_at: Mapped[datetime.datetime | None]

    unit: Mapped[Unit] = relationship()

    @property
    def is_multicast(self) -> bool:
        """Whether it is an RTP multicast group."""
        return bool(self.multicast)

    @property
    def is_asked(self) -> bool:
        """Whether it is asked regularly if it is still there."""
        return super().is_asked if self.qualify is None else self.qualify

    @property
    def counts_as_reachable(self) -> bool:
        """Whether it is expected to play: a multicast group cannot report whether anybody receives it."""
        return self.reachable or self.is_multicast


class FormerSpeakerUnit(Base):
    """The unit and commune of a speaker until a change of the tree: reports count what it played till then there.

    An empty `since` is the beginning.
    """

    __tablename__ = "former_speaker_units"

    id: Mapped[int] = mapped_column(primary_key=True)
    speaker_id: Mapped[int] = mapped_column(sa.ForeignKey("speakers.id", ondelete="CASCADE"), index=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    commune_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    since: Mapped[datetime.datetime | None]
    until: Mapped[datetime.datetime]


class Reachability(Base):
    """A period in which a speaker was, or was not, reachable; open while `until` is empty."""

    __tablename__ = "reachability"

    id: Mapped[int] = mapped_column(primary_key=True)
    speaker_id: Mapped[int] = mapped_column(sa.ForeignKey("speakers.id", ondelete="CASCADE"), index=True)
    reachable: Mapped[bool]
    since: Mapped[datetime.datetime]
    until: Mapped[datetime.datetime | None]
    why: Mapped[str] = mapped_column(sa.String(80), default="")

    speaker: Mapped[Speaker] = relationship()


class Zone(Base):
    """A paging group: single speakers, and all speakers of some units with the units below them.

    `quiet_hours` replaces the station's for its speakers when it is not None; empty means none. Until `silenced_until`
    its speakers play only emergencies, as `silenced_by` requested.
    """

    __tablename__ = "zones"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(12), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    quiet_hours: Mapped[str | None] = mapped_column(sa.String(11))
    silenced_until: Mapped[datetime.datetime | None]
    silenced_by: Mapped[str | None] = mapped_column(sa.String(200))
    removed_at: Mapped[datetime.datetime | None]

    units: Mapped[list[Unit]] = relationship(secondary=zone_units, order_by=Unit.id)
    speakers: Mapped[list[Speaker]] = relationship(secondary=zone_speakers, order_by=Speaker.id)
    officials: Mapped[list[Official]] = relationship(
        secondary=official_zones, order_by=Official.id, backref=backref("zones", order_by="Zone.id")
    )


def _search_text(context: Any) -> str:
    row = context.get_current_parameters()
    return folded(f"{row.get('title') or ''} {row.get('zone_names') or ''}")


class Broadcast(Base):
    """One airing of a live voice (of the official `official_id`) or of a recorded sound.

    A recorded one names its zones and single speakers; they are resolved when it begins. `again_of_id` marks one that
    brings an earlier broadcast to speakers that missed it.
    """

    __tablename__ = "broadcasts"
    __table_args__ = (
        sa.CheckConstraint(sa.column("state").in_([str(s) for s in BROADCAST.states]), name="state"),
        sa.CheckConstraint(sa.column("priority").in_([str(p) for p in Priority]), name="priority"),
        sa.CheckConstraint(sa.column("kind").in_([str(k) for k in Kind]), name="kind"),
        sa.CheckConstraint(sa.column("after_cut").in_([str(rule) for rule in AfterCut]), name="after_cut"),
        sa.Index("ix_broadcasts_filed_at", sa.text("coalesce(on_air_at, due_at, created_at)")),
        sa.Index("ix_broadcasts_worth_hearing_until", "worth_hearing_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(12), default=Kind.LIVE)
    title: Mapped[str] = mapped_column(sa.String(300), default="")
    asked_by: Mapped[str] = mapped_column(sa.String(200), default="")
    official_id: Mapped[int | None] = mapped_column(sa.ForeignKey("officials.id"), index=True)
    zone_names: Mapped[str] = mapped_column(sa.Text)
    zone_codes: Mapped[list[str]] = mapped_column(default=list)
    speaker_codes: Mapped[list[str]] = mapped_column(default=list)
    priority: Mapped[str] = mapped_column(sa.String(12), default=Priority.NORMAL)
    state: Mapped[str] = mapped_column(sa.String(12), default=BroadcastState.PLANNED, index=True)
    reason: Mapped[str | None] = mapped_column(sa.String(40))
    node: Mapped[str] = mapped_column(sa.String(60), default="")
    """The switchboard that runs it."""
    created_at: Mapped[datetime.datetime] = mapped_column(index=True)
    due_at: Mapped[datetime.datetime | None] = mapped_column(index=True)
    on_air_at: Mapped[datetime.datetime | None]
    live_at: Mapped[datetime.datetime | None]
    """When the chime ended and the voice or the recording began."""
    ended_at: Mapped[datetime.datetime | None]
    stop_asked_at: Mapped[datetime.datetime | None]
    recording_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"))
    siren: Mapped[bool] = mapped_column(default=False)
    times: Mapped[int] = mapped_column(default=1)
    """How often the sounds are played; 0 means until stopped."""
    pause_seconds: Mapped[float] = mapped_column(default=0.0)
    after_cut: Mapped[str] = mapped_column(sa.String(8), default=AfterCut.AGAIN)
    worth_hearing_until: Mapped[datetime.datetime | None]
    again_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("broadcasts.id"), index=True)
    offset_seconds: Mapped[float] = mapped_column(default=0.0)
    synthetic: Mapped[str] = mapped_column(sa.String(4), default=Synthetic.NONE)
    """How much of it a synthetic voice speaks."""
    search_text: Mapped[str] = mapped_column(sa.Text, default=_search_text)
    """The folded text of title and zones."""
    starts_at: Mapped[datetime.datetime | None]
    """When all nodes begin it together, by the database's clock; None unless several play it (`sharing`)."""

    official: Mapped[Official | None] = relationship()
    recording: Mapped[Media | None] = relationship()
    sounds: Mapped[list["BroadcastSound"]] = relationship(
        cascade="all, delete-orphan", order_by="BroadcastSound.position"
    )
    deliveries: Mapped[list["Delivery"]] = relationship(back_populates="broadcast", order_by="Delivery.id")

    @property
    def precedence(self) -> int:
        """The rank by which it takes speakers: see `states.precedence`."""
        return precedence(Kind(self.kind), Priority(self.priority))

    @property
    def on_air_name(self) -> str:
        """The name of the official or the title, for others who want the speakers."""
        return self.official.name if self.official else self.title


class BroadcastPart(Base):
    """What one node plays of a broadcast that several nodes share (`sharing`); the times are the database's."""

    __tablename__ = "broadcast_parts"

    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id", ondelete="CASCADE"), primary_key=True)
    node: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    begun_at: Mapped[datetime.datetime | None]
    ended_at: Mapped[datetime.datetime | None]


class BroadcastSound(Base):
    """One of the sounds of a recorded broadcast, which are played in order; a text read aloud has no programme."""

    __tablename__ = "broadcast_sounds"

    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    media_id: Mapped[int] = mapped_column(sa.ForeignKey("media.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programmes.id"), index=True)

    media: Mapped[Media] = relationship()
    programme: Mapped[Programme | None] = relationship()


class SpokenRest(Base):
    """The rest of a long text that is still to be spoken; the broadcast plays its beginning meanwhile.

    `parts` are the texts of the sounds that follow those the broadcast has; the row is deleted with the last one.
    """

    __tablename__ = "spoken_rests"

    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(sa.String(8))
    parts: Mapped[list[str]] = mapped_column()


class Delivery(Base):
    """One broadcast at one speaker: the proof of what was played there.

    While a delivery is `active` its speaker belongs to its broadcast; a unique index enforces this.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.UniqueConstraint("broadcast_id", "speaker_id"),
        sa.CheckConstraint(sa.column("state").in_([str(s) for s in DELIVERY.states]), name="state"),
        sa.Index(
            "uq_deliveries_active_speaker",
            "speaker_id",
            unique=True,
            sqlite_where=sa.text("active"),
            postgresql_where=sa.text("active"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id"), index=True)
    speaker_id: Mapped[int] = mapped_column(sa.ForeignKey("speakers.id"), index=True)
    state: Mapped[str] = mapped_column(sa.String(12), default=DeliveryState.PENDING)
    active: Mapped[bool] = mapped_column(default=True)
    reason: Mapped[str | None] = mapped_column(sa.String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    first_audio_at: Mapped[datetime.datetime | None]
    ended_at: Mapped[datetime.datetime | None]
    seconds: Mapped[float] = mapped_column(default=0.0)
    packets_sent: Mapped[int] = mapped_column(default=0)
    packets_lost: Mapped[int | None]
    """As the speaker reported (RTCP); None when it has never reported, also in `jitter_ms`."""
    jitter_ms: Mapped[float | None]
    resume_at_seconds: Mapped[float] = mapped_column(default=0.0)
    """The position in the sound when a more urgent broadcast took the speaker."""
    tries_again: Mapped[int] = mapped_column(default=0)
    try_again_at: Mapped[datetime.datetime | None]
    called_off: Mapped[str | None] = mapped_column(sa.String(40))
    """Why a broadcast that this speaker missed is not played here later."""
    node: Mapped[str] = mapped_column(sa.String(60), default="")
    """The node that serves the speaker, in a broadcast that several nodes share."""

    broadcast: Mapped[Broadcast] = relationship(back_populates="deliveries")
    speaker: Mapped[Speaker] = relationship()

    @property
    def loss(self) -> float | None:
        """The share of RTP packets that the speaker reported lost (RFC 3550 §6.4.1), 0 to 1.

        None without a report, and of a speaker to which no sound was sent.
        """
        if self.first_audio_at is None or self.packets_lost is None or not self.packets_sent:
            return None
        return min(self.packets_lost / self.packets_sent, 1.0)

    @property
    def heard(self) -> bool | None:
        """Whether the speaker heard it: None while that is open, and if it has never reported that sound arrived."""
        if self.state == DeliveryState.PLAYED:
            return None if self.packets_lost is None else True
        if self.state == DeliveryState.CAUGHT_UP:
            return True
        return False if self.state in (DeliveryState.MISSED, DeliveryState.FAILED, DeliveryState.PRE_EMPTED) else None


class CallBack(Base):
    """A pending call to an official at the registered number, to go live, sign in or choose a new PIN."""

    __tablename__ = "call_backs"
    __table_args__ = (sa.CheckConstraint(sa.column("state").in_(["owed", "calling", "done", "expired"]), name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    official_id: Mapped[int] = mapped_column(sa.ForeignKey("officials.id"))
    zone_keys: Mapped[str] = mapped_column(sa.String(12))
    priority: Mapped[str] = mapped_column(sa.String(12), default=Priority.NORMAL)
    flow: Mapped[str] = mapped_column(sa.String(60))
    signs_in: Mapped[bool] = mapped_column(default=False)
    """The flow runs from its start, and the official keys in the PIN on this call."""
    state: Mapped[str] = mapped_column(sa.String(12), default="owed", index=True)
    outcome: Mapped[str] = mapped_column(sa.String(200), default="")
    due_at: Mapped[datetime.datetime]
    expires_at: Mapped[datetime.datetime]

    official: Mapped[Official] = relationship()
