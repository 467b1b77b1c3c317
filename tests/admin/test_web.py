import datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from admin.web import HEADERS, create_app
from broadcast_bridge.broadcasts.broadcast_lifecycle import advance
from broadcast_bridge.broadcasts.starting import plan_live
from broadcast_bridge.broadcasts.states import BroadcastEvent, Priority
from broadcast_bridge.models import Speaker
from broadcast_bridge.speakers.zones import find_zone
from haichieu.database import Database, now
from haichieu.heartbeats import beat
from haichieu.settings import load_settings
from haichieu.station_status import station_status
from tests.builders.airings import begun, ended, later, on_air
from tests.builders.places import commune


@pytest.fixture
def client(database: Database, tmp_path: Path) -> FlaskClient:
    return create_app(database, load_settings(home=tmp_path)).test_client()


def alive(database: Database, *, asterisk: bool = True) -> None:
    with database.session() as session:
        beat(session, "switchboard", asterisk=asterisk)
        beat(session, "worker")
        beat(session, "web")


def test_a_station_that_lives_is_healthy(database: Database, client: FlaskClient) -> None:
    alive(database)
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json is not None
    assert {name: part["ok"] for name, part in answer.json.items() if name != "ok"} == {
        "asterisk": True, "database": True, "switchboard": True, "worker": True, "web": True,
    }  # fmt: skip


def test_without_asterisk_the_station_is_not_healthy(database: Database, client: FlaskClient) -> None:
    alive(database, asterisk=False)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert (answer.json["ok"], answer.json["asterisk"]["ok"], answer.json["switchboard"]["ok"]) == (False, False, True)


def test_a_switchboard_that_is_silent_for_long_counts_as_down(database: Database) -> None:
    alive(database)
    with database.session() as session:
        status = station_status(session, now() + datetime.timedelta(seconds=20))
    assert {part.name: part.ok for part in status.components} == {
        "asterisk": False, "switchboard": False, "worker": False, "web": False,
    }  # fmt: skip


@pytest.mark.parametrize("works", [True, False])
def test_a_station_with_a_fan_out_shows_its_state(database: Database, client: FlaskClient, works: bool) -> None:
    alive(database)
    with database.session() as session:
        beat(session, "switchboard", asterisk=True, served_directly=7, **{"fan-out": works})
    answer = client.get("/healthz").json
    assert answer is not None
    assert (answer["ok"], answer["fan-out"]["ok"]) == (works, works)
    text = client.get("/metrics").text
    assert f'haichieu_component_up{{component="fan-out"}} {float(works)}' in text
    assert "haichieu_speakers_direct 7.0" in text


def test_metrics_tell_speakers_and_broadcasts(database: Database, client: FlaskClient) -> None:
    alive(database)
    with database.session() as session:
        commune(session, speakers=3, reachable=2)
    text = client.get("/metrics").text
    assert "haichieu_speakers 3.0" in text
    assert "haichieu_speakers_reachable 2.0" in text
    assert 'haichieu_component_up{component="asterisk"} 1.0' in text
    assert 'haichieu_deliveries{state="missed"} 0.0' in text


def test_metrics_count_the_deliveries_of_the_last_day(database: Database, client: FlaskClient) -> None:
    with database.session() as session:
        place = commune(session)
        for ago in (1, 48):
            broadcast, _ = begun(session, place)
            on_air(session, broadcast)
            ended(session, broadcast, later(60))
            broadcast.on_air_at = now() - datetime.timedelta(hours=ago)
    assert 'haichieu_deliveries{state="played"} 2.0' in client.get("/metrics").text


def test_metrics_are_for_this_machine_alone(client: FlaskClient) -> None:
    answer = client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 403
    assert answer.content_type == "application/problem+json"


def test_a_refusal_is_a_problem_document_with_the_protecting_headers(client: FlaskClient) -> None:
    answer = client.get("/nothing-here")
    assert answer.status_code == 404
    assert answer.json is not None
    assert (answer.json["status"], answer.json["type"]) == (404, "about:blank")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_the_status_lists_what_is_on_air_and_which_speakers_are_away(database: Database) -> None:
    with database.session() as session:
        place = commune(session, speakers=2, reachable=1)
        session.add(Speaker(code="group", name="Nhóm", unit_id=place.commune.id, multicast="239.1.2.3:5004"))
        session.flush()
        broadcast, _ = plan_live(
            session, place.official, find_zone(session, place.official, "11"), Priority.NORMAL, now()
        )
        advance(session, broadcast.id, BroadcastEvent.CALL_SPEAKERS, now())
        session.flush()
        status = station_status(session, now())
    assert [(speaker.code, speaker.reachable, speaker.supervised) for speaker in status.speakers] == [
        ("group", True, False), ("s11-0", True, True), ("s11-1", False, True),
    ]  # fmt: skip
    assert [(one.zone, one.official, one.state, one.playing, one.speakers) for one in status.on_air] == [
        ("Khu 11", "Cán bộ 1011", "calling", 0, 3)
    ]
    assert status.as_json("en")["total"] == 3
