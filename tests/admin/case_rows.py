"""Cases, written and spoken, for the tests of their pages."""

import re
import wave
from pathlib import Path

from feedback.cases import case_search
from feedback.cases.lifecycle import Opening, Said, open_case
from feedback.citizens.registry import open_citizens
from feedback.models import Case, Transcript
from feedback.states import Channel, Direction
from haichieu.database import now
from haichieu.media import MediaStore
from tests.admin.house import House

NUMBER = "+84912345678"
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
OPERATOR, VIEWER, EDITOR = "operator@x.example", "viewer@x.example", "editor@x.example"


def written(house: House, home: Path, text: str = "Cầu treo bị hỏng", unit: str = "commune", known: bool = True) -> str:
    with house.database.session() as session:
        citizen = open_citizens(home).meet(session, NUMBER, now()) if known else None
        about = Opening(Channel.TEXT, house.units[unit], "number", citizen)
        return open_case(session, about, Said(Direction.IN, Channel.TEXT, "citizen", text), now()).number


def spoken(house: House, store: MediaStore, text: str = "cầu treo hỏng", unit: str = "commune") -> tuple[str, int, int]:
    """A case that begins with a spoken message: its number, the message and the sound."""
    store.folder.mkdir(parents=True, exist_ok=True)
    file = store.folder / f"{unit}.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000) + unit.encode() * 2)
    with house.database.session() as session:
        media = store.keep(session, file)
        said = Said(Direction.IN, Channel.CALL, "citizen", sound=media)
        case = open_case(session, Opening(Channel.CALL, house.units[unit], "number"), said, now())
        words = [{"w": word, "s": n * 0.3, "e": n * 0.3 + 0.2, "p": 0.9} for n, word in enumerate(text.split())]
        transcript = Transcript(
            message_id=case.messages[0].id, text=text, original_text=text, engine="whisper", model="base",
            language="vi", confidence=0.4, doubtful=True, words=words, made_at=now(),
        )  # fmt: skip
        session.add(transcript)
        return case.number, case.messages[0].id, media.id


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def index(house: House) -> None:
    with house.database.session() as session:
        for case in session.query(Case):
            case_search.index(session, case)
