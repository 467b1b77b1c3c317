"""The panel under load: pages among 100,000 cases and 1,000,000 deliveries on both databases, and many live pages."""

import datetime
import re
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path

import sqlalchemy as sa
from flask.testing import FlaskClient

from admin.access import sessions
from admin.web import create_app
from broadcast_bridge.models import Broadcast, Reachability, Speaker
from broadcast_bridge.states import BroadcastState, Kind
from haichieu import alarms
from haichieu.database import Database, migrate, now
from haichieu.people import Account, Role, Unit
from haichieu.settings import load_settings
from tests.admin.served import served
from tests.benchmarks.cases import CASES, NOW, WORDS, Row
from tests.benchmarks.cases import fill as fill_cases
from tests.postgres import private_cluster

BROADCASTS, AT_EACH, SPEAKERS = 20_000, 50, 500
DELIVERIES = BROADCASTS * AT_EACH
LIVE_PAGES = 40
TIMES = 30
_ADDRESS = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_DELIVERIES = """
    INSERT INTO deliveries (broadcast_id, speaker_id, state, active, attempts, first_audio_at, ended_at, seconds,
                            packets_sent, packets_lost, resume_at_seconds, tries_again)
    SELECT b.id, s.id, CASE WHEN (b.id + s.id) % 9 = 0 THEN 'missed' ELSE 'played' END, false, 1, b.on_air_at,
           b.ended_at, CASE WHEN (b.id + s.id) % 9 = 0 THEN 0 ELSE 120 END, 6000, (b.id + s.id) % 50, 0, 0
    FROM broadcasts b JOIN speakers s ON (s.id - 1) / :at_each = b.id % :groups
"""


def fill(database: Database, cases: int = CASES, broadcasts: int = BROADCASTS) -> None:
    """Add three years of cases and of broadcasts, each heard by ten speakers in each of five communes."""
    with database.session() as session:
        fill_cases(session, cases)
        communes = session.scalars(sa.select(Unit).where(Unit.code.like("X%")).order_by(Unit.id)).all()
        speakers = [
            {"code": f"s{number}", "name": f"Cụm loa {number}", "unit_id": communes[number // 10].id, "reachable": True}
            for number in range(SPEAKERS)
        ]
        session.execute(sa.insert(Speaker), speakers)
        ids = session.scalars(sa.select(Speaker.id)).all()
        since = NOW - datetime.timedelta(days=1000)
        session.execute(sa.insert(Reachability), [{"speaker_id": id, "reachable": True, "since": since} for id in ids])
        session.execute(sa.insert(Broadcast), [_broadcast(number, broadcasts) for number in range(broadcasts)])
        session.execute(sa.text(_DELIVERIES), {"at_each": AT_EACH, "groups": SPEAKERS // AT_EACH})
        for email, unit in (("district@x.example", "BL"), ("commune@x.example", "X7")):
            unit_id = session.scalars(sa.select(Unit.id).where(Unit.code == unit)).one()
            session.add(Account(email=email, name="A", password_hash="x", role=Role.ADMIN, unit_id=unit_id))
    if not database.is_sqlite:  # which nobody asks to look at its tables; PostgreSQL does so by itself
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _broadcast(number: int, of: int) -> dict[str, object]:
    at = NOW - datetime.timedelta(hours=1.3 * (of - number))
    return {
        "kind": Kind.RECORDED, "title": f"Bản tin {WORDS[number % len(WORDS)]} {number}", "asked_by": "account:a@b",
        "zone_names": f"Khu {number % 10}", "zone_codes": [f"{number % 10}"], "state": BroadcastState.ENDED,
        "created_at": at, "due_at": at, "on_air_at": at, "ended_at": at + datetime.timedelta(minutes=2),
    }  # fmt: skip


def measure_on(
    database: Database, name: str, home: Path, cases: int = CASES, broadcasts: int = BROADCASTS
) -> list[Row]:
    """Measure the pages on an empty, migrated database."""
    fill(database, cases, broadcasts)
    app = create_app(database, load_settings(home=home))
    inbox = "/cases" if any(rule.rule == "/cases" for rule in app.url_map.iter_rules()) else ""
    month = "since=2026-12-01&until=2026-12-31"
    pages: list[tuple[str, Callable[[int], str]]] = [
        ("now", lambda n: "/"),
        ("the log", lambda n: "/broadcasts"),
        ("the log, a page in the middle", lambda n: f"/broadcasts?before={broadcasts // 2 - n}"),
        ("the log, a word and a month", lambda n: f"/broadcasts?q={WORDS[n]}&{month}"),
        ("the log, words that none has", lambda n: f"/broadcasts?q=khong+co+{n}"),
        ("the log, one unit", lambda n: f"/broadcasts?unit=X{n if n else 7}&{month}"),
        ("the proof of a broadcast", lambda n: f"/broadcasts/{broadcasts - n}"),
        ("reports on a month", lambda n: f"/reports?{month}"),
    ]
    if inbox:
        pages += [
            ("the inbox", lambda n: "/cases"),
            ("the inbox, two words", lambda n: f"/cases?q={WORDS[n]}+{WORDS[n + 7]}"),
        ]
    rows = []
    for email in ("district", "commune"):
        client = _signed_in(database, app.test_client(), f"{email}@x.example")
        for what, address in pages:
            if email == "commune" and what in ("the log, one unit", "the proof of a broadcast"):
                continue
            rows.append((f"panel, {name}, {email}: {what}, p95 (ms)", _p95(client, address), "", "", "≤ 200"))
    return rows


def _signed_in(database: Database, client: FlaskClient, email: str) -> FlaskClient:
    with database.session() as session:
        account = session.scalars(sa.select(Account).where(Account.email == email)).one()
        client.set_cookie("haichieu", sessions.begin(session, account, "127.0.0.1", "bench", now())[0])
    return client


def _p95(client: FlaskClient, address: Callable[[int], str]) -> str:
    taken = []
    for number in range(TIMES):
        begin = time.perf_counter()
        status = client.get(address(number % 40), headers={"Accept": "text/html"}).status_code
        taken.append(time.perf_counter() - begin)
        if status != 200:
            raise RuntimeError(f"{address(number)} answered {status}")
    return f"{statistics.quantiles(taken, n=20)[-1] * 1000:.1f}"


def first_loads(database: Database, home: Path) -> list[Row]:
    """Bytes and requests of the login and of the first page in a browser that has nothing yet."""
    app = create_app(database, load_settings(home=home))
    client = _signed_in(database, app.test_client(), "district@x.example")
    rows = []
    for what, path, someone in (("login", "/login", app.test_client()), ("now", "/", client)):
        page = someone.get(path, headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
        files = sorted(set(_ADDRESS.findall(page.text)))
        size = len(page.data) + sum(len(someone.get(file, headers={"Accept-Encoding": "gzip"}).data) for file in files)
        rows.append((f"panel: first load of {what} (kB)", f"{size / 1000:.0f}", "", "", "≤ 400"))
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
        for thread in threads:
            thread.start()
        opened = sum(open_pages.acquire(timeout=20) for _ in threads)
        taken = []
        for _ in range(TIMES):
            begin = time.perf_counter()
            with _get(f"{running.address}/", cookies[0]) as answer:
                answer.read()
            taken.append(time.perf_counter() - begin)
        time.sleep(2.0)  # what those visits changed has been told
        begun.append(time.perf_counter())
        with running.house.database.session() as session:
            alarms.raise_alarm(session, alarms.AlarmKind.ASTERISK_DOWN, "bench", "Thử / a trial")
        for thread in threads:
            thread.join(20)
    p95 = statistics.quantiles(taken, n=20)[-1] * 1000
    return [
        (f"panel: live pages open of {len(threads)}, which hear of a change", f"{opened}, {len(heard)}", "", "",
         f"{LIVE_PAGES}"),
        ("panel: a change → the last of them knows (s)", f"{max(heard, default=float('nan')):.2f}", "", "", ""),
        (f"panel: now, {LIVE_PAGES} live pages open, over HTTP, p95 (ms)", f"{p95:.0f}", "", "", "≤ 200"),
    ]  # fmt: skip


def _get(address: str, cookie: str) -> HTTPResponse:
    asked = urllib.request.Request(address, headers={"Cookie": f"haichieu={cookie}", "Accept": "text/html, */*"})
    answer: HTTPResponse = urllib.request.urlopen(asked, timeout=30)
    return answer


def measure(cases: int = CASES, broadcasts: int = BROADCASTS) -> list[Row]:
    """Measure on SQLite and on a private PostgreSQL, in a folder of their own."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="haichieu-bench-") as name, private_cluster() as cluster:
        folder = Path(name)
        cluster.make_empty("panel")
        for url, called in ((f"sqlite:///{folder / 'panel.sqlite'}", "SQLite"), (cluster.url("panel"), "PostgreSQL")):
            migrate(url)
            database = Database(url)
            try:
                rows += measure_on(database, called, folder, cases, broadcasts)
                if database.is_sqlite:
                    rows += first_loads(database, folder)
            finally:
                database.close()
        rows += live_pages(folder)
    return rows
