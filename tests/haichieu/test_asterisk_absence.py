"""The alarm about an Asterisk that stays away: raised once, not for a restart, and over when it is back."""

import datetime

from haichieu.alarms import AlarmKind, open_alarms
from haichieu.database import Database, now
from haichieu.locale import render
from haichieu.processes.asterisk_absence import AWAY, AsteriskAbsence

SECOND = datetime.timedelta(seconds=1)


def test_asterisk_that_stays_away_raises_one_alarm_until_it_is_back(database: Database) -> None:
    absence, at = AsteriskAbsence("main"), now()
    with database.session() as session:
        for later in (0 * SECOND, AWAY - SECOND):
            absence.note(session, at + later, connected=False)
        assert open_alarms(session) == []
        for later in (AWAY, 2 * AWAY):
            absence.note(session, at + later, connected=False)
        (alarm,) = open_alarms(session)
        assert (alarm.kind, alarm.subject) == (AlarmKind.ASTERISK_DOWN, "main")
        assert "tổng đài" in render(alarm.text, "vi").lower()
        absence.note(session, at + 3 * AWAY, connected=True)
        assert open_alarms(session) == []
        absence.note(session, at + 4 * AWAY, connected=False)
        assert open_alarms(session) == []


def test_alarm_of_an_earlier_switchboard_is_over_on_connecting(database: Database) -> None:
    absence, at = AsteriskAbsence("main"), now()
    with database.session() as session:
        absence.note(session, at, connected=False)
        absence.note(session, at + AWAY, connected=False)
        AsteriskAbsence("main").note(session, at + 2 * AWAY, connected=True)
        assert open_alarms(session) == []
