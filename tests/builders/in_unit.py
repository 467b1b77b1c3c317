"""One row of everything that a route is about, in a given unit of the house, and forms that would add one."""

import datetime
import itertools

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.starting import Request, ask
from broadcast_bridge.duties.duty_register import DutyDraft, add_duty
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.editing import Planner
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.station_book.models import BookDevice
from feedback.answers import replies
from feedback.cases.case_lifecycle import Opening, Said, find_case, open_case
from feedback.citizens.registry import open_citizens
from feedback.models import Attachment, Message
from feedback.states import Channel, Direction, ReplyEvent, Way
from haichieu import locale
from haichieu.alarms import Alarm
from haichieu.database import now
from haichieu.district.unit_rules import RULES
from haichieu.media import Media
from haichieu.people import Account, Official, Right, Unit
from haichieu.units.carrying_out import carry_out
from haichieu.units.requests import Rename
from ivr.calls.routing import Number
from ivr.custom_flows.versions import find_draft, mark_of, save_draft
from ivr.flows.definition import delivered_definition
from tests.builders.accounts import PASSWORD
from tests.builders.cases import written
from tests.builders.days import local_day
from tests.builders.house import House
from tests.builders.programmes import programme
from tests.builders.repairs import repair
from tests.builders.sounds import stored

SOON = datetime.timedelta(hours=1)
PAST = "2001-01-01T00:00:00Z"
"""Refused as an hour, after the rights were asked about and before any sound is made."""
ZONES = {"district": "11", "commune": "12", "village": "13", "other": "14"}
FRESH = itertools.count(1)


def broadcast(house: House, unit: str) -> int:
    with house.database.session() as session:
        wish = Request("test", "Bản tin", [], zone_codes=[ZONES[unit]], due_at=now() + SOON)
        return ask(session, wish, now()).id


def duty(house: House, unit: str) -> int:
    """A publication duty of the unit, without a programme."""
    with house.database.session() as session:
        zone = session.query(Zone).filter_by(code=ZONES[unit]).one()
        units = frozenset(house.units.values())
        draft = DutyDraft(
            "Danh sách hộ nghèo", "publication", house.units[unit], [zone.id], local_day(now()), datetime.time(5, 30)
        )
        return add_duty(session, draft, Planner("test", frozenset({Right.SCHEDULE}), units), now()).id


def case(house: House, unit: str) -> str:
    return written(house, house.home, "Cầu hỏng", unit, known=False)


def first_message(house: House) -> int:
    with house.database.session() as session:
        return session.query(Message.id).order_by(Message.id.desc()).limit(1).scalar() or 0


def failed_reply(house: House, unit: str) -> tuple[str, dict[str, object]]:
    """The path that has a failed call of a case tried again, and its form."""
    number = case(house, unit)
    with house.database.session() as session:
        found = find_case(session, number)
        found.citizen = open_citizens(house.home).meet(session, "+84912345678", now())
        [reply] = replies.answer(session, found, replies.Answer("test", [Way.CALL], "Đã sửa"), now()).replies
        replies.advance(session, reply, ReplyEvent.FAIL, now())
        return f"/cases/{number}/retry", {"reply": str(reply.id)}


def waiting_answer(house: House, unit: str) -> tuple[str, dict[str, object]]:
    """The path that takes an answer of a case back, and its form."""
    number = case(house, unit)
    with house.database.session() as session:
        given = replies.Answer("test", [Way.AIR], "Đã sửa", waits=replies.TO_TAKE_BACK)
        message = replies.answer(session, find_case(session, number), given, now())
        return f"/cases/{number}/take-back", {"message": str(message.id)}


def device(house: House, unit: str, **more: object) -> int:
    """A device in the station book."""
    with house.database.session() as session:
        values = {"code": f"TB-{next(FRESH)}", "name": "Cụm loa", "device_kind": "ict_cluster", "condition": "good"}
        made = BookDevice(**{**values, "unit_id": house.units[unit], **more})
        session.add(made)
        session.flush()
        return made.id


def case_file(house: House, unit: str) -> str:
    number = case(house, unit)
    with house.database.session() as session:
        kept = kept_sound(session, house, f"file-{number}")
        attachment = Attachment(message_id=0, media_id=kept.id, name="anh.png", content_type="image/png")
        attachment.message_id = find_case(session, number).messages[0].id
        session.add(attachment)
        session.flush()
        return f"/cases/{number}/files/{attachment.id}"


def kept_sound(session: Session, house: House, content: str) -> Media:
    """A sound in the store of the house's web process, different for every `content`."""
    return stored(session, house.store, content.encode() * 2)


def programme_sound(house: House, unit: str) -> int:
    with house.database.session() as session:
        kept = kept_sound(session, house, f"programme-{unit}")
        session.add(
            Programme(
                title="Bản tin", origin="upload", unit_id=house.units[unit], author="test", author_name="test",
                sound_id=kept.id, created_at=now(), updated_at=now(),
            )
        )  # fmt: skip
        return kept.id


def spoken_sound(house: House, unit: str) -> int:
    with house.database.session() as session:
        kept = kept_sound(session, house, f"spoken-{unit}")
        said = Said(Direction.IN, Channel.CALL, "citizen", sound=kept)
        open_case(session, Opening(Channel.CALL, house.units[unit], "number"), said, now())
        return kept.id


def account(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Account(
            email=f"a{next(FRESH)}@y.example", name="A", password_hash="x", role="viewer", unit_id=house.units[unit]
        )
        session.add(made)
        session.flush()
        return made.id


def alarm(house: House, unit: str) -> int:
    about = f"schedule:{schedule(house, unit)}"
    with house.database.session() as session:
        made = Alarm(kind="schedule_missed", subject=about, text=locale.Message.verbatim("Dừng"))
        session.add(made)
        session.flush()
        return made.id


def schedule(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Schedule(
            uid=f"{now().timestamp()}", title="Bản tin", unit_id=house.units[unit], what="programme",
            programme=programme(session, unit_id=house.units[unit]), starts=datetime.datetime(2026, 1, 1, 5, 30),
            timezone="Asia/Ho_Chi_Minh", rrule="FREQ=DAILY", author="test", created_at=now(), updated_at=now(),
            zones=[session.query(Zone).filter_by(code=ZONES[unit]).one()], enabled=False,
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id


def speaker(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Speaker(code=f"moi-{next(FRESH)}", name="Loa", unit_id=house.units[unit], reachable=True)
        session.add(made)
        session.flush()
        return made.id


def broken(house: House, unit: str) -> int:
    number = speaker(house, unit)
    with house.database.session() as session:
        return repair(session, number).id


def zone(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Zone(code=f"6{next(FRESH):04}", name="Khu", units=[session.get_one(Unit, house.units[unit])])
        session.add(made)
        session.flush()
        return made.id


def official(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Official(code=f"9{next(FRESH):04}", name="B", pin_hash="x", unit_id=house.units[unit])
        session.add(made)
        session.flush()
        return made.id


def new_speaker(house: House, unit: str) -> tuple[str, dict[str, object]]:
    return "/speakers/0/edit", {"id": f"moi-{next(FRESH)}", "name": "Loa", "unit": unit.upper()}


def new_number(house: House, unit: str) -> tuple[str, dict[str, object]]:
    return "/set-up/number", {"number": f"19{next(FRESH):04}", "flow": "hotline", "unit": unit.upper()}


def new_official(house: House, unit: str) -> tuple[str, dict[str, object]]:
    return "/officials/0/edit", {
        "code": f"8{next(FRESH):04}",
        "name": "Cán bộ",
        "unit": unit.upper(),
        "password": PASSWORD,
    }


def new_zone(house: House, unit: str) -> tuple[str, dict[str, object]]:
    return "/zones/0/edit", {"code": f"7{next(FRESH):04}", "name": "Khu", "units": unit.upper()}


def new_account(house: House, unit: str) -> tuple[str, dict[str, object]]:
    email = f"a{next(FRESH)}@y.example"
    return "/accounts/0/edit", {
        "email": email,
        "name": "A",
        "role": "viewer",
        "unit": unit.upper(),
        "password": PASSWORD,
    }


def number(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Number(number=f"18{next(FRESH):04}", flow="hotline", unit_id=house.units[unit])
        session.add(made)
        session.flush()
        return made.id


def another_number(house: House, unit: str) -> tuple[str, dict[str, object]]:
    return "/numbers/0/edit", new_number(house, unit)[1]


def flow_draft(house: House, unit: str) -> str:
    """The citizens' line, to which one number leads, in a unit; with a draft at work."""
    with house.database.session() as session:
        session.query(Number).delete()
        session.add(Number(number="1022", flow="hotline", unit_id=house.units[unit]))
        if find_draft(session, "hotline") is None:
            built_in = delivered_definition("hotline")
            save_draft(session, "hotline", built_in, mark_of(built_in), "test", now())
    return "/flows/hotline"


def unit_change(house: House, unit: str) -> int:
    """A change of a unit, which got another name."""
    with house.database.session() as session:
        wanted = Rename(house.units[unit], f"Đơn vị {next(FRESH)}")
        return carry_out(session, RULES, wanted, "test").change_id or 0
