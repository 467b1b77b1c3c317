"""Survey of listeners by keypad: was a programme useful? Counted by programme and unit.

A voter is a keyed hash made for one programme only, so that votes reveal nothing about a caller; a caller who withholds
the number votes anonymously.
"""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from broadcast_bridge.programmes.models import Programme
from haichieu.database import Base
from haichieu.people import Unit
from haichieu.unit_names import unit_names


class SurveyAnswer(Base):
    """One listener's answer about one programme."""

    __tablename__ = "survey_answers"
    __table_args__ = (sa.UniqueConstraint("programme_id", "voter", name="uq_survey_answers_programme_id_voter"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programmes.id", ondelete="CASCADE"))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    """The listener's unit, as far as known."""
    useful: Mapped[bool]
    voter: Mapped[str | None] = mapped_column(sa.String(64))
    at: Mapped[datetime.datetime]


@dataclass(frozen=True)
class Tally:
    """The answers of one unit about one programme. A village is named with its commune."""

    programme_id: int
    title: str
    unit: str
    useful: int
    not_useful: int


def vote(
    session: Session, programme_id: int, unit_id: int, voter: str | None, at: datetime.datetime, *, useful: bool
) -> None:
    """Count an answer, replacing an earlier one of the same voter."""
    earlier = (
        session.scalar(
            sa.select(SurveyAnswer).where(SurveyAnswer.programme_id == programme_id, SurveyAnswer.voter == voter)
        )
        if voter
        else None
    )
    if earlier is not None:
        earlier.useful, earlier.unit_id, earlier.at = useful, unit_id, at
        return
    session.add(SurveyAnswer(programme_id=programme_id, unit_id=unit_id, useful=useful, voter=voter, at=at))


def tallies(
    session: Session,
    programme_id: int | None = None,
    unit_ids: Collection[int] | None = None,
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
) -> Sequence[Tally]:
    """Return the answers by programme and unit, newest programmes first, in some units and between two times."""
    yes = sa.func.sum(sa.case((SurveyAnswer.useful.is_(True), 1), else_=0))
    query = (
        sa.select(Programme.id, Programme.title, Unit.id, yes, sa.func.count() - yes)
        .join(SurveyAnswer, SurveyAnswer.programme_id == Programme.id)
        .join(Unit, Unit.id == SurveyAnswer.unit_id)
        .group_by(Programme.id, Programme.title, Unit.id, Unit.name)
        .order_by(Programme.id.desc(), Unit.name)
    )
    if programme_id is not None:
        query = query.where(Programme.id == programme_id)
    if unit_ids is not None:
        query = query.where(SurveyAnswer.unit_id.in_(unit_ids))
    if since is not None:
        query = query.where(SurveyAnswer.at >= since)
    if until is not None:
        query = query.where(SurveyAnswer.at < until)
    names = unit_names(session)
    return [Tally(number, title, str(names[unit]), *counts) for number, title, unit, *counts in session.execute(query)]
