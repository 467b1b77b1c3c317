"""Opinions of citizens about answers by call."""

import datetime

import sqlalchemy as sa

from feedback.answers import replies
from feedback.answers.satisfaction import Satisfaction, rate, satisfaction
from feedback.models import Case, Reply
from feedback.states import Way
from haichieu.database import Database, now
from tests.builders.cases import case, office

DAY = datetime.timedelta(days=1)


def test_opinions_are_counted_by_unit_and_time(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        numbers = []
        for _ in range(3):
            one = case(session, there)
            one.citizen = None
            given = replies.Answer("test", [Way.AIR], "Đã sửa")
            numbers.append(replies.answer(session, one, given, now()).replies[0].id)
        rate(session, numbers[:2], satisfied=True)
        rate(session, numbers[2:], satisfied=False)
        rate(session, [999], satisfied=True)
        unit = session.scalars(sa.select(Case.unit_id).limit(1)).one()
        assert satisfaction(session, [unit], now() - DAY, now() + DAY) == [Satisfaction(unit, 2, 1)]
        assert satisfaction(session, [unit], now() + DAY, now() + 2 * DAY) == []
        assert satisfaction(session, [unit + 99], now() - DAY, now() + DAY) == []
        assert [one.satisfied for one in session.scalars(sa.select(Reply).order_by(Reply.id))] == [True, True, False]
