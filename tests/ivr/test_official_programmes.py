"""Programmes heard and approved by phone: rights, units, the official's own, call backs, and later changes."""

import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.programmes import approval, phone_approval
from broadcast_bridge.programmes.approval import ApprovalRefused, OwnWork
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.phone_approval import HearingNotAllowed
from broadcast_bridge.programmes.states import ProgrammeState
from haichieu.audit import AuditEntry
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.people import Official, Right, Unit
from haichieu.state_machine import IllegalTransition
from ivr.desks.official_programmes import OfficialProgrammes
from tests.builders.places import commune
from tests.builders.programmes import programme
from tests.builders.sounds import stored

pytestmark = pytest.mark.both_databases


class Station:
    """A commune whose official may approve, and its desk."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.store = database, MediaStore(folder / "media", 1)
        self.desk = OfficialProgrammes(database, self.store)
        with database.session() as session:
            place = commune(session)
            self.official, self.commune, self.district = place.official.id, place.commune.id, place.district.id
        self.set_official(may=[Right.APPROVE])

    def set_official(self, **values: object) -> None:
        with self.database.session() as session:
            for name, value in values.items():
                setattr(session.get_one(Official, self.official), name, value)

    def submitted(self, title: str, unit_id: int | None = None, **values: object) -> int:
        """Add a programme with a sound that waits for approval."""
        with self.database.session() as session:
            one = programme(session, title, unit_id=unit_id or self.commune)
            one.sound_id = stored(session, self.store, title.encode() * 400).id
            for name, value in values.items():
                setattr(one, name, value)
            approval.submit(session, one, one.author, now())
            return one.id

    async def approve(self, number: int, *, called_back: bool = False) -> None:
        seen = await self.desk.open(self.official, number)
        assert seen is not None
        await self.desk.approve(self.official, seen, called_back=called_back)

    def state(self, number: int) -> str:
        with self.database.reading() as session:
            return session.get_one(Programme, number).state


@pytest.fixture
def station(database: Database, tmp_path: Path) -> Station:
    return Station(database, tmp_path)


async def test_official_hears_what_will_be_aired_and_approves_it(station: Station) -> None:
    first, second = station.submitted("Cắt nước"), station.submitted("Hội chợ")
    assert await station.desk.waiting(station.official) == [first, second]
    seen = await station.desk.open(station.official, first)
    with station.database.reading() as session:
        sound = session.get_one(Programme, first).sound
        assert seen is not None
        assert sound is not None
        assert (seen.title, seen.author, seen.sound) == (
            "Cắt nước",
            "A",
            str(station.store.path(sound).with_suffix("")),
        )
    await station.approve(first)
    assert (station.state(first), station.state(second)) == (ProgrammeState.APPROVED, ProgrammeState.SUBMITTED)
    assert await station.desk.waiting(station.official) == [second]
    assert await station.desk.open(station.official, first) is None
    with station.database.reading() as session:
        query = sa.select(AuditEntry.actor).where(AuditEntry.action == "programme.approve")
        assert session.scalars(query).all() == ["official:1011"]


async def test_right_to_schedule_hears_but_does_not_approve(station: Station) -> None:
    number = station.submitted("Cắt nước")
    station.set_official(may=[Right.SCHEDULE])
    seen = await station.desk.open(station.official, number)
    assert seen is not None
    assert not seen.may_approve
    with pytest.raises(ApprovalRefused):
        await station.approve(number)
    station.set_official(may=[Right.LIVE, Right.RECORD])
    with pytest.raises(HearingNotAllowed):
        await station.desk.waiting(station.official)
    assert station.state(number) == ProgrammeState.SUBMITTED


async def test_programmes_of_units_above_and_beside_are_not_heard(station: Station) -> None:
    number = station.submitted("Tin huyện", station.district)
    assert await station.desk.waiting(station.official) == []
    with station.database.session() as session:
        edition = session.get_one(Programme, number).updated_at
        with pytest.raises(ApprovalRefused):
            phone_approval.approve(session, station.official, number, edition, now(), called_back=True)


async def test_own_programme_is_heard_but_another_person_approves_it(station: Station) -> None:
    number = station.submitted("Cắt nước", author="official:1011")
    seen = await station.desk.open(station.official, number)
    assert seen is not None
    assert not seen.may_approve
    with pytest.raises(OwnWork):
        await station.approve(number)
    with station.database.session() as session:
        session.get_one(Unit, station.commune).author_may_approve = True
    await station.approve(number)
    assert station.state(number) == ProgrammeState.APPROVED


async def test_official_who_is_called_back_approves_in_that_call_only(station: Station) -> None:
    number = station.submitted("Cắt nước")
    station.set_official(call_back=True)
    with pytest.raises(ApprovalRefused):
        await station.approve(number)
    assert station.state(number) == ProgrammeState.SUBMITTED
    await station.approve(number, called_back=True)
    assert station.state(number) == ProgrammeState.APPROVED


async def test_programme_that_changed_since_it_was_heard_is_not_approved(station: Station) -> None:
    number = station.submitted("Cắt nước")
    seen = await station.desk.open(station.official, number)
    assert seen is not None
    with station.database.session() as session:
        one = session.get_one(Programme, number)
        approval.edited(session, one, one.author, now())
        approval.submit(session, one, one.author, now() + datetime.timedelta(seconds=1))
    with pytest.raises(ApprovalRefused):
        await station.desk.approve(station.official, seen, called_back=False)
    await station.approve(number)
    with pytest.raises((ApprovalRefused, IllegalTransition)):
        await station.desk.approve(station.official, seen, called_back=False)
