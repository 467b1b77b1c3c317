"""A station that is upgraded keeps what it has."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

import haichieu
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.source_system.models import Bulletin, Source
from feedback.cases.case_lifecycle import note
from feedback.citizens import consents, data_requests
from feedback.citizens.models import DataRequest
from feedback.models import Case, CaseChange
from feedback.states import Channel, DataRight, Purpose
from haichieu import audit
from haichieu.database import Database, known_revisions, migrate, newest_revision, now, without_foreign_keys
from haichieu.locale import Message, message, render
from haichieu.media import Media
from tests.builders.cases import agreed, case, office
from tests.builders.places import commune
from tests.builders.programmes import programme
from tests.postgres import PostgresCluster

ROWS = """
INSERT INTO units (id, code, name, level) VALUES (1, 'CB', 'Cô Ba', 'commune');
INSERT INTO officials (id, code, name, title, unit_id, pin_hash, may, call_back, language)
    VALUES (1, '1001', 'Hải', '', 1, 'x', '["live"]', false, '');
INSERT INTO speakers (id, code, name, unit_id, password_locked, multicast, codecs, reachable)
    VALUES (1, 'cb-1', 'Loa 1', 1, 'x', '', '["alaw"]', true);
INSERT INTO media (id, sha256, bytes, seconds, created_at) VALUES (1, 'abc', 1, 2.5, '2026-11-24 05:00:00');
INSERT INTO broadcasts (id, official_id, zone_names, priority, state, created_at, recording_id)
    VALUES (1, 1, 'Cô Ba', 'normal', 'ended', '2026-11-24 05:00:00', 1);
INSERT INTO deliveries (id, broadcast_id, speaker_id, state, active, attempts, seconds, packets_sent, packets_lost)
    VALUES (1, 1, 1, 'missed', false, 0, 0, 0, 0);
INSERT INTO audit_entries (id, at, actor, action, subject, detail)
    VALUES (1, '2026-11-24 05:00:00', 'a', 'apply.add', 'units:CB', '{"name": "Cô Ba"}'),
           (3, '2026-11-24 05:00:01.5', 'b', 'apply.add', 'units:CP', '{}');
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def first_release(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database as the first release left it, with a few rows."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
        cluster.make_empty("first_release")
        url = cluster.url("first_release")
    database = Database(url)
    config = Config()
    config.set_main_option("script_location", str(Path(haichieu.__file__).parent / "migrations"))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in filter(str.strip, ROWS.split(";")):
            connection.exec_driver_sql(statement)
    database.close()
    return url


def test_broadcasts_of_the_first_release_survive_the_upgrade(first_release: str) -> None:
    migrate(first_release)
    database = Database(first_release)
    with database.session() as session:
        broadcast = session.get_one(Broadcast, 1)
        assert (broadcast.kind, broadcast.times, broadcast.zone_codes, broadcast.sounds) == ("live", 1, [], [])
        assert (broadcast.on_air_name, broadcast.recording_id) == ("Hải", 1)
        assert session.get_one(Media, 1).suffix == ".wav"
        assert session.get_one(Speaker, 1).multicast_by_priority == {}
        delivery = session.get_one(Delivery, 1)
        delivery.state = "caught_up"  # a state that the first release did not know
        session.flush()
        delivery.state = "nonsense"
        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        session.rollback()
    with database.session() as session:
        verdict = audit.verify(session)
        assert (verdict.broken_at, verdict.head.position) == (None, 2)
    database.close()


@pytest.mark.proof  # a migration that was released is never changed
@pytest.mark.both_databases
def test_the_history_of_a_case_survives_both_ways(database: Database) -> None:
    with database.session() as session:
        opened = case(session, office(session))
        for reason in ("Máy bận", message("text.in_doubt_because", problem=Message.verbatim("x" * 300))):
            note(session, opened, "system", "answer_not_heard", now(), after=reason)

    def reasons() -> list[str]:
        with database.session() as session:
            changes = session.scalars(
                sa.select(CaseChange).where(CaseChange.what == "answer_not_heard").order_by(CaseChange.id)
            )
            return [render(change.after_message, "en") for change in changes]

    before = reasons()
    assert before[0] == "Máy bận"
    assert before[1].endswith("x" * 300)
    go_back_and_forth(database, "0008")
    short, cut = reasons()
    assert short == "Máy bận"
    assert cut.startswith('{"key": "text.in_doubt_because"')
    assert len(cut) == 200


@pytest.mark.proof  # a migration that was released is never changed
@pytest.mark.both_databases
def test_objections_are_allowed_since_their_migration_only(database: Database) -> None:
    with database.session() as session:
        one = case(session, office(session))
        for right in (DataRight.OBJECTION, DataRight.ERASURE):
            data_requests.ask(session, right, one, Channel.PANEL, "account:a@b", now())
    with go_back(database, "0044") as connection:
        assert connection.execute(sa.text("SELECT kind FROM data_requests")).scalars().all() == ["erasure"]
        with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
            connection.execute(sa.text("UPDATE data_requests SET kind = 'objection'"))
    migrate(str(database.engine.url.render_as_string(hide_password=False)))
    with database.session() as session:
        session.scalars(sa.select(DataRequest)).one().kind = DataRight.OBJECTION
        session.flush()


@pytest.mark.proof  # a migration that was released is never changed
@pytest.mark.both_databases
def test_entries_by_hand_exist_since_their_migration_only(database: Database) -> None:
    with database.session() as session:
        one = agreed(session, case(session, office(session)))
        consents.take(session, one, list(Purpose), "paper", "account:a@b", now())
        one.channel = one.messages[0].channel = Channel.VISIT
    go_back_and_forth(database, "0052")
    with database.session() as session:
        one = session.scalars(sa.select(Case)).one()
        assert (one.channel, one.messages[0].channel) == ("panel", "panel")
        (left,) = consents.consents_of(session, one)
        assert (left.purpose, left.form, left.taken_by) == ("answer", "text", "")
        left.form, left.message_id = "paper", None
        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        session.rollback()


@pytest.mark.proof  # a migration that was released is never changed
@pytest.mark.both_databases
def test_history_says_in_the_language_of_the_reader_what_was_guessed(database: Database) -> None:
    earlier = ("Điện (nước) (keywords: điện)", "Xã Cô Ba (place)", "Xã Cô Ba (account:a@b)", "Tổ 1 (cũ)")
    with database.session() as session:
        one = case(session, office(session))
        session.add_all(CaseChange(case=one, at=now(), actor="system", what="unit", after=text) for text in earlier)
    go_back_and_forth(database, "0052")
    with database.session() as session:
        steps = session.scalars(sa.select(CaseChange).where(CaseChange.what == "unit").order_by(CaseChange.id)).all()
        assert [render(step.after_message, "vi") for step in steps] == [
            "Điện (nước) (đoán theo từ khóa)", "Xã Cô Ba (đoán theo tên nơi)", "Xã Cô Ba", "Tổ 1 (cũ)",
        ]  # fmt: skip
    go_back_and_forth(database, "0052")
    with database.session() as session:
        step = session.scalars(sa.select(CaseChange).where(CaseChange.what == "unit").order_by(CaseChange.id)).first()
        assert step is not None
        assert render(step.after_message, "en") == "Điện (nước) (guessed from keywords)"


@pytest.mark.proof  # a migration that was released is never changed
def test_codes_of_fields_become_names_in_programmes_of_bulletins_only(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        programmes = [programme(session), programme(session)]
        for one in programmes:
            one.category = "4"
        source = Source(
            code="tinh", name="Tỉnh", dialect="neutral", address="http://127.0.0.1:9", username="u",
            password_locked="x", external_id="H24", unit=place.commune,
        )  # fmt: skip
        session.add_all([source, *programmes])
        session.add(
            Bulletin(source=source, external_id="b", unit=place.commune, received_at=now(), programme=programmes[0])
        )
    go_back_and_forth(database, "0052")
    with database.session() as session:
        assert session.scalars(sa.select(Programme.category).order_by(Programme.id)).all() == [
            "Chỉ đạo, điều hành", "4",
        ]  # fmt: skip


def go_back_and_forth(database: Database, revision: str) -> None:
    """Downgrade to a revision, and upgrade again."""
    with go_back(database, revision):
        pass
    migrate(str(database.engine.url.render_as_string(hide_password=False)))


@contextmanager
def go_back(database: Database, revision: str) -> Iterator[sa.Connection]:
    """Downgrade to a revision; as in an upgrade, SQLite may replace referenced tables meanwhile."""
    with without_foreign_keys(database) as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        yield connection


def configuration() -> Config:
    """Return the configuration of the migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(haichieu.__file__).parent / "migrations"))
    return config


def test_revisions_are_those_of_the_scripts_in_one_line() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert known_revisions() == {script.revision for script in scripts.walk_revisions()}
    assert scripts.get_heads() == [newest_revision()]


def test_start_without_an_upgrade_does_not_load_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'station.sqlite'}"
    migrate(url)
    again = f"import sys; from haichieu.database import migrate; migrate({url!r}); print('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", again], capture_output=True, text=True, check=True).stdout == "False\n"
