import asyncio
import datetime
import threading
import uuid
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.orm import Session

from haichieu.changes import changes, hours
from haichieu.database import Base, Database, migrate, now
from haichieu.demo.trial_station import until
from haichieu.errors import EnvironmentProblem
from haichieu.people import Level, Unit
from tests.every_table import load_every_table

pytestmark = pytest.mark.both_databases


def unit(code: str = "A") -> Unit:
    return Unit(code=code, name=code, level=Level.COMMUNE)


def test_the_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    with database.engine.begin() as connection:
        dialect = connection.dialect.name

        def is_of_this_database(item: object, *_: object) -> bool:
            condition = getattr(item, "_ddl_if", None)
            return condition is None or condition.dialect == dialect

        opts = {"compare_type": False, "include_object": is_of_this_database}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def test_every_list_of_rows_has_an_order() -> None:
    """PostgreSQL returns rows in any order: an unchanged zone counted as changed by its speakers."""
    load_every_table()
    of_rows = [one for mapper in Base.registry.mappers for one in mapper.relationships if one.uselist]
    assert [str(one) for one in of_rows if not one.order_by] == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    with database.session() as session:
        session.add(unit())
    migrate(database.url.render_as_string(hide_password=False))
    with database.session() as session:
        assert session.scalars(sa.select(Unit.code)).all() == ["A"]


def test_an_error_in_a_session_leaves_nothing_behind(database: Database) -> None:
    def fails() -> None:
        with database.session() as session:
            session.add(unit())
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with database.session() as session:
        assert session.scalars(sa.select(Unit)).all() == []


def test_writers_wait_for_each_other_instead_of_failing(database: Database) -> None:
    def write(number: int) -> None:
        for turn in range(10):
            with database.session() as session:
                session.scalars(sa.select(Unit)).all()
                session.add(unit(f"{number}-{turn}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session() as session:
        assert session.scalars(sa.select(sa.func.count()).select_from(Unit)).one() == 40


def test_a_reader_waits_for_no_writer_and_sees_committed_rows(database: Database) -> None:
    with database.session() as writer:
        writer.add(unit("A"))
        writer.flush()
        with database.reading() as reader:
            assert reader.query(Unit).count() == 0
    with database.reading() as reader:
        assert reader.query(Unit).count() == 1


def test_a_reading_session_cannot_write_and_its_connection_can_later(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError, match=r"(?i)read.?only"), database.reading() as reader:
        reader.add(unit("A"))
    with database.session() as writer:
        writer.add(unit("B"))
    with database.reading() as reader:
        assert reader.query(Unit.code).all() == [("B",)]


def test_a_moment_without_a_time_zone_is_refused(database: Database) -> None:
    statement = sa.text("SELECT :moment").bindparams(
        sa.bindparam("moment", datetime.datetime(2026, 11, 24), Base.type_annotation_map[datetime.datetime])
    )
    with pytest.raises(sa.exc.StatementError, match="time zone"), database.session() as session:
        session.execute(statement)


async def test_a_commit_by_another_process_is_noticed_soon(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    watching = changes(database)
    await anext(watching)  # the look that everybody takes at the start
    noticed = asyncio.ensure_future(anext(watching))
    while not noticed.done():  # a commit may come before PostgreSQL's listener stands, the next one does not
        await other.run(lambda session: session.add(unit(uuid.uuid4().hex)))
        await asyncio.wait([noticed], timeout=0.5)
    assert noticed.exception() is None
    await watching.aclose()  # type: ignore[attr-defined]
    other.close()


async def test_only_commits_that_changed_a_row_are_announced(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    await other.run(lambda session: session.add(unit()))
    announced = 0

    async def count() -> None:
        nonlocal announced
        async for _ in changes(database):
            announced += 1

    def rename(session: sa.orm.Session) -> None:
        session.execute(sa.update(Unit).where(Unit.code == "A").values(name=uuid.uuid4().hex))

    def change_nothing(session: sa.orm.Session) -> None:
        only = session.scalars(sa.select(Unit)).one()
        only.name = str(only.name)
        session.execute(sa.update(Unit).where(Unit.code == "none").values(name="B"))

    counting = asyncio.create_task(count())
    while announced < 2:  # a commit may come before PostgreSQL's listener stands
        await other.run(rename)  # no object in the session has changed
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.4)
    before = announced
    await other.run(change_nothing)
    await asyncio.sleep(0.4)
    assert announced == before

    async def is_announced(change: Callable[[sa.orm.Session], object]) -> None:
        before = announced
        await other.run(change)
        await until(lambda: announced > before, "it is announced")

    await is_announced(rename)
    await is_announced(lambda session: session.execute(sa.delete(Unit)))
    counting.cancel()
    other.close()


async def test_work_in_a_thread_is_committed_even_when_its_caller_is_cancelled(database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(session: sa.orm.Session) -> None:
        begun.set()
        go_on.wait(10)
        session.add(unit("kept"))

    caller = asyncio.create_task(database.run(work))
    await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    deadline = asyncio.get_running_loop().time() + 10
    while True:
        found = await database.run(lambda session: session.scalars(sa.select(Unit.code)).all())
        if found == ["kept"]:
            break
        assert asyncio.get_running_loop().time() < deadline


def test_a_database_that_cannot_be_reached_is_a_clear_sentence() -> None:
    with pytest.raises(EnvironmentProblem, match="Cannot open the database"):
        migrate("postgresql://nobody@127.0.0.1:1/none")


async def test_a_waiting_job_sleeps_until_its_time(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    hour, asked = now() + datetime.timedelta(hours=1), 0

    async def next_hour() -> datetime.datetime:
        nonlocal asked
        asked += 1
        return hour

    waiting = hours(database, next_hour)
    come = asyncio.ensure_future(anext(waiting))
    while asked < 3:  # commits have it look again, and no more
        await other.run(lambda session: session.add(unit(uuid.uuid4().hex)))
        await asyncio.wait([come], timeout=0.3)
    assert not come.done()
    hour = now()
    while not come.done():
        await other.run(lambda session: session.add(unit(uuid.uuid4().hex)))
        await asyncio.wait([come], timeout=0.3)
    assert come.exception() is None
    await waiting.aclose()  # type: ignore[attr-defined]
    other.close()


async def test_a_look_writes_nothing(database: Database) -> None:
    assert await database.look(lambda session: session.scalars(sa.select(Unit.code)).all()) == []
    with pytest.raises(sa.exc.DBAPIError):
        await database.look(
            lambda session: session.execute(sa.insert(Unit).values(code="A", name="A", level="commune"))
        )


async def test_slow_work_in_other_threads_does_not_delay_the_database(database: Database) -> None:
    go_on = threading.Event()
    conversions = [asyncio.ensure_future(asyncio.to_thread(go_on.wait, 30)) for _ in range(50)]
    try:
        async with asyncio.timeout(10):
            await database.run(lambda session: session.add(unit("A")))
            assert await database.look(lambda session: session.scalars(sa.select(Unit.code)).all()) == ["A"]
    finally:
        go_on.set()
        await asyncio.gather(*conversions)


async def test_reads_do_not_queue_behind_waiting_writes(database: Database) -> None:
    go_on = threading.Event()
    writes = [asyncio.ensure_future(database.run(lambda session: go_on.wait(30))) for _ in range(50)]
    await asyncio.sleep(0)  # they are submitted
    try:
        async with asyncio.timeout(10):
            assert await database.look(lambda session: session.scalars(sa.select(Unit.code)).all()) == []
    finally:
        go_on.set()
        await asyncio.gather(*writes)


@pytest.mark.parametrize("writes", [True, False])
async def test_work_whose_connection_was_ended_is_retried(postgres_url: str, *, writes: bool) -> None:
    database = Database(postgres_url)
    ended: list[int] = []

    def work(session: Session) -> int:
        if not ended:
            ended.append(session.scalars(sa.text("SELECT pg_backend_pid()")).one())
            with database.engine.connect() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": ended[0]})
        return session.scalars(sa.select(sa.func.count()).select_from(Unit)).one()

    assert await (database.until_written if writes else database.until_read)(work) == 0
    assert len(ended) == 1
    database.close()
