"""Programmes on their way into the store, to approval, and out again."""

import datetime
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes import approval, intake, programme_retention, programme_search
from broadcast_bridge.programmes.approval import NoReason, NotForTheAir, OwnWork, require_for_the_air
from broadcast_bridge.programmes.intake import About, AlreadyThere, ProgrammeRefused, Ready, ready_text, ready_upload
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.programme_search import Wanted
from broadcast_bridge.programmes.states import ProgrammeState
from haichieu.audio.ingest import TelephoneForms
from haichieu.audio.sound import Sound, measure, read_wav, write_wav
from haichieu.audio.tones import attention_chime
from haichieu.audit import AuditEntry
from haichieu.database import Database
from haichieu.media import Media, MediaStore
from haichieu.people import Unit
from haichieu.speech.reading import read_aloud, written_out
from haichieu.speech.synthesis import EspeakSynthesiser, NothingToSay, TextTooLong
from haichieu.state_machine import IllegalTransition
from tests.builders.places import commune

pytestmark = pytest.mark.both_databases

NOW = datetime.datetime(2026, 11, 24, 5, 30, tzinfo=datetime.UTC)
EDITOR, APPROVER = "account:bientap@example", "account:duyet@example"


def days(count: float) -> datetime.datetime:
    return NOW + datetime.timedelta(days=count)


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media", 1)


@pytest.fixture
def forms(tmp_path: Path) -> TelephoneForms:
    """A sound that is ready, without ffmpeg having been asked."""
    write_wav(tmp_path / "narrow.wav", attention_chime(8000))
    write_wav(tmp_path / "wide.wav", attention_chime(16000))
    return TelephoneForms(tmp_path / "narrow.wav", tmp_path / "wide.wav", 1.9, -20.0)


def about(session: Session, title: str = "Lịch tiêm phòng", **more: object) -> About:
    unit = session.scalar(sa.select(Unit.id).order_by(Unit.id)) or commune(session).commune.id
    return About(title, more.pop("unit_id", unit), EDITOR, "Biên tập", **more)  # type: ignore[arg-type]


def added(session: Session, store: MediaStore, forms: TelephoneForms, **more: object) -> Programme:
    copies = TelephoneForms(
        Path(shutil.copy(forms.narrow, forms.narrow.with_name("copy.wav"))),
        Path(shutil.copy(forms.wide, forms.wide.with_name("copy-wide.wav"))),
        forms.seconds,
        forms.loudness,
    )
    ready = Ready(intake.Origin.PHONE, copies, text=str(more.pop("text", "")))
    return intake.add(session, store, about(session, **more), intake.put(store, ready), NOW)  # type: ignore[arg-type]


def test_an_upload_is_kept_as_it_came_and_in_both_telephone_forms(
    database: Database, store: MediaStore, tmp_path: Path
) -> None:
    write_wav(tmp_path / "bulletin.wav", attention_chime(44100))
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "bulletin.wav", tmp_path / "b.mp3"], check=True)
    ready = ready_upload(tmp_path / "b.mp3", tmp_path, "Bản tin.mp3")
    with database.session() as session:
        programme = intake.add(session, store, about(session), intake.put(store, ready), NOW)
        assert programme.original is not None
        assert programme.sound is not None
        assert store.path(programme.original).read_bytes() == (tmp_path / "b.mp3").read_bytes()
        played = store.path(programme.sound)
        assert (read_wav(played).rate, read_wav(played.with_suffix(".wav16")).rate) == (8000, 16000)
        assert programme.state == "draft"
        with pytest.raises(AlreadyThere, match="Lịch tiêm phòng"):
            intake.add(session, store, about(session, "Lần nữa"), intake.put(store, ready), NOW)
        approval.withdraw(session, programme, EDITOR, NOW)
        session.flush()
        again = ready_upload(tmp_path / "b.mp3", tmp_path, "Bản tin.mp3")
        assert intake.add(session, store, about(session, "Lần nữa"), intake.put(store, again), NOW).id != programme.id


def test_a_text_is_read_aloud_in_pieces(tmp_path: Path) -> None:
    short = ready_text("Xin chào bà con.", "vi", EspeakSynthesiser(), tmp_path)
    one = measure(read_wav(short.forms.narrow)).active_seconds
    long = ready_text("Xin chào bà con.\n\n" * 5 + "\x07\x1b[31m", "vi", EspeakSynthesiser(), tmp_path)
    assert measure(read_wav(long.forms.narrow)).active_seconds > 3 * one


@pytest.mark.parametrize(
    ("text", "error"), [("", NothingToSay), ("\x00\x07 …", NothingToSay), ("a" * 20_001, TextTooLong)]
)
def test_a_text_that_cannot_be_read_is_refused(text: str, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        ready_text(text, "vi", EspeakSynthesiser(), tmp_path)


@pytest.mark.parametrize("title", ["", "  ", "a\nb", "x" * 201])
def test_a_title_that_is_none_is_refused(
    database: Database, store: MediaStore, forms: TelephoneForms, title: str
) -> None:
    with database.session() as session, pytest.raises(ProgrammeRefused):
        added(session, store, forms, title=title)


def test_nobody_approves_their_own_work_unless_the_unit_allows_it(
    database: Database, store: MediaStore, forms: TelephoneForms
) -> None:
    with database.session() as session:
        programme = added(session, store, forms)
        approval.submit(session, programme, EDITOR, NOW)
        with pytest.raises(OwnWork):
            approval.approve(session, programme, EDITOR, NOW)
        programme.unit.author_may_approve = True
        approval.approve(session, programme, EDITOR, NOW)
        session.flush()
        acts = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert acts == ["programme.add", "programme.submit", "programme.approve"]


def test_only_what_is_approved_valid_and_audible_goes_on_the_air(
    database: Database, store: MediaStore, forms: TelephoneForms
) -> None:
    with database.session() as session:
        programme = added(session, store, forms, valid_until=days(1))
        for prepare in (
            lambda: None,
            lambda: approval.submit(session, programme, EDITOR, NOW),
            lambda: approval.send_back(session, programme, APPROVER, "Quá dài", NOW),
        ):
            prepare()
            with pytest.raises(NotForTheAir):
                require_for_the_air(programme, NOW)
        approval.submit(session, programme, EDITOR, NOW)
        approval.approve(session, programme, APPROVER, NOW)
        require_for_the_air(programme, NOW)
        with pytest.raises(NotForTheAir, match="has expired"):
            require_for_the_air(programme, days(2))
        intake.change(session, programme, about(session, "Tiêu đề mới"), EDITOR, NOW)
        with pytest.raises(NotForTheAir):
            require_for_the_air(programme, NOW)
        approval.withdraw(session, programme, EDITOR, NOW)
        with pytest.raises(IllegalTransition):
            approval.submit(session, programme, EDITOR, NOW)


def test_returning_a_programme_needs_a_reason(database: Database, store: MediaStore, forms: TelephoneForms) -> None:
    with database.session() as session:
        programme = added(session, store, forms)
        approval.submit(session, programme, EDITOR, NOW)
        with pytest.raises(NoReason):
            approval.send_back(session, programme, APPROVER, " ", NOW)
        assert programme.state == ProgrammeState.SUBMITTED


def test_programmes_are_found_with_and_without_diacritics(
    database: Database, store: MediaStore, forms: TelephoneForms
) -> None:
    with database.session() as session:
        place = commune(session)
        first = added(session, store, forms, title="Lịch tiêm phòng dại", unit_id=place.commune.id, tags=["thú y"])
        other = added(
            session, store, forms, title="Đường 100% bê tông", unit_id=place.district.id, category="giao thông"
        )

        def ids(**wanted: object) -> list[int]:
            return [one.id for one in programme_search.find(session, Wanted(**wanted))[0]]  # type: ignore[arg-type]

        assert ids(words="tiem phong") == ids(words="TIÊM  PHÒNG") == ids(words="thú") == [first.id]
        assert ids(words="duong") == ids(words="100%") == ids(category="giao thông") == [other.id]
        assert ids(words="%") == [other.id]
        assert ids(words="_") == ids(words="'; --") == []
        assert ids(unit_ids=[place.district.id]) == [other.id, first.id]
        assert ids(unit_ids=[place.commune.id]) == [first.id]
        assert programme_search.find(session, Wanted(), page=1) == ([], 2)


def test_what_is_kept_no_longer_is_really_deleted(database: Database, store: MediaStore, forms: TelephoneForms) -> None:
    with database.session() as session:
        gone = added(session, store, forms)
        approval.withdraw(session, gone, EDITOR, NOW)
        session.flush()
        assert gone.sound is not None
        played = store.path(gone.sound)
        assert programme_retention.apply(session, store, programme_retention.Rules(), days(89)).programmes == 0
        assert (
            programme_retention.apply(session, store, programme_retention.Rules(), days(91), dry_run=True).programmes
            == 1
        )
        assert played.exists()
        assert [one.origin for one in programme_retention.usage(session)] == ["phone"]
        assert programme_retention.apply(session, store, programme_retention.Rules(), days(91)).files == 2
        assert played.exists(), "a transaction that is rolled back must not have cost the file"
    assert not played.exists()
    assert not played.with_suffix(".wav16").exists()
    with database.session() as session:
        assert session.scalars(sa.select(Media)).all() == []
        assert session.get_one(Programme, gone.id).title == "Lịch tiêm phòng"


def test_orphan_files_are_deleted_once_no_upload_can_still_use_them(
    database: Database, store: MediaStore, forms: TelephoneForms
) -> None:
    with database.session() as session:
        programme = added(session, store, forms)
        assert programme.sound is not None
        kept = store.path(programme.sound)
        stray = store.folder / "ab" / f"ab{'0' * 62}.wav"
        stray.parent.mkdir()
        write_wav(stray, Sound(attention_chime().samples, 8000))
        killed = store.scratch()
        half_made = Path(killed.name) / "decoded.flac"
        half_made.touch()
        for path in (stray, half_made, half_made.parent):
            os.utime(path, (NOW.timestamp(), NOW.timestamp()))
        programme_retention.apply(session, store, programme_retention.Rules(), NOW + datetime.timedelta(hours=1))
        assert (stray.exists(), half_made.exists()) == (True, True)
        assert (
            programme_retention.apply(
                session, store, programme_retention.Rules(), NOW + datetime.timedelta(hours=7)
            ).files
            == 2
        )
        assert (stray.exists(), half_made.parent.exists()) == (False, False)
        assert kept.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Thông tư số 39/2020/TT-BTTTT", "Thông tư số 39 năm 2020 của Bộ Thông tin và Truyền thông"),
        ("theo 49/2024/NĐ-CP", "theo 49 năm 2024, Nghị định của Chính phủ"),
        ("các QĐ-TTg", "các Quyết định của Thủ tướng Chính phủ"),
        ("UBND xã, BCĐ và THCS", "Ủy ban nhân dân xã, Ban Chỉ đạo và trung học cơ sở"),
        ("12/2020/XX-YYY, CPU", "12/2020/XX-YYY, CPU"),
    ],
)
def test_numbers_of_documents_and_abbreviations_are_written_out(text: str, said: str) -> None:
    assert written_out(text) == said


def test_figures_are_read_in_words() -> None:
    said = read_aloud("Họp ngày 25/11/2026 lúc 7h30, gọi 0912345678.", "vi")
    assert "hai mươi lăm" in said
    assert not any(letter.isdigit() for letter in said)
    assert read_aloud("At 7:30", "en") == "At 7:30"


@pytest.mark.parametrize(
    "text", ["1." * 5000, "0987654321 " * 2000, "/" * 9000, "<en>" * 2000], ids=lambda text: text[:4]
)
def test_hostile_texts_do_not_break_the_reading(text: str) -> None:
    assert isinstance(read_aloud(text, "vi"), str)
