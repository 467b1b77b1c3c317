"""Pictures and recordings inside an alert: they are signed, not used, and cost neither the alert nor the memory."""

import base64

import pytest

from broadcast_bridge.alerts.authenticity import EnvelopedSignature
from broadcast_bridge.alerts.cap_reader import parse_alert
from broadcast_bridge.alerts.decisions import receive
from broadcast_bridge.alerts.errors import AlertTooLarge
from broadcast_bridge.alerts.hostile_xml import LARGEST_ALERT, without_resources
from broadcast_bridge.alerts.models import DecisionKind
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.database import Database
from tests.broadcast_bridge.alerts.messages import NOW, Signer, alert, info, place, source
from tests.broadcast_bridge.alerts.taking import take

RECORDING = base64.encodebytes(bytes(1_200_000)).decode()


def with_resource(content: str, element: str = "derefUri") -> bytes:
    resource = (
        "<resource><resourceDesc>Bản thu</resourceDesc><mimeType>audio/mpeg</mimeType>"
        f"<{element}>{content}</{element}></resource>"
    )
    return alert(infos=info(areas=f"{resource}<area><areaDesc>Xã Cô Ba</areaDesc></area>"))


@pytest.mark.parametrize("element", ["derefUri", "uri"])
def test_an_alert_with_a_long_recording_is_read_without_it(element: str) -> None:
    content = RECORDING if element == "derefUri" else f"data:audio/mpeg;base64,{RECORDING}"
    assert parse_alert(with_resource(content, element)) == parse_alert(with_resource("", element))


def test_a_signature_covers_the_recording_and_only_the_text_is_stored(database: Database) -> None:
    signer = Signer()
    signed = signer.sign(with_resource(RECORDING))
    with database.session() as session:
        here = place(session)
        who = source(session, secret="", certificate=signer.certificate, zones=[here.zone])
        decision = receive(session, who, signed, EnvelopedSignature(), NOW)
        assert (decision.kind, decision.speakers) == (DecisionKind.AIR, tuple(here.speakers))
        assert decision.alert is not None
        assert len(decision.alert.document) < 10_000
        altered = signed.replace(b"AAAAAAAA", b"AAAAAAAB", 1)
        assert receive(session, who, altered, EnvelopedSignature(), NOW).kind is DecisionKind.REFUSE


def test_what_is_no_resource_has_the_old_limit() -> None:
    with pytest.raises(AlertTooLarge, match="1000000"):
        parse_alert(with_resource(f"<x>{RECORDING}</x>"))
    with pytest.raises(AlertTooLarge, match="1000000"):
        parse_alert(alert(infos=info() * 2_000))


def test_an_alert_beyond_every_limit_raises_an_alarm(database: Database) -> None:
    with database.session() as session:
        who = source(session)
        assert take(session, who, with_resource("A" * LARGEST_ALERT)).kind is DecisionKind.REFUSE
        assert [alarm.kind for alarm in open_alarms(session)] == [AlarmKind.ALERT_DEFECTIVE]


@pytest.mark.parametrize("part", [b"<derefUri>", b"<derefUri ", b"<uri></derefUri>", b"<uri><![CDATA[", b"</uri>"])
def test_hostile_resources_are_removed_in_time(part: bytes) -> None:
    without_resources(part * 200_000)
