"""Third part of the demonstration: a citizen leaves messages, and is answered by text and by call.

The citizen calls over a carrier's trunk; the voice is a human recording that comes with Asterisk, so the hotline speaks
English. Twilio is replaced by a stand-in with the same HTTP API and signatures.
"""

import asyncio
import difflib
import re
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import aiohttp
import sqlalchemy as sa
from sqlalchemy.orm import Session

from dialplans.configuration import spool_folder
from feedback.models import Case, Message, Reply, VoiceDraft
from feedback.states import CaseStatus, Direction, ReplyState, Way
from feedback.texts.receipts import acknowledgement
from feedback.texts.twilio_stand_in import Text, TwilioStandIn
from haichieu.audio.sound import read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, until
from haichieu.errors import EnvironmentProblem
from haichieu.locale import Message as Words

HOTLINE, CITIZEN = "1022", "+84987654321"
OPERATOR = "truc@demo.example"
SPOKEN = (
    "congratulations you have successfully installed and executed the asterisk open source pbx you have also installed "
    "a set of sample sounds and configuration files"
)
"""The words of the recording's first twelve seconds."""
ANSWER = "The office has read your message. The new exchange is looked after, and the technician comes on Friday."
WRITTEN = "Cầu treo thôn Phiêng Buống, Cô Ba bị hỏng ván sàn, trẻ em đi học rất nguy hiểm."

CORRELATION = 0.8
ANSWER_CORRELATION = 0.6
"""For synthetic speech, played once among menus in the same voice; other sentences stay below 0.4."""
WORDS_RIGHT = 0.8
"""Of the words of a human voice through a telephone codec, as the delivered model hears them."""
TRANSCRIBED_SECONDS, CALLED_SECONDS = 90.0, 60.0


@dataclass(frozen=True)
class SpokenCase:
    """The recording, transcript and case of a spoken message."""

    number: str
    correlation: float
    seconds: float
    transcript: str
    words_right: float
    engine: str
    confidence: float | None
    transcribed_after_seconds: float
    category: str | None
    category_by: str
    department: str | None
    due_at: str | None
    proven: bool


@dataclass(frozen=True)
class Answered:
    """Delivery of the answer to the citizen."""

    text: str
    texted: str | None
    text_state: str
    call_state: str
    heard_correlation: float
    case_status: str
    proven: bool


@dataclass(frozen=True)
class WrittenCase:
    """A text message that became a case."""

    number: str
    text: str
    receipt: str | None
    category: str | None
    category_by: str
    proven: bool


@dataclass(frozen=True)
class Hotline:
    """The evidence of the other direction."""

    spoken: SpokenCase
    answered: Answered
    written: WrittenCase

    @property
    def proven(self) -> bool:
        """Whether every step was proven."""
        return self.spoken.proven and self.answered.proven and self.written.proven


def with_carrier(district: Path, folder: Path, port: int) -> Path:
    """Return the district file with a carrier added whose far side is a phone of ours on that port."""
    trunk = f'\n[[trunks]]\nid = "carrier"\nhost = "127.0.0.1"\nport = {port}\noutbound = true\n'
    made = folder / district.name
    made.write_text(district.read_text() + trunk)
    return made


async def speak_write_and_be_answered(
    station: TrialStation, twilio: TwilioStandIn, carrier_port: int, folder: Path, speech: Path
) -> Hotline:
    """Run this part with real calls and HTTP requests, and compare received with sent content."""
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(
            SoftPhone(server=station.server, caller_number=CITIZEN, port=carrier_port, record=folder / "citizen.wav")
        )
        await phone.ready()
        await _leave_message(station, phone, speech)
        spoken = await _spoken(station, speech)
        answered = await _answered(station, twilio, phone, folder, spoken.number)
    return Hotline(spoken, answered, await _written(station, twilio))


async def _leave_message(station: TrialStation, phone: SoftPhone, speech: Path) -> None:
    await phone.call(HOTLINE)
    for key in "20":  # leave a message, topic unknown
        await phone.digits(key)
    await until(lambda: _records(station), "the tone after which the citizen speaks", 40)
    await phone.play(speech)
    await phone.digits("#")
    await phone.digits("1")
    await until(lambda: _newest_case(station).number is not None, "the case", 20)
    await phone.hang_up()
    await phone.ended()


async def _spoken(station: TrialStation, speech: Path) -> SpokenCase:
    begun = time.monotonic()
    await until(lambda: _newest_case(station).status == CaseStatus.TRANSCRIBED, "the transcript", TRANSCRIBED_SECONDS)
    took = time.monotonic() - begun
    await until(lambda: _newest_case(station).category_id is not None, "the case is filed", 20)
    return await asyncio.to_thread(_spoken_evidence, station, speech, took)


async def _answered(
    station: TrialStation, twilio: TwilioStandIn, phone: SoftPhone, folder: Path, number: str
) -> Answered:
    heard = folder / "answer.wav"
    await _answer_over_api(station, number)
    await phone.incoming(CALLED_SECONDS)
    await phone.record(heard)
    await phone.answer()
    await phone.digits("1")  # "press one to hear it"
    await until(lambda: _reply(station, number, Way.CALL).state == ReplyState.HEARD, "the answer is heard", 60)
    await phone.digits("1")  # "if you have heard it well, press one"
    await phone.ended(30)
    await until(lambda: bool(_texts(twilio, ANSWER)), "the answer as a text", 30)
    await asyncio.to_thread(twilio.tell_status, _texts(twilio, ANSWER)[0], "delivered")
    await until(lambda: _reply(station, number, Way.TEXT).state == ReplyState.DELIVERED, "the text is delivered", 20)
    return await asyncio.to_thread(_answer_evidence, station, twilio, number, heard)


async def _answer_over_api(station: TrialStation, number: str) -> None:
    """Answer by text and by call, as an office program does. Raises EnvironmentProblem when the station refuses."""
    token = (await station.command("token", "create", "--account", OPERATOR)).strip()
    api = f"http://{station.settings.bind}:{station.settings.web_port}/api/v1"
    wish = {"text": ANSWER, "by": [Way.TEXT, Way.CALL]}
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as client,
        client.post(f"{api}/cases/{number}/answers", json=wish) as response,
    ):
        if response.status != HTTPStatus.CREATED:
            raise EnvironmentProblem(Words.verbatim(f"{response.url}: {response.status} {await response.text()}"))


async def _written(station: TrialStation, twilio: TwilioStandIn) -> WrittenCase:
    before = _newest_case(station).id
    accepted = await asyncio.to_thread(twilio.bring_text, CITIZEN, WRITTEN)
    await until(lambda: _newest_case(station).id != before, "the case that a text opens", 20)
    await until(lambda: _newest_case(station).category_id is not None, "the written case is filed", 20)
    receipt = acknowledgement(_newest_case(station).number, "vi")
    await until(lambda: bool(_texts(twilio, receipt)), "the receipt", 30)
    return await asyncio.to_thread(_written_evidence, station, twilio, accepted.status)


def _spoken_evidence(station: TrialStation, speech: Path, took: float) -> SpokenCase:
    with station.database.session() as session:
        case = _newest(session)
        message = case.messages[0]
        sound, transcript = message.sound, message.transcript
        assert sound is not None and transcript is not None, "it was transcribed"  # noqa: S101, PT018
        found = match(read_wav(speech), read_wav(station.opened.media.path(sound)))
        right = words_right(SPOKEN, transcript.text)
        return SpokenCase(
            number=case.number,
            correlation=round(found.correlation, 3),
            seconds=sound.seconds,
            transcript=transcript.text,
            words_right=round(right, 3),
            engine=f"{transcript.engine} ({transcript.model})",
            confidence=transcript.confidence,
            transcribed_after_seconds=round(took, 2),
            category=case.category.name if case.category else None,
            category_by=case.category_by,
            department=case.department.name if case.department else None,
            due_at=case.due_at.isoformat() if case.due_at else None,
            proven=found.correlation >= CORRELATION and right >= WORDS_RIGHT and case.category is not None,
        )


def _answer_evidence(station: TrialStation, twilio: TwilioStandIn, number: str, heard: Path) -> Answered:
    texted = _texts(twilio, ANSWER)
    with station.database.session() as session:
        case = session.scalars(sa.select(Case).where(Case.number == number)).one()
        text, call = (_reply_of(session, number, way) for way in (Way.TEXT, Way.CALL))
        answer = text.message.sound
        assert answer is not None, "an answer that was played has a sound"  # noqa: S101
        correlation = match(read_wav(station.opened.media.path(answer)), read_wav(heard)).correlation
        return Answered(
            text=ANSWER,
            texted=texted[0].body if texted else None,
            text_state=text.state,
            call_state=call.state,
            heard_correlation=round(correlation, 3),
            case_status=case.status,
            proven=len(texted) == 1
            and texted[0].to == CITIZEN
            and text.state == ReplyState.DELIVERED
            and call.state == ReplyState.HEARD
            and correlation >= ANSWER_CORRELATION
            and case.status == CaseStatus.ANSWERED,
        )


def _written_evidence(station: TrialStation, twilio: TwilioStandIn, answered: int) -> WrittenCase:
    with station.database.session() as session:
        case = _newest(session)
        receipt = _texts(twilio, acknowledgement(case.number, "vi"))
        return WrittenCase(
            number=case.number,
            text=case.messages[0].text,
            receipt=receipt[0].body,
            category=case.category.name if case.category else None,
            category_by=case.category_by,
            proven=answered == 200 and case.messages[0].text == WRITTEN and case.category is not None,
        )


def words_right(said: str, written: str) -> float:
    """Return the share of the spoken words that are in the transcript, in order; extra words are ignored."""
    expected, found = (re.findall(r"[a-z']+", text.lower()) for text in (said, written))
    blocks = difflib.SequenceMatcher(None, expected, found, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(expected)


def _records(station: TrialStation) -> bool:
    with station.database.session() as session:
        name = session.scalar(sa.select(VoiceDraft.name))
    return name is not None and (spool_folder(station.settings) / "recording" / f"{name}.wav").exists()


def _newest(session: Session) -> Case:
    return session.scalar(sa.select(Case).order_by(Case.id.desc()).limit(1)) or Case()


def _newest_case(station: TrialStation) -> Case:
    with station.database.session() as session:
        return _newest(session)


def _reply_of(session: Session, number: str, way: Way) -> Reply:
    found = session.scalar(
        sa.select(Reply)
        .join(Message, Reply.message_id == Message.id)
        .join(Case, Message.case_id == Case.id)
        .where(Case.number == number, Reply.way == way, Message.direction == Direction.OUT, Message.author != "system")
    )
    return found or Reply()


def _reply(station: TrialStation, number: str, way: Way) -> Reply:
    with station.database.session() as session:
        return _reply_of(session, number, way)


def _texts(twilio: TwilioStandIn, words: str) -> list[Text]:
    return [text for text in twilio.texts if words in text.body]
