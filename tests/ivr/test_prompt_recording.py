"""Recording of a prompt by telephone: it is stored in the end, although the database fails."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from haichieu import background
from haichieu.ari.call import Call
from haichieu.ari.events import Event
from haichieu.audio.sound import write_wav
from haichieu.audio.tones import attention_chime
from haichieu.database import Database, now
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from haichieu.spool import Spool
from ivr.prompts import calls, custom, recording
from ivr.prompts.prompt_texts import PromptTexts
from ivr.prompts.recording import PromptRecorder
from tests.builders.places import commune
from tests.fake_asterisk import FakeAsterisk
from tests.faulty_database import database_away


async def test_confirmed_recording_is_stored_once_the_database_works_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", (0.01,))
    with database.session() as session:
        (phone,) = commune(session).official.phones
        calls.request(session, "goodbye", "vi", phone.number, "account:a@x.example", now())
        (pending,) = calls.claim(session, now())
    (tmp_path / "spool").mkdir()
    asterisk, spool = FakeAsterisk(), Spool(tmp_path / "spool")
    prompts = SimpleNamespace(texts=PromptTexts.delivered(), sound=lambda key, *_: key)
    recorder = PromptRecorder(
        database, cast(Any, prompts), spool, MediaStore(tmp_path / "media", 1), lambda call, flow: cast(Any, None)
    )
    set_recording, failures = custom.set_recording, [1, 2]

    def fails_twice(*given: Any) -> object:
        return set_recording(*given) if not failures else (failures.pop(), database_away())

    monkeypatch.setattr(custom, "set_recording", fails_twice)
    telephone_forms, converted = recording.telephone_forms, []

    def noted(wav: Path, *given: Any, **more: Any) -> object:
        converted.append(wav)
        return telephone_forms(wav, *given, **more)

    monkeypatch.setattr(recording, "telephone_forms", noted)
    asterisk.arrive("call")
    taken_up = asyncio.create_task(recorder.take_up(Call(asterisk.client, "call", phone.number, ""), pending))
    await until(lambda: bool(asterisk.recordings), "the caller is recorded")
    (name,) = asterisk.recordings
    write_wav(spool.wav(name), attention_chime(8000))
    asterisk.record_to_end()
    await until(lambda: "sound:record-menu" in asterisk.sounds, "the caller is asked")
    key = {"channel": {"id": "call"}, "digit": "1", "duration_ms": 80, "timestamp": now().isoformat()}
    asterisk.events.dispatch(Event("ChannelDtmfReceived", key))
    await asyncio.wait_for(taken_up, 20)
    assert asterisk.sounds[-1] == "sound:prompt-call-kept"
    with database.session() as session:
        assert custom.find_custom(session, "goodbye", "vi") is not None
    assert not spool.wav(name).exists()
    assert len(converted) == 1, "it is slow, and needs no database"
