"""Each message of a dialect, as it is sent and read, has the fields of its row in docs/source-system.md."""

import datetime
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from broadcast_bridge.broadcasts.states import DeliveryState, Priority
from broadcast_bridge.source_system import portal_dialect
from broadcast_bridge.source_system.device_dialect import DeviceDialect
from broadcast_bridge.source_system.exchange import (
    Access,
    AiringLog,
    DeviceStatus,
    Dialect,
    Issued,
    Json,
    Named,
    Receipt,
)
from broadcast_bridge.source_system.portal_dialect import PortalDialect
from broadcast_bridge.source_system.states import BulletinState, ContentKind
from tests.broadcast_bridge.source_system.documented_fields import named, section

AT = datetime.datetime(2026, 11, 20, 5, tzinfo=datetime.UTC)
DIALECTS: Mapping[str, Dialect] = {"device": DeviceDialect(), "portal": PortalDialect()}
LISTS = {"DanhSachBanTin", "DanhSachDiaBan"}
"""Their entries have the fields of another message."""
REPEATED = {"POST Log"}
"""Their rows say "the ids of `Ping`"."""
VALUES = {"PhatBanTin", "NhanBanTin"}
"""Values in rows that look like names of fields."""
IDS = {"NguonID", "TenNguon", "DichID", "TenDich", "CumLoaID", "TenThietBi", "MaNhaCungCap", "TenNhaCungCap"}


class Seen(dict[str, Any]):
    """An answer that notes which of its fields are read."""

    def __init__(self, values: Mapping[str, Any], read: set[str]) -> None:
        super().__init__({name: _seen(value, read) for name, value in values.items()})
        self._read = read

    def get(self, name: str, otherwise: Any = None) -> Any:
        self._read.add(name)
        return super().get(name, otherwise)

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        return super().__getitem__(name)


def _seen(value: Any, read: set[str]) -> Any:
    if isinstance(value, Mapping):
        return Seen(value, read)
    return [_seen(one, read) for one in value] if isinstance(value, list) else value


class Wire:
    """A source that answers every request the same, and notes what it gets."""

    access = Access("nguồn", "https://nguon.example", "u", "p", "H24.01", "Xã Bảo Lạc")

    def __init__(self, answer: Json) -> None:
        self.answer = answer
        self.sent: dict[str, set[str]] = {}

    async def get(self, path: str, **query: str) -> Json:
        self.sent.setdefault(f"GET {path}", set()).update(query)
        return self.answer

    async def wait(self, path: str, seconds: float, **query: str) -> Json:
        return await self.get(path, **query)

    async def post(self, path: str, body: Json, *, signed: bool = True) -> Json:
        self.sent.setdefault(f"POST {path}", set()).update(fields(body))
        return self.answer

    async def download(self, link: str, file: Path) -> None:
        raise NotImplementedError


def fields(body: object) -> Iterator[str]:
    """Yield the names of all fields, except those inside lists of other messages."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            yield name
            if name not in LISTS:
                yield from fields(value)
    elif isinstance(body, list):
        for one in body:
            yield from fields(one)


def row_of(dialect: str, message: str) -> str:
    """Return both lists of fields, verified and reconstructed, in the row of a message."""
    for line in section(dialect).splitlines():
        name, *lists = [cell.strip() for cell in line.strip("|").split("|")]
        if name.replace("`", "").partition(",")[0] == message:
            return " ".join(lists)
    raise AssertionError(f"no row of {message}")


def listed(dialect: str, message: str) -> set[str]:
    """Return every name that the row of a message contains, values included."""
    names = {part for one in re.findall(r"`([^`]+)`", row_of(dialect, message)) for part in one.split(".")}
    return names | (IDS if message in REPEATED else set())


def reports() -> Iterator[Receipt | AiringLog]:
    """Yield a report of each kind."""
    about = Named(
        id="lich/tin", title="Tin", kind=ContentKind.AUDIO, priority=Priority.NORMAL, field="1", author="Sở",
        link="https://nguon.example/a.wav", declared_seconds=60, areas=["H24.01.02"], devices=["86"], issued_at=AT,
    )  # fmt: skip
    for state in (BulletinState.OFFERED, BulletinState.ACCEPTED, BulletinState.DECLINED):
        yield Receipt(key=f"r{state}", bulletin=about, state=state, reason="Không phù hợp", at=AT)
    yield AiringLog(
        key="l", bulletin=about, device="86", device_name="Loa", state=DeliveryState.PLAYED, reason="", started_at=AT,
        heard_from=AT, seconds=60, volume_db=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "messages"),
    [
        ("device", ["POST Login", "POST Ping", "POST Log", "POST AddPlaylist", "POST DeletePlaylist"]),
        ("portal", ["POST Login", "POST api8", "POST api9"]),
    ],
)
async def test_every_message_is_sent_with_the_fields_of_its_row(dialect: str, messages: list[str]) -> None:
    wire, speaks = Wire({"TrangThaiGui": 0, "NoiDung": {"Token": "t"}}), DIALECTS[dialect]
    await speaks.log_in(wire)
    await speaks.report_devices(wire, [DeviceStatus("86", "Loa", True, "Tin", 0, 22.9, 105.7)], AT)
    for report in reports():
        await speaks.send(wire, report)

    assert sorted(wire.sent) == sorted(messages)
    for message, sent in wire.sent.items():
        assert sorted(sent - listed(dialect, message)) == [], message
        if message != "POST Login":
            assert sorted(named(row_of(dialect, message)) - sent - VALUES) == [], message


async def test_every_command_of_devices_is_read_by_the_fields_of_its_row() -> None:
    bulletin = {
        "BanTinID": "tin", "LoaiBanTin": "1", "MucDoUuTien": "3", "TieuDe": "Tin", "LoaiLinhVuc": "1", "NoiDung": "Chữ",
        "TacGia": {"TenDayDu": "Sở"}, "ThoiLuong": "00:01:00", "ThoiDiemKetThuc": 1_800_000_000,
        "DanhSachNgayPhat": [{"ThoiDiemPhat": [{"ThoiGianBatDau": 1_790_000_000, "ThoiGianKetThuc": 1_790_000_060}]}],
    }  # fmt: skip
    places = {"DanhSachDiaBanNhan": [{"DichID": "H24.01.02"}], "DanhSachThietBi": ["86"]}
    commands = {
        "Luu_Lich_Phat_Tinh": {"LichPhatID": "lich", "DanhSachBanTin": [bulletin], **places},
        "phatkhancap": {**bulletin, **places},
        "Huy_Lich_Phat_Tinh": {"LichPhatID": "lich"},
        "amluong": {"LenhID": "1", "volume": "50", **places},
    }
    words = listed("device", "POST Log") | {"ThoiDiemKetThuc", "LichPhatID", "BanTinID"}
    of_commands = named(section("device").rpartition("| code lists")[2]) | {"command", "volume", "ThamSo"}
    for name, command in commands.items():
        read: set[str] = set()
        content = {"DanhSachLenh": [{"command": name, **command}], "Moc": "2", "ConLenh": False}
        wire = Wire(Seen({"TrangThaiGui": 0, "NoiDung": content}, read))
        batch = await DIALECTS["device"].fetch(wire, "1")
        assert len(batch.items) == 1
        row = set() if name == "amluong" else listed("device", f"command {name}")
        envelope = listed("device", "GET LenhDieuKhien") | {"TrangThaiGui"}
        assert sorted(read - row - envelope - words - of_commands - {"DichID"}) == [], name
        assert wire.sent["GET LenhDieuKhien"] <= envelope
        if name == "Luu_Lich_Phat_Tinh":
            assert isinstance(batch.items[0], Issued), batch.items
            assert {"DanhSachNgayPhat", "ThoiDiemPhat", "ThoiGianBatDau", "ThoiGianKetThuc"} <= read & row


@pytest.mark.parametrize(
    ("message", "read_by"),
    [
        ("api4", "_Volume"), ("api5", "_Bulletin"), ("api6", "_Deleted"), ("api7", "_Scheduled"),
        ("DieuKhienThietBi", "_Control"),
    ],
)  # fmt: skip
def test_every_request_of_the_portal_is_read_by_the_fields_of_its_row(message: str, read_by: str) -> None:
    read = set(aliases(getattr(portal_dialect, read_by)))
    # The times of a schedule are described once, where a bulletin has them.
    expected = listed("portal", message) | (listed("portal", "api5") if message == "api7" else set())
    assert sorted(read - expected) == []
    assert read


def aliases(model: type[BaseModel]) -> Iterator[str]:
    """Yield the names that a model reads, those of models inside it included."""
    for name, info in model.model_fields.items():
        yield info.alias or name
        for inner in (info.annotation, *getattr(info.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from aliases(inner)
