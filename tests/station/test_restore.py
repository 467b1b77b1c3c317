"""A running station: its files are private, and its backup is a station that works."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.programmes.models import Programme
from haichieu.audio.sound import read_wav
from haichieu.backup.backing_up import make_backup
from haichieu.backup.restoring import restore_backup
from haichieu.database import Database, now
from haichieu.demo.audio_matching import match
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.trial_station import TrialStation, free_ports, until
from haichieu.home import HomeInUse
from haichieu.settings import load_settings
from tests.station import district, on_air
from tests.station.scene import SAME, Scene

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

PASSPHRASE = "a passphrase of the drill"


async def test_everything_in_the_home_of_a_running_station_is_private(scene: Scene) -> None:
    home = scene.station.settings.home
    files = [home, *home.rglob("*")]
    assert {"haichieu.sqlite", "haichieu.sqlite-wal", "station.key", "asterisk.conf"} <= {file.name for file in files}
    assert [file for file in files if not file.is_symlink() and file.stat().st_mode & 0o077] == []


def second_station(first: TrialStation, home: Path) -> TrialStation:
    """A station in another home with other ports, and otherwise the settings of the first."""
    given = {"home": home, **free_ports()}
    environment = {**first.environment, **{f"HAICHIEU_{name.upper()}": str(value) for name, value in given.items()}}
    settings = load_settings(**{**first.settings.model_dump(exclude_defaults=True), **given})
    return TrialStation(settings, environment, Database(settings.resolved_database_url), home.with_suffix(".log"))


def start_broadcast(database: Database, programme: int) -> int:
    with database.session() as session:
        sound = session.get_one(Programme, programme).sound_id
        assert sound is not None
        return starting.ask(session, Request("test", "Thử", [sound], ("11",)), now()).id


async def test_restored_station_calls_speakers_with_old_password_and_fingerprint(scene: Scene, tmp_path: Path) -> None:
    first, file, heard = scene.station, tmp_path / "a.backup", tmp_path / "heard.wav"
    programme = on_air.programme_named(first.database, first.settings.home, scene.speeches["demo-congrats"])
    make_backup(first.database, first.settings, file, PASSPHRASE, "test")
    with pytest.raises(HomeInUse):
        restore_backup(first.settings, file, PASSPHRASE, replace=True, actor="test")

    second = second_station(first, tmp_path / "second")
    restore_backup(second.settings, file, PASSPHRASE, replace=False, actor="test")
    shared = first.settings.home / "media" / "speech"  # the sentences that both speak
    (second.settings.home / "media" / "speech").symlink_to(shared.resolve(), target_is_directory=True)

    def speaker_is_reachable() -> bool:
        with second.database.reading() as session:
            return bool(session.scalars(sa.select(Speaker.reachable).where(Speaker.code == "cb-1")).one())

    def result() -> tuple[str, str | None]:
        with second.database.reading() as session:
            of_speaker = sa.select(Delivery.state).join(Speaker).where(Speaker.code == "cb-1")
            delivered = session.scalars(of_speaker.where(Delivery.broadcast_id == number)).one_or_none()
            return session.get_one(Broadcast, number).state, delivered

    try:
        await second.start()
        speaker = SoftSpeaker(
            server=second.tls_server,
            fingerprint=first.fingerprint,
            id="cb-1",
            password=district.password("cb-1"),
            record=heard,
            bind="127.0.0.1",
        )
        async with speaker:
            await until(speaker_is_reachable, "the speaker is reachable")
            number = start_broadcast(second.database, programme)
            await until(lambda: result() == ("ended", "played"), "the end of the broadcast", 30)
    finally:
        if second.process is not None:  # an orderly end takes seconds
            second.process.kill()
            await second.process.wait()
        second.database.close()
    assert match(read_wav(scene.speeches["demo-congrats"]), read_wav(heard)).correlation > SAME
