"""The formal track: its clock of five working days, the alarm before it ends, and erasure of who submitted the case."""

import datetime
from pathlib import Path

import sqlalchemy as sa

from feedback.cases import formal_track, merging
from feedback.cases.formal_track import Applicant
from feedback.cases.statutory_deadlines import alarm_soon_due
from feedback.citizens import privacy
from feedback.citizens.registry import open_citizens
from feedback.models import FormalCase
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.database import Database, now
from haichieu.media import MediaStore
from tests.builders.cases import case, office

BY = "account:truc@example.vn"
GIVEN = Applicant("Bế Thị Lan", "Xóm Nà Ca, xã Cô Ba", "0912.345.678", "Cầu treo hỏng ván.", "1022")
FRIDAY = datetime.datetime(2026, 8, 28, 3, tzinfo=datetime.UTC)
"""Before the national holidays of 1 and 2 September 2026; the Monday before them is off, too."""


def test_five_working_days_skip_weekend_and_holidays(database: Database, tmp_path: Path) -> None:
    with database.session() as session:
        one = case(session, office(session))
        entry = formal_track.make_formal(session, open_citizens(tmp_path), one, GIVEN, ["1022"], BY, FRIDAY)
        assert entry.forward_due_at == datetime.datetime(2026, 9, 9, 10, tzinfo=datetime.UTC)


def test_late_forwarding_is_alarmed_and_forwarding_ends_it(database: Database, tmp_path: Path) -> None:
    with database.session() as session:
        one = case(session, office(session))
        entry = formal_track.make_formal(session, open_citizens(tmp_path), one, GIVEN, ["1022"], BY, FRIDAY)
        assert alarm_soon_due(session, FRIDAY) == 0
        assert alarm_soon_due(session, entry.forward_due_at) == 1
        assert [one.kind for one in open_alarms(session)] == [AlarmKind.FORWARDING_DUE]
        formal_track.forward(session, one, "Sở Xây dựng", BY, now())
        assert open_alarms(session) == []


def test_erasure_empties_who_submitted_the_case_and_keeps_its_dates(database: Database, tmp_path: Path) -> None:
    book, store = open_citizens(tmp_path), MediaStore(tmp_path / "media", 1)
    with database.session() as session:
        one = case(session, office(session))
        formal_track.make_formal(session, book, one, GIVEN, ["1022"], BY, FRIDAY)
        merging.close(session, one, BY, now())
        privacy.empty_cases(session, store, [one], now())
    with database.session() as session:
        entry = session.scalars(sa.select(FormalCase)).one()
        assert (entry.name_locked, entry.address_locked, entry.phone_locked, entry.content) == ("", "", "", "")
        assert entry.made_formal_at == FRIDAY
