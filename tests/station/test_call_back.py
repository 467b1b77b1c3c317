"""Call-back verification: a forged caller number and a stolen PIN start no broadcast."""

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts import call_backs
from broadcast_bridge.models import CallBack
from haichieu.database import now
from haichieu.demo.trial_station import until
from haichieu.people import Official
from haichieu.vault import secret_matches
from tests.station import district
from tests.station.scene import SAME, Scene

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

MAI = f"{district.PINS[district.MAI]}#"


def outcome(scene: Scene) -> tuple[str, str]:
    with scene.station.database.session() as session:
        debt = session.scalars(sa.select(CallBack).order_by(CallBack.id.desc()).limit(1)).one()
        return debt.state, debt.outcome


async def test_voice_goes_live_only_from_the_registered_number(scene: Scene) -> None:
    scene.forget()
    before = scene.broadcasts()
    carrier = await scene.outside(district.MAI)  # anybody may claim this number
    await scene.call(carrier, "1900", MAI, "1", "11#", "1")
    await scene.hears(carrier, "call-back-announcement")
    await carrier.ended(15)
    assert scene.broadcasts() == before
    incoming = await carrier.incoming(20)
    assert incoming["dialled"] == "0912000002"  # the carrier's spelling, by prefix_rules
    await carrier.answer()
    await carrier.digits("1")
    await until(lambda: scene.broadcasts() > before and scene.newest().live, "live", 20)
    await carrier.play(scene.speeches["demo-congrats"])
    await carrier.digits("#")
    aired = await scene.ended()
    await scene.hang_up(carrier)
    assert aired.deliveries["cb-1"].state == "played"
    assert scene.heard("cb-1", "demo-congrats").correlation > SAME
    await until(lambda: outcome(scene) == ("done", "answered at •••••••••002"), "settled")


async def test_call_back_without_a_key_starts_no_broadcast(scene: Scene) -> None:
    before = scene.broadcasts()
    carrier = await scene.outside(district.MAI)
    await scene.call(carrier, "1900", MAI, "1", "11#", "1")
    await carrier.ended(25)
    await carrier.incoming(20)
    await carrier.answer()
    await scene.hears(carrier, "call-back-greeting", official="Hoàng Thị Mai", zone="Cô Ba")
    await scene.hang_up(carrier)
    await until(lambda: outcome(scene)[0] == "done", "settled")
    assert scene.broadcasts() == before


@pytest.mark.proof
async def test_second_number_is_called_when_the_first_refuses(scene: Scene) -> None:
    before = scene.broadcasts()
    carrier = await scene.outside(district.MAI)
    await scene.call(carrier, "1900", MAI, "1", "11#", "1")
    await carrier.ended(25)
    assert (await carrier.incoming(20))["dialled"] == "0912000002"
    await carrier.hang_up()
    assert (await carrier.incoming(20))["dialled"] == "0206000002"
    await carrier.hang_up()
    await until(lambda: outcome(scene)[0] == "done", "settled")
    assert "not answered" in outcome(scene)[1]
    assert scene.broadcasts() == before


@pytest.mark.proof
async def test_official_chooses_a_pin_on_a_call_to_their_number(scene: Scene) -> None:
    carrier = await scene.outside(district.MAI)
    with scene.station.database.session() as session:
        official = session.scalars(sa.select(Official).where(Official.code == "1002")).one()
        kept = official.pin_hash
        call_backs.request_pin_call(session, official, "account:admin@example", now())
    assert (await carrier.incoming(20))["dialled"] == "0912000002"
    await carrier.answer()
    for part in ("1", "735193#", "735193#"):
        await carrier.digits(part)
    await scene.hears(carrier, "pin-changed")
    await carrier.ended(20)
    await until(lambda: outcome(scene)[0] == "done", "settled")
    with scene.station.database.session() as session:
        official = session.scalars(sa.select(Official).where(Official.code == "1002")).one()
        assert secret_matches(official.pin_hash, "735193")
        official.pin_hash = kept
