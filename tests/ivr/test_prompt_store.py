"""Sounds of prompts: recordings first, and the caller's language before the fallback."""

import asyncio
import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from haichieu.speech.synthesis import EspeakSynthesiser, SpeechCache
from ivr.prompts.prompt_texts import PromptTexts, UnknownPrompt
from ivr.prompts.store import STATION_PROMPTS, PromptStore

TEXTS = PromptTexts({"vi": {"goodbye": "Xin chào.", "count": "Có {number}."}, "en": {"goodbye": "Goodbye."}})


@pytest.fixture
def cache(tmp_path: Path) -> SpeechCache:
    return SpeechCache(tmp_path / "speech", EspeakSynthesiser())


@pytest.fixture
def store(tmp_path: Path, cache: SpeechCache) -> PromptStore:
    return PromptStore(TEXTS, cache, tmp_path / "prompts", ["vi", "tyz"], "vi")


def record(tmp_path: Path, language: str, key: str, pitch: int = 440) -> Path:
    path = tmp_path / "prompts" / language / f"{key}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 48000, 0, "NONE", ""))
        sound.writeframes((np.sin(2 * np.pi * pitch * np.arange(24000) / 48000) * 9000).astype("<i2").tobytes())
    return path


def test_a_recording_wins_over_synthesis(store: PromptStore, cache: SpeechCache, tmp_path: Path) -> None:
    assert store.sound("goodbye", "vi") == cache.spoken("Xin chào.", "vi")
    recording = record(tmp_path, "vi", "goodbye")
    sound = store.sound("goodbye", "vi")
    assert sound == cache.recorded(recording) != cache.spoken("Xin chào.", "vi")
    with wave.open(f"{sound}.wav") as file:
        assert file.getframerate() == 8000


def test_a_new_recording_is_heard_at_once(store: PromptStore, tmp_path: Path) -> None:
    record(tmp_path, "vi", "goodbye", pitch=440)
    before = store.sound("goodbye", "vi")
    record(tmp_path, "vi", "goodbye", pitch=880)
    assert store.sound("goodbye", "vi") != before


def test_a_language_that_no_synthesis_speaks_is_heard_from_its_recordings(
    store: PromptStore, cache: SpeechCache, tmp_path: Path
) -> None:
    assert store.sound("goodbye", "tyz") == cache.spoken("Xin chào.", "vi")
    assert not store.has("goodbye", "tyz")
    assert store.can_say("goodbye", "tyz")
    recording = record(tmp_path, "tyz", "goodbye")
    assert store.sound("goodbye", "tyz") == cache.recorded(recording)
    assert store.has("goodbye", "tyz")


def test_a_text_in_the_callers_language_beats_a_recording_in_another(
    store: PromptStore, cache: SpeechCache, tmp_path: Path
) -> None:
    record(tmp_path, "vi", "goodbye")
    assert store.sound("goodbye", "en") == cache.spoken("Goodbye.", "en")


def test_a_prompt_with_values_is_always_synthesised(store: PromptStore, cache: SpeechCache, tmp_path: Path) -> None:
    record(tmp_path, "vi", "count")
    assert store.sound("count", "en", {"number": 3}) == cache.spoken("Có 3.", "vi")


def test_a_recording_that_cannot_be_read_is_passed_over(store: PromptStore, cache: SpeechCache, tmp_path: Path) -> None:
    record(tmp_path, "vi", "goodbye").write_bytes(b"not a sound")
    assert store.sound("goodbye", "vi") == cache.spoken("Xin chào.", "vi")


def test_a_recording_alone_makes_a_prompt(store: PromptStore, cache: SpeechCache, tmp_path: Path) -> None:
    recording = record(tmp_path, "vi", "song-of-the-village")
    assert store.sound("song-of-the-village", "tyz") == cache.recorded(recording)


@pytest.mark.parametrize(
    ("key", "language"), [("sing", "vi"), ("../vi/goodbye", "tyz"), ("stolen", ".."), ("stolen", "vi/../..")]
)
def test_what_is_not_there_cannot_be_said(store: PromptStore, tmp_path: Path, key: str, language: str) -> None:
    (tmp_path / "stolen.wav").write_bytes(record(tmp_path, "vi", "goodbye").read_bytes())
    with pytest.raises(UnknownPrompt):
        store.sound(key, language)
    assert not store.can_say(key, language)


async def test_every_prompt_without_values_is_prepared(store: PromptStore, tmp_path: Path) -> None:
    assert await store.prepare("vi") == 1
    assert len(list((tmp_path / "speech").glob("*/*.wav"))) == 1


async def test_a_stopping_process_waits_for_one_prompt_at_most(
    cache: SpeechCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PromptStore(PromptTexts.delivered(), cache, tmp_path / "prompts", ["vi"], "vi")
    made: list[str] = []
    begun, may_finish = threading.Event(), threading.Event()

    def slow(key: str, language: str) -> str:
        made.append(key)
        begun.set()
        assert may_finish.wait(10)
        return key

    monkeypatch.setattr(store, "sound", slow)
    preparing = asyncio.create_task(store.prepare("vi"))
    assert await asyncio.to_thread(begun.wait, 10)
    preparing.cancel()
    may_finish.set()
    with pytest.raises(asyncio.CancelledError):
        await preparing
    assert len(made) == 1


def test_a_station_can_say_everything_it_may_have_to(cache: SpeechCache, tmp_path: Path) -> None:
    store = PromptStore(PromptTexts.delivered(), cache, tmp_path / "prompts", ["vi", "en", "hmn"], "vi")
    assert store.languages == ("vi", "en", "hmn")
    for language in store.languages:
        assert all(store.can_say(key, language) for key in STATION_PROMPTS)
