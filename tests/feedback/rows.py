"""A few rows to begin a test of casework with: units, departments, categories, a case."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from feedback.cases.lifecycle import Opening, Said, open_case
from feedback.models import Case, Category, Citizen, Department
from feedback.states import Channel, Direction
from haichieu.database import now
from haichieu.people import Account, Level, Role, Unit


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
