"""Tables of repairs: one entry per fault of a speaker, and the reports that led to it."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from broadcast_bridge.models import Broadcast, Speaker
from broadcast_bridge.repairs.states import REPAIR, Fault, Origin, Outcome, RepairState
from haichieu.database import Base
from haichieu.media import Media


class Repair(Base):
    """A repair of a speaker; a speaker has at most one that is open, and further reports join it.

    `broken_since` is when the fault began: for an absent speaker the start of its absence. `test_id` is the broadcast
    of the test tone that proves the repair. `cost` is in đồng.
    """

    __tablename__ = "repairs"
    __table_args__ = (
        sa.CheckConstraint(sa.column("state").in_([str(s) for s in REPAIR.states]), name="state"),
        sa.CheckConstraint(sa.column("fault").in_([str(f) for f in Fault]), name="fault"),
        sa.CheckConstraint(sa.column("outcome").in_([str(o) for o in Outcome]), name="outcome"),
        sa.CheckConstraint("cost IS NULL OR cost >= 0", name="cost"),
        sa.Index(
            "uq_repairs_open_speaker",
            "speaker_id",
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index("ix_repairs_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    speaker_id: Mapped[int] = mapped_column(sa.ForeignKey("speakers.id"), index=True)
    fault: Mapped[str] = mapped_column(sa.String(12))
    state: Mapped[str] = mapped_column(sa.String(8), default=REPAIR.initial)
    broken_since: Mapped[datetime.datetime]
    opened_at: Mapped[datetime.datetime]
    closed_at: Mapped[datetime.datetime | None]
    closed_by: Mapped[str] = mapped_column(sa.String(200), default="")
    outcome: Mapped[str] = mapped_column(sa.String(12), default=Outcome.OPEN)
    test_id: Mapped[int | None] = mapped_column(sa.ForeignKey("broadcasts.id"), index=True)
    in_charge: Mapped[str] = mapped_column(sa.String(200), default="")
    """The official or workshop that repairs it, as a user wrote it."""
    work: Mapped[str] = mapped_column(sa.Text, default="")
    """What was done."""
    parts: Mapped[str] = mapped_column(sa.Text, default="")
    """Spare parts that were used."""
    cost: Mapped[int | None] = mapped_column(sa.BigInteger)
    days_lost_stated: Mapped[float | None]
    """Days without sound as a person stated them; None leaves them to `broadcast_bridge.repairs.days_lost`."""

    speaker: Mapped[Speaker] = relationship()
    test: Mapped[Broadcast | None] = relationship()
    reports: Mapped[list["FaultReport"]] = relationship(
        back_populates="repair", cascade="all, delete-orphan", order_by="FaultReport.id"
    )

    @property
    def is_open(self) -> bool:
        return self.state == RepairState.OPEN

    @property
    def is_untouched(self) -> bool:
        """Whether supervision alone knows of it, and nobody has written anything."""
        texts = self.in_charge or self.work or self.parts
        nothing_written = not texts and self.cost is None and self.days_lost_stated is None
        return nothing_written and all(one.origin == Origin.SUPERVISION for one in self.reports)


class FaultReport(Base):
    """One report of a fault. `reported_by` is an account or official; of a citizen no number is stored."""

    __tablename__ = "fault_reports"
    __table_args__ = (
        sa.CheckConstraint(sa.column("fault").in_([str(f) for f in Fault]), name="fault"),
        sa.CheckConstraint(sa.column("origin").in_([str(o) for o in Origin]), name="origin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    repair_id: Mapped[int] = mapped_column(sa.ForeignKey("repairs.id", ondelete="CASCADE"), index=True)
    fault: Mapped[str] = mapped_column(sa.String(12))
    origin: Mapped[str] = mapped_column(sa.String(12))
    reported_by: Mapped[str] = mapped_column(sa.String(200), default="")
    at: Mapped[datetime.datetime]
    text: Mapped[str] = mapped_column(sa.Text, default="")
    sound_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"), index=True)

    repair: Mapped[Repair] = relationship(back_populates="reports")
    sound: Mapped[Media | None] = relationship()
