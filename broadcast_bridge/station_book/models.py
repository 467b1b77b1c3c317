"""Tables of the station book. Every row belongs to a unit; amounts are integers of đồng."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from broadcast_bridge.models import Speaker
from haichieu.database import Base
from haichieu.people import Unit


class BookRow:
    """Columns of every table of the book; `search_text` is the folded text of its words, `personal_text` of names."""

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    search_text: Mapped[str] = mapped_column(sa.Text, default="")
    personal_text: Mapped[str] = mapped_column(sa.Text, default="")

    @declared_attr
    def unit(cls) -> Mapped[Unit]:  # noqa: N805
        """The unit that the row belongs to."""
        return relationship(Unit)


class BookStation(BookRow, Base):
    """A commune's station (đài truyền thanh cấp xã)."""

    __tablename__ = "book_stations"

    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    technology: Mapped[str] = mapped_column(sa.String(20))
    condition: Mapped[str] = mapped_column(sa.String(20))
    since_year: Mapped[int | None]
    connected: Mapped[str] = mapped_column(sa.String(20), default="")
    """Whether it is connected to the province's source information system; empty is unknown."""


class BookDevice(BookRow, Base):
    """A device, with its SIM and its warranty; a loudspeaker cluster may be a speaker of the station."""

    __tablename__ = "book_devices"

    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("book_stations.id"), index=True)
    speaker_id: Mapped[int | None] = mapped_column(sa.ForeignKey("speakers.id"), index=True)
    device_kind: Mapped[str] = mapped_column(sa.String(20))
    condition: Mapped[str] = mapped_column(sa.String(20))
    since_year: Mapped[int | None]
    serial: Mapped[str] = mapped_column(sa.String(60), default="")
    imei: Mapped[str] = mapped_column(sa.String(16), default="")
    sim_number: Mapped[str] = mapped_column(sa.String(20), default="")
    sim_carrier: Mapped[str] = mapped_column(sa.String(60), default="")
    sim_owner: Mapped[str] = mapped_column(sa.String(200), default="")
    sim_until: Mapped[datetime.date | None]
    warranty_until: Mapped[datetime.date | None]
    sim_alarm_for: Mapped[datetime.date | None]
    """The `sim_until` for which an alarm was raised, so that an acknowledged alarm stays acknowledged."""
    warranty_alarm_for: Mapped[datetime.date | None]

    station: Mapped[BookStation | None] = relationship()
    speaker: Mapped[Speaker | None] = relationship()


class BookInspection(BookRow, Base):
    """An inspection of a device, or of a unit's station as a whole."""

    __tablename__ = "book_inspections"

    device_id: Mapped[int | None] = mapped_column(sa.ForeignKey("book_devices.id"), index=True)
    inspected_on: Mapped[datetime.date]
    inspector: Mapped[str] = mapped_column(sa.String(200), default="")
    finding: Mapped[str] = mapped_column(sa.String(20))
    next_on: Mapped[datetime.date | None]

    device: Mapped[BookDevice | None] = relationship()


class BookPlan(BookRow, Base):
    """An entry of the yearly plan: a new, upgraded or converted station."""

    __tablename__ = "book_plans"

    year: Mapped[int]
    work: Mapped[str] = mapped_column(sa.String(200))
    plan_kind: Mapped[str] = mapped_column(sa.String(20))
    plan_state: Mapped[str] = mapped_column(sa.String(20))
    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("book_stations.id"), index=True)
    cost: Mapped[int | None] = mapped_column(sa.BigInteger)
    fund: Mapped[str] = mapped_column(sa.String(20), default="")
    done_on: Mapped[datetime.date | None]

    station: Mapped[BookStation | None] = relationship()


class BookNeed(BookRow, Base):
    """A need for training: how many people of a unit should learn what."""

    __tablename__ = "book_needs"

    year: Mapped[int]
    topic: Mapped[str] = mapped_column(sa.String(200))
    audience: Mapped[str] = mapped_column(sa.String(20))
    people: Mapped[int]


class BookCourse(BookRow, Base):
    """A course."""

    __tablename__ = "book_courses"

    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    organiser: Mapped[str] = mapped_column(sa.String(200), default="")
    place: Mapped[str] = mapped_column(sa.String(200), default="")
    starts_on: Mapped[datetime.date]
    ends_on: Mapped[datetime.date | None]


class BookAttendance(BookRow, Base):
    """One person at one course, by name: deleting the row erases the person from the book."""

    __tablename__ = "book_attendance"

    course_id: Mapped[int] = mapped_column(sa.ForeignKey("book_courses.id"), index=True)
    person: Mapped[str] = mapped_column(sa.String(200))
    job_title: Mapped[str] = mapped_column(sa.String(200), default="")
    attended: Mapped[str] = mapped_column(sa.String(20))

    course: Mapped[BookCourse] = relationship()


class BookBudget(BookRow, Base):
    """A budget line of a year: what a source of funds gives for a purpose, against what was spent, in đồng."""

    __tablename__ = "book_budget"

    year: Mapped[int]
    fund: Mapped[str] = mapped_column(sa.String(20))
    programme: Mapped[str] = mapped_column(sa.String(200), default="")
    """The name of the programme, decision or donor."""
    purpose: Mapped[str] = mapped_column(sa.String(20))
    planned: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    allocated: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    spent: Mapped[int] = mapped_column(sa.BigInteger, default=0)
