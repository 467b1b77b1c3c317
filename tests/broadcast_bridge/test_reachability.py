import datetime

from admin.speakers.queries import Standing, standing
from broadcast_bridge.speakers.reachability import history, note_all
from haichieu.database import Database
from tests.builders.places import commune

NOW = datetime.datetime(2026, 11, 24, 5, 30, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(minutes=5)


def test_only_a_change_is_news_and_the_history_has_no_gap(database: Database) -> None:
    with database.session() as session:
        place = commune(session, reachable=0)
        speaker = place.speakers[0]
        assert note_all(session, {speaker.code}, "registered", NOW) == [speaker.code]
        assert note_all(session, {speaker.code}, "registered", LATER) == []
        assert note_all(session, set(), "qualify", LATER) == [speaker.code]
        session.flush()
        now_away, was_here = history(session, speaker)
        assert (was_here.reachable, was_here.since, was_here.until) == (True, NOW, LATER)
        assert (now_away.reachable, now_away.since, now_away.until, now_away.why) == (False, LATER, None, "qualify")
        assert (speaker.reachable, speaker.reachable_since) == (False, LATER)


def test_new_speaker_has_never_been_seen_until_it_registers(database: Database) -> None:
    with database.session() as session:
        speaker = commune(session, reachable=0).speakers[0]
        assert note_all(session, set(), "accounts changed", NOW) == []
        assert standing(speaker) is Standing.NEVER_SEEN
        note_all(session, {speaker.code}, "registration or qualify", LATER)
        note_all(session, set(), "registration or qualify", LATER)
        assert standing(speaker) is Standing.AWAY
