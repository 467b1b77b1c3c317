"""The dialect of a province's portal: schedules, changes, faults, and what it gets back."""

import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.source_system.exchange import Issued, Ordered, Rescheduled, Unusable, Withdrawn
from broadcast_bridge.source_system.models import Source
from broadcast_bridge.source_system.portal_dialect import HERE, _item
from broadcast_bridge.source_system.province import Fault
from haichieu.database import now
from tests.broadcast_bridge.source_system.link import AREA, DAY, HOUR, Link, audio
from tests.builders.sounds import tone

FIRST = Priority.PRIORITY


@pytest.fixture
def dialect() -> str:
    return "portal"


def sound(link: Link) -> str:
    """Put a sound at a link of the province, and return the link."""
    link.province.sounds["tin.wav"] = tone(1.5)
    address = link.look(lambda session: session.get_one(Source, link.source_id)).address
    return f"{address}/sounds/tin.wav"


def body(**changes: object) -> dict[str, Any]:
    """An api5 as the checker of vendors' messages wants it."""
    times = {
        "ThoiDiemBatDau": ["05:30:00.000000"], "ThoiDiemKetThuc": ["05:35:00.000000"], "KieuLich": 1,
        "DanhSachNgayPhat": [],
    }  # fmt: skip
    return {
        "NguonId": "H24", "BanTinId": "b1", "NgayBatDau": "2026-12-01T00:00:00.0000000",
        "NgayKetThuc": "2026-12-03T00:00:00", "CheDoPhat": 0, "LichPhat": times, "TieuDe": "Phòng dịch",
        "LinhVuc": "5", "NoiDungTomTat": "Tóm tắt", "ThoiGianSanXuat": "2026-11-30T08:00:00", "ThoiLuong": 90,
        "TacGia": "Sở Y tế", "NoiDung": {"Link": "https://x.example/a.mp3", "tanso": 0, "thoigian": 0, "order": 0},
        "DiaBanTao": "H24", "DanhSachDiaBanNhan": [AREA], **changes,
    }  # fmt: skip


def request(name: str, content: object) -> dict[str, Any]:
    return {"Api": name, "NoiDung": content}


def schedule(kind: int, days: list[int], *clocks: str, first: str, last: str) -> list[datetime.datetime]:
    times = {"ThoiDiemBatDau": list(clocks), "ThoiDiemKetThuc": [], "KieuLich": kind, "DanhSachNgayPhat": days}
    item = _item(request("api5", body(LichPhat=times, NgayBatDau=first, NgayKetThuc=last)), "#0")
    assert isinstance(item, Issued)
    return [start.astimezone(HERE).replace(tzinfo=None) for start in item.starts]


def test_bulletin_of_the_portal_is_read_in_full() -> None:
    item = _item(request("api5", body()), "#0")
    assert isinstance(item, Issued)
    assert (item.external_id, item.priority, item.link) == ("b1", Priority.NORMAL, "https://x.example/a.mp3")
    assert (item.declared_seconds, item.areas, item.author, item.field) == (90.0, [AREA], "Sở Y tế", "5")
    assert [start.isoformat() for start in item.starts] == [f"2026-12-0{day}T05:30:00+07:00" for day in (1, 2, 3)]
    assert item.valid_until == datetime.datetime(2026, 12, 4, tzinfo=HERE)


def test_kinds_of_schedules_give_their_start_times() -> None:
    moment = datetime.datetime
    week = {"first": "2026-12-01T00:00:00", "last": "2026-12-09T00:00:00"}
    assert schedule(0, [], "06:00:00", "17:00:00", **week) == [moment(2026, 12, 1, 6), moment(2026, 12, 1, 17)]
    assert schedule(2, [1, 3], "06:00:00", **week) == [
        moment(2026, 12, 2, 6), moment(2026, 12, 7, 6), moment(2026, 12, 9, 6),
    ]  # fmt: skip
    months = {"first": "2026-01-30T00:00:00", "last": "2026-03-01T00:00:00"}
    assert schedule(3, [31], "06:00:00", **months) == [moment(2026, 1, 31, 6), moment(2026, 2, 28, 6)]
    years = {"first": "2026-01-01T00:00:00", "last": "2046-01-01T00:00:00"}
    assert len(schedule(1, [], "06:00:00", **years)) == 200
    assert schedule(2, [], "06:00:00", **years) == []


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (request("api6", {"NguonId": "H24", "BanTinId": "b1"}), Withdrawn("b1")),
        (request("api7", body()), Rescheduled),
        (request("api4", {"NguonId": "H24", "CumLoaId": "861", "AmLuong": 40}), Ordered),
        (request("api1", {"NguonId": "H24", "CumLoaId": "861", "MaXacThuc": 1}), Unusable),
        (request("api5", body(CheDoPhat=3)), Unusable),
        (request("api5", body(MucDoUuTien=9)), Unusable),
        (request("api5", body(NgayBatDau="soon")), Unusable),
        (request("api5", body(NoiDung={"Link": "https://x", "tanso": 98_500_000})), Unusable),
        (request("api5", [1]), Unusable),
        ("nonsense", Unusable),
        (
            request("DieuKhienThietBi", {"DanhSachThietBi": {"CumLoaID": []}, "DieuKhienThietBi": {"MaLenh": "7"}}),
            Unusable,
        ),
    ],
)
def test_requests_of_the_portal_are_understood_or_refused(asked: object, wanted: object) -> None:
    item = _item(asked, "#0")
    assert item == wanted or isinstance(item, wanted if isinstance(wanted, type) else ())


async def test_bulletin_of_the_portal_is_aired_and_its_log_goes_up(link: Link) -> None:
    link.province.issue(audio("b1", sound(link), FIRST, starts=[now() + HOUR], declared_seconds=1.5))
    assert (await link.exchange()).last_problem is None
    await link.work()
    (broadcast,) = link.broadcasts()
    link.end_broadcast(broadcast.id)
    for _ in range(2):
        assert (await link.exchange()).last_problem is None
    book = link.province.book
    assert [(one["LoaiNhatKy"], one["GiaTri"]) for one in book.receipts.values()] == [("NhanBanTin", 1)]
    assert sorted(one["GiaTri"] for one in book.logs.values()) == [0, 1]
    assert [one["TrangThaiKetNoi"] for one in book.devices.values()] == [1]
    assert (book.repeated, book.wrong, link.states()) == (0, [], {"b1": "aired"})


async def test_portal_changes_the_times_of_a_bulletin(link: Link) -> None:
    start = (now() + 2 * DAY).astimezone(HERE).replace(hour=6, minute=0, second=0, microsecond=0)
    link.province.issue(audio("b1", sound(link), FIRST, starts=[start]))
    await link.exchange()
    moved = body(
        NgayBatDau=(start + DAY).date().isoformat() + "T00:00:00",
        NgayKetThuc=(start + DAY).date().isoformat() + "T00:00:00",
    )
    link.province.issue(request("api7", moved), request("api7", moved), request("api7", {**moved, "BanTinId": "?"}))
    assert (await link.exchange()).last_problem is None
    assert [datetime.datetime.fromisoformat(one) for one in link.bulletin("b1").starts] == [
        (start + DAY).replace(hour=5, minute=30)
    ]
    assert link.bulletin("b1").version == 2
    assert link.alarms() == {"source_defective"}  # the last one names a bulletin that nobody has


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.WRONG_JSON, Fault.ANSWER_LOST, Fault.SIGNED_OUT])
async def test_fault_of_the_portal_loses_and_doubles_nothing(link: Link, fault: Fault) -> None:
    for number, path in enumerate(("Login", "YeuCau", "api8", "api9")):
        link.province.issue(audio(f"b{number}", sound(link), FIRST, starts=[now() + HOUR]))
        link.province.revoke_tokens()
        link.province.faults += [(path, fault)] * 4
        assert (await link.exchange()).failures == 1, path
        link.province.faults.clear()
        assert (await link.exchange()).last_problem is None
    assert link.states() == {f"b{number}": "accepted" for number in range(4)}
    assert {str(one["id"]) for one in link.province.book.receipts.values()} == set(link.states())
    assert link.province.book.wrong == []
    assert link.look(lambda session: session.scalar(sa.select(Source.cursor))) == "4"
