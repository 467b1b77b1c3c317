"""The protocol of a province's portal: nine numbered requests, as a published checker of vendors' messages has them.

docs/source-system.md lists which fields were read in published code and which are reconstructed. Requests 1 to 7 come
down; the station asks for them. Requests 8 and 9, the state of a device and the log, go up.
"""

import calendar
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from broadcast_bridge.broadcasts.states import DeliveryState, Priority
from broadcast_bridge.source_system.device_dialect import PRIORITIES
from broadcast_bridge.source_system.errors import AnswerNotUnderstood
from broadcast_bridge.source_system.exchange import (
    AiringLog,
    Batch,
    DeviceStatus,
    Issued,
    Item,
    Ordered,
    Receipt,
    Report,
    Rescheduled,
    Token,
    Unusable,
    Wire,
    Withdrawn,
)
from broadcast_bridge.source_system.states import BulletinState, ContentKind, DeviceAction
from broadcast_bridge.source_system.status_answers import log_in, percent, require_success
from haichieu.locale import Message, message
from haichieu.pydantic_messages import message_of_detail

VOLUME, BULLETIN, DELETE, TIMES, STATUS, LOG = "api4", "api5", "api6", "api7", "api8", "api9"
CONTROL = "DieuKhienThietBi"
PLAYED, TAKEN = "PhatBanTin", "NhanBanTin"
"""LoaiNhatKy: a bulletin was broadcast at a device; the station has taken it."""
HERE = ZoneInfo("Asia/Ho_Chi_Minh")
"""The zone of its dates, which have none."""
MOST_STARTS = 200
_ONCE, _DAILY, _WEEKLY, _MONTHLY = range(4)
_HEARD = (DeliveryState.PLAYED, DeliveryState.CAUGHT_UP)
_DECIDED: Mapping[BulletinState, int] = {
    BulletinState.ACCEPTED: 1, BulletinState.DECLINED: 0, BulletinState.WITHDRAWN: 0, BulletinState.REFUSED: 0,
}  # fmt: skip


def _local(found: object) -> object:
    """Return a date and time without a zone, of which .NET writes up to seven decimals."""
    if not isinstance(found, str):
        return found
    whole, dot, parts = found.strip().partition(".")
    moment = datetime.datetime.fromisoformat(f"{whole}.{parts[:6].ljust(6, '0')}" if dot else whole)
    return moment.astimezone(HERE) if moment.tzinfo is not None else moment.replace(tzinfo=HERE)


Moment = Annotated[datetime.datetime, BeforeValidator(_local)]
Id = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f/]+$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Times(_Body):
    starts: Annotated[list[datetime.time], Field(alias="ThoiDiemBatDau", min_length=1, max_length=50)]
    kind: Annotated[int, Field(alias="KieuLich", ge=0, le=3)]
    days: Annotated[list[int], Field(alias="DanhSachNgayPhat", max_length=31)] = []


class _Scheduled(_Body):
    id: Id = Field(alias="BanTinId")
    first: Moment = Field(alias="NgayBatDau")
    last: Moment = Field(alias="NgayKetThuc")
    mode: Annotated[int, Field(alias="CheDoPhat", ge=0, le=2)]
    times: _Times = Field(alias="LichPhat")


class _Sound(_Body):
    link: Annotated[str, Field(alias="Link", min_length=1, max_length=2000)]
    frequency: float = Field(0, alias="tanso")


class _Bulletin(_Scheduled):
    title: Annotated[str, Field(alias="TieuDe", min_length=1, max_length=1000)]
    field: Annotated[str, Field(alias="LinhVuc", max_length=80)] = ""
    summary: Annotated[str, Field(alias="NoiDungTomTat", max_length=20_000)] = ""
    seconds: Annotated[float, Field(alias="ThoiLuong", ge=0, lt=86_400)] = 0
    author: Annotated[str, Field(alias="TacGia", max_length=200)] = ""
    sound: _Sound = Field(alias="NoiDung")
    areas: Annotated[list[Id], Field(alias="DanhSachDiaBanNhan", max_length=2000)] = []
    priority: int | str = Field("3", alias="MucDoUuTien")


class PortalDialect:
    """Login, the list of requests, api8 and api9."""

    async def log_in(self, wire: Wire) -> Token:
        """Return a new token; this protocol does not tell how long it is valid."""
        return await log_in(wire)

    async def report_devices(self, wire: Wire, devices: Sequence[DeviceStatus], at: datetime.datetime) -> None:
        """Send one api8 per speaker."""
        for one in devices:
            state = {
                "NguonId": wire.access.external_id, "CumLoaId": one.external_id,
                "TrangThaiHoatDong": 2 if one.playing is None else 0, "TrangThaiKetNoi": int(one.reachable),
                "AmLuong": percent(one.volume_db),
            }  # fmt: skip
            require_success(await wire.post(STATUS, state))

    async def fetch(self, wire: Wire, cursor: str) -> Batch:
        """Return the requests after the cursor."""
        query = {"NguonId": wire.access.external_id} | ({"Moc": cursor} if cursor else {})
        answer = await wire.get("YeuCau", **query)
        require_success(answer)
        content = answer.get("NoiDung")
        asked = content.get("DanhSachYeuCau") if isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(asked, list):
            raise AnswerNotUnderstood("source.missing_field", field="NoiDung.DanhSachYeuCau")
        items = [_item(one, f"{cursor}#{place}") for place, one in enumerate(asked)]
        return Batch(items, str(content.get("Moc") or cursor), content.get("ConYeuCau") is True)

    async def send(self, wire: Wire, report: Report) -> None:
        """Send an api9 for a receipt or a log; other reports have no message in this protocol."""
        if isinstance(report, AiringLog):
            log = {"LoaiNhatKy": PLAYED, "GiaTri": int(report.state in _HEARD), "CumLoaId": report.device}
            moment = report.heard_from or report.started_at
        elif isinstance(report, Receipt) and report.state in _DECIDED:
            log = {"LoaiNhatKy": TAKEN, "GiaTri": _DECIDED[report.state]}
            moment = report.at
        else:
            return
        sent = moment.astimezone(HERE).replace(tzinfo=None).isoformat(timespec="seconds")
        body = {"NguonId": wire.access.external_id, "BanTinId": report.bulletin.id, "ThoiDiemGui": sent}
        require_success(await wire.post(LOG, {**body, **log, "MoTa": report.reason}))


def _item(raw: Any, place: str) -> Item:
    """Read a request; `place` is its own in the list, which tells a repetition where the request has no id."""
    if not isinstance(raw, dict):
        return Unusable("", message("source.missing_field", field="Api"))
    name, content = str(raw.get("Api"))[:40], raw.get("NoiDung")
    body = content if isinstance(content, dict) else {}
    external_id = body.get("BanTinId") if name == BULLETIN else None
    try:
        match name:
            case "api5":
                return _issued(_Bulletin.model_validate(body))
            case "api6":
                return Withdrawn(_Deleted.model_validate(body).id)
            case "api7":
                changed = _Scheduled.model_validate(body)
                return Rescheduled(changed.id, list(_starts(changed)), _end(changed.last))
            case "api4":
                wanted = _Volume.model_validate(body)
                return Ordered(place, DeviceAction.VOLUME, wanted.value, devices=[wanted.device])
            case "DieuKhienThietBi":
                return _controlled(_Control.model_validate(body), place)
    except ValidationError as problem:
        return Unusable(
            external_id[:120] if isinstance(external_id, str) else "",
            message("source.not_understood", problem=_problem(problem)),
            str(body.get("TieuDe") or "")[:200],
        )
    return Unusable("", message("source.unknown_command", command=name))


class _Deleted(_Body):
    id: Id = Field(alias="BanTinId")


class _Volume(_Body):
    device: Id = Field(alias="CumLoaId")
    value: int = Field(alias="AmLuong")


class _Area(_Body):
    id: Id = Field(alias="DichID")


class _Devices(_Body):
    ids: Annotated[list[Id], Field(alias="CumLoaID", max_length=2000)] = []


class _Action(_Body):
    code: str = Field(alias="MaLenh")
    value: Annotated[str, Field(alias="ThamSo", max_length=3)] = ""


class _Control(_Body):
    areas: Annotated[list[_Area], Field(alias="DanhSachDiaBanNhan", max_length=2000)] = []
    devices: _Devices = Field(_Devices(), alias="DanhSachThietBi")
    action: _Action = Field(alias="DieuKhienThietBi")


def _controlled(control: _Control, place: str) -> Item:
    if control.action.code != "0":
        return Unusable("", message("source.unknown_command", command=f"MaLenh {control.action.code[:20]}"))
    value = int(control.action.value) if control.action.value.isdecimal() else None
    areas = [area.id for area in control.areas]
    return Ordered(place, DeviceAction.VOLUME, value, areas, control.devices.ids)


def _issued(bulletin: _Bulletin) -> Item:
    priority = PRIORITIES.get(str(bulletin.priority))
    if priority is None:
        wrong = message("source.unknown_priority", priority=str(bulletin.priority)[:40])
        return Unusable(bulletin.id, wrong, bulletin.title[:200])
    if bulletin.sound.frequency:
        return Unusable(bulletin.id, message("source.unknown_kind", kind="FM"), bulletin.title[:200])
    return Issued(
        external_id=bulletin.id,
        title=bulletin.title,
        kind=ContentKind.AUDIO,
        priority=priority,
        text=bulletin.summary if priority is Priority.EMERGENCY else "",
        link=bulletin.sound.link,
        declared_seconds=bulletin.seconds or None,
        field=bulletin.field,
        author=bulletin.author,
        areas=bulletin.areas,
        starts=list(_starts(bulletin)),
        valid_until=_end(bulletin.last),
    )


def _starts(scheduled: _Scheduled) -> Iterator[datetime.datetime]:
    """Yield the start times of a schedule: once, daily, on days of the week (1 is Monday) or of the month."""
    day, last, found = scheduled.first.date(), _end(scheduled.last), 0
    while found < MOST_STARTS and datetime.datetime.combine(day, datetime.time(), HERE) < last:
        if _is_on(scheduled.times, day):
            for clock in sorted(scheduled.times.starts):
                start = datetime.datetime.combine(day, clock.replace(tzinfo=None), HERE)
                if scheduled.first <= start < last and found < MOST_STARTS:
                    found += 1
                    yield start
        if scheduled.times.kind == _ONCE or day - scheduled.first.date() > datetime.timedelta(days=366):
            return
        day += datetime.timedelta(days=1)


def _is_on(times: _Times, day: datetime.date) -> bool:
    if times.kind == _WEEKLY:
        return day.isoweekday() in times.days
    if times.kind == _MONTHLY:
        ends = calendar.monthrange(day.year, day.month)[1]
        return day.day in times.days or (day.day == ends and any(one > ends for one in times.days))
    return True


def _end(last: datetime.datetime) -> datetime.datetime:
    """Return the end of validity: a date without a time means the whole day."""
    return last + datetime.timedelta(days=1) if last.timetz().replace(tzinfo=None) == datetime.time() else last


def _problem(problem: ValidationError) -> Message:
    first = problem.errors()[0]
    return message("source.field", field=".".join(map(str, first["loc"])) or "-", problem=message_of_detail(first))
