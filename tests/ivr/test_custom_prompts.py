"""Custom prompts: used from the next call on and after a restart, and never silent when a file is lost."""

import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from haichieu.alarms import open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import Database, now
from haichieu.media import MediaStore, Stored, unnamed
from haichieu.speech.pronunciations import teach
from haichieu.speech.synthesis import EspeakSynthesiser, NothingToSay, SpeechCache
from ivr.prompts import custom
from ivr.prompts.custom import ChangedMeanwhile, CustomPrompts, Origin, PromptRefused
from ivr.prompts.prompt_texts import PromptTexts
from ivr.prompts.store import PromptStore, Voice

TEXTS = PromptTexts(
    {"vi": {"goodbye": "Xin chào.", "case": "Mã {number:digits}."}, "en": {"goodbye": "Bye.", "case": "Case {number}."}}
)
WHO = "account:admin@x.example"


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media", 0)


@pytest.fixture
def cache(tmp_path: Path) -> SpeechCache:
    return SpeechCache(tmp_path / "speech", EspeakSynthesiser())


def opened(database: Database, media: MediaStore, cache: SpeechCache, home: Path) -> PromptStore:
    own = CustomPrompts(database, media)
    own.look_again()
    return PromptStore(TEXTS, cache, home / "prompts", ["vi", "en", "tyz"], "vi", own)


def forms(media: MediaStore, folder: Path, pitch: int) -> Stored:
    for name, rate in (("narrow", 8000), ("wide", 16000)):
        sine = f"sine=frequency={pitch}:duration=1:sample_rate={rate}"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", sine, folder / f"{name}.wav"], check=True)
    return media.put(folder / "narrow.wav", folder / "wide.wav")


def test_a_changed_prompt_survives_a_restart_and_can_be_undone(
    database: Database, media: MediaStore, cache: SpeechCache, tmp_path: Path
) -> None:
    store = opened(database, media, cache, tmp_path)
    built_in = store.sound("goodbye", "vi")
    with database.session() as session:
        custom.set_text(session, TEXTS, "goodbye", "vi", "Tạm biệt  bà con.", WHO, now())
        custom.set_text(session, TEXTS, "case", "vi", "Số {number:digits}.", WHO, now())
    assert store.sound("goodbye", "vi") == built_in
    store.look_again()
    assert store.sound("goodbye", "vi") == cache.spoken("Tạm biệt bà con.", "vi")
    assert store.sound("case", "vi", {"number": "12"}) == cache.spoken("Số một hai.", "vi")
    assert (store.voice("goodbye", "vi"), store.voice("goodbye", "en")) == (Voice.OWN_TEXT, Voice.READ)
    assert opened(database, media, cache, tmp_path).sound("goodbye", "vi") == cache.spoken("Tạm biệt bà con.", "vi")
    with database.session() as session:
        edition = custom.find_custom(session, "goodbye", "vi")
        assert edition is not None
        custom.require_edition(session, "goodbye", "vi", edition.edition)
        for stale in ("", "2026-01-01T00:00:00+00:00"):
            with pytest.raises(ChangedMeanwhile):
                custom.require_edition(session, "goodbye", "vi", stale)
        assert custom.restore_built_in(session, "goodbye", "vi", WHO)
        assert not custom.restore_built_in(session, "goodbye", "en", WHO)
        told = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert told == ["prompt.change", "prompt.change", "prompt.take_back"]
    store.look_again()
    assert store.sound("goodbye", "vi") == built_in


def test_names_in_prompts_are_said_by_the_dictionary(
    database: Database, media: MediaStore, cache: SpeechCache, tmp_path: Path
) -> None:
    store = opened(database, media, cache, tmp_path)
    with database.session() as session:
        custom.set_text(session, TEXTS, "goodbye", "vi", "Đây là Phja Oắc.", WHO, now())
        teach(session, "Phja Oắc", "phia oắc")
        teach(session, "mã", "mã số")
    store.look_again()
    assert store.sound("goodbye", "vi") == cache.spoken("Đây là phia oắc.", "vi")
    assert store.sound("case", "vi", {"number": "12"}) == cache.spoken("mã số một hai.", "vi")
    assert store.read("goodbye", "vi", "Phja Oắc.", {}) == cache.spoken("phia oắc.", "vi")


def test_a_lost_recording_falls_back_to_speech_and_raises_an_alarm(
    database: Database, media: MediaStore, cache: SpeechCache, tmp_path: Path
) -> None:
    with database.session() as session:
        recorded = (session, media, TEXTS, "goodbye")
        custom.set_recording(*recorded, "tyz", forms(media, tmp_path, 440), Origin.UPLOAD, WHO, now())
        own = custom.set_recording(*recorded, "vi", forms(media, tmp_path, 660), Origin.BROWSER, WHO, now())
        assert own.sound is not None
        file = media.path(own.sound)
        assert unnamed(session) == []
    store = opened(database, media, cache, tmp_path)
    assert store.sound("goodbye", "vi") == str(file.with_suffix(""))
    assert file.with_suffix(".wav16").exists()
    assert store.recorded("goodbye", "tyz")
    assert store.sound("goodbye", "tyz") != store.sound("goodbye", "vi")
    content = file.read_bytes()
    file.unlink()
    for _ in range(2):
        assert store.sound("goodbye", "vi") == cache.spoken("Xin chào.", "vi")
    with database.session() as session:
        (alarm,) = open_alarms(session)
        assert (alarm.kind, alarm.subject) == ("prompt_missing", "vi/goodbye")
    file.write_bytes(content)
    assert store.sound("goodbye", "vi") == str(file.with_suffix(""))
    with database.session() as session:
        assert open_alarms(session) == []
        custom.set_text(session, TEXTS, "goodbye", "vi", "Chào.", WHO, now())
        session.flush()
        assert [str(media.path(one)) for one in unnamed(session)] == [str(file)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Mã của bà con.", "{number}"),
        ("Mã {number} ở {zone}.", "{zone}"),
        ("Mã {number} {", "Braces"),
        ("Mã {number} " + "a" * 1000, "1000"),
    ],
)
def test_a_text_that_would_say_something_else_is_refused(text: str, said: str) -> None:
    with pytest.raises(PromptRefused) as refusal:
        custom.require_text(TEXTS, "case", text)
    assert said in str(refusal.value)


def test_neither_silence_nor_a_recording_without_its_values_is_taken() -> None:
    with pytest.raises(NothingToSay):
        custom.require_text(TEXTS, "goodbye", " … ")
    with pytest.raises(PromptRefused, match="can only be read"):
        custom.require_recordable(TEXTS, "case")
