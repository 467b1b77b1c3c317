"""Places: a commune with its speakers, a zone and an official."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker, Zone
from haichieu.people import Level, Official, Unit
from tests.builders.accounts import official


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
