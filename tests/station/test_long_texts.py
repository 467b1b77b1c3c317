"""A long text on air: loudspeakers play its beginning while the worker speaks the rest, marked files and all."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from broadcast_bridge.broadcasts import calling_off, starting
from broadcast_bridge.broadcasts.spoken_rests import add_rest, is_being_spoken
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.models import BroadcastSound
from haichieu.audio.sound import Sound, read_wav
from haichieu.audio.synthetic_mark import read_mark
from haichieu.database import now
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from haichieu.speech.bulletin_parts import bulletin_parts
from haichieu.speech.spoken_forms import spoken_forms
from tests.station.quick_voice import HOLD, speaking_quickly
from tests.station.scene import Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session"), pytest.mark.proof]

TEXT = "Uỷ ban nhân dân xã thông báo lịch cắt nước để sửa đường ống. " * 80


def put_on_air(scene: Scene, parts: list[str], hold: Path) -> int:
    """Ask for a text as the panel does: with the sound of its first part, and the texts of the others.

    The voice of the station waits before the others, until the file `hold` is gone.
    """
    store = MediaStore(scene.station.settings.home / "media", 1)
    with store.scratch() as folder:
        with speaking_quickly(scene.folder):
            forms = spoken_forms(parts[0], "vi", scene.station.opened.synthesiser, Path(folder))
        hold.touch()
        stored = store.put(forms.narrow, forms.wide)
        with scene.station.database.session() as session:
            request = Request("test", "Bản tin dài", [store.add(session, stored).id], ["11"], due_at=now())
            broadcast_id = starting.ask(session, request, now()).id
            add_rest(session, broadcast_id, "vi", parts[1:], now())
            return broadcast_id


def files(scene: Scene, broadcast_id: int) -> list[Path]:
    """The sounds of a broadcast that are there, in order."""
    with scene.station.database.session() as session:
        sounds = session.scalars(
            sa.select(BroadcastSound)
            .where(BroadcastSound.broadcast_id == broadcast_id)
            .options(joinedload(BroadcastSound.media))
            .order_by(BroadcastSound.position)
        )
        return [scene.station.opened.media.path(sound.media) for sound in sounds]


async def test_speakers_play_the_beginning_while_the_rest_is_spoken(scene: Scene) -> None:
    parts = bulletin_parts(TEXT)
    assert len(parts) > 3
    scene.forget()
    hold = scene.folder / HOLD
    try:
        broadcast_id = put_on_air(scene, parts, hold)
        first = read_wav(files(scene, broadcast_id)[0])
        await until_heard(scene.heard_file("cb-1"), Sound(first.samples[: first.rate * 3], first.rate))
        with scene.station.database.session() as session:
            assert is_being_spoken(session, broadcast_id)
        assert len(files(scene, broadcast_id)) == 1, "no later part is spoken while the beginning plays"
    finally:
        hold.unlink(missing_ok=True)
    await until(lambda: len(files(scene, broadcast_id)) == len(parts), "everything is spoken", 60)
    assert scene.broadcast(broadcast_id).state == "on_air"  # it takes minutes to play
    second = read_wav(files(scene, broadcast_id)[1])
    await until_heard(scene.heard_file("cb-1"), Sound(second.samples[: second.rate * 3], second.rate))
    with scene.station.database.session() as session:
        calling_off.stop(session, broadcast_id, "account:test@example", now())
    await until(lambda: scene.broadcast(broadcast_id).state == "ended", "stopped")
    assert all(read_mark(file) for file in files(scene, broadcast_id))
