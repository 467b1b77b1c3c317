"""Stand-in for a province's source system: speaks all dialects, issues bulletins, checks reports, fails on demand.

It needs no account of anybody: tests, the demo and `haichieu source-simulator` use it. Beside the protocols it has
three addresses for people: `POST /issue`, `POST /fault` and `GET /book`.
"""

import asyncio
import contextlib
import datetime
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from broadcast_bridge.source_system import province_forms
from broadcast_bridge.source_system.exchange import AiringLog, CommandResult, DayCounts, Receipt
from broadcast_bridge.source_system.neutral_dialect import REPORTS
from broadcast_bridge.source_system.province_forms import Issue
from broadcast_bridge.source_system.province_protocols import DeviceProtocol, PortalProtocol
from haichieu.database import now

USERNAME, PASSWORD = "station", "a province's password"
PAGE = 20
"""Messages per answer."""
HUGE = 2_000_000_000
CLOCK_SKEW = "clock-skew"
SLOW_SECONDS = 60.0
"""Longer than any station waits for an answer."""
LONGEST_WAIT = 60.0


class Fault(StrEnum):
    """Ways in which the stand-in fails."""

    ERROR = "500"
    WRONG_JSON = "wrong-json"
    SIGNED_OUT = "expired-token"
    ANSWER_LOST = "answer-lost"
    """It does what it is asked for, and breaks the connection before the answer."""
    SLOW = "slow"
    """It answers only when `Province.may_answer` is set, or after a minute."""
    UNKNOWN = "404"
    DUPLICATE = "duplicate"
    """It sends each item of a page twice."""
    OUT_OF_ORDER = "out-of-order"
    """It sends the items of a page in the opposite order."""
    HUGE = "huge-audio"
    """It announces a sound that is too large for every station."""


@dataclass
class Book:
    """What came back, by the key that tells a repetition; `repeated` counts those, `wrong` is what was not right."""

    receipts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    logs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    commands: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    counts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    devices: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)

    def states(self, external_id: str) -> list[str]:
        """Return the states that were reported of a bulletin, in their order."""
        return [str(one["state"]) for one in self.receipts.values() if one["id"] == external_id]


class Province:
    """The stand-in; `app` serves it. Messages stay in the order in which they were issued."""

    def __init__(self) -> None:
        self.issued: list[Issue] = []
        self.sounds: dict[str, bytes] = {}
        self.book = Book()
        self.faults: deque[tuple[str, Fault]] = deque()
        """Each is used once, by the first request whose path begins with the first part."""
        self.clock_ahead = datetime.timedelta()
        self.token_seconds: int | None = None
        self.logins = 0
        self.may_answer = asyncio.Event()
        self.waiting = 0
        """Requests that wait for news."""
        self._tokens: set[str] = set()
        self._issued_more = asyncio.Event()
        self.app = web.Application(middlewares=[self._misbehave])
        self.app.add_routes(
            [
                web.post("/token", self._token), web.get("/messages", self._messages),
                web.get("/news", self._news), web.post("/devices", self._devices),
                web.post("/reports", self._reports), *DeviceProtocol(self).routes, *PortalProtocol(self).routes,
                web.get("/sounds/{name}", self._sound), web.post("/issue", self._issue),
                web.post("/fault", self._fault), web.get("/book", self._book),
            ]
        )  # fmt: skip

    def issue(self, *items: Issue) -> None:
        """Add messages; a mapping is sent as it is."""
        self.issued += items
        more, self._issued_more = self._issued_more, asyncio.Event()
        more.set()

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
            case Fault.UNKNOWN:
                return web.Response(status=404)
            case Fault.WRONG_JSON:
                return web.Response(text='{"messages": [', content_type="application/json")
            case Fault.SIGNED_OUT:
                return web.Response(status=401)
            case Fault.SLOW:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.may_answer.wait(), SLOW_SECONDS)
        request["fault"] = fault
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

    def sign_in(self, username: object, password: object) -> str | None:
        """Return a new token, None for a wrong name or password."""
        if (username, password) != (USERNAME, PASSWORD):
            return None
        self.logins += 1
        token = f"token-{self.logins}"
        self._tokens.add(token)
        return token

    def require_token(self, request: web.Request) -> None:
        """Raise HTTPUnauthorized without a token that is valid."""
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            raise web.HTTPUnauthorized

    def page(self, request: web.Request, after: str) -> tuple[list[Issue], str, bool]:
        """Return the items after a cursor, the next cursor, and whether there are more. Raises HTTPUnauthorized."""
        self.require_token(request)
        begin = int(after)
        page = self.issued[begin : begin + PAGE]
        end = begin + len(page)
        match request["fault"]:
            case Fault.DUPLICATE:
                page = [one for one in page for _ in range(2)]
            case Fault.OUT_OF_ORDER:
                page.reverse()
        return page, str(end), end < len(self.issued)

    # The neutral dialect

    async def _token(self, request: web.Request) -> web.Response:
        body = await request.json()
        token = self.sign_in(body.get("username"), body.get("password"))
        if token is None:
            raise web.HTTPForbidden
        return web.json_response({"token": token, "expires_in": self.token_seconds})

    async def _messages(self, request: web.Request) -> web.Response:
        page, end, more = self.page(request, request.query.get("after", "0"))
        messages = [province_forms.neutral(one) for one in page]
        return web.json_response({"messages": messages, "cursor": end, "more": more})

    async def _news(self, request: web.Request) -> web.Response:
        self.require_token(request)
        after, wait = int(request.query.get("after") or "0"), float(request.query.get("wait") or "0")
        self.waiting += 1
        try:
            if len(self.issued) <= after:
                await asyncio.wait_for(self._issued_more.wait(), min(wait, LONGEST_WAIT))
        except TimeoutError:
            pass
        finally:
            self.waiting -= 1
        return web.json_response({"news": len(self.issued) > after})

    async def _devices(self, request: web.Request) -> web.Response:
        self.require_token(request)
        for one in (await request.json())["devices"]:
            self.book.devices[one["id"]] = one
        return web.json_response({})

    async def _reports(self, request: web.Request) -> web.Response:
        self.require_token(request)
        body = await request.json()
        model = next((model for model, name in REPORTS.items() if name == body.get("type")), None)
        try:
            report = model.model_validate(body) if model is not None else None
        except ValidationError as problem:
            self.book.wrong.append(str(problem))
            raise web.HTTPBadRequest from None
        if report is None:
            self.book.wrong.append(f"type {body.get('type')}")
            raise web.HTTPBadRequest
        kept = report.model_dump(mode="json")
        match report:
            case Receipt() | AiringLog():
                reports = self.book.receipts if isinstance(report, Receipt) else self.book.logs
                self.keep(reports, report.key, {"id": report.bulletin.id, **kept})
            case CommandResult():
                self.keep(self.book.commands, report.key, kept)
            case DayCounts():
                self.keep(self.book.counts, report.key, kept)
        return web.json_response({})

    # Sounds, and what a person does

    async def _sound(self, request: web.Request) -> web.StreamResponse:
        self.require_token(request)
        name = request.match_info["name"]
        if name == "huge" or request["fault"] is Fault.HUGE:
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
        if body["fault"] == CLOCK_SKEW:
            self.clock_ahead = datetime.timedelta(minutes=float(body["minutes"]))
            return web.json_response({"minutes": body["minutes"]})
        self.faults += [(body.get("path", ""), Fault(body["fault"]))] * int(body.get("times", 1))
        return web.json_response({"faults": len(self.faults)})

    async def _book(self, _request: web.Request) -> web.Response:
        book = self.book
        content = {
            "receipts": list(book.receipts.values()), "logs": list(book.logs.values()), "devices": book.devices,
            "commands": list(book.commands.values()), "counts": list(book.counts.values()),
            "repeated": book.repeated, "wrong": book.wrong,
        }  # fmt: skip
        return web.json_response(content, dumps=lambda found: json.dumps(found, ensure_ascii=False, default=str))

    def keep(self, reports: dict[str, Mapping[str, Any]], key: str, report: Mapping[str, Any]) -> None:
        """Write a report into the book; a second one under its key must be the same."""
        known = reports.get(key)
        if known is None:
            reports[key] = report
            return
        self.book.repeated += 1
        if known != report:
            self.book.wrong.append(f"{key}: not as before")
