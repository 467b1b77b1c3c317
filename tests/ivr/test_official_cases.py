"""Cases by phone: officials hear the messages, never the identity of citizens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback.answers.answer_sounds import AnswerSounds
from feedback.answers.phone_answers import PhoneAnswers
from feedback.cases.case_lifecycle import happen
from feedback.citizens.registry import open_citizens
from feedback.states import CaseEvent
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.speech.synthesis import EspeakSynthesiser, Speech
from haichieu.spool import Spool
from ivr.desks.official_cases import OfficialCases
from tests.builders.cases import Office, case, office

NUMBER = "+84912345678"


class Reader:
    """A synthesiser that remembers what it was given to read."""

    languages = EspeakSynthesiser().languages

    def __init__(self) -> None:
        self.read: list[str] = []
        self._engine = EspeakSynthesiser()

    def identity(self, language: str) -> tuple[str, str, str]:
        return self._engine.identity(language)

    def synthesise(self, text: str, language: str) -> Speech:
        self.read.append(text)
        return self._engine.synthesise(text, language)


def files(folder: Path) -> set[str]:
    return {str(path) for path in (folder / "media").rglob("*.wav*")}


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def desk(database: Database, tmp_path: Path, reader: Reader) -> Iterator[OfficialCases]:
    store = MediaStore(tmp_path / "media", 1)
    sounds = AnswerSounds(database, store, reader)
    found = OfficialCases(database, PhoneAnswers(Spool(tmp_path), database, store, sounds), sounds)
    yield found
    found.forget_sounds()


@pytest.fixture
def there(database: Database) -> Office:
    with database.session() as session:
        return office(session)


async def test_a_written_case_is_read_aloud_without_the_numbers_in_it(
    database: Database, desk: OfficialCases, there: Office, reader: Reader, tmp_path: Path
) -> None:
    with database.session() as session:
        citizen = open_citizens(tmp_path).meet(session, NUMBER, now())
        opened = case(session, there, "Cầu hỏng từ 20/11, gọi tôi số 0912 345 678.", citizen)
        opened.category = there.roads
        case_id, number = opened.id, opened.number
    seen = await desk.open_case(case_id)
    assert seen is not None
    assert (seen.number, seen.category) == (number, "Hạ tầng, điện, nước")
    assert seen.opened_at.utcoffset() is not None
    read = " ".join(reader.read)
    assert "cầu hỏng" in read
    assert [digit for digit in ("chín", "bốn", "912") if digit in read] == []
    (sound,) = seen.sounds
    assert {f"{sound}.wav", f"{sound}.wav16"} <= files(tmp_path)
    desk.forget_sounds()
    assert files(tmp_path) == set()


async def test_a_case_that_waits_no_more_is_not_opened(database: Database, desk: OfficialCases, there: Office) -> None:
    with database.session() as session:
        closed = case(session, there)
        happen(session, closed, CaseEvent.CLOSE, "account:x", now())
        case_id = closed.id
    assert await desk.open_case(case_id) is None
    assert await desk.open_case(case_id + 1) is None


async def test_a_text_of_signs_alone_has_no_sound_and_can_still_be_answered(
    database: Database, desk: OfficialCases, there: Office
) -> None:
    with database.session() as session:
        case_id = case(session, there, "???").id
    seen = await desk.open_case(case_id)
    assert seen is not None
    assert seen.sounds == ()
