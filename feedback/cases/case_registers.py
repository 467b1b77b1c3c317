"""The registers of casework: formal cases with the columns of Decree 20/2008, informal cases, data requests."""

import datetime
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback.citizens.models import DataRequest
from feedback.models import Case, FormalCase


def formal_cases(
    session: Session, units: Collection[int], begin: datetime.datetime, end: datetime.datetime, most: int
) -> Sequence[FormalCase]:
    """Return the formal cases of these units that were received in the period, oldest first, at most `most`."""
    query = sa.select(FormalCase).join(Case, Case.id == FormalCase.case_id).where(*_received(units, begin, end))
    with_names = query.options(joinedload(FormalCase.case).joinedload(Case.unit))
    return session.scalars(with_names.order_by(Case.opened_at, Case.id).limit(most)).all()


def informal_cases(
    session: Session, units: Collection[int], begin: datetime.datetime, end: datetime.datetime, most: int
) -> Sequence[Case]:
    """Return the other cases of these units that were received in the period, oldest first, at most `most`."""
    is_formal = sa.exists().where(FormalCase.case_id == Case.id)
    query = sa.select(Case).where(*_received(units, begin, end), ~is_formal)
    with_names = query.options(joinedload(Case.unit), joinedload(Case.category), joinedload(Case.department))
    return session.scalars(with_names.order_by(Case.opened_at, Case.id).limit(most)).all()


def data_requests(
    session: Session, units: Collection[int], begin: datetime.datetime, end: datetime.datetime, most: int
) -> Sequence[DataRequest]:
    """Return the data requests of these units that were made in the period, oldest first, at most `most`."""
    query = sa.select(DataRequest).where(
        DataRequest.unit_id.in_(units), DataRequest.asked_at >= begin, DataRequest.asked_at < end
    )
    with_names = query.options(joinedload(DataRequest.case), joinedload(DataRequest.unit))
    return session.scalars(with_names.order_by(DataRequest.asked_at, DataRequest.id).limit(most)).all()


def _received(
    units: Collection[int], begin: datetime.datetime, end: datetime.datetime
) -> tuple[sa.ColumnElement[bool], ...]:  # fmt: skip
    return Case.unit_id.in_(units), Case.opened_at >= begin, Case.opened_at < end
