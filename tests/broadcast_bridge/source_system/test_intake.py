"""Speakers and unit of a bulletin, and the bulletins that are refused at once."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Speaker
from broadcast_bridge.source_system.bulletin_intake import take
from broadcast_bridge.source_system.exchange import Issued
from broadcast_bridge.source_system.models import Bulletin, Source, SourcePlace
from broadcast_bridge.source_system.states import ContentKind
from haichieu.alarms import open_alarms
from haichieu.database import Database, now
from haichieu.people import Level, Unit
from haichieu.vault import Vault
from tests.broadcast_bridge.source_system.link import AREA, DEVICE, HOUR, add_source, audio, text
from tests.builders.places import Commune, commune

VAULT = Vault(b"0123456789012345678901234567890123456789012=")


def taken(session: Session, source: Source, issued: Issued) -> Bulletin:
    found = take(session, source, issued, now())
    assert found is not None
    return found


def village(session: Session, place: Commune, source: Source) -> Unit:
    """Add a village with a speaker, which the source knows as `thon`."""
    unit = Unit(code="T1", name="Thôn Nà Tao", level=Level.VILLAGE, parent_id=place.commune.id)
    session.add(unit)
    session.flush()
    session.add(Speaker(code="t1", name="Loa thôn", unit_id=unit.id))
    source.places.append(SourcePlace(external_id="thon", unit_id=unit.id))
    session.flush()
    return unit


@pytest.mark.parametrize(
    ("where", "speakers"),
    [
        ({"areas": ["thon"]}, ["t1"]),
        ({"areas": [AREA]}, ["s11-0", "s11-1", "t1"]),
        ({"areas": []}, ["s11-0", "s11-1", "t1"]),
        ({"areas": [AREA], "devices": [DEVICE]}, ["s11-0"]),
        ({"areas": ["thon", "elsewhere"]}, ["t1"]),
        ({"areas": ["elsewhere"]}, []),
        ({"areas": [], "devices": ["unknown"]}, []),
    ],
)
def test_bulletin_is_for_the_speakers_of_its_places(
    database: Database, where: dict[str, list[str]], speakers: list[str]
) -> None:
    with database.session() as session:
        place = commune(session)
        source = add_source(session, place, "http://127.0.0.1:1", VAULT)
        village(session, place, source)
        bulletin = taken(session, source, text(**where))
        assert bulletin.speaker_codes == speakers
        assert bulletin.state == ("offered" if speakers else "refused")


def test_bulletin_belongs_to_the_unit_that_hears_it(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        source = add_source(session, place, "http://127.0.0.1:1", VAULT)
        source.unit_id = place.district.id
        unit = village(session, place, source)
        assert taken(session, source, text("a", areas=["thon"])).unit_id == unit.id
        assert taken(session, source, text("b", areas=["thon", AREA])).unit_id == place.commune.id
        assert taken(session, source, text("c", areas=["nowhere"])).unit_id == place.district.id


def test_two_sources_may_name_one_device_and_use_one_id(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        first = add_source(session, place, "http://127.0.0.1:1", VAULT, code="tinh")
        other = add_source(session, place, "http://127.0.0.1:2", VAULT, code="bo")
        for source in (first, other):
            assert taken(session, source, text("b1", devices=[DEVICE])).speaker_codes == ["s11-0"]
        assert take(session, other, text("b1", devices=[DEVICE]), now()) is None
        assert session.scalar(sa.select(sa.func.count()).select_from(Bulletin)) == 2


PAST = datetime.timedelta(days=-1)


@pytest.mark.parametrize(
    ("issued", "reason"),
    [
        (text(priority=Priority.EMERGENCY, valid_until=now() + PAST), "source.expired"),
        (text(priority=Priority.PRIORITY, starts=[now() + PAST]), "source.times_over"),
        (text(text="  "), "source.no_text"),
        (text(text="a " * 15_000), "source.text_too_long"),
        (audio("b1", ""), "source.no_link"),
        (text(areas=["H99"]), "source.nowhere"),
    ],
    ids=["expired", "times over", "no text", "long text", "no link", "nowhere"],
)
def test_unusable_bulletin_is_refused_with_the_reason(database: Database, issued: Issued, reason: str) -> None:
    with database.session() as session:
        source = add_source(session, commune(session), "http://127.0.0.1:1", VAULT)
        bulletin = taken(session, source, issued)
        assert bulletin.reason is not None
        assert (bulletin.state, bulletin.reason.key) == ("refused", reason)
        alarms = [alarm.kind for alarm in open_alarms(session)]
        assert alarms == (["bulletin_refused"] if issued.priority is not Priority.NORMAL else [])


def test_words_of_a_source_are_cleaned(database: Database) -> None:
    with database.session() as session:
        source = add_source(session, commune(session), "http://127.0.0.1:1", VAULT)
        bulletin = taken(
            session, source, text(title="Bản\ntin\x07 " + "x" * 300, text="Chào\x00 bà con", author="A\tB")
        )
        assert (bulletin.title[:8], len(bulletin.title)) == ("Bản tin ", 200)
        assert (bulletin.text, bulletin.author, bulletin.kind) == ("Chào bà con", "A B", ContentKind.TEXT)
        assert taken(session, source, text("late", valid_until=now() + HOUR)).state == "offered"
