"""Which dialled number leads to which call flow."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from haichieu.database import Base
from haichieu.people import Unit
from haichieu.phone_numbers import normalise


class Number(Base):
    """A number that people dial, as the trunk or a local phone presents it."""

    __tablename__ = "numbers"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    flow: Mapped[str] = mapped_column(sa.String(60))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    language: Mapped[str] = mapped_column(sa.String(8), default="")
    missed_call_back: Mapped[bool] = mapped_column(default=False)
    """Whether somebody who rings and hangs up before the answer is called back, so that it costs them nothing."""
    duty_phone: Mapped[str] = mapped_column(sa.String(32), default="")
    """Where `transfer` leads; empty for nowhere."""
    duty_hours: Mapped[str] = mapped_column(sa.String(11), default="")
    """`"07:30-17:00"` on working days; empty for always."""

    unit: Mapped[Unit] = relationship()


@dataclass(frozen=True)
class Dialled:
    """What a call needs to know of the number that was dialled; an empty `language` leaves the choice to the caller."""

    number: str
    unit_id: int
    language: str
    duty_phone: str
    duty_hours: str


def as_dialled(number: Number) -> Dialled:
    """Take a number as a call sees it."""
    return Dialled(number.number, number.unit_id, number.language, number.duty_phone, number.duty_hours)


def route(session: Session, dialled: str) -> Number | None:
    """Return the number that was dialled, or None when nobody lives there."""
    return session.scalar(sa.select(Number).where(Number.number == dialled))


def unit_texted(session: Session, number: str) -> int | None:
    """Return the unit (its id) that a number texted belongs to, in whichever spelling; None when it is not ours."""
    wanted = normalise(number)
    for found in session.scalars(sa.select(Number).order_by(Number.id)):
        if number == found.number or (wanted is not None and wanted == normalise(found.number)):
            return found.unit_id
    return None


def unit_of_texts(session: Session) -> int | None:
    """The unit that texts to the station go to when their number says nothing: the hotline's, else the highest one."""
    hotline = sa.select(Number.unit_id).where(Number.flow == "hotline").order_by(Number.id).limit(1)
    highest = sa.select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)
    return session.scalar(hotline) or session.scalar(highest)


def number_of_texts(session: Session) -> str:
    """The number that the station's own texts come from, and that an answer to them reaches: the first hotline's."""
    first = sa.select(Number.number).order_by(Number.flow != "hotline", Number.id).limit(1)
    return session.scalar(first) or "haichieu"
