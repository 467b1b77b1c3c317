"""The panel under load: pages among 100,000 cases and 1,000,000 deliveries on both databases, and many live pages."""

import contextlib
import os
import re
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask.testing import FlaskClient

from admin.access import sessions, tokens
from admin.http.serving import leave_what_stays
from admin.web import create_app
from haichieu import alarms
from haichieu.database import Database, migrate, now
from haichieu.locale import Message
from haichieu.people import Account
from haichieu.settings import load_settings
from tests.admin.served import served
from tests.benchmarks.cases import CASES, WORDS, case_number
from tests.benchmarks.speakers import cpu_seconds, resident_megabytes
from tests.benchmarks.station_of_years import BROADCASTS, fill
from tests.benchmarks.table import Row
from tests.postgres import private_cluster

LIVE_PAGES = 40
HALF_OPEN = 400
TIMES = 20
_ADDRESS = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_MONTH = "since=2026-12-01&until=2026-12-31"
Address = Callable[[int], str]


@dataclass(frozen=True)
class Asked:
    """A page, or a list of the API; `by_both` when a commune's is another question than the district's."""

    what: str
    address: Address
    by_both: bool = False
    budget: str = "≤ 100"


def asked_for(cases: int, broadcasts: int) -> list[Asked]:
    """What is measured; the number varies the question from one time to the next."""
    return [
        Asked("now", lambda n: "/", True),
        Asked("what every page asks again", lambda n: "/on-air", True),
        Asked("search, two words", lambda n: f"/search?q={WORDS[n]}+{WORDS[n + 7]}", True),
        Asked("search, words that none has", lambda n: f"/search?q=khong+co+{n}", True),
        Asked("the log", lambda n: "/broadcasts", True),
        Asked("the log, a page in the middle", lambda n: f"/broadcasts?before={broadcasts // 2 - n}", True),
        Asked("the log, a word and a month", lambda n: f"/broadcasts?q={WORDS[n]}&{_MONTH}", True),
        Asked("the log, words that none has", lambda n: f"/broadcasts?q=khong+co+{n}", True),
        Asked("the log, one unit", lambda n: f"/broadcasts?unit=X{n or 7}&{_MONTH}"),
        Asked("the log, one zone", lambda n: f"/broadcasts?zone={n % 10}", True),
        Asked("the log, three years and a state", lambda n: "/broadcasts?state=failed&since=2024-01-01", True),
        Asked("the proof of a broadcast", lambda n: f"/broadcasts/{broadcasts - n}"),
        Asked("reports on a month", lambda n: f"/reports?{_MONTH}", True),
        Asked("reports on a month as a workbook", lambda n: f"/reports?as=xlsx&{_MONTH}"),
        Asked("reports on a year", lambda n: "/reports?since=2026-01-01&until=2026-12-31", budget=""),
        Asked("the inbox", lambda n: "/cases", True),
        Asked("the inbox, two words", lambda n: f"/cases?tab=all&q={WORDS[n]}+{WORDS[n + 7]}", True),
        Asked("the inbox, words that none has", lambda n: f"/cases?tab=all&q=khong+co+{n}", True),
        Asked("the inbox, closed", lambda n: "/cases?status=closed", True),
        Asked("the inbox, overdue", lambda n: "/cases?tab=overdue", True),
        Asked("the inbox, texts", lambda n: "/cases?tab=all&channel=text", True),
        Asked("a case", lambda n: f"/cases/{case_number(cases - 1 - n)}"),
        Asked("speakers", lambda n: "/speakers", True),
        Asked("speakers, the map", lambda n: "/speakers/map"),
        Asked("a speaker", lambda n: f"/speakers/{n + 1}"),
        Asked("zones", lambda n: "/zones"),
        Asked("officials", lambda n: "/officials"),
        Asked("accounts", lambda n: "/accounts"),
        Asked("the audit trail", lambda n: "/audit"),
        Asked("programmes", lambda n: "/programmes", True),
        Asked("programmes, two words", lambda n: f"/programmes?q={WORDS[n]}+{WORDS[n + 3]}", True),
        Asked("the calendar, a week", lambda n: "/calendar", True),
        Asked("the calendar, a month", lambda n: "/calendar?view=month", True),
        Asked("schedules", lambda n: "/calendar?view=list", True),
        Asked("API, broadcasts", lambda n: "/api/v1/broadcasts", True),
        Asked("API, a broadcast", lambda n: f"/api/v1/broadcasts/{broadcasts - n}"),
        Asked("API, cases", lambda n: "/api/v1/cases", True),
        Asked("API, speakers", lambda n: "/api/v1/speakers"),
        Asked("API, schedules", lambda n: "/api/v1/schedules"),
        *(
            Asked(f"API, report on {about}", lambda n, about=about: f"/api/v1/reports/{about}?{_MONTH}")
            for about in ("broadcasts", "availability", "cases", "survey")
        ),
    ]  # fmt: skip


def measure_on(
    database: Database, name: str, home: Path, cases: int = CASES, broadcasts: int = BROADCASTS
) -> Iterator[Row]:
    """Measure the pages on an empty, migrated database."""
    fill(database, cases, broadcasts)
    app = create_app(database, load_settings(home=home))
    leave_what_stays()
    for email in ("district", "commune"):
        client = _signed_in(database, app.test_client(), f"{email}@x.example")
        for asked in asked_for(cases, broadcasts):
            if email == "district" or asked.by_both:
                label = f"panel, {name}, {email}: {asked.what}, p95 (ms)"
                yield (label, _p95(client, asked.address), "", "", asked.budget)


def _signed_in(database: Database, client: FlaskClient, email: str) -> FlaskClient:
    with database.session() as session:
        account = session.scalars(sa.select(Account).where(Account.email == email)).one()
        client.set_cookie("haichieu", sessions.begin(session, account, "127.0.0.1", "bench", now())[0])
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {tokens.create(session, account, 'bench', 'bench', now())}"
    return client


def _p95(client: FlaskClient, address: Address) -> str:
    """Of all times, and of the processor's time for it in this process: the machine may be doing other things."""
    taken, busy = [], []
    for number in range(TIMES + 1):
        begin, busy_before = time.perf_counter(), time.process_time()
        path = address(number % 40)
        status = client.get(path, headers={"Accept": "*/*" if path.startswith("/api/") else "text/html"}).status_code
        taken.append(time.perf_counter() - begin)
        busy.append(time.process_time() - busy_before)
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
    del taken[0], busy[0]  # that compiled the page
    return f"{_ninety_five(taken):.0f} (processor {_ninety_five(busy):.0f})"


def _ninety_five(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1] * 1000


def first_loads(database: Database, home: Path) -> list[Row]:
    """Bytes and requests of the login and of the first page in a browser that has nothing yet."""
    app = create_app(database, load_settings(home=home))
    client = _signed_in(database, app.test_client(), "district@x.example")
    rows = []
    for what, path, someone in (("login", "/login", app.test_client()), ("now", "/", client)):
        page = someone.get(path, headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
        files = sorted(set(_ADDRESS.findall(page.text)))
        size = len(page.data) + sum(len(someone.get(file, headers={"Accept-Encoding": "gzip"}).data) for file in files)
        rows.append((f"panel: first load of {what} (kB)", f"{size / 1000:.0f}", "", "", "≤ 150"))
        rows.append(("panel: requests of that, the live stream beside", f"{1 + len(files)}", "", "", ""))
    return rows


def live_pages(folder: Path) -> list[Row]:
    """Forty live pages open at a real server: how soon all hear of a change, and how the first page does meanwhile."""
    template = folder / "template.sqlite"
    migrate(f"sqlite:///{template}")
    home = folder / "live"
    home.mkdir()
    with served(template, home) as running:
        cookies = []
        with running.house.database.session() as session:
            for account in session.scalars(sa.select(Account)):
                for _ in range(LIVE_PAGES // 10):
                    cookies.append(sessions.begin(session, account, "127.0.0.1", "bench", now())[0])
        heard: list[float] = []
        open_pages = threading.Semaphore(0)

        def listen(cookie: str) -> None:
            with _get(f"{running.address}/now/events", cookie) as stream:
                open_pages.release()
                for line in stream:
                    if b"changed" in line and begun:
                        heard.append(time.perf_counter() - begun[0])
                        return

        begun: list[float] = []
        threads = [threading.Thread(target=listen, args=(cookie,), daemon=True) for cookie in cookies]
        alone = _use(running.pid)
        for thread in threads:
            thread.start()
        opened = sum(open_pages.acquire(timeout=20) for _ in threads)
        time.sleep(2.0)  # each has asked once what there is
        before, begin = _use(running.pid), time.perf_counter()
        time.sleep(5.0)
        after = _use(running.pid)
        idle_cores = (after.seconds - before.seconds) / (time.perf_counter() - begin)
        taken = []
        for _ in range(TIMES):
            begin = time.perf_counter()
            with _get(f"{running.address}/", cookies[0]) as answer:
                answer.read()
            taken.append(time.perf_counter() - begin)
        time.sleep(2.0)  # until the changes of those visits were announced
        begun.append(time.perf_counter())
        with running.house.database.session() as session:
            alarms.raise_alarm(session, alarms.AlarmKind.ASTERISK_DOWN, "bench", Message.verbatim("Thử"))
        for thread in threads:
            thread.join(20)
    p95 = _ninety_five(taken)
    return [
        (f"panel: live pages open of {len(threads)}, which hear of a change", f"{opened}, {len(heard)}", "", "",
         f"{LIVE_PAGES}"),
        ("panel: a change → the last of them knows (s)", f"{max(heard, default=float('nan')):.2f}", "", "", ""),
        (f"panel: web process without and with {LIVE_PAGES} live pages (MB)",
         f"{alone.megabytes:.0f}, {after.megabytes:.0f}", "", "", ""),
        (f"panel: cores, {LIVE_PAGES} live pages open and nothing new", f"{idle_cores:.3f}", "", "", ""),
        (f"panel: now, {LIVE_PAGES} live pages open, over HTTP, p95 (ms)", f"{p95:.0f}", "", "", "≤ 100"),
    ]  # fmt: skip


def half_open_requests(folder: Path) -> Row:
    """The health page while 400 clients have sent half a request each."""
    template = folder / "half-open.sqlite"
    migrate(f"sqlite:///{template}")
    home = folder / "half-open"
    home.mkdir()
    with served(template, home) as running, contextlib.ExitStack() as opened:
        where = urlsplit(running.address)
        for _ in range(HALF_OPEN):
            client = opened.enter_context(socket.create_connection((where.hostname or "", where.port or 0), timeout=20))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        taken = []
        for _ in range(TIMES * 5):
            begin = time.perf_counter()
            with contextlib.suppress(HTTPError):  # the other processes of the station do not run
                _get(f"{running.address}/healthz", "").read()
            taken.append(time.perf_counter() - begin)
    return (f"panel: /healthz beside {HALF_OPEN} half-open requests, p95 (ms)", f"{_ninety_five(taken):.0f}", "", "",
            "≤ 100")  # fmt: skip


@dataclass(frozen=True)
class Use:
    """What a process and its children have used: resident megabytes now, seconds of the processor since they began."""

    megabytes: float
    seconds: float


def _use(pid: int) -> Use:
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    pids = [pid, *map(int, children.stdout.split())]
    return Use(sum(map(resident_megabytes, pids)), sum(map(cpu_seconds, pids)))


def _get(address: str, cookie: str) -> HTTPResponse:
    asked = urllib.request.Request(address, headers={"Cookie": f"haichieu={cookie}", "Accept": "text/html, */*"})
    answer: HTTPResponse = urllib.request.urlopen(asked, timeout=30)
    return answer


def measure(cases: int = CASES, broadcasts: int = BROADCASTS) -> Iterator[Row]:
    """Measure on SQLite and on a private PostgreSQL, in a folder of their own."""
    began = os.getloadavg()[1]
    with tempfile.TemporaryDirectory(prefix="haichieu-bench-") as name, private_cluster() as cluster:
        folder = Path(name)
        cluster.make_empty("panel")
        for url, called in ((f"sqlite:///{folder / 'panel.sqlite'}", "SQLite"), (cluster.url("panel"), "PostgreSQL")):
            migrate(url)
            database = Database(url)
            try:
                yield from measure_on(database, called, folder, cases, broadcasts)
                if database.is_sqlite:
                    yield from first_loads(database, folder)
            finally:
                database.close()
        yield from live_pages(folder)
        yield half_open_requests(folder)
    load = max(began, os.getloadavg()[1])
    yield (f"panel: load of the machine's {os.cpu_count()} cores meanwhile, ours about 1", f"{load:.1f}", "", "", "")
