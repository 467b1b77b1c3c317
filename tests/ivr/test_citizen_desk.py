"""The desk for citizens over rows: whose news, which languages, what is remembered of a caller and what is not."""

import dataclasses
import shutil
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.programmes.survey import tallies
from broadcast_bridge.repairs.fault_recordings import FaultRecordings
from feedback.answers.replies import acknowledge
from feedback.cases.case_lifecycle import NoSuchCase, Said, say
from feedback.cases.case_numbers import WrongCheckDigit, new_case_number
from feedback.citizens.consent_recordings import ConsentRecordings
from feedback.citizens.registry import CitizenBook, open_citizens
from feedback.intake.voice_messages import VoiceMessages
from feedback.models import Citizen, VoiceDraft
from feedback.states import Channel, Direction
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.audio.sound import read_wav, write_wav
from haichieu.audio.tones import attention_chime
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.people import Unit
from haichieu.speech.pronunciations import teach
from haichieu.speech.synthesis import EspeakSynthesiser, SpeechCache
from haichieu.spool import Spool
from haichieu.station import Station
from ivr.calls.caller_limits import CallerLimits, Limits, TooManyCaseNumbers, TooManyMessages
from ivr.calls.routing import Dialled
from ivr.desks.citizen import CitizensLine, PhoneCitizenDesk, voter_of
from ivr.desks.protocols import BulletinSeen, CommuneSeen
from ivr.desks.repairs import RepairLine
from ivr.prompts.prompt_texts import PromptTexts
from ivr.prompts.store import PromptStore
from tests.builders.cases import Office, case, office
from tests.builders.programmes import programme
from tests.builders.sounds import kept
from tests.builders.spoken import note_what_is_spoken
from tests.faulty_database import FaultyDatabase

CALLER = "+84987654321"


@pytest.fixture
def there(database: Database) -> Office:
    with database.session() as session:
        session.add(Station(id=1, languages=["vi", "tyz", "en"]))
        return office(session)


@pytest.fixture
def book(tmp_path: Path) -> CitizenBook:
    return open_citizens(tmp_path)


@pytest.fixture
def line(database: Database, book: CitizenBook, tmp_path: Path) -> CitizensLine:
    (tmp_path / "spool").mkdir()
    (tmp_path / "media").mkdir()
    store = MediaStore(tmp_path / "media", 1)
    speech = EspeakSynthesiser()
    prompts = PromptStore(
        PromptTexts.delivered(), SpeechCache(tmp_path / "speech", speech), tmp_path / "prompts", ["vi"], "vi"
    )
    messages = VoiceMessages(Spool(tmp_path / "spool"), database, store, book)
    client = AriClient("127.0.0.1", 1, "", unclaimed=lambda event: None)
    limits = CallerLimits(Limits(messages_an_hour=1, wrong_cases_an_hour=2, withheld_wrong_cases_a_day=2))
    faults = FaultRecordings(Spool(tmp_path), database, store)
    repairs = RepairLine(database, store, faults, limits)
    consents = ConsentRecordings(Spool(tmp_path / "spool"), database, store)
    return CitizensLine(
        client, database, store, book, messages, prompts, speech, limits, lambda *_, **__: "", repairs, consents
    )


def desk(line: CitizensLine, unit: Unit, number: str | None = CALLER, language: str = "") -> PhoneCitizenDesk:
    return PhoneCitizenDesk(
        line, Call(line.client, uuid.uuid4().hex, number, "1022"), Dialled("1022", unit.id, language, "", "")
    )


def exists(sound: str) -> bool:
    return Path(f"{sound}.wav").exists()


def content(sound: str) -> bytes:
    return Path(f"{sound}.wav").read_bytes()


def seen(unit: Unit) -> CommuneSeen:
    return CommuneSeen(unit.id, unit.name)


async def test_the_commune_is_that_of_the_number_or_is_asked_for(line: CitizensLine, there: Office) -> None:
    assert await desk(line, there.co_ba).commune() == seen(there.co_ba)
    district = desk(line, there.district)
    assert await district.commune() is None
    assert await district.communes() == [seen(there.district), seen(there.co_ba), seen(there.coc_pang)]


async def test_a_choice_counts_on_this_call_and_on_the_next(
    line: CitizensLine, there: Office, database: Database
) -> None:
    first = desk(line, there.district)
    first.lives_in(seen(there.coc_pang))
    first.speaks("en")
    assert await first.commune() == seen(there.coc_pang)
    await first.call_over()
    second = desk(line, there.district)
    assert await second.commune() == seen(there.coc_pang)
    assert await second.earlier_language() == "en"
    assert await desk(line, there.co_ba).commune() == seen(there.co_ba)  # which does not serve Cốc Pàng
    assert await desk(line, there.district, number=None).commune() is None
    await second.begin_message(None, "vi")
    with database.session() as session:
        draft = session.scalars(sa.select(VoiceDraft)).one()
    assert (draft.unit_id, draft.unit_by) == (there.coc_pang.id, "citizen")


async def test_no_language_is_remembered_for_anonymous_callers(
    line: CitizensLine, there: Office, database: Database
) -> None:
    await desk(line, there.co_ba).call_over()
    anonymous = desk(line, there.district)
    anonymous.lives_in(seen(there.co_ba))
    name = await anonymous.begin_message(None, "vi")
    write_wav(Path(f"{anonymous.message_sound(name)}.wav"), attention_chime(8000))
    await anonymous.keep_message(name, anonymous=True)
    await anonymous.call_over()
    with database.session() as session:
        assert session.scalars(sa.select(Citizen)).all() == []


async def test_languages_with_recordings_are_offered(line: CitizensLine, there: Office, tmp_path: Path) -> None:
    assert await desk(line, there.co_ba).languages() == ["vi"]
    for language, keys in (("tyz", ("language-name", "hotline-menu")), ("en", ("hotline-menu",))):
        for key in keys:
            file = tmp_path / "prompts" / language / f"{key}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_wav(file, attention_chime(8000))
    assert await desk(line, there.co_ba).languages() == ["vi", "tyz"]
    assert await desk(line, there.co_ba, language="vi").languages() == ()


async def test_categories_are_those_with_a_single_key(line: CitizensLine, there: Office, database: Database) -> None:
    with database.session() as session:
        session.merge(there.roads).code = "12"
    assert [(one.key, one.id) for one in await desk(line, there.co_ba).categories()] == [("2", there.benefits.id)]


async def test_one_caller_cannot_leave_messages_without_end(line: CitizensLine, there: Office) -> None:
    await desk(line, there.co_ba).begin_message(None, "vi")
    with pytest.raises(TooManyMessages):
        await desk(line, there.co_ba).begin_message(None, "vi")


async def test_callers_hear_answers_and_not_automatic_texts(
    line: CitizensLine, there: Office, database: Database, tmp_path: Path
) -> None:
    with database.session() as session:
        asked = case(session, there, citizen=line.citizens.meet(session, CALLER, now()))
        acknowledge(session, asked, "Mã số của quý vị", now())
        say(session, asked, Said(Direction.OUT, Channel.PANEL, "account:a@b", "Cầu sẽ sửa xong trong tuần."), now())
        wav = tmp_path / "answer.wav"
        write_wav(wav, attention_chime(8000))
        shutil.copy(wav, tmp_path / "copy.wav")
        sound = kept(session, line.store, wav)
        say(session, asked, Said(Direction.OUT, Channel.PANEL, "official:1001", sound=sound), now())
        say(session, asked, Said(Direction.NOTE, Channel.PANEL, "account:a@b", "Nội bộ"), now())
        number = asked.number
    at_desk = desk(line, there.co_ba)
    spoken, recorded = (await at_desk.case(number)).answers
    assert read_wav(Path(f"{spoken}.wav")).rate == 8000
    assert content(recorded) == (tmp_path / "copy.wav").read_bytes()
    await at_desk.call_over()
    assert not exists(spoken)
    assert exists(recorded)


async def test_callers_hear_answers_said_by_the_dictionary(
    line: CitizensLine, there: Office, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = note_what_is_spoken(monkeypatch)
    with database.session() as session:
        teach(session, "Phja Oắc", "phia oắc")
        asked = case(session, there, citizen=line.citizens.meet(session, CALLER, now()))
        say(session, asked, Said(Direction.OUT, Channel.PANEL, "account:a@b", "Lên Phja Oắc."), now())
        number = asked.number
    assert len((await desk(line, there.co_ba).case(number)).answers) == 1
    assert spoken == ["lên phia oắc."]


def test_votes_about_two_programmes_do_not_show_that_one_caller_cast_them() -> None:
    assert voter_of("digest", 1) == voter_of("digest", 1)
    assert len({voter_of("digest", 1), voter_of("digest", 2), voter_of("other", 1)}) == 3


async def test_votes_are_counted_once_a_caller(line: CitizensLine, there: Office, database: Database) -> None:
    with database.session() as session:
        bulletin = BulletinSeen(programme(session).id, "Bản tin sáng", "")
    for number, useful in ((CALLER, False), (CALLER, True), (None, True)):
        await desk(line, there.co_ba, number).vote(bulletin, seen(there.co_ba), useful=useful)
    with database.session() as session:
        assert [(one.useful, one.not_useful) for one in tallies(session)] == [(2, 0)]


@pytest.mark.parametrize("caller", ["+84912345678", None])
async def test_wrong_case_numbers_close_the_cases_of_other_people(
    line: CitizensLine, there: Office, database: Database, book: CitizenBook, caller: str | None
) -> None:
    with database.session() as session:
        theirs = case(session, there, citizen=book.meet(session, CALLER, now())).number
    stranger = desk(line, there.co_ba, caller)
    for _ in range(5):  # right numbers use up nothing
        assert await stranger.case(theirs)
    with pytest.raises(NoSuchCase):
        await stranger.case(new_case_number())
    with pytest.raises(WrongCheckDigit):
        await stranger.case("1")
    for number in (new_case_number(), theirs, "1"):
        with pytest.raises(TooManyCaseNumbers):
            await stranger.case(number)
    assert await desk(line, there.co_ba).case(theirs)


async def test_case_is_found_while_nothing_can_be_written(
    line: CitizensLine, there: Office, database: Database
) -> None:
    with database.session() as session:
        number = case(session, there).number
    locked = FaultyDatabase(database)
    locked.lock()
    assert await desk(dataclasses.replace(line, database=locked), there.co_ba).case(number)
    locked.close()


async def test_own_case_is_spoken_after_any_number_of_wrong_ones(
    line: CitizensLine, there: Office, database: Database, book: CitizenBook
) -> None:
    with database.session() as session:
        mine = case(session, there, citizen=book.meet(session, CALLER, now())).number
        anonymous = case(session, there).number
    caller = desk(line, there.co_ba)
    for _ in range(2):
        with pytest.raises(NoSuchCase):
            await caller.case(new_case_number())
    assert await caller.case(mine)
    with pytest.raises(TooManyCaseNumbers):
        await caller.case(anonymous)
