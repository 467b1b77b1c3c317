"""The desks of faults and repairs over rows: scope, limits, words, tone and proof."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts.states import BroadcastState, DeliveryState
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.repairs.errors import PoleElsewhere, RepairNotAllowed
from broadcast_bridge.repairs.fault_recordings import FaultRecordings
from broadcast_bridge.repairs.models import FaultReport, Repair
from broadcast_bridge.repairs.pole_codes import pole_code
from broadcast_bridge.repairs.states import Fault, Outcome
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.audio.sound import write_wav
from haichieu.audio.tones import attention_chime
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.people import Official
from haichieu.spool import Spool
from haichieu.station import Station
from ivr.calls.caller_limits import CallerLimits, Limits, TooManyMessages
from ivr.calls.routing import Number
from ivr.desks import repairs
from ivr.desks.repair_protocols import PoleSeen, ToneOutcome
from ivr.desks.repairs import PhoneFaultDesk, PhoneRepairDesk, RepairLine
from tests.builders.places import Commune, commune
from tests.builders.repairs import repair

CALLER = "+84987654321"


@pytest.fixture
def there(database: Database) -> Commune:
    with database.session() as session:
        session.add(Station(id=1))
        found = commune(session)
        found.official.may = ["repair"]
        return found


@pytest.fixture
def line(database: Database, tmp_path: Path) -> RepairLine:
    (tmp_path / "spool").mkdir()
    store = MediaStore(tmp_path / "media", 0)
    recordings = FaultRecordings(Spool(tmp_path / "spool"), database, store)
    return RepairLine(database, store, recordings, CallerLimits(Limits(messages_an_hour=2)))


def citizens(line: RepairLine, unit: int) -> PhoneFaultDesk:
    client = AriClient("127.0.0.1", 1, "", unclaimed=lambda event: None)
    return PhoneFaultDesk(line, Call(client, "1", CALLER, "1800"), unit)


def end_tone(database: Database, state: DeliveryState) -> None:
    """Let the newest broadcast have ended at its speaker."""
    with database.session() as session:
        tone = session.scalars(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1)).one()
        speaker = session.scalars(sa.select(Speaker).where(Speaker.code.in_(tone.speaker_codes))).one()
        heard_at = now() if state is DeliveryState.PLAYED else None
        session.add(Delivery(broadcast=tone, speaker_id=speaker.id, state=state, active=False, first_audio_at=heard_at))
        tone.state = BroadcastState.ENDED


async def test_citizen_reports_a_speaker_of_the_units_of_the_number(
    database: Database, line: RepairLine, there: Commune
) -> None:
    desk = citizens(line, there.district.id)
    pole = await desk.pole(pole_code(there.speakers[0].id))
    assert pole == PoleSeen(there.speakers[0].id, "Cụm loa 0", None)
    await desk.report(pole, Fault.SILENT)
    assert (await desk.pole(pole_code(there.speakers[0].id))).repair_id is not None
    with database.session() as session:
        made = session.scalars(sa.select(FaultReport)).one()
        assert (made.origin, made.reported_by, made.repair.fault) == ("fault_line", "", "silent")
        other = commune(session, code="12")
    with pytest.raises(PoleElsewhere):
        await citizens(line, other.commune.id).pole(pole_code(there.speakers[0].id))


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ({"1066": "hotline", "+842063999111": "fault-line"}, "02063999111"),
        ({"1066": "hotline"}, "1066"),
        ({}, ""),
    ],
)
async def test_pole_elsewhere_names_the_line_that_takes_its_faults(
    database: Database, line: RepairLine, there: Commune, numbers: dict[str, str], told: str
) -> None:
    with database.session() as session:
        other = commune(session, code="12")
        for number, flow in numbers.items():
            session.add(Number(number=number, flow=flow, unit_id=there.district.id))
        session.get_one(Official, there.official.id).unit_id = other.commune.id
    code = pole_code(there.speakers[0].id)
    for find in (citizens(line, other.commune.id).pole(code), PhoneRepairDesk(line).pole(there.official.id, code)):
        with pytest.raises(PoleElsewhere) as refused:
            await find
        assert getattr(refused.value, "number", "") == told


async def test_flood_of_one_caller_is_limited(line: RepairLine, there: Commune) -> None:
    desk = citizens(line, there.commune.id)
    pole = await desk.pole(pole_code(there.speakers[0].id))
    for _ in range(2):
        await desk.report(pole, Fault.LOUD)
    with pytest.raises(TooManyMessages):
        await desk.report(pole, Fault.LOUD)


async def test_words_of_the_caller_are_heard_by_the_technician(
    database: Database, line: RepairLine, there: Commune
) -> None:
    desk = citizens(line, there.commune.id)
    report_id = await desk.report(await desk.pole(pole_code(there.speakers[0].id)), Fault.OTHER)
    name = await desk.begin_words(report_id)
    write_wav(Path(f"{line.recordings.sound(name)}.wav"), attention_chime(8000))
    assert await desk.keep_words(name)
    desk.release_words(name)
    technician = PhoneRepairDesk(line)
    (repair_id,) = await technician.open_repairs(there.official.id)
    seen = await technician.repair(repair_id)
    assert seen is not None
    assert (seen.speaker, seen.fault, seen.reports) == ("Cụm loa 0", Fault.OTHER, 1)
    (sound,) = seen.sounds
    assert sound.startswith(str(line.store.folder))
    assert await technician.repair(77) is None


async def test_every_step_of_a_technician_needs_the_right(database: Database, line: RepairLine, there: Commune) -> None:
    desk, pole = PhoneRepairDesk(line), PoleSeen(there.speakers[0].id, "Cụm loa 0", None)
    with database.session() as session:
        session.get_one(Official, there.official.id).may = ["live"]
    for step in (
        desk.open_repairs(there.official.id),
        desk.pole(there.official.id, pole_code(there.speakers[0].id)),
        desk.report(there.official.id, pole, Fault.LOUD),
        desk.play_tone(there.official.id, pole),
        desk.close(there.official.id, pole),
    ):
        with pytest.raises(RepairNotAllowed):
            await step
    with database.session() as session:
        assert session.scalars(sa.select(Repair)).all() == []
        assert session.scalars(sa.select(Broadcast)).all() == []


async def test_repair_is_closed_with_the_tone_that_was_played(
    database: Database, line: RepairLine, there: Commune, monkeypatch: pytest.MonkeyPatch
) -> None:
    def played(session: sa.orm.Session, test_id: int) -> bool:
        return True

    desk = PhoneRepairDesk(line)
    with database.session() as session:
        made = repair(session, there.speakers[0].id).id
    pole = await desk.pole(there.official.id, pole_code(there.speakers[0].id))
    assert not await desk.close(there.official.id, pole)
    monkeypatch.setattr(repairs.repair_steps, "test_played", played)
    assert await desk.play_tone(there.official.id, pole) is ToneOutcome.PLAYED
    assert await desk.close(there.official.id, pole)
    assert not await desk.close(there.official.id, pole)
    with database.session() as session:
        closed = session.get_one(Repair, made)
        tone = session.scalars(sa.select(Broadcast)).one()
        assert (closed.state, closed.outcome, closed.closed_by) == ("closed", Outcome.TESTED, "official:1011")
        assert (closed.test_id, tone.speaker_codes) == (tone.id, [there.speakers[0].code])


@pytest.mark.parametrize(("change", "outcome"), [("away", ToneOutcome.UNREACHABLE), ("quiet", ToneOutcome.MUTED)])
async def test_tone_that_cannot_be_heard_is_refused_with_its_reason(
    database: Database, line: RepairLine, there: Commune, change: str, outcome: ToneOutcome
) -> None:
    with database.session() as session:
        if change == "away":
            session.get_one(Speaker, there.speakers[0].id).reachable = False
        else:
            session.get_one(Station, 1).quiet_hours = "00:00-23:59"
    desk = PhoneRepairDesk(line)
    pole = await desk.pole(there.official.id, pole_code(there.speakers[0].id))
    assert await desk.play_tone(there.official.id, pole) is outcome


async def test_tone_that_never_ends_is_no_proof(
    database: Database, line: RepairLine, there: Commune, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repairs, "TONE_SECONDS", 0.0)
    desk = PhoneRepairDesk(line)
    with database.session() as session:
        repair(session, there.speakers[0].id)
    pole = await desk.pole(there.official.id, pole_code(there.speakers[0].id))
    assert await desk.play_tone(there.official.id, pole) is ToneOutcome.NOT_PLAYED
    end_tone(database, DeliveryState.MISSED)
    assert not await desk.close(there.official.id, pole)
