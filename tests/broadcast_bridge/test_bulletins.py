"""Bulletins that a commune can hear again: played by its speakers or approved for it, newest first."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery
from broadcast_bridge.programmes.bulletins import KEPT_FOR, latest_bulletins
from broadcast_bridge.programmes.models import Programme
from haichieu.database import Database, now
from haichieu.media import Media
from haichieu.people import Level, Unit
from tests.builders.places import Commune, commune
from tests.builders.programmes import programme

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def here(database: Database) -> Commune:
    with database.session() as session:
        return commune(session)


def approved(session: Session, title: str, unit_id: int, hours_ago: int = 1, **changes: Any) -> Programme:
    made = programme(session, title)
    sound = Media(sha256=title.ljust(64, "0"), bytes=1, seconds=1.0)
    session.add(sound)
    session.flush()
    given = {"state": "approved", "unit_id": unit_id, "sound_id": sound.id, "updated_at": now() - hours_ago * HOUR}
    for name, value in (given | changes).items():
        setattr(made, name, value)
    session.flush()
    return made


def titles(session: Session, unit_id: int) -> list[str]:
    return [one.title for one in latest_bulletins(session, unit_id, now())]


def test_the_newest_of_the_commune_and_of_the_units_above_come_first(database: Database, here: Commune) -> None:
    with database.session() as session:
        elsewhere = Unit(code="CX", name="Cốc Pàng", level=Level.COMMUNE, parent_id=here.district.id)
        session.add(elsewhere)
        session.flush()
        approved(session, "cu", here.commune.id, 5)
        approved(session, "huyen", here.district.id, 2)
        approved(session, "noi-khac", elsewhere.id, 1)
        approved(session, "phat-lai", here.commune.id, 9, last_aired_at=now())
        assert titles(session, here.commune.id) == ["phat-lai", "huyen", "cu"]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "draft"},
        {"state": "withdrawn"},
        {"sound_id": None},
        {"valid_until": now() - HOUR},
        {"updated_at": now() - KEPT_FOR - HOUR},
        {"zone_codes": ["99"]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_not_for_the_commune_now_is_left_out(
    database: Database, here: Commune, changes: dict[str, Any]
) -> None:
    with database.session() as session:
        approved(session, "tin", here.commune.id, **changes)
        assert titles(session, here.commune.id) == []


def test_a_programme_for_a_zone_is_for_the_communes_in_it(database: Database, here: Commune) -> None:
    with database.session() as session:
        approved(session, "tin", here.district.id, zone_codes=[here.zone.code])
        assert titles(session, here.commune.id) == ["tin"]


@pytest.mark.parametrize(("state", "heard"), [("played", ["tin"]), ("missed", [])])
def test_what_the_communes_speakers_played_is_its_news_too(
    database: Database, here: Commune, tmp_path: Path, state: str, heard: list[str]
) -> None:
    with database.session() as session:
        made = approved(session, "tin", here.district.id, zone_codes=["99"])
        broadcast = Broadcast(kind="recorded", zone_names="", state="ended", created_at=now())
        session.add(broadcast)
        session.flush()
        session.add(BroadcastSound(broadcast_id=broadcast.id, position=0, media_id=made.sound_id))
        session.add(Delivery(broadcast_id=broadcast.id, speaker_id=here.speakers[0].id, state=state, active=False))
        session.flush()
        assert titles(session, here.commune.id) == heard
