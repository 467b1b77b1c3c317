from broadcast_bridge.programmes import survey
from haichieu.database import Database, now
from tests.builders.places import commune
from tests.builders.programmes import programme


def test_answers_are_counted_by_programme_and_unit_and_a_voter_once(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        bulletin = programme(session)
        survey.vote(session, bulletin.id, place.commune.id, "voter-1", now(), useful=True)
        survey.vote(session, bulletin.id, place.commune.id, "voter-2", now(), useful=True)
        survey.vote(session, bulletin.id, place.commune.id, "voter-2", now(), useful=False)
        survey.vote(session, bulletin.id, place.district.id, None, now(), useful=True)
        survey.vote(session, bulletin.id, place.district.id, None, now(), useful=True)
    with database.session() as session:
        assert [(tally.unit, tally.useful, tally.not_useful) for tally in survey.tallies(session)] == [
            ("Bảo Lạc", 2, 0),
            ("Cô Ba", 1, 1),
        ]
        assert survey.tallies(session, bulletin.id + 1) == []
