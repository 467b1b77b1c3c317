import datetime
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from broadcast_bridge.programmes.models import Programme
from feedback import job_kinds
from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.cases import assignment, attachments, case_retention, case_search, notes
from feedback.cases.case_lifecycle import Said, happen, say
from feedback.cases.case_retention import Discarded, Rules
from feedback.citizens import privacy
from feedback.citizens.export import export_citizen
from feedback.citizens.privacy import NoSuchCitizen, erase_citizen, number_for
from feedback.citizens.registry import CitizenBook, open_citizens
from feedback.models import Case, Citizen, CitizenCall, Message, Reply, Transcript, VoiceDraft
from feedback.states import CaseEvent, Channel, Direction, Way
from haichieu import audit, jobs
from haichieu.audio.sound import Sound, write_wav
from haichieu.database import Database, now
from haichieu.errors import UsageError
from haichieu.jobs import ClaimLost, Job
from haichieu.media import Media, MediaStore
from haichieu.people import Role
from tests.builders.cases import case, office
from tests.builders.sounds import kept

pytestmark = pytest.mark.both_databases

BY = "account:quantri@example.vn"
NUMBER, OTHER = "+84912345678", "+84987654321"
KEYWORD = "cây đa cổ thụ"
SECRET = "chị Bế Thị Lan ở cạnh cây đa"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def book(tmp_path: Path) -> CitizenBook:
    return open_citizens(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media", 1)


def sound(session: sa.orm.Session, store: MediaStore, level: float) -> Media:
    wav = store.folder.parent / "said.wav"
    write_wav(wav, Sound(np.full(8000, level, dtype=np.float32), 8000))
    return kept(session, store, wav)


def told(session: sa.orm.Session, book: CitizenBook, store: MediaStore) -> Case:
    """A case with everything that can belong to one, and a case of another citizen."""
    there = office(session)
    one = case(session, there, f"Nhà {SECRET}", book.meet(session, NUMBER, now()))
    said = Said(Direction.IN, Channel.CALL, "citizen", sound=sound(session, store, 0.1))
    spoken = say(session, one, said, now())
    transcript = f"tôi là {SECRET}"
    session.add(
        Transcript(message_id=spoken.id, text=transcript, original_text=transcript, engine="x", model="x",
                   language="vi", made_at=now())
    )  # fmt: skip
    note = notes.add_note(session, one, f"đã gặp {SECRET}", BY, now())
    picture = store.folder.parent / "picture.jpg"
    picture.write_bytes(b"\xff\xd8\xff" + SECRET.encode())
    attachments.attach(session, store, note, attachments.put(store, picture, "cây đa.jpg"))
    replies.answer(session, one, Answer(BY, [Way.TEXT, Way.CALL], f"Gửi {SECRET}"), now())
    jobs.add(session, job_kinds.SEND_SIP_TEXT, session.scalars(sa.select(Reply.id)).first() or 0, now())
    assignment.categorise(session, one, there.roads, f"keywords: {KEYWORD}", "system", now())
    assignment.place(session, one, there.coc_pang, f"place: {KEYWORD}", "system", now())
    case_search.index(session, one)
    session.add_all(
        [
            CitizenCall(number_hash=book.digest(NUMBER), number_locked=book.lock(NUMBER), dialled="1022", due_at=now(),
                        expires_at=now()),
            VoiceDraft(name="v1", number_locked=book.lock(NUMBER), unit_id=there.co_ba.id, started_at=now()),
            VoiceDraft(name="v2", number_locked=book.lock(OTHER), unit_id=there.co_ba.id, started_at=now()),
            VoiceDraft(name="v3", number_locked="", unit_id=there.co_ba.id, started_at=now()),
        ]
    )  # fmt: skip
    case(session, there, "Chuyện khác", book.meet(session, OTHER, now()))
    session.flush()
    return one


def test_an_erasure_leaves_the_frame_of_the_case_and_nothing_else(
    database: Database, book: CitizenBook, store: MediaStore
) -> None:
    with database.session() as session:
        number = told(session, book, store).number
    with database.session() as session:
        erased = erase_citizen(session, store, book, NUMBER, BY, now())
        assert (erased.cases, erased.messages, erased.files, erased.calls, erased.recordings) == (1, 4, 2, 1, ("v1",))
        assert len(list(store.folder.glob("??/*"))) == 2, "files go when it is committed"
    with database.session() as session:
        left = session.scalars(sa.select(Case).where(Case.number == number)).one()
        assert (left.citizen_id, left.search_text, left.status) == (None, "", "answered")
        assert {message.text for message in left.messages} == {""}
        assert (left.category_by, left.unit_by) == ("keywords", "place")
        assert not [change for change in left.history if KEYWORD in change.after]
        assert not [entry for entry in audit.find(session) if KEYWORD in json.dumps(entry.detail, ensure_ascii=False)]
        others = set(session.scalars(sa.select(Message.id).where(Message.case_id != left.id)))
        assert set(session.scalars(sa.select(Job.subject_id))) <= others
        assert session.scalars(sa.select(Transcript)).all() == session.scalars(sa.select(Media)).all() == []
        assert set(session.scalars(sa.select(Reply.state))) == {"cancelled"}
        assert [draft.name for draft in session.scalars(sa.select(VoiceDraft).order_by(VoiceDraft.id))] == ["v2", "v3"]
        assert session.scalars(sa.select(CitizenCall)).all() == []
        assert [book.number_of(one) for one in session.scalars(sa.select(Citizen))] == [OTHER]
        assert [one.messages[0].text for one in session.scalars(sa.select(Case).where(Case.number != number))] == [
            "Chuyện khác"
        ]
        (entry,) = audit.find(session, words="citizen.erase")
        assert (entry.actor, entry.subject) == (BY, "citizen")
        assert NUMBER[3:] not in json.dumps(entry.detail)
        with pytest.raises(NoSuchCitizen):
            erase_citizen(session, store, book, NUMBER, BY, now())
    assert list(store.folder.glob("??/*")) == []


def test_what_was_erased_is_in_no_page_of_the_database_file(tmp_path: Path, migrated_sqlite: Path) -> None:
    file = tmp_path / "station.sqlite"
    file.write_bytes(migrated_sqlite.read_bytes())
    database, book, store = Database(f"sqlite:///{file}"), open_citizens(tmp_path), MediaStore(tmp_path / "media", 1)
    with database.session() as session:
        told(session, book, store)
        traces = [book.digest(NUMBER), session.scalars(sa.select(Citizen.number_locked)).first() or ""]
    traces += [KEYWORD, SECRET, "be thi lan o canh cay da"]
    on_disk = [tmp_path / f"station.sqlite{ending}" for ending in ("", "-wal")]

    def found() -> set[str]:
        content = b"".join(path.read_bytes() for path in on_disk if path.exists())
        return {trace for trace in traces if trace.encode() in content}

    assert found() == set(traces)
    with database.session() as session:
        erase_citizen(session, store, book, NUMBER, BY, now())
    database.forget(privacy.TABLES)
    assert found() == set()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and NUMBER.encode() in path.read_bytes()]
    database.close()


def test_postgresql_reclaims_what_was_erased(database: Database, book: CitizenBook, store: MediaStore) -> None:
    with database.session() as session:
        told(session, book, store)
    with database.session() as session:
        erase_citizen(session, store, book, NUMBER, BY, now())
    database.forget(privacy.TABLES)


def test_a_worker_that_is_at_it_does_not_write_after_the_erasure(
    database: Database, book: CitizenBook, store: MediaStore
) -> None:
    with database.session() as session:
        told(session, book, store)
        (claim,) = jobs.claim(session, [job_kinds.TRANSCRIBE], now(), DAY)
        erase_citizen(session, store, book, NUMBER, BY, now())
        with pytest.raises(ClaimLost):
            jobs.done(session, claim, now())


def test_media_that_a_programme_uses_stays(database: Database, book: CitizenBook, store: MediaStore) -> None:
    with database.session() as session:
        one = told(session, book, store)
        shared = one.messages[1].sound
        assert shared is not None
        session.add(
            Programme(title="Trả lời", sound=shared, unit_id=one.unit_id, origin="upload", author="x", author_name="x",
                      created_at=now(), updated_at=now())
        )  # fmt: skip
        session.flush()
        assert erase_citizen(session, store, book, NUMBER, BY, now()).files == 1
        kept = store.path(shared)
    assert kept.exists()


def test_an_export_contains_messages_and_no_office_notes(
    database: Database, book: CitizenBook, store: MediaStore, tmp_path: Path
) -> None:
    target = tmp_path / "out.zip"
    with database.session() as session:
        number = told(session, book, store).number
    with database.session() as session:
        assert export_citizen(session, store, book, NUMBER, target, BY) == 1
        with pytest.raises(UsageError):
            export_citizen(session, store, book, NUMBER, target, BY)
        with pytest.raises(NoSuchCitizen):
            export_citizen(session, store, book, "+84900000000", tmp_path / "none.zip", BY)
    assert target.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(target) as archive:
        data = json.loads(archive.read("data.json"))
        (held,) = data["cases"]
        assert (data["number"], held["number"]) == (NUMBER, number)
        assert [message["direction"] for message in held["messages"]] == ["in", "in", "out"]
        assert held["messages"][1]["transcript"] == f"tôi là {SECRET}"
        assert len(archive.read(held["messages"][1]["sound"])) > 8000
        assert (len(data["calls_owed"]), len(data["recordings_under_way"])) == (1, 1)
        shown = archive.read("du-lieu.html").decode()
    for words in (NUMBER, f"tôi là {SECRET}", f'<a href="{held["messages"][1]["sound"]}">', "Người dân, gọi điện"):
        assert words in shown
    assert ("<script" in shown, "http" in shown, "đã gặp" in shown) == (False, False, False)
    assert not (tmp_path / "none.zip").exists()


@pytest.mark.parametrize("role", list(Role))
def test_the_number_is_masked_for_roles_that_need_not_see_it(
    database: Database, book: CitizenBook, store: MediaStore, role: Role
) -> None:
    with database.session() as session:
        there = office(session)
        there.operator.role = role
        known, anonymous = case(session, there, citizen=book.meet(session, NUMBER, now())), case(session, there)
        shown = NUMBER if role in (Role.ADMIN, Role.OPERATOR) else "•••••••••678"
        assert (number_for(book, there.operator, known), number_for(book, there.operator, anonymous)) == (shown, "")


def test_retention_deletes_sounds_first_then_identity_and_text(
    database: Database, book: CitizenBook, store: MediaStore
) -> None:
    rules = Rules(sound_days=10, cases_days=100)
    nothing = Discarded(0, 0, 0, 0, 0)
    with database.session() as session:
        one = told(session, book, store)
        assert case_retention.apply(session, store, rules, now() + 9 * DAY) == nothing, "it is still open"
        happen(session, one, CaseEvent.CLOSE, BY, now())
    with database.session() as session:
        assert case_retention.apply(session, store, rules, now() + 9 * DAY) == nothing
        gone = case_retention.apply(session, store, rules, now() + 11 * DAY)
        assert (gone.sounds, gone.files, gone.cases) == (2, 2, 0)
        assert case_retention.apply(session, store, rules, now() + 11 * DAY) == nothing
    assert list(store.folder.glob("??/*")) == []
    with database.session() as session:
        assert any(SECRET in text for text in session.scalars(sa.select(Message.text)))
        first = case_retention.apply(session, store, rules, now() + 101 * DAY)
        assert (first.cases, first.citizens) == (1, 1)
        assert not case_retention.apply(session, store, rules, now() + 101 * DAY)
        assert not any(SECRET in text for text in session.scalars(sa.select(Message.text)))
        assert [book.number_of(citizen) for citizen in session.scalars(sa.select(Citizen))] == [OTHER]
        assert case_retention.apply(session, store, Rules(0, 0), now() + 9999 * DAY) == nothing


def test_what_was_never_filed_goes_all_the_same(database: Database, store: MediaStore) -> None:
    with database.session() as session:
        one = case(session, office(session), SECRET)
        happen(session, one, CaseEvent.CLOSE, BY, now())
        assert one.search_text == ""
        assert case_retention.apply(session, store, Rules(10, 100), now() + 101 * DAY).cases == 1
        assert session.scalars(sa.select(Message.text)).one() == ""


def test_a_transaction_that_fails_costs_no_file(database: Database, book: CitizenBook, store: MediaStore) -> None:
    with database.session() as session:
        told(session, book, store)

    def fail() -> None:
        with database.session() as session:
            erase_citizen(session, store, book, NUMBER, BY, now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(list(store.folder.glob("??/*"))) == 2
    with database.session() as session:
        assert book.find(session, NUMBER) is not None
