"""Tables of the schedule: schedules with their playlists, and their occurrences."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from broadcast_bridge.broadcasts.states import AfterCut, Priority
from broadcast_bridge.models import Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.states import OCCURRENCE, Days, OccurrenceState, What
from haichieu.database import Base
from haichieu.people import Official

schedule_zones = sa.Table(
    "schedule_zones",
    Base.metadata,
    sa.Column("schedule_id", sa.ForeignKey("schedules.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("zone_id", sa.ForeignKey("zones.id"), primary_key=True),
)


class ScheduleItem(Base):
    """One programme of the playlist of a schedule; a programme may appear several times."""

    __tablename__ = "schedule_items"

    schedule_id: Mapped[int] = mapped_column(sa.ForeignKey("schedules.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programmes.id"), index=True)

    programme: Mapped[Programme] = relationship()


class Schedule(Base):
    """When and where a programme, a playlist or a live call to an official is due.

    With `newest` it is the newest approved programme of a `category` of the unit, as `contents` finds it. `items` is
    the playlist, in order.

    `starts` is local wall time in `timezone` (an IANA name), and so are `exdates` and `rdates` (ISO 8601; an exdate
    without a time excludes the whole day). `rrule` (RFC 5545) or `lunar` (see `schedule.lunar`) makes it recur; with
    neither it is due once. `valid_from` and `valid_until` are local days, both inclusive. `lead_seconds` is how long
    before the due time work on it begins: a live call is placed ahead of time. `materialised_until` is the end of the
    window for which its occurrences exist; `removed_at` marks a removed one that the log still refers to.
    """

    __tablename__ = "schedules"
    __table_args__ = (
        sa.CheckConstraint(sa.column("what").in_([str(what) for what in What]), name="what"),
        sa.CheckConstraint(sa.column("priority").in_([str(priority) for priority in Priority]), name="priority"),
        sa.CheckConstraint(sa.column("days").in_([str(days) for days in Days]), name="days"),
        sa.CheckConstraint(sa.column("after_cut").in_([str(rule) for rule in AfterCut]), name="after_cut"),
        sa.CheckConstraint("what <> 'programme' OR programme_id IS NOT NULL", name="has_programme"),
        sa.CheckConstraint("what <> 'newest' OR category <> ''", name="has_category"),
        sa.CheckConstraint("what <> 'live' OR official_id IS NOT NULL", name="has_official"),
        sa.CheckConstraint("rrule = '' OR lunar = ''", name="one_recurrence"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(sa.String(255), unique=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    what: Mapped[str] = mapped_column(sa.String(12))
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programmes.id"), index=True)
    category: Mapped[str] = mapped_column(sa.String(80), default="")
    official_id: Mapped[int | None] = mapped_column(sa.ForeignKey("officials.id"), index=True)
    second_official_id: Mapped[int | None] = mapped_column(sa.ForeignKey("officials.id"))
    fallback_programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programmes.id"))
    priority: Mapped[str] = mapped_column(sa.String(12), default=Priority.NORMAL)
    starts: Mapped[datetime.datetime] = mapped_column(sa.DateTime())
    timezone: Mapped[str] = mapped_column(sa.String(60))
    rrule: Mapped[str] = mapped_column(sa.String(500), default="")
    lunar: Mapped[str] = mapped_column(sa.String(120), default="")
    exdates: Mapped[list[str]] = mapped_column(default=list)
    rdates: Mapped[list[str]] = mapped_column(default=list)
    valid_from: Mapped[datetime.date | None]
    valid_until: Mapped[datetime.date | None]
    days: Mapped[str] = mapped_column(sa.String(20), default=Days.ANY)
    expected_seconds: Mapped[float | None]
    lead_seconds: Mapped[int] = mapped_column(default=0)
    after_cut: Mapped[str] = mapped_column(sa.String(12), default=AfterCut.RESUME)
    catch_up_minutes: Mapped[int] = mapped_column(default=0)
    enabled: Mapped[bool] = mapped_column(default=True)
    author: Mapped[str] = mapped_column(sa.String(200))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime.datetime]
    updated_at: Mapped[datetime.datetime]
    materialised_until: Mapped[datetime.datetime | None]
    removed_at: Mapped[datetime.datetime | None]

    # Of two concurrent changes of one schedule the second fails, with StaleDataError at the latest.
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    zones: Mapped[list[Zone]] = relationship(secondary=schedule_zones, order_by=Zone.code)
    programme: Mapped[Programme | None] = relationship(foreign_keys=[programme_id])
    items: Mapped[list[ScheduleItem]] = relationship(cascade="all, delete-orphan", order_by=ScheduleItem.position)
    official: Mapped[Official | None] = relationship(foreign_keys=[official_id])
    second_official: Mapped[Official | None] = relationship(foreign_keys=[second_official_id])
    fallback_programme: Mapped[Programme | None] = relationship(foreign_keys=[fallback_programme_id])


class Occurrence(Base):
    """One dated instance of a schedule, turned into at most one broadcast.

    `prepare_at` is when work on it begins, `local_date` its day at the station. A claim is valid until
    `lease_until`; after that another process may take it, unless it already has a broadcast.
    """

    __tablename__ = "occurrences"
    __table_args__ = (
        sa.UniqueConstraint("schedule_id", "due_at"),
        sa.CheckConstraint(sa.column("state").in_([str(state) for state in OCCURRENCE.states]), name="state"),
        sa.Index("ix_occurrences_state_prepare_at", "state", "prepare_at"),
        sa.Index(
            "uq_occurrences_broadcast_id",
            "broadcast_id",
            unique=True,
            sqlite_where=sa.text("broadcast_id IS NOT NULL"),
            postgresql_where=sa.text("broadcast_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(sa.ForeignKey("schedules.id", ondelete="CASCADE"))
    due_at: Mapped[datetime.datetime] = mapped_column(index=True)
    prepare_at: Mapped[datetime.datetime]
    local_date: Mapped[datetime.date]
    state: Mapped[str] = mapped_column(sa.String(12), default=OccurrenceState.PLANNED)
    reason: Mapped[str | None] = mapped_column(sa.String(40))
    claimed_by: Mapped[str | None] = mapped_column(sa.String(120))
    lease_until: Mapped[datetime.datetime | None]
    broadcast_id: Mapped[int | None] = mapped_column(sa.ForeignKey("broadcasts.id"))
    settled_at: Mapped[datetime.datetime | None]

    schedule: Mapped[Schedule] = relationship()
