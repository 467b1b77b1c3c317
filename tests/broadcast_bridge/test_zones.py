import pytest

from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.speakers.zones import UnknownZone, ZoneNotAllowed, find_zone, reach_of, speakers_in
from haichieu.database import Database, now
from tests.builders.accounts import official
from tests.builders.places import commune


def test_a_zone_over_a_unit_contains_the_speakers_of_its_sub_units(database: Database) -> None:
    with database.session() as session:
        place = commune(session, speakers=2, reachable=1)
        session.add(Zone(code="99", name="Toàn huyện", units=[place.district], officials=[place.official]))
        session.flush()
        choice = find_zone(session, place.official, "99")
        assert [speaker.code for speaker in choice.speakers] == ["s11-0", "s11-1"]
        assert (choice.reachable, choice.total) == (1, 2)


def test_a_speaker_named_and_in_a_unit_counts_once(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        place.zone.speakers = [place.speakers[0]]
        session.flush()
        assert find_zone(session, place.official, "11").total == 2


def test_the_reach_of_many_zones_is_what_is_said_of_each(database: Database) -> None:
    with database.session() as session:
        place, other = commune(session), commune(session, code="12")
        district = Zone(code="99", name="Toàn huyện", units=[place.district])
        mixed = Zone(code="13", name="Khu 13", units=[place.commune], speakers=[*other.speakers, place.speakers[0]])
        session.add_all([district, mixed, Zone(code="14", name="Không loa")])
        other.speakers[0].removed_at = now()
        session.flush()
        zones = session.query(Zone).all()
        found = reach_of(session, [zone.id for zone in zones])
        assert {zone.code: [one.code for one in found[zone.id].speakers] for zone in zones} == {
            zone.code: [one.code for one in speakers_in(session, [zone.id])] for zone in zones
        }
        assert found[mixed.id].units == {place.commune.id}


def test_star_means_all_my_zones_and_no_others(database: Database) -> None:
    with database.session() as session:
        place, other = commune(session), commune(session, code="12")
        session.add(Zone(code="13", name="Khu 13", speakers=other.speakers[:1], officials=[place.official]))
        session.flush()
        choice = find_zone(session, place.official, "*")
        assert choice.name == "Khu 11, Khu 13"
        assert [speaker.code for speaker in choice.speakers] == ["s11-0", "s11-1", "s12-0"]


def test_a_multicast_group_counts_as_reachable(database: Database) -> None:
    with database.session() as session:
        place = commune(session, reachable=0)
        session.add(Speaker(code="group", name="Nhóm", unit_id=place.commune.id, multicast="239.1.2.3:5004"))
        session.flush()
        assert find_zone(session, place.official, "11").reachable == 1


@pytest.mark.parametrize("keys", ["77", "", "11 OR 1=1", "9" * 20])
def test_a_code_that_is_no_zone_is_unknown(database: Database, keys: str) -> None:
    with database.session() as session, pytest.raises(UnknownZone):
        find_zone(session, commune(session).official, keys)


def test_a_zone_of_another_official_is_not_allowed(database: Database) -> None:
    with database.session() as session:
        place, other = commune(session), commune(session, code="12")
        with pytest.raises(ZoneNotAllowed):
            find_zone(session, place.official, other.zone.code)
        nobody = official(session, place.commune, "3003", "+84912000077")
        with pytest.raises(ZoneNotAllowed):
            find_zone(session, nobody, "*")


def test_what_was_taken_out_of_use_is_gone(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        place.speakers[0].removed_at = now()
        session.flush()
        assert find_zone(session, place.official, "11").total == 1
        place.zone.removed_at = now()
        session.flush()
        with pytest.raises(UnknownZone):
            find_zone(session, place.official, "11")
