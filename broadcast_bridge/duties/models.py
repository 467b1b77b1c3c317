"""Tables of publication duties."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from broadcast_bridge.duties.duty_rules import DutyRule, duty_rules
from broadcast_bridge.duties.states import DutyState
from broadcast_bridge.models import Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.models import Schedule
from haichieu.database import Base
from haichieu.people import Unit

duty_zones = sa.Table(
    "duty_zones",
    Base.metadata,
    sa.Column("duty_id", sa.ForeignKey("duties.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("zone_id", sa.ForeignKey("zones.id", ondelete="CASCADE"), primary_key=True),
)

duty_schedules = sa.Table(
    "duty_schedules",
    Base.metadata,
    sa.Column("duty_id", sa.ForeignKey("duties.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("schedule_id", sa.ForeignKey("schedules.id", ondelete="CASCADE"), primary_key=True),
)


class Duty(Base):
    """Something that the law requires to be announced in the villages of some zones.

    `decision` names the decision or order. `event_on` is the day of the meeting or ballot, or the last day of repeats.
    Runs begin at `run_time`, local time. `noticed` identifies the last problem for which an alarm was raised.
    """

    __tablename__ = "duties"
    __table_args__ = (sa.CheckConstraint(sa.column("state").in_([str(state) for state in DutyState]), name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    rule: Mapped[str] = mapped_column(sa.String(40))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    decision: Mapped[str] = mapped_column(sa.String(200), default="")
    decided_on: Mapped[datetime.date]
    event_on: Mapped[datetime.date | None]
    deadline: Mapped[datetime.date] = mapped_column(index=True)
    run_time: Mapped[str] = mapped_column(sa.String(5))
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programmes.id"), index=True)
    earlier_programmes: Mapped[list[str]] = mapped_column(default=list)
    """The ids of the programmes that it had before; what was heard of them counts."""
    state: Mapped[str] = mapped_column(sa.String(12), default=DutyState.OPEN, index=True)
    cancelled_because: Mapped[str] = mapped_column(sa.String(300), default="")
    noticed: Mapped[str] = mapped_column(sa.String(80), default="")
    overdue_alarm: Mapped[bool] = mapped_column(default=False)
    """Whether the alarm that it is overdue was raised."""
    author: Mapped[str] = mapped_column(sa.String(200))
    created_at: Mapped[datetime.datetime]
    settled_at: Mapped[datetime.datetime | None]

    unit: Mapped[Unit] = relationship()
    programme: Mapped[Programme | None] = relationship()
    zones: Mapped[list[Zone]] = relationship(secondary=duty_zones, order_by=Zone.code)
    schedules: Mapped[list[Schedule]] = relationship(secondary=duty_schedules, order_by=Schedule.id)
    villages: Mapped[list["DutyVillage"]] = relationship(
        cascade="all, delete-orphan", back_populates="duty", order_by="DutyVillage.name, DutyVillage.id"
    )

    @property
    def law(self) -> DutyRule:
        """Its rule."""
        return duty_rules()[self.rule]

    @property
    def programmes(self) -> list[int]:
        """The ids of all its programmes, past and present."""
        present = [] if self.programme_id is None else [self.programme_id]
        return [*map(int, self.earlier_programmes), *present]

    @property
    def wall_time(self) -> datetime.time:
        """The local time at which its runs begin."""
        return datetime.time.fromisoformat(self.run_time)


class DutyVillage(Base):
    """A village in which a duty is to be heard, with what was heard so far.

    `heard` are the local days, of repeats the starts of their hours (ISO 8601). `name` is that of the village at the
    last look, so that it stays when villages are merged or renamed later.
    """

    __tablename__ = "duty_villages"
    __table_args__ = (sa.CheckConstraint(sa.column("state").in_([str(state) for state in DutyState]), name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    duty_id: Mapped[int] = mapped_column(sa.ForeignKey("duties.id", ondelete="CASCADE"), index=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(400))
    state: Mapped[str] = mapped_column(sa.String(12), default=DutyState.OPEN)
    heard: Mapped[list[str]] = mapped_column(default=list)
    met_on: Mapped[datetime.date | None]

    duty: Mapped[Duty] = relationship(back_populates="villages")
