"""CAP alerts on air: played with a siren at once, ended by a cancellation."""

import hashlib
import hmac

import pytest
import sqlalchemy as sa

from broadcast_bridge.alerts import decisions
from broadcast_bridge.alerts.authenticity import SharedSecret
from broadcast_bridge.alerts.decisions import Decision
from broadcast_bridge.alerts.geography import name_unit
from broadcast_bridge.alerts.models import AlertSource, CapAlert, DecisionKind
from broadcast_bridge.alerts.sources import SourceSettings, configure_source
from haichieu.audio.sound import Sound, read_wav
from haichieu.database import now
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import until
from haichieu.media import Media, MediaStore
from haichieu.people import Unit
from haichieu.vault import open_vault
from tests.broadcast_bridge.alerts import messages
from tests.station.scene import Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


def receive(scene: Scene, document: bytes) -> Decision:
    vault = open_vault(scene.station.settings.home)
    signature = hmac.new(messages.SECRET.encode(), document, hashlib.sha256).hexdigest()
    with scene.station.database.session() as session:
        source = session.scalars(sa.select(AlertSource)).one()
        return decisions.receive(session, source, document, SharedSecret(signature, vault), now())


def first_seconds(sound: Sound) -> Sound:
    return Sound(sound.samples[: 3 * sound.rate], sound.rate)


async def test_alert_is_played_with_a_siren_until_it_is_cancelled(scene: Scene) -> None:
    sent, before = now(), scene.broadcasts()
    with scene.station.database.session() as session:
        wanted = SourceSettings("kttv", "Đài Khí tượng Thủy văn", [messages.SENDER], secret=messages.SECRET)
        configure_source(session, open_vault(scene.station.settings.home), wanted, "account:test@example", sent)
        commune = session.scalars(sa.select(Unit).where(Unit.code == "CB")).one()
        name_unit(session, commune, "VN-DVHC", messages.FIRST_CODE, "account:test@example")
    scene.forget()
    message = messages.alert(sent=sent, infos=messages.info(expires=messages.minutes(60, sent)))
    assert receive(scene, message).kind is DecisionKind.AIR
    await until(lambda: scene.broadcasts() > before and scene.newest().live, "the alert is on air", 20)
    warning = scene.newest()
    with scene.station.database.session() as session:
        spoken = session.scalars(sa.select(Media)).one()
        words = first_seconds(read_wav(MediaStore(scene.station.settings.home / "media", 1).path(spoken)))
    siren = read_wav(scene.station.settings.home / "media" / "signals" / "siren.wav")
    wail = Sound(siren.samples[: len(siren.samples) // 2], siren.rate)  # it wails twice, and once is like the other
    await until_heard(scene.heard_file("cb-1"), words, like=0.7, seconds=60)
    assert match(wail, scene.sound_of("cb-1")).correlation > 0.7
    assert set(warning.deliveries) == {"cb-1", "cb-2"}
    cancel = messages.alert(
        identifier="CB-2026-002", sent=now(), kind="Cancel", infos=messages.info(expires=messages.minutes(60, sent)),
        references=messages.reference("CB-2026-001", sent),
    )  # fmt: skip
    assert receive(scene, cancel).kind is DecisionKind.CANCEL
    await until(lambda: scene.broadcast(warning.id).state == "ended", "the warning ends", 20)
    assert scene.broadcast(warning.id).reason == "alert_over"
    with scene.station.database.session() as session:
        assert session.scalars(sa.select(CapAlert.state).order_by(CapAlert.id)).first() == "cancelled"
