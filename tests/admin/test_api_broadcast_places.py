"""Zones of broadcasts in the API, and requests for times at which nobody would hear them."""

import datetime

import pytest
from flask.testing import FlaskClient

from broadcast_bridge.broadcasts.starting import plan_live
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast, Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.speakers.zones import find_zone
from haichieu.database import now
from haichieu.people import Official, Right
from haichieu.station import the_station
from tests.builders.broadcasts import aired
from tests.builders.house import House
from tests.builders.programmes import ready

Header = dict[str, str]
ROUTE = "/api/v1/broadcasts"


@pytest.fixture
def client(house: House) -> FlaskClient:
    return house.app.test_client()


@pytest.fixture
def operator(house: House) -> Header:
    return house.token("operator@x.example")


def zones_shown(client: FlaskClient, header: Header, number: int) -> list[list[str]]:
    """The zones of a broadcast, on its own and in the list."""
    one = client.get(f"{ROUTE}/{number}", headers=header).json
    listed = client.get(ROUTE, headers=header).json
    assert one is not None
    assert listed is not None
    return [one["zones"], next(each["zones"] for each in listed["items"] if each["id"] == number)]


def test_live_broadcast_has_its_zones(house: House, client: FlaskClient, operator: Header) -> None:
    with house.database.session() as session:
        official = Official(code="1001", name="Hải", unit_id=house.units["commune"], may=[Right.LIVE], pin_hash="x")
        session.add(official)
        for code in ("12", "13"):
            zone = session.query(Zone).filter_by(code=code).one()
            zone.officials.append(official)
        session.flush()
        for speaker in find_zone(session, official, "*").speakers:
            speaker.reachable = True
        number = plan_live(session, official, find_zone(session, official, "*"), Priority.NORMAL, now())[0].id
    assert zones_shown(client, operator, number) == [["12", "13"]] * 2


def test_broadcast_for_speakers_that_missed_one_has_its_zones(
    house: House, client: FlaskClient, operator: Header
) -> None:
    with house.database.session() as session:
        first = aired(session, {"loa-commune": "missed"})
        first.zone_codes = ["12"]
        again = aired(session, {"loa-commune": "played"})
        again.zone_codes, again.again_of_id = [], first.id
        number = again.id
    assert zones_shown(client, operator, number) == [["12"]] * 2


@pytest.mark.parametrize("kind", ["quiet hours", "muted"])
def test_broadcast_for_a_time_of_silence_is_refused(
    house: House, client: FlaskClient, operator: Header, kind: str
) -> None:
    with house.database.session() as session:
        if kind == "muted":
            zone = session.query(Zone).filter_by(code="12").one()
            zone.silenced_until = now() + datetime.timedelta(days=1)
        else:
            session.merge(the_station(session)).quiet_hours = "00:00-00:00"
    wish = {"zones": ["12"], "text": "Mời họp", "at": (now() + datetime.timedelta(hours=2)).isoformat()}
    refused = client.post(ROUTE, headers=operator, json=wish)
    assert (refused.status_code, "chỉ được phát khẩn cấp" in refused.text) == (409, True), refused.text
    with house.database.session() as session:
        assert session.query(Broadcast).count() == 0


def test_programme_that_expires_before_its_time_is_refused(house: House, client: FlaskClient, operator: Header) -> None:
    number = ready(house)
    with house.database.session() as session:
        session.get_one(Programme, number).valid_until = now() + datetime.timedelta(hours=1)
    wish = {"zones": ["12"], "programme": number, "at": (now() + datetime.timedelta(hours=2)).isoformat()}
    assert client.post(ROUTE, headers=operator, json=wish).status_code == 409
    assert client.post(ROUTE, headers=operator, json={**wish, "at": None}).status_code == 201
