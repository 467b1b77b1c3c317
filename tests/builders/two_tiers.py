"""A province with two communes and their villages, a commune of another province, and something of everything there."""

import datetime
from dataclasses import dataclass

from sqlalchemy.orm import Session

from broadcast_bridge.alerts.models import UnitGeocode
from broadcast_bridge.models import Broadcast, Delivery, Speaker, Zone
from broadcast_bridge.programmes import survey
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.source_system.models import Bulletin, Source, SourcePlace
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.models import Case, Citizen, VoiceDraft
from feedback.states import CaseStatus, Channel, Direction
from haichieu.database import now
from haichieu.people import Level, Official, Role, Unit
from ivr.calls.routing import Number
from tests.builders.accounts import account, official
from tests.builders.programmes import programme

TREE = (
    ("CBG", "Tỉnh Cao Bằng", Level.PROVINCE, ""),
    ("CB", "Xã Cô Ba", Level.COMMUNE, "CBG"),
    ("CB-1", "Thôn Nà Rào", Level.VILLAGE, "CB"),
    ("CB-2", "Thôn Phiêng Sáng", Level.VILLAGE, "CB"),
    ("CP", "Xã Cốc Pàng", Level.COMMUNE, "CBG"),
    ("CP-1", "Thôn Nà Mìa", Level.VILLAGE, "CP"),
    ("HG", "Tỉnh Hà Giang", Level.PROVINCE, ""),
    ("DV", "Xã Đồng Văn", Level.COMMUNE, "HG"),
)
ZONES = {"10": "CB", "11": "CB-1", "12": "CB-2", "20": "CP", "21": "CP-1", "99": "CBG"}
LONG_AGO = datetime.timedelta(hours=2)


@dataclass(frozen=True)
class Tiers:
    """The ids of the units by code. Every village and commune has a speaker `loa-CODE`, every unit an account."""

    units: dict[str, int]


def two_tiers(session: Session) -> Tiers:
    """Add it."""
    units: dict[str, Unit] = {}
    for code, name, level, parent in TREE:
        units[code] = Unit(code=code, name=name, level=level, parent_id=units[parent].id if parent else None)
        session.add(units[code])
        session.flush()
        if level in (Level.COMMUNE, Level.VILLAGE):
            session.add(Speaker(code=f"loa-{code}", name=f"Loa {name}", unit_id=units[code].id, reachable=True))
        account(session, f"{code.lower()}@x.example", Role.ADMIN, units[code].id, f"Tài khoản {code}")
    for code, unit in ZONES.items():
        zone = Zone(code=code, name=units[unit].name, units=[units[unit]])
        who = official(session, units[unit], f"10{code}", f"+849120000{code}")
        zone.officials.append(who)
        session.add(zone)
    session.flush()
    return Tiers({code: unit.id for code, unit in units.items()})


def something_in(session: Session, tiers: Tiers, code: str) -> None:
    """Add a row of everything that refers to a unit, besides its speakers, zones, officials and accounts."""
    unit_id, at = tiers.units[code], now()
    zone = session.query(Zone).filter_by(name=session.get_one(Unit, unit_id).name).first()
    made = programme(session, f"Bản tin {code}", unit_id=unit_id)
    session.add(Number(number=f"19{unit_id:02}", flow="hotline", unit_id=unit_id))
    session.add(
        Schedule(
            uid=f"schedule-{code}", title=f"Lịch {code}", unit_id=unit_id, what="programme", programme=made,
            starts=datetime.datetime(2026, 11, 1, 5, 30), timezone="Asia/Ho_Chi_Minh", rrule="FREQ=DAILY",
            author="test", created_at=at, updated_at=at, zones=[zone] if zone else [],
        )
    )  # fmt: skip
    source = Source(
        code=f"tinh-{code}", name=f"Nguồn {code}", dialect="neutral", address="http://127.0.0.1:9", username="u",
        password_locked="x", external_id="H24", unit_id=unit_id,
        places=[SourcePlace(external_id=f"area-{code}", unit_id=unit_id)],
    )  # fmt: skip
    session.add(source)
    session.flush()
    session.add(Bulletin(source=source, external_id="b1", title=f"Tin {code}", received_at=at, unit_id=unit_id))
    session.add(UnitGeocode(unit_id=unit_id, scheme="VN-DVHC", value=f"geo-{code}"))
    citizen = Citizen(number_hash=f"hash-{code}", number_locked="x", unit_id=unit_id, created_at=at, seen_at=at)
    session.add(citizen)
    session.add(VoiceDraft(name=f"draft-{code}", unit_id=unit_id, started_at=at))
    survey.vote(session, made.id, unit_id, None, at, useful=True)
    case_in(session, tiers, code)
    case_in(session, tiers, code).status = CaseStatus.CLOSED
    session.flush()


def case_in(session: Session, tiers: Tiers, code: str) -> Case:
    """Open a case in a unit."""
    about = Opening(Channel.TEXT, tiers.units[code], "number")
    return open_case(session, about, Said(Direction.IN, Channel.TEXT, "citizen", "Cầu hỏng"), now())


def heard_in(session: Session, *codes: str, state: str = "ended") -> Broadcast:
    """Add a broadcast that the speakers of these units played, or that is on air there."""
    at, is_over = now() - LONG_AGO, state == "ended"
    made = Broadcast(
        title="Bản tin sáng", asked_by="test", zone_names="Toàn tỉnh", zone_codes=["99"], kind="recorded", state=state,
        created_at=at, on_air_at=at, ended_at=at if is_over else None,
    )  # fmt: skip
    for code in codes:
        speaker = session.query(Speaker).filter_by(code=f"loa-{code}").one()
        made.deliveries.append(
            Delivery(
                speaker=speaker, state="played" if is_over else "playing", active=not is_over, first_audio_at=at,
                seconds=60.0, packets_sent=1000, packets_lost=0,
            )
        )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def unit_of(session: Session, code: str) -> Unit:
    """Return a unit by its code."""
    return session.query(Unit).filter_by(code=code).one()


def named_official(session: Session, code: str) -> Official:
    """Return an official by staff code."""
    return session.query(Official).filter_by(code=code).one()
