"""Commands of a province to devices: what our speakers do, what is refused in words, and what is reported."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import ending_here
from broadcast_bridge.broadcasts.states import BroadcastState, DeliveryState, Kind, Priority
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.source_system.device_commands import STILL_MEANT, decibels
from broadcast_bridge.source_system.exchange import Ordered
from broadcast_bridge.source_system.models import DeviceCommand, Source, SourcePlace
from broadcast_bridge.source_system.states import DeviceAction
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.people import Level, Unit
from tests.broadcast_bridge.source_system.link import AREA, DEVICE, Link

VOLUME, STOP, RESTART, STATUS = DeviceAction


async def ordered(link: Link, *orders: Ordered) -> list[dict[str, object]]:
    """Have the province give commands, and return the results that it got."""
    link.province.issue(*orders)
    for _ in range(2):
        assert (await link.exchange()).last_problem is None
    return [dict(one) for one in link.province.book.commands.values()]


def volumes(link: Link) -> list[float]:
    return list(link.look(lambda session: session.scalars(sa.select(Speaker.volume_db).order_by(Speaker.code)).all()))


def playing(link: Link, *, kind: Kind = Kind.RECORDED, priority: Priority = Priority.NORMAL, by: str = "a") -> int:
    """Put a broadcast on air at both speakers."""

    def make(session: Session) -> int:
        at = now()
        broadcast = Broadcast(
            kind=kind, title="Tin", asked_by=by, zone_names="Khu", priority=priority, state=BroadcastState.ON_AIR,
            created_at=at, on_air_at=at,
        )  # fmt: skip
        for speaker in link.place.speakers:
            broadcast.deliveries.append(
                Delivery(speaker_id=speaker.id, active=True, state=DeliveryState.PLAYING, first_audio_at=at)
            )
        session.add(broadcast)
        session.flush()
        return broadcast.id

    return link.look(make)


def deliveries(link: Link) -> list[tuple[str, bool, str | None]]:
    rows = link.look(lambda session: session.scalars(sa.select(Delivery).order_by(Delivery.id)).all())
    return [(one.state, one.active, one.reason) for one in rows]


@pytest.mark.parametrize("dialect", ["neutral", "device", "portal"])
async def test_volume_is_set_at_the_named_device(link: Link, dialect: str) -> None:
    await ordered(link, Ordered("c1", VOLUME, 50, devices=[DEVICE]))
    assert volumes(link) == [-6.0, 0.0]
    (state,) = link.province.book.devices.values()
    assert str(state.get("AmLuong", state.get("volume_db"))) in {"50", "-6.0"}
    assert link.look(lambda session: session.scalar(sa.select(DeviceCommand.speaker_codes))) == ["s11-0"]


async def test_result_of_a_command_is_reported_and_audited_once(link: Link) -> None:
    order = Ordered("c1", VOLUME, 80, areas=[AREA])
    (result,) = await ordered(link, order, order)
    assert (result["command"], result["done"], result["reason"]) == ("c1", True, "")
    assert volumes(link) == [-1.9, -1.9]
    made = sa.select(AuditEntry.action).where(AuditEntry.actor == "source:tinh")
    assert link.look(lambda session: session.scalars(made).all()) == ["device.volume"]
    assert link.province.book.repeated == 0


def test_volume_in_per_cent_is_a_gain() -> None:
    assert [decibels(value) for value in (100, 50, 10, 1)] == [0.0, -6.0, -20.0, -30.0]


@pytest.mark.parametrize(
    ("order", "word"),
    [
        (Ordered("c", VOLUME, 0), "âm lượng"),
        (Ordered("c", VOLUME, None), "âm lượng"),
        (Ordered("c", RESTART), "khởi động lại"),
        (Ordered("c", STOP, ordered_at=now() - STILL_MEANT * 2), "quá muộn"),
        (Ordered("c", STATUS, devices=["nobody"]), "nobody"),
    ],
    ids=["silent", "no volume", "restart", "late", "unknown"],
)
async def test_command_that_cannot_be_carried_out_is_refused_in_words(link: Link, order: Ordered, word: str) -> None:
    (result,) = await ordered(link, order)
    assert result["done"] is False
    assert word in str(result["reason"])
    assert volumes(link) == [0.0, 0.0]


async def test_status_is_reported_in_the_same_exchange(link: Link) -> None:
    link.province.issue(Ordered("c1", STATUS))
    await link.exchange()
    assert list(link.province.book.devices) == [DEVICE]
    assert [one["done"] for one in link.province.book.commands.values()] == [True]


async def test_stop_ends_a_broadcast_at_its_device_only(link: Link) -> None:
    number = playing(link)
    (result,) = await ordered(link, Ordered("c1", STOP, devices=[DEVICE]))
    assert result["done"] is True
    assert deliveries(link) == [("played", False, "stopped"), ("playing", True, None)]
    released = link.look(lambda session: ending_here.ended_here(session, [number]))
    assert [len(ids) for ids in released.values()] == [1]


async def test_stop_at_all_devices_stops_the_broadcast(link: Link) -> None:
    playing(link)
    await ordered(link, Ordered("c1", STOP))
    assert link.broadcasts()[0].stop_asked_at is not None
    assert link.look(lambda session: ending_here.ended_here(session, [1])) == {}


@pytest.mark.parametrize(
    ("what", "stops"),
    [
        ({"kind": Kind.LIVE}, False),
        ({"priority": Priority.EMERGENCY}, False),
        ({"priority": Priority.EMERGENCY, "by": "source:tinh"}, True),
    ],
    ids=["live voice", "emergency of the commune", "its own emergency"],
)
async def test_stop_leaves_live_voices_and_emergencies_of_the_commune(
    link: Link, what: dict[str, object], stops: bool
) -> None:
    playing(link, **what)  # type: ignore[arg-type]
    (result,) = await ordered(link, Ordered("c1", STOP))
    assert (link.broadcasts()[0].stop_asked_at is not None) is stops
    assert result["done"] is stops


async def test_source_reaches_the_speakers_of_its_own_unit_only(link: Link) -> None:
    def elsewhere(session: Session) -> None:
        unit = Unit(code="X", name="Xã khác", level=Level.COMMUNE, parent_id=link.place.district.id)
        session.add(unit)
        session.flush()
        speaker = Speaker(code="x1", name="Loa khác", unit_id=unit.id, reachable=True)
        session.add(speaker)
        session.flush()
        session.get_one(Source, link.source_id).places += [
            SourcePlace(external_id="far", speaker_id=speaker.id), SourcePlace(external_id="X", unit_id=unit.id),
        ]  # fmt: skip

    link.look(elsewhere)
    results = await ordered(
        link,
        Ordered("c1", VOLUME, 50, devices=["far", DEVICE]),
        Ordered("c2", VOLUME, 10, areas=["X"]),
    )
    assert [(one["done"], "nằm ngoài đơn vị" in str(one["reason"])) for one in results] == [(False, True)] * 2
    assert volumes(link) == [-6.0, 0.0, 0.0]


async def test_stop_of_a_device_after_a_long_outage_is_too_late(link: Link) -> None:
    link.look(lambda session: session.execute(sa.update(Source).values(last_ok_at=now() - datetime.timedelta(days=1))))
    playing(link)
    link.look(lambda session: session.execute(sa.update(Source).values(dialect="device")))
    link.province.issue(Ordered("c1", STOP))
    await link.exchange()
    assert link.broadcasts()[0].stop_asked_at is None
