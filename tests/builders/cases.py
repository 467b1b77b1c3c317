"""Cases: an office with its departments and categories, and cases that arrived by text and by phone."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from feedback.cases import case_search
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.citizens import consents
from feedback.citizens.consents import Proof
from feedback.citizens.registry import open_citizens
from feedback.models import Case, Category, Citizen, Department, Transcript
from feedback.states import Channel, ConsentForm, Direction, Purpose
from haichieu.database import now
from haichieu.media import MediaStore
from haichieu.people import Account, Level, Role, Unit
from tests.builders.house import House
from tests.builders.sounds import stored

NUMBER = "+84912345678"


@dataclass(frozen=True)
class Office:
    """A district with two communes, two departments, two categories and an account of each kind that works on cases."""

    district: Unit
    co_ba: Unit
    coc_pang: Unit
    roads: Category
    benefits: Category
    operator: Account


def office(session: Session) -> Office:
    """Add it."""
    district = Unit(code="BL", name="Huyện Bảo Lạc", level=Level.DISTRICT)
    session.add(district)
    session.flush()
    co_ba = Unit(code="BL-CB", name="Xã Cô Ba", level=Level.COMMUNE, parent_id=district.id)
    coc_pang = Unit(code="BL-CP", name="Xã Cốc Pàng", level=Level.COMMUNE, parent_id=district.id)
    works = Department(code="kinh-te", name="Phòng Kinh tế và Hạ tầng", email="kinhte@example.vn")
    welfare = Department(code="lao-dong", name="Phòng Lao động, Thương binh và Xã hội")
    roads = Category(
        code="1", name="Hạ tầng, điện, nước", department=works, answer_within_days=7,
        keywords=["đường", "điện", "nước", "cầu", "mương"],
    )  # fmt: skip
    benefits = Category(
        code="2", name="Chính sách, chế độ", department=welfare, answer_within_days=10,
        keywords=["trợ cấp", "hộ nghèo", "bảo hiểm", "chế độ"],
    )  # fmt: skip
    operator = Account(
        email="truc@example.vn", name="Trực ban", password_hash="x", role=Role.OPERATOR, unit_id=district.id
    )
    session.add_all([co_ba, coc_pang, works, welfare, roads, benefits])
    session.flush()
    session.add(operator)
    session.flush()
    return Office(district, co_ba, coc_pang, roads, benefits, operator)


def case(session: Session, there: Office, text: str = "Cầu treo bị hỏng", citizen: Citizen | None = None) -> Case:
    """Open a case by text message in Cô Ba."""
    about = Opening(Channel.TEXT, there.co_ba.id, "number", citizen)
    return open_case(session, about, Said(Direction.IN, Channel.TEXT, "citizen", text), now())


def agreed(session: Session, one: Case, *purposes: Purpose) -> Case:
    """Have the citizen of a case consent by text to the answer on air, or to the given purposes."""
    for purpose in purposes or [Purpose.ANSWER_ON_AIR]:
        consents.give(session, one, purpose, Proof(ConsentForm.TEXT, message=one.messages[0]), now())
    return one


def written(
    house: House,
    home: Path,
    text: str = "Cầu treo bị hỏng",
    unit: str = "commune",
    known: bool = True,
    agrees: bool = False,
) -> str:
    """A case that arrived by text, from `NUMBER` or from nobody known: its number."""
    with house.database.session() as session:
        citizen = open_citizens(home).meet(session, NUMBER, now()) if known else None
        about = Opening(Channel.TEXT, house.units[unit], "number", citizen)
        opened = open_case(session, about, Said(Direction.IN, Channel.TEXT, "citizen", text), now())
        return agreed(session, opened).number if agrees else opened.number


def spoken(house: House, store: MediaStore, text: str = "cầu treo hỏng", unit: str = "commune") -> tuple[str, int, int]:
    """A case that begins with a spoken message: its number, the message and the sound."""
    with house.database.session() as session:
        media = stored(session, store, bytes(16000) + unit.encode() * 2)
        said = Said(Direction.IN, Channel.CALL, "citizen", sound=media)
        opened = open_case(session, Opening(Channel.CALL, house.units[unit], "number"), said, now())
        words = [{"w": word, "s": n * 0.3, "e": n * 0.3 + 0.2, "p": 0.9} for n, word in enumerate(text.split())]
        transcript = Transcript(
            message_id=opened.messages[0].id, text=text, original_text=text, engine="whisper", model="base",
            language="vi", confidence=0.4, doubtful=True, words=words, made_at=now(),
        )  # fmt: skip
        session.add(transcript)
        return opened.number, opened.messages[0].id, media.id


def index(house: House) -> None:
    """Make every case findable by its words."""
    with house.database.session() as session:
        for one in session.query(Case):
            case_search.index(session, one)
