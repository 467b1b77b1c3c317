"""Long texts and large files: the page answers at once, the worker makes the programme, one page shows progress."""

import datetime
from collections.abc import Iterator, Sequence

import pytest
import time_machine

from broadcast_bridge.programmes import making_jobs
from broadcast_bridge.programmes.making_jobs import LONG_TEXT, SHOWN, ProgrammesInMaking, forget_old
from broadcast_bridge.programmes.models import Programme, ProgrammeInMaking
from broadcast_bridge.programmes.states import ProgrammeState
from haichieu.alarms import open_alarms
from haichieu.database import now
from haichieu.errors import EnvironmentProblem
from haichieu.jobs import Job
from haichieu.speech.synthesis import Identity, Speech, SynthesisFailed
from tests.builders.accounts import EDITOR, VIEWER
from tests.builders.house import Browser, House
from tests.builders.programmes import drafted
from tests.builders.sounds import tone

LONG = "Mời bà con đi họp. " * (LONG_TEXT // 18)


class Voice:
    """Speaks a short tone for every piece, or fails."""

    languages = frozenset({"vi"})

    def __init__(self, problem: Exception | None = None) -> None:
        self._problem = problem
        self.pieces = 0

    def spoken_by(self) -> dict[str, str]:
        return {"vi": "test"}

    def prepare(self, language: str) -> None:
        pass

    def preferring(self, names: Sequence[str]) -> "Voice":
        return self

    def identity(self, language: str) -> Identity:
        return Identity("piper", "test", "1")

    def synthesise(self, text: str, language: str) -> Speech:
        if self._problem is not None:
            raise self._problem
        self.pieces += 1
        return Speech(tone(0.5, 300 + 50 * self.pieces, 16_000)[44:], 16_000, self.identity(language))


def upload(browser: Browser, sound: bytes, **said: object):  # type: ignore[no-untyped-def]
    sent = {"X-CSRFToken": browser.any_token(), "Accept": "application/problem+json"}
    return browser.client.post(
        "/programmes/uploads", query_string=said, data=sound, headers=sent, content_type="application/octet-stream"
    )


def runner(house: House, voice: Voice | None = None) -> ProgrammesInMaking:
    return ProgrammesInMaking(house.database, house.store, voice or Voice())


def write(house: House, text: str = LONG, then: str = "") -> Browser:
    editor = house.signed_in(EDITOR)
    about = {"title": "Họp thôn", "unit": house.units["commune"], "category": "", "language": "vi"}
    answer = editor.post("/programmes/0/edit", text=text, then=then, **about)
    assert (answer.status_code, answer.location) == (303, "/work")
    return editor


@pytest.fixture
def no_engine(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail when a page speaks or converts by itself."""
    monkeypatch.setattr("haichieu.speech.spoken_forms.spoken_text", None)
    monkeypatch.setattr("broadcast_bridge.programmes.intake.telephone_forms", None)
    yield
    monkeypatch.undo()


async def test_a_long_text_is_spoken_in_the_background_and_submitted(house: House) -> None:
    editor = write(house, then="submit")
    page = editor.get("/work").text
    assert "đang đọc nội dung" in page
    assert 'hx-trigger="every 2s"' in page
    assert 'href="/work"' in editor.get("/programmes").text
    assert "Họp thôn" not in house.signed_in("editor@district.example").get("/programmes").text
    voice = Voice()
    assert await runner(house, voice).step() == 1
    assert voice.pieces > 1
    page = editor.get("/work").text
    assert "đã xong" in page
    assert "hx-trigger" not in page
    with house.database.session() as session:
        made = session.query(Programme).one()
        assert (made.title, made.state, made.author) == ("Họp thôn", ProgrammeState.SUBMITTED, f"account:{EDITOR}")
        assert made.sound is not None
        assert f'href="/programmes/{made.id}"' in page


def test_no_page_speaks_a_long_text_or_converts_a_large_file(house: House, no_engine: None) -> None:
    write(house, "Mời bà con đi họp. " * 1050)
    song = tone(5.0, rate=192_000) * 8
    assert len(song) > making_jobs.LARGE_FILE
    answer = upload(house.signed_in(EDITOR), song, title="Bài hát", unit=house.units["commune"], name="x\0.wav")
    assert (answer.status_code, answer.json) == (201, {"page": "/work"})


async def test_a_large_file_is_converted_in_the_background_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making_jobs, "LARGE_FILE", 10_000)
    editor, song = house.signed_in(EDITOR), tone(3.0)
    said = {"title": "Bài hát", "unit": house.units["commune"], "name": "bai.wav"}
    for _ in range(2):
        assert upload(editor, song, **said).status_code == 201
    making = runner(house)
    while await making.step():
        pass
    page = editor.get("/work").text
    assert page.count("đã xong") == 1
    assert page.count("không xong") == 1  # the same file a second time, with the way to the programme
    assert page.count('href="/programmes/1"') == 2
    with house.database.session() as session:
        made = session.query(Programme).one()
        assert made.original is not None
        assert made.original.seconds == pytest.approx(made.seconds, abs=0.5)
    again = upload(editor, song, **said)
    assert (again.status_code, again.json["page"]) == (409, "/programmes/1")


async def test_text_that_cannot_be_spoken_is_shown_with_its_reason(house: House) -> None:
    editor = write(house)
    await runner(house, Voice(SynthesisFailed("speech.voice_failed", voice="test", why="broken"))).step()
    page = editor.get("/work").text
    assert "không xong" in page
    assert LONG.strip() in page
    with house.database.session() as session:
        assert session.query(Programme).count() == 0
        assert open_alarms(session) == []


async def test_a_fault_of_the_station_is_tried_again_and_then_told(house: House) -> None:
    editor = write(house)
    making = runner(house, Voice(EnvironmentProblem("base.vault.wrong_key")))
    for minutes in range(4):
        with time_machine.travel(now() + datetime.timedelta(minutes=minutes), tick=True):
            await making.step()
    assert "không xong" in editor.get("/work").text
    with house.database.session() as session:
        assert [alarm.kind for alarm in open_alarms(session)] == ["job_failed"]


async def test_a_changed_text_replaces_the_old_one_unless_another_was_faster(house: House) -> None:
    number, editor = drafted(house), house.signed_in(EDITOR)
    for says in (LONG, f"{LONG} Xin mời."):
        with house.database.session() as session:
            edition = session.get_one(Programme, number).updated_at.isoformat()
        form = {"title": "Tiêm phòng 2", "text": says, "language": "vi", "edition": edition}
        assert editor.post(f"/programmes/{number}/edit", **form).status_code == 303
    making = runner(house)
    while await making.step():
        pass
    with house.database.session() as session:
        one = session.get_one(Programme, number)
        assert (one.title, one.text) == ("Tiêm phòng 2", LONG.strip())
    assert "Người khác đã sửa chương trình này" in editor.get("/work").text


def test_work_is_shown_to_editors_of_its_units(house: House) -> None:
    write(house)
    assert "Họp thôn" in house.signed_in("editor@district.example").get("/work").text
    assert house.signed_in(VIEWER).get("/work").status_code == 403
    with house.database.session() as session:
        session.query(ProgrammeInMaking).one().unit_id = house.units["other"]
    assert "Họp thôn" not in house.signed_in(EDITOR).get("/work").text


async def test_what_ended_a_week_ago_is_forgotten(house: House) -> None:
    write(house)
    await runner(house).step()
    with house.database.session() as session:
        forget_old(session, now() + SHOWN + datetime.timedelta(hours=1))
        assert session.query(ProgrammeInMaking).count() == session.query(Job).count() == 0
        assert session.query(Programme).count() == 1
