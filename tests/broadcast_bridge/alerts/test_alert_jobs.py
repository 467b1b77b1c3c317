"""The language in which an alert is broadcast, and what is said when there is no voice for any of its texts."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.alerts.alert_jobs import AlertDesk, wordings
from broadcast_bridge.alerts.models import CapAlert
from broadcast_bridge.alerts.states import AlertState
from broadcast_bridge.models import Broadcast
from haichieu.alarms import open_alarms
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.speech.pronunciations import teach
from haichieu.speech.synthesis import NoVoice, Speech
from tests.broadcast_bridge.alerts.messages import NOW, alert, area, cancel, info, minutes, place, reference, source
from tests.broadcast_bridge.alerts.taking import put_on_air, take

CHINESE = info("zh-CN", event="山洪", headline="山洪预警", description="水位上涨", instruction="请转移")
ENGLISH = info("en-US", headline="Flash flood", description="", instruction="Go uphill.")


class Voices:
    """A synthesiser that notes what it speaks."""

    def __init__(self, *languages: str, broken: str = "") -> None:
        self.languages = frozenset(languages)
        self.spoken: list[tuple[str, str]] = []
        self._broken = broken

    def identity(self, language: str) -> tuple[str, str, str]:
        return "test", language, "1"

    def synthesise(self, text: str, language: str) -> Speech:
        if language not in self.languages or language == self._broken:
            raise NoVoice("speech.no_voice", language=language)
        self.spoken.append((language, text))
        return Speech(b"\x00\x20\x00\xe0" * 8000, 16_000)


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media", 1)


async def air(database: Database, store: MediaStore, voices: Voices, infos: str) -> str:
    """Receive an alert now, let the desk work once, and return the state of the alert."""
    with database.session() as session:
        place(session)
        take(session, source(session), alert(sent=now(), infos=infos), now())
    await AlertDesk(database, store, voices).step()
    with database.session() as session:
        return session.scalars(sa.select(CapAlert.state)).one()


def lasting(infos: str) -> str:
    return infos.replace("2026-11-24T14:30:00", "2099-11-24T14:30:00")


@pytest.mark.parametrize(
    ("infos", "language"),
    [
        (CHINESE + ENGLISH, "en"),
        (CHINESE + ENGLISH + info(), "vi"),
        (info("vie"), "vi"),
        (info("vn"), "vi"),
    ],
    ids=["Chinese, English", "Chinese, English, Vietnamese", "vie", "vn"],
)
async def test_alert_is_broadcast_in_the_first_language_with_a_voice(
    infos: str, language: str, database: Database, store: MediaStore
) -> None:
    voices = Voices("vi", "en")
    assert await air(database, store, voices, lasting(infos)) == AlertState.AIRING
    assert {spoken for spoken, _text in voices.spoken} == {language}
    with database.session() as session:
        assert open_alarms(session) == []


async def test_alert_without_any_voice_is_broadcast_in_the_stations_words(
    database: Database, store: MediaStore
) -> None:
    voices = Voices("vi", "en")
    assert await air(database, store, voices, lasting(CHINESE)) == AlertState.AIRING
    ((language, text), *_) = voices.spoken
    assert language == "vi"
    assert text.startswith("thông báo khẩn của")
    assert "山" not in text
    with database.session() as session:
        (alarm,) = open_alarms(session)
        assert (alarm.kind, alarm.text.key, alarm.text.fields["languages"]) == (
            "alert_defective",
            "alert.own_words",
            "zh",
        )
        assert session.scalars(sa.select(Broadcast.priority)).one() == "emergency"


async def test_alert_whose_voice_fails_is_broadcast_in_the_next_language(database: Database, store: MediaStore) -> None:
    voices = Voices("vi", "en", broken="vi")
    assert await air(database, store, voices, lasting(info() + ENGLISH)) == AlertState.AIRING
    assert {spoken for spoken, _text in voices.spoken} == {"en"}


def test_all_clear_of_a_foreign_alert_is_in_the_stations_words(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        who = source(session)
        put_on_air(session, take(session, who, alert(infos=CHINESE)), here.official.id)
        decision = take(session, who, cancel("CB-2", reference("CB-2026-001"), minutes(5)), minutes(5))
        assert decision.alert is not None
        (only,) = wordings(decision.alert, ["vi"], {"vi", "en"}, minutes(5))
        assert (only.language, only.text) == ("vi", "Thông báo của Đài KTTV. Cảnh báo trước đó đã được hủy bỏ.")


def test_own_words_name_what_is_to_be_done_and_where(database: Database) -> None:
    evacuate = CHINESE.replace("<urgency>", "<responseType>Evacuate</responseType><urgency>")
    with database.session() as session:
        place(session)
        decision = take(session, source(session), alert(status="Actual", infos=evacuate))
        assert decision.alert is not None
        for language, said in (("vi", "Khu vực: Cô Ba. Bà con hãy sơ tán ngay."), ("en", "Area: Cô Ba. Evacuate now.")):
            (only,) = wordings(decision.alert, [language], {"vi", "en"}, NOW)
            assert (only.language, only.own) == (language, True)
            assert said in only.text


def test_long_list_of_areas_leaves_room_for_the_instruction(database: Database) -> None:
    many = "".join(area(description=f"Xã thứ {n} của tỉnh Cao Bằng") for n in range(100))
    with database.session() as session:
        place(session)
        decision = take(session, source(session), alert(infos=info(areas=many)))
        assert decision.texts["vi"].endswith("Bà con hãy lên nơi cao ngay.")


async def test_alert_is_said_by_the_dictionary(database: Database, store: MediaStore) -> None:
    with database.session() as session:
        teach(session, "uphill", "up the hill")
    voices = Voices("en")
    assert await air(database, store, voices, lasting(CHINESE.replace("zh-CN", "zh-TW") + ENGLISH)) == AlertState.AIRING
    assert "up the hill" in voices.spoken[0][1]
