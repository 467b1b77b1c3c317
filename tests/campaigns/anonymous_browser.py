"""An attacker by HTTP without a login: guesses, half-open connections, paths, bodies, tokens, forged webhooks."""

import asyncio
import contextlib
import random
import re
import socket
from collections.abc import Awaitable, Callable

import aiohttp
from yarl import URL

from tests.campaigns.sip_attackers import attack
from tests.campaigns.tally import Report
from tests.campaigns.targets import MARKUP, Targets
from tests.station import district

BROWSER = "anonymous browser"
BROWSER_AT = "127.0.0.24"
HALF_OPEN = 60
LARGE = 3 << 20
OPEN_TO_ALL = re.compile(r"/(healthz|metrics|login|api/v1/openapi\.json|api/v1/\.\./\.\./metrics)(\?.*)?")
"""Paths that answer a stranger with success; the figures of /metrics do so on this machine only."""
PATHS = (
    *("/", "/healthz", "/metrics", "/login", "/cases", "/speakers", "/officials", "/accounts", "/audit", "/set-up"),
    *("/now/events", "/first-run/guess", "/sounds/1", "/sounds/1/peaks", "/reports", "/broadcasts/1/stop"),
    *("/alarms/1/clear", "/calendar", "/static/../haichieu.toml", "/static/..%2f..%2fhaichieu.sqlite"),
    *("/static/%2e%2e/%2e%2e/secrets", "//etc/passwd", "/sounds/../../secrets/key", "/login?next=//evil.example/"),
    *("/%00", "/%e2%80%ae", "/.git/config", "/api/v1/../../metrics"),
)
API = (
    ("GET", "cases"), ("GET", "cases/1234567"), ("GET", "speakers"), ("GET", "broadcasts"), ("GET", "broadcasts/1"),
    ("GET", "schedules"), ("GET", "reports/broadcasts"), ("POST", "broadcasts"), ("POST", "broadcasts/1/stop"),
    ("POST", "cases/1234567/answers"), ("DELETE", "broadcasts/1"), ("PUT", "speakers"), ("GET", "openapi.json"),
)  # fmt: skip
AIR = {"zones": ["11"], "text": "Thông báo giả", "priority": "emergency"}


async def anonymous_browser(targets: Targets, chance: random.Random, report: Report) -> None:
    """Attack until cancelled."""
    root = f"http://127.0.0.1:{targets.scene.station.settings.web_port}"
    connector = aiohttp.TCPConnector(local_addr=(BROWSER_AT, 0), limit=50)
    timeout = aiohttp.ClientTimeout(total=20)
    jar = aiohttp.CookieJar(unsafe=True)  # which keeps cookies of addresses in figures too
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar) as browser:
        browser_actions = _Browser(browser, root, targets, chance, report)
        await attack(browser_actions.all(), chance, 0.3)


class _Browser:
    def __init__(
        self, browser: aiohttp.ClientSession, root: str, targets: Targets, chance: random.Random, report: Report
    ) -> None:
        self._browser, self._root, self._targets = browser, root, targets
        self._chance, self._report = chance, report

    def all(self) -> list[Callable[[], Awaitable[None]]]:
        """Return every action."""
        return [
            self.open_page,
            self.log_in,
            self.api,
            self.webhook,
            self.large_body,
            self.half_open,
            self.other_methods,
        ]

    async def open_page(self) -> None:
        await self._send("pages and paths", "GET", self._chance.choice(PATHS))

    async def other_methods(self) -> None:
        method = self._chance.choice(["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "POST"])
        await self._send("other methods", method, self._chance.choice(PATHS), data=self._chance.choice(MARKUP).encode())

    async def log_in(self) -> None:
        """Guess a password, with the token of the form."""
        page = await self._send("log-in page", "GET", "/login")
        token = re.search(r'name="csrf_token" value="([^"]*)"', page)
        form = {
            "csrf_token": token[1] if token else "",
            "email": self._chance.choice(["admin@example", "a@x.example", MARKUP[1], "x" * 5000]),
            "password": self._chance.choice(["admin", "123456", "x" * 5000, MARKUP[0]]),
        }
        await self._send("password guesses", "POST", "/login", data=form, may_succeed=False)

    async def api(self) -> None:
        """Call the API without a token, or with a bad one."""
        method, path = self._chance.choice(API)
        token = self._chance.choice(["", "Bearer ", "Bearer x", "Basic YTpi", f"Bearer {'0' * 64}", "Bearer \u00e9"])
        headers = {"Authorization": token} if token else {}
        body = AIR if method == "POST" else None
        await self._send("API", method, f"/api/v1/{path}", headers=headers, json=body)

    async def webhook(self) -> None:
        """Bring a text that Twilio did not sign."""
        fields = {
            "From": self._chance.choice([district.HAI, "113"]), "To": "+12025550100", "MessageSid": "SM1",
            "Body": self._chance.choice(MARKUP), "NumMedia": "9" * 30,
        }  # fmt: skip
        headers = {"X-Twilio-Signature": self._chance.choice(["", "AAAA", "x" * 4000])}
        path = f"/webhooks/twilio/{self._chance.choice(['sms', 'status?reply=1'])}"
        await self._send("forged webhooks", "POST", path, data=fields, headers=headers)

    async def large_body(self) -> None:
        """Send more than anything takes."""
        path = self._chance.choice(["/login", "/api/v1/broadcasts", "/webhooks/twilio/sms", "/cases"])
        await self._send("large bodies", "POST", path, data=b"x" * LARGE)

    async def half_open(self) -> None:
        """Open connections and send half a request, for a while."""
        await asyncio.to_thread(self._half_open)

    def _half_open(self) -> None:
        port = int(self._root.rpartition(":")[2])
        head = self._chance.choice(
            [b"", b"GET / HTTP/1.1\r\nHost: x", b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\na"]
        )
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for _ in range(HALF_OPEN):
                one = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                one.settimeout(2)
                one.bind((BROWSER_AT, 0))
                one.connect(("127.0.0.1", port))
                one.sendall(head)
            self._targets.tally.add(BROWSER, "half-open connections", times=HALF_OPEN)
            one.recv(1)

    async def _send(self, action: str, method: str, path: str, *, may_succeed: bool = True, **more: object) -> str:
        text, answer = "", "dropped"
        try:
            async with self._browser.request(
                method,
                URL(self._root + path, encoded=True),
                allow_redirects=False,
                **more,  # type: ignore[arg-type]
            ) as response:
                answer, text = str(response.status), await response.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError, ValueError):  # refused while it still sent, or not sent at all
            pass
        self._targets.tally.add(BROWSER, action, answer)
        is_in = answer.startswith("2") or (method, path, answer) == ("POST", "/login", "303")
        if is_in and not (may_succeed and OPEN_TO_ALL.fullmatch(path)) and method != "OPTIONS":
            self._report.let_in.append(f"{method} {path} {answer}")
        if answer.startswith("5"):
            self._report.server_errors.append(f"{method} {path[:60]} {answer}")
        return text
