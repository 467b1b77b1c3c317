"""Cases of citizens at the office: an official records what they say, and may make the case formal."""

import datetime
from dataclasses import dataclass

from sqlalchemy.orm import Session

from feedback.cases import formal_track
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.cases.formal_track import Applicant, EntryRefused
from feedback.citizens.registry import CitizenBook, read_typed_number
from feedback.models import Case, Category
from feedback.states import Channel, Direction
from haichieu.locale import Message, message


@dataclass(frozen=True)
class Visit:
    """What a citizen said at the office of `unit_id`. Without a telephone number the case is anonymous."""

    unit_id: int
    said: Applicant
    is_formal: bool
    category: Category | None = None


def enter(session: Session, book: CitizenBook, visit: Visit, who: str, at: datetime.datetime) -> Case:
    """Open the case of a visit that the official `who` records. Raises EntryRefused, and nothing is entered."""
    if not visit.is_formal and (problems := _problems_of_informal(visit.said)):
        raise EntryRefused(problems)
    number = read_typed_number(visit.said.phone)
    citizen = book.meet(session, number, at) if number else None
    about = Opening(Channel.VISIT, visit.unit_id, who, citizen, visit.category, who if visit.category else "")
    said = Said(Direction.IN, Channel.VISIT, who, visit.said.content.strip())
    case = open_case(session, about, said, at)
    if visit.is_formal:
        formal_track.make_formal(session, book, case, visit.said, (), who, at)
    return case


def _problems_of_informal(said: Applicant) -> dict[str, Message]:
    """Return what is wrong, by field: the station stores no name and no address outside of the formal register."""
    problems = formal_track.problems_of_content(said)
    if said.phone.strip() and read_typed_number(said.phone) is None:
        problems["formal_phone"] = message("formal.missing.phone")
    if said.name.strip():
        problems["formal_name"] = message("walk_in.only_formal")
    if said.address.strip():
        problems["formal_address"] = message("walk_in.only_formal")
    return problems
