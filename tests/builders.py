"""A few rows to begin a test with: a commune, its speakers, a zone, an official."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.programmes.models import Programme
from haichieu.database import now
from haichieu.people import Level, Official, OfficialPhone, Unit
from haichieu.vault import hash_secret

PIN = "246810"
PIN_HASH = hash_secret(PIN)


@dataclass(frozen=True)
class Commune:
    """A district with one commune, speakers there, a zone over the commune and an official who may speak in it."""

    district: Unit
    commune: Unit
    speakers: list[Speaker]
    zone: Zone
    official: Official


def commune(session: Session, speakers: int = 2, reachable: int | None = None, code: str = "11") -> Commune:
    """Add a commune; the first `reachable` of its speakers can be reached, all of them unless told otherwise."""
    district = Unit(code=f"D{code}", name="Bảo Lạc", level=Level.DISTRICT)
    session.add(district)
    session.flush()
    below = Unit(code=f"C{code}", name="Cô Ba", level=Level.COMMUNE, parent_id=district.id)
    session.add(below)
    session.flush()
    count = speakers if reachable is None else reachable
    clusters = [
        Speaker(code=f"s{code}-{i}", name=f"Cụm loa {i}", unit_id=below.id, reachable=i < count)
        for i in range(speakers)
    ]
    who = official(session, below, code=f"10{code}", phone=f"+849120000{code}")
    zone = Zone(code=code, name=f"Khu {code}", units=[below], officials=[who])
    session.add_all([*clusters, zone])
    session.flush()
    return Commune(district, below, clusters, zone, who)


def programme(session: Session, title: str = "Bản tin sáng", seconds: float | None = 300.0) -> Programme:
    """Add a programme without a sound, of the first unit there is."""
    unit = session.scalar(sa.select(Unit).order_by(Unit.id).limit(1))
    if unit is None:
        unit = Unit(code="D", name="Bảo Lạc", level=Level.DISTRICT)
        session.add(unit)
        session.flush()
    made = Programme(
        title=title, origin="upload", unit_id=unit.id, author="account:a@b", author_name="A", seconds=seconds,
        created_at=now(), updated_at=now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def official(session: Session, unit: Unit, code: str, phone: str, *, call_back: bool = False) -> Official:
    """Add an official with one phone and the PIN `PIN`."""
    who = Official(
        code=code, name=f"Cán bộ {code}", unit_id=unit.id, pin_hash=PIN_HASH, may=["live"], call_back=call_back,
        phones=[OfficialPhone(number=phone)],
    )  # fmt: skip
    session.add(who)
    session.flush()
    return who
