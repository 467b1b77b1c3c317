"""The protocol between devices and a province's storage, as vendors use it in the field.

docs/source-system.md lists which fields were read in published code and which are reconstructed. The station takes the
place of the devices: it reports each of its speakers, and asks for the commands, which vendors' servers push over MQTT.
"""

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from broadcast_bridge.broadcasts.states import DeliveryState, Priority
from broadcast_bridge.source_system.errors import AnswerNotUnderstood
from broadcast_bridge.source_system.exchange import (
    AiringLog,
    Batch,
    DeviceStatus,
    Issued,
    Item,
    Named,
    Ordered,
    Receipt,
    Report,
    Token,
    Unusable,
    Wire,
    Withdrawn,
)
from broadcast_bridge.source_system.states import BulletinState, ContentKind, DeviceAction
from broadcast_bridge.source_system.status_answers import log_in, percent, require_success
from haichieu.locale import Message, message

DEVICE_KIND = "Cụm loa truyền thanh"
PRIORITIES = {"1": Priority.EMERGENCY, "2": Priority.PRIORITY, "3": Priority.NORMAL}
"""MucDoUuTien."""
KINDS = {"1": ContentKind.TEXT, "3": ContentKind.AUDIO}
"""LoaiBanTin; 2 is an image, 4 a video, 5 a live voice, 6 an FM programme."""
LONGEST_SECONDS = 86_400.0
WORTH_HEARING = datetime.timedelta(hours=1)
"""How long after the end of its last time a bulletin is valid: here it begins with a chime, and may have to wait."""
_CODE_OF_PRIORITY = {priority: code for code, priority in PRIORITIES.items()}
_CODE_OF_KIND = {kind: code for code, kind in KINDS.items()}
_PLAYING, _STOPPED = "0", "2"
_ONLINE, _OFFLINE = "SIP", ""
_HEARD = (DeliveryState.PLAYED, DeliveryState.CAUGHT_UP, DeliveryState.FAILED, DeliveryState.PRE_EMPTED)
_CANCELLED = (BulletinState.DECLINED, BulletinState.WITHDRAWN, BulletinState.REFUSED)


class DeviceDialect:
    """Login, Ping, Log, AddPlaylist and DeletePlaylist; the ids of bulletins are `LichPhatID/BanTinID`."""

    async def log_in(self, wire: Wire) -> Token:
        """Return a new token; this protocol does not tell how long it is valid."""
        return await log_in(wire)

    async def report_devices(self, wire: Wire, devices: Sequence[DeviceStatus], at: datetime.datetime) -> None:
        """Send one Ping per speaker."""
        for one in devices:
            ping = {
                **_ids(wire, one.external_id, one.name), "TenLoaiThietBi": DEVICE_KIND,
                "AmLuong": str(percent(one.volume_db)),
                "TrangThaiHoatDong": _STOPPED if one.playing is None else _PLAYING,
                "TrangThaiKetNoi": _ONLINE if one.reachable else _OFFLINE,
                "ViDo": one.latitude or 0, "KinhDo": one.longitude or 0,
                "ThongTinThietBi": {"CongSuat": "", "NhietDo": "", "DungLuongSuDung": ""},
                "ThoiDiemBatDau": int(at.timestamp()), "NoiDungPhat": one.playing or "", "PhienBanUngDung": "",
            }  # fmt: skip
            require_success(await wire.post("Ping", ping))

    async def fetch(self, wire: Wire, cursor: str) -> Batch:
        """Return the commands after the cursor."""
        query = {"NguonID": wire.access.external_id} | ({"Moc": cursor} if cursor else {})
        answer = await wire.get("LenhDieuKhien", **query)
        require_success(answer)
        content = answer.get("NoiDung")
        commands = content.get("DanhSachLenh") if isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(commands, list):
            raise AnswerNotUnderstood("source.missing_field", field="NoiDung.DanhSachLenh")
        items = [item for place, command in enumerate(commands) for item in _items(command, f"{cursor}#{place}")]
        return Batch(items, str(content.get("Moc") or cursor), content.get("ConLenh") is True)

    async def send(self, wire: Wire, report: Report) -> None:
        """Send a Log, an AddPlaylist or a DeletePlaylist; other reports have no message in this protocol."""
        if isinstance(report, AiringLog):
            if report.state in _HEARD:
                require_success(await wire.post("Log", _log(wire, report)))
        elif not isinstance(report, Receipt):
            return
        elif report.state == _acknowledged_in(report.bulletin):
            for device in report.bulletin.devices or [""]:
                require_success(await wire.post("AddPlaylist", _playlist(wire, report, device)))
        elif report.state in _CANCELLED:
            require_success(await wire.post("DeletePlaylist", _deleted(wire, report)))


def _acknowledged_in(bulletin: Named) -> BulletinState:
    """Return the state that an AddPlaylist reports, which is sent once: the first state of a usable bulletin."""
    return BulletinState.OFFERED if bulletin.priority is Priority.NORMAL else BulletinState.ACCEPTED


def _ids(wire: Wire, device: str, name: str) -> dict[str, Any]:
    return {
        "NguonID": wire.access.external_id, "TenNguon": wire.access.station, "DichID": wire.access.external_id,
        "TenDich": wire.access.station, "CumLoaID": device, "TenThietBi": name, "MaNhaCungCap": "",
        "TenNhaCungCap": "Hai Chiều",
    }  # fmt: skip


def _log(wire: Wire, report: AiringLog) -> dict[str, Any]:
    began = report.heard_from or report.started_at
    return {
        **_ids(wire, report.device, report.device_name), **_words(report.bulletin),
        "ThoiLuong": _clock(report.seconds), "ThoiDiemBatDau": int(began.timestamp()),
        "TiepAm": 0, "NguonTiepAm": "", "ThongTinChiTietBanTin": [{"Ten": "TrangThai", "GiaTri": str(report.state)}],
        "AmLuong": str(percent(report.volume_db)), "CongSuat": "",
    }  # fmt: skip


def _words(bulletin: Named) -> dict[str, Any]:
    return {
        "BanTinID": _parts(bulletin.id)[1], "LoaiBanTin": _CODE_OF_KIND[bulletin.kind],
        "MucDoUuTien": _CODE_OF_PRIORITY[bulletin.priority], "TieuDe": bulletin.title, "LoaiLinhVuc": bulletin.field,
        "NoiDungTomTat": bulletin.title, "ThoiGianSanXuat": int(bulletin.issued_at.timestamp()),
        "TacGia": {"TenDayDu": bulletin.author, "ButDanh": "", "Email": ""}, "NoiDung": bulletin.link, "NguonTin": "",
    }  # fmt: skip


def _playlist(wire: Wire, report: Receipt, device: str) -> dict[str, Any]:
    bulletin = report.bulletin
    return {
        **_ids(wire, device, ""), "DanhSachDiaBan": [{"DichID": area, "TenDich": ""} for area in bulletin.areas],
        "LichPhatID": _parts(bulletin.id)[0], "TenLichPhat": bulletin.title,
        "DanhSachBanTin": [{**_words(bulletin), "ThoiLuong": _clock(bulletin.declared_seconds or 0)}],
    }  # fmt: skip


def _deleted(wire: Wire, report: Receipt) -> dict[str, Any]:
    ids = _ids(wire, "", "")
    return {
        **{name: ids[name] for name in ("NguonID", "TenNguon", "DichID", "TenDich")},
        "DanhSachThietBi": report.bulletin.devices, "LichPhatID": _parts(report.bulletin.id)[0],
        "TenLichPhat": report.bulletin.title, "BanTinID": _parts(report.bulletin.id)[1],
        "TrangThai": str(report.state), "LyDo": report.reason,
    }  # fmt: skip


def _parts(external_id: str) -> tuple[str, str]:
    """Return LichPhatID and BanTinID; an emergency has only the latter, which is then both."""
    first, slash, second = external_id.partition("/")
    return first, second if slash else first


def _items(command: Any, place: str) -> Iterator[Item]:
    """Read a command; `place` is its own in the list, which tells a repetition where the command has no id."""
    if not isinstance(command, dict):
        yield Unusable("", message("source.missing_field", field="command"))
        return
    name = command.get("command")
    schedule = _id(command.get("LichPhatID"))
    if name == "phatkhancap":
        yield _bulletin(command, command, _id(command.get("BanTinID")), emergency=True)
    elif (ordered := _ordered(command, place)) is not None:
        yield ordered
    elif name == "Huy_Lich_Phat_Tinh" and schedule:
        yield Withdrawn(schedule)
    elif name == "Luu_Lich_Phat_Tinh" and schedule and isinstance(command.get("DanhSachBanTin"), list):
        for one in command["DanhSachBanTin"]:
            number = _id(one.get("BanTinID")) if isinstance(one, dict) else ""
            yield (
                _bulletin(one, command, f"{schedule}/{number}")
                if number
                else Unusable("", message("source.missing_field", field="BanTinID"))
            )
    else:
        yield Unusable("", message("source.unknown_command", command=str(name)[:40]))


def _ordered(command: dict[str, Any], place: str) -> Ordered | None:
    """Return a command to devices; None for another one, as for `DungPhatNoiDung` 1 to 3: skip, pause, replay."""
    external_id = _id(command.get("LenhID")) or place
    areas, devices = _areas(command.get("DanhSachDiaBanNhan")), _devices(command.get("DanhSachThietBi"))
    match command.get("command"), str(command.get("ThamSo")):
        case "amluong", _:
            volume = str(command.get("volume"))
            value = int(volume) if volume.isdecimal() and len(volume) < 4 else None
            return Ordered(external_id, DeviceAction.VOLUME, value, areas, devices)
        case "DungPhatNoiDung", "0":
            return Ordered(external_id, DeviceAction.STOP, None, areas, devices)
        case "khoidonglai", _:
            return Ordered(external_id, DeviceAction.RESTART, None, areas, devices)
    return None


def _bulletin(raw: dict[str, Any], command: dict[str, Any], external_id: str, *, emergency: bool = False) -> Item:
    title = str(raw.get("TieuDe") or "")[:200]
    if not external_id or len(external_id) > 120:
        return Unusable("", message("source.missing_field", field="BanTinID"), title)
    priority = Priority.EMERGENCY if emergency else PRIORITIES.get(str(raw.get("MucDoUuTien")))
    if priority is None:
        wrong = message("source.unknown_priority", priority=str(raw.get("MucDoUuTien"))[:40])
        return Unusable(external_id, wrong, title)
    kind = KINDS.get(str(raw.get("LoaiBanTin")))
    if kind is None:
        wrong = message("source.unknown_kind", kind=str(raw.get("LoaiBanTin"))[:40])
        return Unusable(external_id, wrong, title)
    content, author = str(raw.get("NoiDung") or ""), raw.get("TacGia")
    try:
        spans = [] if emergency else _spans(raw)
        ends = (
            [_moment(raw["ThoiDiemKetThuc"])]
            if raw.get("ThoiDiemKetThuc")
            else [end + WORTH_HEARING for _, end in spans]
        )
        seconds = _seconds(raw.get("ThoiLuong"))
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as problem:
        return Unusable(external_id, _wrong_time(problem), title)
    return Issued(
        external_id=external_id,
        title=title,
        kind=kind,
        priority=priority,
        text=content if kind is ContentKind.TEXT else "",
        link=content if kind is ContentKind.AUDIO else "",
        declared_seconds=seconds or None,
        field=str(raw.get("LoaiLinhVuc") or "")[:80],
        author=str(author.get("TenDayDu") or "")[:200] if isinstance(author, dict) else "",
        areas=_areas(command.get("DanhSachDiaBanNhan")),
        devices=_devices(command.get("DanhSachThietBi")),
        starts=[begin for begin, _ in spans],
        valid_until=max(ends) if ends else None,
    )


def _spans(raw: dict[str, Any]) -> list[tuple[datetime.datetime, datetime.datetime]]:
    return [
        (_moment(one["ThoiGianBatDau"]), _moment(one["ThoiGianKetThuc"]))
        for day in raw.get("DanhSachNgayPhat") or ()
        for one in day["ThoiDiemPhat"]
    ]


def _areas(found: Any) -> list[str]:
    return [_id(one.get("DichID")) for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _devices(found: Any) -> list[str]:
    ids = found.get("CumLoaID") if isinstance(found, dict) else found
    return [_id(one) for one in ids] if isinstance(ids, list) else []


def _id(found: Any) -> str:
    return str(found).strip() if isinstance(found, str | int) else ""


def _moment(epoch: Any) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)


def _seconds(found: Any) -> float:
    """Return a length that is written as seconds or as HH:MM:SS."""
    total = 0.0
    for part in str(found or 0).split(":"):
        total = total * 60 + float(part)
    if not 0 <= total < LONGEST_SECONDS:
        raise ValueError(str(found))
    return total


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def _wrong_time(problem: Exception) -> Message:
    return message("source.wrong_time", problem=str(problem)[:100] or type(problem).__name__)
