"""Messages that citizens left while the application was down: each becomes a case of the number's unit."""

from pathlib import Path

from sqlalchemy.orm import Session

from dialplans.left_messages import LeftMessage, left_message, left_messages
from feedback.intake.voice_messages import NothingSaid, VoiceMessages
from haichieu.database import Database
from haichieu.people import highest_unit
from haichieu.phone_numbers import normalise
from haichieu.spool import LeftRecording
from haichieu.station import the_station
from ivr.calls.routing import route


class DegradedMessages:
    """Files the recordings of the degraded dialplan; see `haichieu.recording_intake`."""

    def __init__(self, home: Path, database: Database, messages: VoiceMessages) -> None:
        self._home = home
        self._database = database
        self._messages = messages

    def left_recordings(self) -> list[LeftRecording]:
        """Return every message in the spool."""
        return [LeftRecording(left.wav.stem, left.channel) for left in left_messages(self._home)]

    def is_still(self, name: str) -> bool:
        """Return True: a message is complete when its channel is gone."""
        return True

    def take_in(self, name: str) -> str | None:
        """Open a case of one message, once."""
        left = left_message(self._home, name)
        if left is None:
            return None
        case = self._file(left) if left.wav.exists() else None
        left.forget()
        return case

    def _file(self, left: LeftMessage) -> str | None:
        with self._database.reading() as session:
            unit_id, language = _addressee(session, left.dialled)
        number = normalise(left.number)
        try:
            filed = self._messages.file_recording(
                left.wav, number=number, unit_id=unit_id, language=language, at=left.at
            )
        except NothingSaid:
            return None
        return f"case {filed}"


def _addressee(session: Session, dialled: str) -> tuple[int, str]:
    """Return the unit and language of the number dialled; those of the whole station when it is no longer known."""
    number = route(session, dialled)
    language = the_station(session).language
    if number is not None:
        return number.unit_id, number.language or language
    return highest_unit(session), language
