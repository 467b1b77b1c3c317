"""Takes in what callers said to Asterisk alone: messages become cases, emergency calls programmes to be heard again."""

import asyncio
import contextlib
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.programmes import emergency_recordings
from dialplans.left_messages import LeftMessage, left_messages
from feedback.intake.voice_messages import NothingSaid, VoiceMessages
from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError
from haichieu.audio.ingest import UnusableSound
from haichieu.database import Database
from haichieu.errors import HaiChieuError
from haichieu.media import MediaStore
from haichieu.people import Unit
from haichieu.phone_numbers import normalise
from haichieu.station import the_station
from ivr.calls.routing import route

log = structlog.get_logger()

EVERY_SECONDS = 5.0


class LeftAlone:
    """Looks into the spool at start and from then on; a caller who is still speaking is let finish."""

    def __init__(
        self, client: AriClient, database: Database, home: Path, messages: VoiceMessages, store: MediaStore
    ) -> None:
        self._client = client
        self._database = database
        self._home = home
        self._messages = messages
        self._store = store

    async def run(self) -> None:
        """Take in what there is, until cancelled."""
        while True:
            await self._client.connected.wait()
            with contextlib.suppress(AriError):
                await self.take_in()
            await asyncio.sleep(EVERY_SECONDS)

    async def take_in(self) -> None:
        """Take in everything that was left. Raises AriError when Asterisk cannot say who is still speaking."""
        # In this order: a call that begins after the look into the spool is not in it.
        left = await asyncio.to_thread(left_messages, self._home)
        recordings = await asyncio.to_thread(emergency_recordings.found, self._home)
        if not (left or recordings):
            return
        speaking = {channel["id"] for channel in await self._client.request(operations.LIST_CHANNELS)}
        for message in left:
            if message.channel not in speaking:
                await asyncio.to_thread(self._file, message)
        for recording in recordings:
            if recording.channel not in speaking:
                await asyncio.to_thread(self._keep, recording)

    def _file(self, message: LeftMessage) -> None:
        """A case of one message; a crash on the way leaves it in the spool, and it is filed only once."""
        if message.wav.exists():
            try:
                with self._database.session() as session:
                    unit_id, language = _addressee(session, message.dialled)
                number = self._messages.file_recording(
                    message.wav, number=normalise(message.number), unit_id=unit_id, language=language, at=message.at
                )
                log.info("left_message.filed", case=number)
            except NothingSaid:
                log.info("left_message.empty", name=message.wav.stem)
            except (HaiChieuError, sa.exc.SQLAlchemyError, OSError) as problem:
                log.warning("left_message.not_filed", name=message.wav.stem, problem=str(problem))
                with contextlib.suppress(sa.exc.SQLAlchemyError):
                    self._messages.not_kept(message.wav.stem, problem)
                return
        message.forget()

    def _keep(self, recording: emergency_recordings.Recording) -> None:
        try:
            programme = emergency_recordings.keep(recording, self._database, self._store)
            log.info("emergency_recording.kept", programme=programme)
        except UnusableSound:
            log.info("emergency_recording.empty", name=recording.wav.stem)
        except (HaiChieuError, sa.exc.SQLAlchemyError, OSError) as problem:
            log.warning("emergency_recording.not_kept", name=recording.wav.stem, problem=str(problem))


def _addressee(session: Session, dialled: str) -> tuple[int, str]:
    """The unit and the language of the number dialled; the whole station's when nobody lives there any more."""
    number = route(session, dialled)
    language = the_station(session).language
    if number is not None:
        return number.unit_id, number.language or language
    return session.scalars(sa.select(Unit.id).order_by(Unit.parent_id.is_not(None), Unit.id).limit(1)).one(), language
