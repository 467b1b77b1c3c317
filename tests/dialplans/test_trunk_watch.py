"""States of carriers from what Asterisk says, and their alarms."""

import datetime

import pytest

from dialplans.trunk_watch import PATIENCE, Seen, news, note, places_to_verify, registrations
from haichieu.alarms import open_alarms
from haichieu.database import Database, now
from haichieu.locale import render
from haichieu.sip.models import Trunk, TrunkState
from haichieu.station_status import trunk_states

_LINE = (
    'asterisk_pjsip_outbound_registration_status{{eid="02",username="{uri}",domain="sip:a",channel_type="PJSIP"}}'
    " {state}"
)
METRICS = "\n".join(
    [
        "# TYPE asterisk_pjsip_outbound_registration_status gauge",
        _LINE.format(uri="sip:us@sip.example.vn", state=1),
        _LINE.format(uri="sip:us@other.example.vn", state=2),
        "",
    ]
)
HOST, OURS = "sip.example.vn", "sip:us@sip.example.vn"


def seen(registration: int | None = None, *, online: bool = False, refused: bool = False, untrusted: str = "") -> Seen:
    return Seen(
        {} if registration is None else {OURS: registration},
        {"carrier"} if online else (),
        {"carrier"} if refused else (),
        {"carrier": untrusted} if untrusted else {},
    )


def test_registrations_are_read_from_metrics() -> None:
    assert registrations(METRICS) == {OURS: 1, "sip:us@other.example.vn": 2}


@pytest.mark.parametrize(
    ("register", "what", "lost", "state", "has_alarm"),
    [
        (True, seen(1, online=True), False, TrunkState.REGISTERED, False),
        (True, seen(1), False, TrunkState.REGISTERED, False),
        (True, seen(2, online=True), False, TrunkState.REFUSED, True),
        (True, seen(2), False, TrunkState.SILENT, True),
        (True, seen(), False, TrunkState.SILENT, True),
        (True, seen(online=True), False, "", False),
        (False, seen(), False, TrunkState.BY_ADDRESS, False),
        (False, seen(refused=True), True, TrunkState.NO_ADDRESS, True),
        (True, seen(refused=True), False, TrunkState.FAULTY, True),
        (True, seen(2, untrusted="expired"), False, TrunkState.UNTRUSTED, True),
        (True, seen(1, untrusted="expired"), False, TrunkState.REGISTERED, False),
        (False, seen(untrusted="name"), False, TrunkState.UNTRUSTED, True),
    ],
)
def test_carrier_that_brings_no_calls_raises_an_alarm(
    database: Database, register: bool, what: Seen, lost: bool, state: str, has_alarm: bool
) -> None:
    at = now()
    with database.session() as session:
        session.add(Trunk(code="carrier", host=HOST, register=register, username="us"))
        session.flush()
        unknown = {"carrier": HOST} if lost else {}
        note(session, what, unknown, at)
        assert [trunk.state for trunk in trunk_states(session)] == [state]
        note(session, what, unknown, at + PATIENCE)
        assert [(alarm.kind, alarm.subject) for alarm in open_alarms(session)] == [
            ("trunk_down", "carrier")
        ] * has_alarm

        note(session, seen(1, online=True), {}, at + 2 * PATIENCE)
        assert open_alarms(session) == []


@pytest.mark.parametrize("why", ["expired", "name", "authority", "other"])
def test_alarm_says_what_is_wrong_with_a_certificate(database: Database, why: str) -> None:
    at = now()
    with database.session() as session:
        session.add(Trunk(code="carrier", host=HOST, transport="tls"))
        session.flush()
        note(session, seen(untrusted=why), {}, at)
        (alarm,) = open_alarms(session)
        assert HOST in render(alarm.text, "vi")
        assert HOST in render(alarm.text, "en")
        assert alarm.text.key == f"trunk.alarm.untrusted.{why}"


def test_carriers_over_tls_are_verified_where_they_are_called(database: Database) -> None:
    with database.session() as session:
        session.add_all(
            [
                Trunk(code="name", host=HOST, transport="tls", found={HOST: ["192.0.2.7:5071", "192.0.2.8:5071"]}),
                Trunk(code="port", host=HOST, port=5091, transport="tls"),
                Trunk(code="proxy", host=HOST, transport="tls", proxy="sbc.example.vn:5081"),
                Trunk(code="clear", host=HOST),
                Trunk(code="well", host=HOST, transport="tls", register=True, username="us"),
            ]
        )
        session.flush()
        assert places_to_verify(session, {OURS: 1}) == {
            "name": (HOST, "192.0.2.7", 5071),
            "port": (HOST, HOST, 5091),
            "proxy": ("sbc.example.vn", "sbc.example.vn", 5081),
        }


def test_short_silence_of_a_carrier_raises_no_alarm(database: Database) -> None:
    at = now()
    with database.session() as session:
        session.add(Trunk(code="carrier", host=HOST, register=True, username="us"))
        session.flush()
        note(session, seen(1, online=True), {}, at)
        note(session, seen(0), {}, at + datetime.timedelta(hours=1))
        note(session, seen(0), {}, at + datetime.timedelta(hours=1) + PATIENCE / 2)
        assert open_alarms(session) == []


def test_nothing_is_news_of_a_carrier_whose_state_and_alarm_are_stored(database: Database) -> None:
    """A write every ten seconds would wake every process of the station."""
    at = now()
    refused, well = seen(2, online=True), seen(1, online=True)
    with database.session() as session:
        session.add(Trunk(code="carrier", host=HOST, register=True, username="us"))
        session.flush()
        for what in (refused, well):
            assert len(news(session, what, {}, at)) == 1
            note(session, what, {}, at)
            assert news(session, what, {}, at) == []
        silent = seen()
        note(session, silent, {}, at)
        assert news(session, silent, {}, at) == []
        assert len(news(session, silent, {}, at + PATIENCE)) == 1
