"""Messages of the stand-in of a province, in the form of each dialect."""

import datetime
from collections.abc import Mapping
from typing import Any

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.source_system.device_dialect import KINDS, PRIORITIES
from broadcast_bridge.source_system.exchange import Issued, Ordered, Withdrawn
from broadcast_bridge.source_system.portal_dialect import BULLETIN, CONTROL, DELETE, HERE
from broadcast_bridge.source_system.states import ContentKind, DeviceAction
from haichieu.database import now

Message = Mapping[str, Any]
Issue = Issued | Withdrawn | Ordered | Message
"""A mapping is sent as it is."""
_KIND_CODES = {kind: code for code, kind in KINDS.items()}
_PRIORITY_CODES = {priority: code for code, priority in PRIORITIES.items()}


def neutral(item: Issue) -> Message:
    """Return a message of the neutral dialect."""
    match item:
        case Withdrawn():
            return {"type": "withdrawal", "id": item.external_id}
        case Ordered():
            return {
                "type": "command", "id": item.external_id, "action": item.action, "value": item.value,
                "areas": list(item.areas), "devices": list(item.devices),
                "at": (item.ordered_at or now()).isoformat(),
            }  # fmt: skip
        case Issued():
            return {
                "type": "bulletin", "id": item.external_id, "title": item.title, "kind": item.kind,
                "priority": item.priority, "text": item.text, "field": item.field, "language": item.language,
                "audio": {"url": item.link, "seconds": item.declared_seconds} if item.link else None,
                "author": item.author, "areas": list(item.areas), "devices": list(item.devices),
                "starts": [start.isoformat() for start in item.starts],
                "valid_until": item.valid_until.isoformat() if item.valid_until else None,
                "revision": item.revision,
            }  # fmt: skip
        case _:
            return item


def command(item: Issue) -> Message:
    """Return a command of the protocol of devices."""
    match item:
        case Withdrawn():
            return {"command": "Huy_Lich_Phat_Tinh", "LichPhatID": item.external_id, "DanhSachBanTin": []}
        case Ordered():
            places = {"LenhID": item.external_id, **_places(item)}
            return {**places, **_DEVICE_COMMANDS[item.action], **_volume_of(item)}
        case Issued():
            if item.priority is Priority.EMERGENCY:
                return {"command": "phatkhancap", **_places(item), **_device_bulletin(item)}
            schedule = {"LichPhatID": item.external_id, "TenLichPhat": item.title}
            bulletin = {**schedule, **_device_bulletin(item)}
            return {"command": "Luu_Lich_Phat_Tinh", **schedule, **_places(item), "DanhSachBanTin": [bulletin]}
        case _:
            return item


def request(item: Issue) -> Message:
    """Return a request of the portal."""
    match item:
        case Withdrawn():
            return {"Api": DELETE, "NoiDung": {"NguonId": "H24", "BanTinId": item.external_id}}
        case Ordered():
            order = {
                "NguonID": "H24", "TenNguon": "",
                "DanhSachDiaBanNhan": [{"DichID": area, "TenDich": ""} for area in item.areas],
                "DanhSachThietBi": {"CumLoaID": list(item.devices)},
                "DieuKhienThietBi": {"MaLenh": _PORTAL_CODES[item.action], "ThamSo": str(item.value or "")},
            }  # fmt: skip
            return {"Api": CONTROL, "NoiDung": order}
        case Issued():
            return {"Api": BULLETIN, "NoiDung": _portal_bulletin(item)}
        case _:
            return item


_DEVICE_COMMANDS: Mapping[DeviceAction, Message] = {
    DeviceAction.VOLUME: {"command": "amluong"},
    DeviceAction.STOP: {"command": "DungPhatNoiDung", "ThamSo": "0"},
    DeviceAction.RESTART: {"command": "khoidonglai"},
    DeviceAction.STATUS: {"command": "ping-device", "statusPlay": ""},
}
_PORTAL_CODES: Mapping[DeviceAction, str] = {
    DeviceAction.VOLUME: "0", DeviceAction.STOP: "1", DeviceAction.RESTART: "2", DeviceAction.STATUS: "3",
}  # fmt: skip


def _places(item: Issued | Ordered) -> dict[str, Any]:
    return {
        "DanhSachDiaBanNhan": [{"DichID": area, "TenDich": ""} for area in item.areas],
        "DanhSachThietBi": list(item.devices),
    }


def _volume_of(item: Ordered) -> dict[str, Any]:
    return {"volume": item.value} if item.action is DeviceAction.VOLUME else {}


def _device_bulletin(item: Issued) -> dict[str, Any]:
    length = item.declared_seconds or 60.0
    spans = [
        {"ThoiGianBatDau": int(start.timestamp()), "ThoiGianKetThuc": int(start.timestamp() + length)}
        for start in item.starts
    ]
    found: dict[str, Any] = {
        "BanTinID": item.external_id, "TieuDe": item.title, "LoaiBanTin": _KIND_CODES[item.kind],
        "MucDoUuTien": _PRIORITY_CODES[item.priority], "LoaiLinhVuc": item.field, "NoiDungTomTat": item.title,
        "ThoiLuong": item.declared_seconds or "", "TacGia": {"TenDayDu": item.author, "ButDanh": "", "Email": ""},
        "NoiDung": item.text if item.kind is ContentKind.TEXT else item.link,
        "DanhSachNgayPhat": [{"ThoiDiemPhat": spans}] if spans else [],
    }  # fmt: skip
    if item.valid_until is not None:
        found["ThoiDiemKetThuc"] = int(item.valid_until.timestamp())
    return found


def _portal_bulletin(item: Issued) -> dict[str, Any]:
    """Return api5: it has a first and a last day, and the same times on each of them."""
    starts = sorted(start.astimezone(HERE) for start in item.starts) or [now().astimezone(HERE)]
    length = datetime.timedelta(seconds=item.declared_seconds or 60)
    last = item.valid_until.astimezone(HERE) if item.valid_until else starts[-1] + datetime.timedelta(days=1)
    clocks = sorted({start.time() for start in starts})
    ends = sorted({(start + length).time() for start in starts})
    return {
        "NguonId": "H24", "BanTinId": item.external_id, "NgayBatDau": _moment(starts[0]), "NgayKetThuc": _moment(last),
        "CheDoPhat": 0,
        "LichPhat": {
            "ThoiDiemBatDau": [clock.isoformat("microseconds") for clock in clocks],
            "ThoiDiemKetThuc": [clock.isoformat("microseconds") for clock in ends],
            "KieuLich": int(starts[0].date() != starts[-1].date()), "DanhSachNgayPhat": [],
        },
        "TieuDe": item.title, "LinhVuc": item.field or "1", "NoiDungTomTat": item.text or item.title,
        "ThoiGianSanXuat": _moment(now()), "ThoiLuong": round(item.declared_seconds or 0),
        "TacGia": item.author or "Tỉnh", "NoiDung": {"Link": item.link, "tanso": 0, "thoigian": 0, "order": 0},
        "DiaBanTao": "H24", "DanhSachDiaBanNhan": list(item.areas), "MucDoUuTien": _PRIORITY_CODES[item.priority],
    }  # fmt: skip


def _moment(moment: datetime.datetime) -> str:
    return moment.astimezone(HERE).replace(tzinfo=None).isoformat()
