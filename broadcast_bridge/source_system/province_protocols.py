"""The protocols of devices and of the portal, as the stand-in of a province serves them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from broadcast_bridge.source_system import province_forms
from broadcast_bridge.source_system.portal_dialect import LOG, STATUS

if TYPE_CHECKING:
    from broadcast_bridge.source_system.province import Province

DEVICE_LOG_FIELDS = frozenset(
    {
        *("NguonID", "TenNguon", "DichID", "TenDich", "CumLoaID", "TenThietBi", "MaNhaCungCap", "TenNhaCungCap"),
        *("BanTinID", "LoaiBanTin", "MucDoUuTien", "TieuDe", "LoaiLinhVuc", "NoiDungTomTat", "ThoiGianSanXuat"),
        *("ThoiLuong", "TacGia", "ThoiDiemBatDau", "TiepAm", "NguonTiepAm", "NoiDung", "ThongTinChiTietBanTin"),
        *("NguonTin", "AmLuong", "CongSuat"),
    }
)
PORTAL_FIELDS: Mapping[str, frozenset[str]] = {
    STATUS: frozenset({"NguonId", "CumLoaId", "TrangThaiHoatDong", "TrangThaiKetNoi", "AmLuong"}),
    LOG: frozenset({"NguonId", "BanTinId", "ThoiDiemGui", "LoaiNhatKy", "GiaTri"}),
}


class DeviceProtocol:
    """Ping, Log, AddPlaylist, DeletePlaylist and the list of commands."""

    def __init__(self, province: "Province") -> None:
        self._province = province
        self.routes = [
            web.post("/Login", self._login), web.get("/LenhDieuKhien", self._commands),
            web.post("/Ping", self._ping), web.post("/Log", self._log),
            web.post("/AddPlaylist", self._playlist), web.post("/DeletePlaylist", self._playlist),
        ]  # fmt: skip

    async def _login(self, request: web.Request) -> web.Response:
        body = await request.json()
        token = self._province.sign_in(body.get("Username"), body.get("Password"))
        return status(1) if token is None else status(0, {"Token": token})

    async def _commands(self, request: web.Request) -> web.Response:
        page, end, more = self._province.page(request, request.query.get("Moc", "0"))
        commands = [province_forms.command(one) for one in page]
        return status(0, {"DanhSachLenh": commands, "Moc": end, "ConLenh": more})

    async def _ping(self, request: web.Request) -> web.Response:
        self._province.require_token(request)
        body = await request.json()
        self._province.book.devices[body["CumLoaID"]] = body
        return status(0)

    async def _log(self, request: web.Request) -> web.Response:
        self._province.require_token(request)
        body = await request.json()
        if missing := DEVICE_LOG_FIELDS - body.keys():
            self._province.book.wrong.append(f"Log without {sorted(missing)}")
            return status(1)
        key = f"{body['BanTinID']}:{body['CumLoaID']}:{body['ThoiDiemBatDau']}"
        self._province.keep(self._province.book.logs, key, {"id": body["BanTinID"], **body})
        return status(0)

    async def _playlist(self, request: web.Request) -> web.Response:
        self._province.require_token(request)
        body = await request.json()
        state = "added" if request.path == "/AddPlaylist" else body.get("TrangThai", "deleted")
        bulletin = body["DanhSachBanTin"][0]["BanTinID"] if "DanhSachBanTin" in body else body["BanTinID"]
        key = f"{body['LichPhatID']}:{bulletin}:{state}:{body.get('CumLoaID', '')}"
        self._province.keep(self._province.book.receipts, key, {"id": bulletin, "state": state, **body})
        return status(0)


class PortalProtocol:
    """The list of requests, api8 and api9."""

    def __init__(self, province: "Province") -> None:
        self._province = province
        self.routes = [
            web.get("/YeuCau", self._requests), web.post(f"/{STATUS}", self._status), web.post(f"/{LOG}", self._log),
        ]  # fmt: skip

    async def _requests(self, request: web.Request) -> web.Response:
        page, end, more = self._province.page(request, request.query.get("Moc", "0"))
        requests = [province_forms.request(one) for one in page]
        return status(0, {"DanhSachYeuCau": requests, "Moc": end, "ConYeuCau": more})

    async def _status(self, request: web.Request) -> web.Response:
        body = await self._body(request, STATUS)
        self._province.book.devices[str(body["CumLoaId"])] = body
        return status(0)

    async def _log(self, request: web.Request) -> web.Response:
        body, book = await self._body(request, LOG), self._province.book
        if body["GiaTri"] not in (0, 1):
            book.wrong.append(f"GiaTri {body['GiaTri']}")
        device = str(body.get("CumLoaId", ""))
        reports = book.logs if device else book.receipts
        key = f"{body['BanTinId']}:{device}:{body['ThoiDiemGui']}:{body['GiaTri']}"
        state = "accepted" if body["GiaTri"] else "refused"
        self._province.keep(reports, key, {"id": body["BanTinId"], "state": state, **body})
        return status(0)

    async def _body(self, request: web.Request, path: str) -> dict[str, Any]:
        self._province.require_token(request)
        body: dict[str, Any] = await request.json()
        if missing := PORTAL_FIELDS[path] - body.keys():
            self._province.book.wrong.append(f"{path} without {sorted(missing)}")
            raise web.HTTPBadRequest
        return body


def status(code: int, content: Mapping[str, Any] | None = None) -> web.Response:
    """Return an answer with `TrangThaiGui`."""
    return web.json_response({"TrangThaiGui": code, "NoiDung": content or {}})
