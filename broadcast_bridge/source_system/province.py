"""Stand-in for a province's source system: speaks both dialects, issues bulletins, checks reports, fails on demand.

It needs no account of anybody: tests, the demo and `haichieu source-simulator` use it. Beside the two protocols it has
three addresses for people: `POST /issue`, `POST /fault` and `GET /book`.
"""

import asyncio
import datetime
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.source_system.device_dialect import KINDS, PRIORITIES
from broadcast_bridge.source_system.exchange import AiringLog, Issued, Receipt, Withdrawn
from broadcast_bridge.source_system.states import ContentKind
from haichieu.database import now

USERNAME, PASSWORD = "station", "a province's password"
PAGE = 20
"""Messages per answer."""
HUGE = 2_000_000_000
_KIND_CODES = {kind: code for code, kind in KINDS.items()}
_PRIORITY_CODES = {priority: code for code, priority in PRIORITIES.items()}
_LOG_FIELDS = frozenset(
    {
        *("NguonID", "TenNguon", "DichID", "TenDich", "CumLoaID", "TenThietBi", "MaNhaCungCap", "TenNhaCungCap"),
        *("BanTinID", "LoaiBanTin", "MucDoUuTien", "TieuDe", "LoaiLinhVuc", "NoiDungTomTat", "ThoiGianSanXuat"),
        *("ThoiLuong", "TacGia", "ThoiDiemBatDau", "TiepAm", "NguonTiepAm", "NoiDung", "ThongTinChiTietBanTin"),
        *("NguonTin", "AmLuong", "CongSuat"),
    }
)


class Fault(StrEnum):
    """Ways in which the stand-in fails."""

    ERROR = "500"
    WRONG_JSON = "wrong-json"
    SIGNED_OUT = "expired-token"
    ANSWER_LOST = "answer-lost"
    """It does what it is asked for, and breaks the connection before the answer."""
    SLOW = "slow"
    """It answers only when `Province.may_answer` is set."""


@dataclass
class Book:
    """What came back, by the key that tells a repetition; `repeated` counts those, `wrong` is what was not right."""

    receipts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    logs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    devices: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)

    def states(self, external_id: str) -> list[str]:
        """Return the states that were reported of a bulletin, in their order."""
        return [str(one["state"]) for one in self.receipts.values() if one["id"] == external_id]


class Province:
    """The stand-in; `app` serves it. Messages stay in the order in which they were issued."""

    def __init__(self) -> None:
        self.issued: list[Issued | Withdrawn | Mapping[str, Any]] = []
        self.sounds: dict[str, bytes] = {}
        self.book = Book()
        self.faults: deque[tuple[str, Fault]] = deque()
        """Each is used once, by the first request whose path begins with the first part."""
        self.clock_ahead = datetime.timedelta()
        self.token_seconds: int | None = None
        self.logins = 0
        self.may_answer = asyncio.Event()
        self._tokens: set[str] = set()
        self.app = web.Application(middlewares=[self._misbehave])
        self.app.add_routes(
            [
                web.post("/token", self._token), web.get("/messages", self._messages),
                web.post("/devices", self._devices), web.post("/reports", self._reports),
                web.post("/Login", self._login), web.get("/LenhDieuKhien", self._commands),
                web.post("/Ping", self._ping), web.post("/Log", self._log),
                web.post("/AddPlaylist", self._playlist), web.post("/DeletePlaylist", self._playlist),
                web.get("/sounds/{name}", self._sound), web.post("/issue", self._issue),
                web.post("/fault", self._fault), web.get("/book", self._book),
            ]
        )  # fmt: skip

    def issue(self, *items: Issued | Withdrawn | Mapping[str, Any]) -> None:
        """Add messages; a mapping is sent as it is."""
        self.issued += items

    def revoke_tokens(self) -> None:
        """Forget every token, as at the end of their time."""
        self._tokens.clear()

    @web.middleware
    async def _misbehave(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        fault = self._take_fault(request.path.lstrip("/"))
        match fault:
            case Fault.ERROR:
                return web.Response(status=500, text="Internal Server Error")
            case Fault.WRONG_JSON:
                return web.Response(text='{"messages": [', content_type="application/json")
            case Fault.SIGNED_OUT:
                return web.Response(status=401)
            case Fault.SLOW:
                await self.may_answer.wait()
        answer = await handler(request)
        if fault is Fault.ANSWER_LOST and request.transport is not None:
            request.transport.abort()
        if self.clock_ahead:
            theirs = (now() + self.clock_ahead).strftime("%a, %d %b %Y %H:%M:%S GMT")
            answer.headers["Date"] = theirs
        return answer

    def _take_fault(self, path: str) -> Fault | None:
        for place, (prefix, fault) in enumerate(self.faults):
            if path.startswith(prefix):
                del self.faults[place]
                return fault
        return None

    def _sign_in(self, username: object, password: object) -> str | None:
        if (username, password) != (USERNAME, PASSWORD):
            return None
        self.logins += 1
        token = f"token-{self.logins}"
        self._tokens.add(token)
        return token

    def _require_token(self, request: web.Request) -> None:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            raise web.HTTPUnauthorized

    # The neutral dialect

    async def _token(self, request: web.Request) -> web.Response:
        body = await request.json()
        token = self._sign_in(body.get("username"), body.get("password"))
        if token is None:
            raise web.HTTPForbidden
        return web.json_response({"token": token, "expires_in": self.token_seconds})

    async def _messages(self, request: web.Request) -> web.Response:
        self._require_token(request)
        begin = int(request.query.get("after", "0"))
        page = self.issued[begin : begin + PAGE]
        end = begin + len(page)
        messages = [_neutral(one) for one in page]
        return web.json_response({"messages": messages, "cursor": str(end), "more": end < len(self.issued)})

    async def _devices(self, request: web.Request) -> web.Response:
        self._require_token(request)
        for one in (await request.json())["devices"]:
            self.book.devices[one["id"]] = one
        return web.json_response({})

    async def _reports(self, request: web.Request) -> web.Response:
        self._require_token(request)
        body = await request.json()
        try:
            report = (Receipt if body["type"] == "receipt" else AiringLog).model_validate(body)
        except ValidationError as problem:
            self.book.wrong.append(str(problem))
            raise web.HTTPBadRequest from None
        kept = {"id": report.bulletin.id, **report.model_dump(mode="json")}
        self._keep(self.book.receipts if isinstance(report, Receipt) else self.book.logs, report.key, kept)
        return web.json_response({})

    # The protocol of devices

    async def _login(self, request: web.Request) -> web.Response:
        body = await request.json()
        token = self._sign_in(body.get("Username"), body.get("Password"))
        return _status(1) if token is None else _status(0, {"Token": token})

    async def _commands(self, request: web.Request) -> web.Response:
        self._require_token(request)
        begin = int(request.query.get("Moc", "0"))
        page = self.issued[begin : begin + PAGE]
        end = begin + len(page)
        commands = [_command(one) for one in page]
        return _status(0, {"DanhSachLenh": commands, "Moc": str(end), "ConLenh": end < len(self.issued)})

    async def _ping(self, request: web.Request) -> web.Response:
        self._require_token(request)
        body = await request.json()
        self.book.devices[body["CumLoaID"]] = body
        return _status(0)

    async def _log(self, request: web.Request) -> web.Response:
        self._require_token(request)
        body = await request.json()
        if missing := _LOG_FIELDS - body.keys():
            self.book.wrong.append(f"Log without {sorted(missing)}")
            return _status(1)
        key = f"{body['BanTinID']}:{body['CumLoaID']}:{body['ThoiDiemBatDau']}"
        self._keep(self.book.logs, key, {"id": body["BanTinID"], **body})
        return _status(0)

    async def _playlist(self, request: web.Request) -> web.Response:
        self._require_token(request)
        body = await request.json()
        state = "added" if request.path == "/AddPlaylist" else body.get("TrangThai", "deleted")
        bulletin = body["DanhSachBanTin"][0]["BanTinID"] if "DanhSachBanTin" in body else body["BanTinID"]
        key = f"{body['LichPhatID']}:{bulletin}:{state}:{body.get('CumLoaID', '')}"
        self._keep(self.book.receipts, key, {"id": bulletin, "state": state, **body})
        return _status(0)

    # Sounds, and what a person does

    async def _sound(self, request: web.Request) -> web.StreamResponse:
        self._require_token(request)
        name = request.match_info["name"]
        if name == "huge":
            response = web.StreamResponse()
            response.content_length = HUGE
            await response.prepare(request)
            return response
        if name not in self.sounds:
            raise web.HTTPNotFound
        return web.Response(body=self.sounds[name], content_type="audio/wav")

    async def _issue(self, request: web.Request) -> web.Response:
        self.issue(await request.json())
        return web.json_response({"issued": len(self.issued)})

    async def _fault(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.faults += [(body.get("path", ""), Fault(body["fault"]))] * int(body.get("times", 1))
        return web.json_response({"faults": len(self.faults)})

    async def _book(self, _request: web.Request) -> web.Response:
        book = self.book
        content = {
            "receipts": list(book.receipts.values()), "logs": list(book.logs.values()), "devices": book.devices,
            "repeated": book.repeated, "wrong": book.wrong,
        }  # fmt: skip
        return web.json_response(content, dumps=lambda found: json.dumps(found, ensure_ascii=False, default=str))

    def _keep(self, reports: dict[str, Mapping[str, Any]], key: str, report: Mapping[str, Any]) -> None:
        known = reports.get(key)
        if known is None:
            reports[key] = report
            return
        self.book.repeated += 1
        if known != report:
            self.book.wrong.append(f"{key}: not as before")


def _status(code: int, content: Mapping[str, Any] | None = None) -> web.Response:
    return web.json_response({"TrangThaiGui": code, "NoiDung": content or {}})


def _neutral(item: Issued | Withdrawn | Mapping[str, Any]) -> Mapping[str, Any]:
    match item:
        case Withdrawn():
            return {"type": "withdrawal", "id": item.external_id}
        case Issued():
            return {
                "type": "bulletin", "id": item.external_id, "title": item.title, "kind": item.kind,
                "priority": item.priority, "text": item.text, "field": item.field, "language": item.language,
                "audio": {"url": item.link, "seconds": item.declared_seconds} if item.link else None,
                "author": item.author, "areas": list(item.areas), "devices": list(item.devices),
                "starts": [start.isoformat() for start in item.starts],
                "valid_until": item.valid_until.isoformat() if item.valid_until else None,
            }  # fmt: skip
        case _:
            return item


def _command(item: Issued | Withdrawn | Mapping[str, Any]) -> Mapping[str, Any]:
    match item:
        case Withdrawn():
            return {"command": "Huy_Lich_Phat_Tinh", "LichPhatID": item.external_id, "DanhSachBanTin": []}
        case Issued():
            places = {
                "DanhSachDiaBanNhan": [{"DichID": area, "TenDich": ""} for area in item.areas],
                "DanhSachThietBi": list(item.devices),
            }
            if item.priority is Priority.EMERGENCY:
                return {"command": "phatkhancap", **places, **_device_bulletin(item)}
            schedule = {"LichPhatID": item.external_id, "TenLichPhat": item.title}
            bulletin = {**schedule, **_device_bulletin(item)}
            return {"command": "Luu_Lich_Phat_Tinh", **schedule, **places, "DanhSachBanTin": [bulletin]}
        case _:
            return item


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
