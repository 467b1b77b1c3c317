"""Programmes and schedules as an editor would make them, for tests with a running station."""

import datetime
import shutil
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Zone
from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.editing import Draft, Planner, plan
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.states import What
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.people import Official, Right, Unit

EDITOR, APPROVER = "account:bientap@example", "account:duyet@example"


def add_programme(database: Database, home: Path, speech: Path, *, approved: bool = True) -> int:
    """Upload a speech as a programme, and have it approved; return its id."""
    store = MediaStore(home / "media", 1)
    with store.scratch() as folder:
        upload = Path(shutil.copy(speech, Path(folder) / "upload.wav"))
        ready = intake.ready_upload(upload, Path(folder), speech.name)
        with database.session() as session:
            unit = session.scalars(sa.select(Unit.id).order_by(Unit.id).limit(1)).one()
            about = intake.About(f"Bản tin {speech.stem}", unit, EDITOR, "Biên tập")
            programme = intake.add(session, store, about, intake.put(store, ready), now())
            if approved:
                approval.submit(session, programme, EDITOR, now())
                approval.approve(session, programme, APPROVER, now())
            return programme.id


def programme_named(database: Database, home: Path, speech: Path) -> int:
    """The programme of a speech, uploaded when it is not there yet."""
    with database.session() as session:
        found = session.scalar(sa.select(Programme.id).where(Programme.title == f"Bản tin {speech.stem}"))
    return found or add_programme(database, home, speech)


def planner(session: Session) -> Planner:
    """A planner with every right in every unit."""
    return Planner(EDITOR, frozenset(Right), frozenset(session.scalars(sa.select(Unit.id))))


def plan_in(database: Database, seconds: float, *zones: str, **draft: object) -> int:
    """Plan something once, some seconds from now; return the schedule's id."""
    with database.session() as session:
        at = now()  # when the database is ours: a time before this would be in the past, and never made
        starts = at + datetime.timedelta(seconds=seconds)
        zone_ids = tuple(session.scalars(sa.select(Zone.id).where(Zone.code.in_(zones))))
        unit = session.scalars(sa.select(Unit.id).order_by(Unit.id).limit(1)).one()
        if isinstance(official := draft.pop("official", None), str):
            draft["official_id"] = session.scalars(sa.select(Official.id).where(Official.code == official)).one()
        wanted = {"title": "Theo lịch", "unit_id": unit, "zone_ids": zone_ids, "timezone": "UTC", **draft}
        what = What.LIVE if "official_id" in draft else What.NEWEST if "category" in draft else What.PROGRAMME
        starts = starts.replace(tzinfo=None, microsecond=0)
        made = Draft(what=what, starts=starts.replace(second=0), **wanted)  # type: ignore[arg-type]
        planned = plan(session, made, planner(session), at)
        planned.starts = starts  # people plan whole minutes, which would make every test wait for the next
        return planned.id


def occurrence(database: Database, schedule_id: int) -> tuple[str, str | None, int | None]:
    """State, reason and broadcast of a schedule's only occurrence; `none` while it is not made."""
    with database.session() as session:
        found = session.scalar(sa.select(Occurrence).where(Occurrence.schedule_id == schedule_id))
        return (found.state, found.reason, found.broadcast_id) if found else ("none", None, None)


def schedule(database: Database, schedule_id: int) -> Schedule:
    """The row of a schedule."""
    with database.session() as session:
        return session.get_one(Schedule, schedule_id)
