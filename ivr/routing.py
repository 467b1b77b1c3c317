"""Which dialled number leads to which call flow."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from haichieu.database import Base
from haichieu.people import Unit


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
