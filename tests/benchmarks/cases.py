"""Casework under load: a desk's questions among 100,000 cases, on both databases. Needs no station."""

import datetime
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session
from stdnum import damm

from feedback.cases import case_search, duplicates, reminders
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.cases.case_search import Wanted
from feedback.intake import filing
from feedback.models import Case, Category, Message
from feedback.states import CaseStatus, Channel, Direction
from haichieu.database import Database, migrate
from haichieu.people import Unit
from tests.benchmarks.table import Row
from tests.builders.cases import office
from tests.postgres import private_cluster

CASES = 100_000
OPEN = 2_000
NOW = datetime.datetime(2026, 12, 31, 3, 0, tzinfo=datetime.UTC)
SYLLABLES = (
    "cau duong dien nuoc truong hoc tram y te bao hiem ho ngheo tro cap mat hong sap lu quet ngap mua rung chay trau "
    "bo lua ngo giong phan bon thuoc sau suoi dap muong kenh song deo doc xom ban nha van hoa loa dai cong an giay to"
)
WORDS = SYLLABLES.split()


def fill(session: Session, cases: int = CASES) -> None:
    """Add cases of three years in fifty communes, with a message of a dozen words each; the newest are open."""
    there = office(session)
    communes = [Unit(code=f"X{number}", name=f"Xã Số {number}", level="commune", parent_id=there.district.id)
                for number in range(50)]  # fmt: skip
    session.add_all(communes)
    session.flush()
    chance = random.Random(4)
    categories = [there.roads, there.benefits]
    for begin in range(0, cases, 5000):
        rows, messages = [], []
        for number in range(begin, min(begin + 5000, cases)):
            opened_at = NOW - datetime.timedelta(seconds=(cases - number) * 900)
            category = categories[number % 2]
            is_open = number >= cases - OPEN
            text = " ".join(chance.choices(WORDS, k=12))
            rows.append(
                {
                    "id": number + 1, "number": case_number(number), "channel": "call",
                    "status": CaseStatus.TRANSCRIBED if is_open else CaseStatus.CLOSED,
                    "unit_id": communes[number % 50].id, "category_id": category.id,
                    "department_id": category.department_id, "opened_at": opened_at, "updated_at": opened_at,
                    "due_at": opened_at + datetime.timedelta(days=9), "unit_by": "number", "category_by": "citizen",
                    "answered_at": None if is_open else opened_at + datetime.timedelta(days=1 + number % 13),
                    "closed_at": None if is_open else opened_at, "language": "vi",
                    "reminded_at": opened_at, "overdue_alarm_at": opened_at,
                    "search_text": f"{case_number(number)} {text}",
                }
            )  # fmt: skip
            messages.append(
                {"case_id": number + 1, "direction": "in", "channel": "call", "author": "citizen", "at": opened_at,
                 "text": text, "language": "vi"}
            )  # fmt: skip
        session.execute(sa.insert(Case), rows)
        session.execute(sa.insert(Message), messages)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("SELECT setval(pg_get_serial_sequence('cases', 'id'), (SELECT max(id) FROM cases))"))


def case_number(number: int) -> str:
    """The number of one of the cases, with its check digit."""
    digits = f"{1_000_000 + number}"
    return digits + damm.calc_check_digit(digits)


def measure_on(database: Database, name: str, cases: int = CASES) -> Iterator[Row]:
    """Measure on an empty, migrated database; the rows for the table of benchmarks."""
    with database.session() as session:
        fill(session, cases)
    if not database.is_sqlite:  # which nobody asks to look at its tables; PostgreSQL does so by itself
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    with database.session() as session:
        units = list(session.scalars(sa.select(Unit.id).where(Unit.code.in_(["BL", "X7"])).order_by(Unit.id)))
        district, commune = units
        category_id = session.scalars(sa.select(Category.id).order_by(Category.id)).first()
        middle = case_search.find(session, Wanted(), (NOW - datetime.timedelta(days=400), cases // 2)).after

    def p95(ask: Callable[[Session, int], object], times: int = 40) -> str:
        taken = []
        for number in range(times):
            with database.session() as session:
                begin = time.perf_counter()
                ask(session, number)
                taken.append(time.perf_counter() - begin)
        return f"{statistics.quantiles(taken, n=20)[-1] * 1000:.1f}"

    asked: list[tuple[str, Callable[[Session, int], object], str]] = [
        ("first page of the district", lambda s, n: case_search.find(s, Wanted(unit_ids=[district])), "≤ 100"),
        ("a page in the middle", lambda s, n: case_search.find(s, Wanted(unit_ids=[district]), middle), "≤ 100"),
        ("first page of a commune", lambda s, n: case_search.find(s, Wanted(unit_ids=[commune])), "≤ 100"),
        ("open ones of a commune",
         lambda s, n: case_search.find(s, Wanted(unit_ids=[commune], statuses=[CaseStatus.TRANSCRIBED])), "≤ 100"),
        ("overdue of a category",
         lambda s, n: case_search.find(s, Wanted(unit_ids=[district], category_id=category_id, overdue_at=NOW)),
         "≤ 100"),
        ("two words that many have",
         lambda s, n: case_search.find(s, Wanted(f"{WORDS[n]} {WORDS[n + 7]}", unit_ids=[district])), "≤ 100"),
        ("words that none has", lambda s, n: case_search.find(s, Wanted(f"khong co {n}")), "≤ 100"),
        ("what waits, counted", lambda s, n: case_search.waiting(s, NOW, [district]), "≤ 100"),
        ("reminders and alarms looked for", lambda s, n: reminders.remind(s, NOW), ""),
        ("likely duplicates of a new case", lambda s, n: duplicates.link(s, s.get_one(Case, cases - n)), ""),
    ]  # fmt: skip
    for what, ask, budget in asked:
        yield (f"{cases:,} cases, {name}: {what}, p95 (ms)", p95(ask), "", "", budget)

    def file_one(session: Session, number: int) -> None:
        about = Opening(Channel.TEXT, commune, "number")
        said = Said(Direction.IN, Channel.TEXT, "citizen", f"Mất điện ở xã Số {number}, cầu treo hỏng, ruộng ngập")
        filing.file_message(session, open_case(session, about, said, NOW).messages[0], NOW)
        session.flush()

    yield (f"{cases:,} cases, {name}: one opened and filed, p95 (ms)", p95(file_one), "", "", "")


def measure() -> Iterator[Row]:
    """Measure on SQLite and on a private PostgreSQL, in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="haichieu-bench-") as folder, private_cluster() as cluster:
        cluster.make_empty("cases")
        for url, name in (
            (f"sqlite:///{Path(folder) / 'cases.sqlite'}", "SQLite"),
            (cluster.url("cases"), "PostgreSQL"),
        ):
            migrate(url)
            database = Database(url)
            try:
                yield from measure_on(database, name)
            finally:
                database.close()
