"""The schedule."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from admin.access.visitors import visitor
from admin.api import documents
from admin.api.api_operations import Api, Operation
from admin.api.documents import Paging, Schedules
from admin.layout.language import page_language, sentence
from admin.panel import Panel
from broadcast_bridge.schedule.description import in_words
from broadcast_bridge.schedule.forecast import Forecast
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Occurrence, Schedule, ScheduleItem
from broadcast_bridge.schedule.recurrence import Moment, zone_named
from broadcast_bridge.schedule.states import OccurrenceState, reason_message
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.people import Unit
from haichieu.station import the_station


def register_schedules(api: Api, panel: Panel) -> None:
    """Add its routes."""

    @api.serves(Operation("GET", "/schedules", "Schedules, the newest first.", Action.VIEW, Schedules, query=Paging))
    def schedules(query: Paging) -> Schedules:
        with panel.database.reading() as session:
            wanted = (
                sa.select(Schedule)
                .where(Schedule.removed_at.is_(None), Schedule.unit_id.in_(visitor().units))
                .options(
                    selectinload(Schedule.zones),
                    joinedload(Schedule.programme),
                    selectinload(Schedule.items).joinedload(ScheduleItem.programme),
                )
            )
            if query.before is not None:
                wanted = wanted.where(Schedule.id < query.before)
            found = session.scalars(wanted.order_by(Schedule.id.desc()).limit(query.limit + 1)).all()
            shown = found[: query.limit]
            hours = {
                schedule_id: hour
                for schedule_id, hour in session.execute(
                    sa.select(Occurrence.schedule_id, sa.func.min(Occurrence.due_at))
                    .where(
                        Occurrence.schedule_id.in_([one.id for one in shown]),
                        Occurrence.state == OccurrenceState.PLANNED,
                        Occurrence.due_at > now(),
                    )
                    .group_by(Occurrence.schedule_id)
                )
            }
            units = {
                unit.id: unit.code for unit in session.scalars(sa.select(Unit).where(Unit.id.in_(visitor().units)))
            }
            forecast, timezone = Forecast(session, shown), the_station(session).timezone
            items = [
                documents.Schedule(
                    id=one.id, title=one.title, unit=units[one.unit_id], what=one.what,
                    zones=[zone.code for zone in one.zones], priority=one.priority,
                    recurrence=in_words(recurrence_of(one), page_language(), timezone),
                    next=hours.get(one.id), obstacle=_obstacle(forecast, one, hours.get(one.id)),
                    enabled=one.enabled,
                )
                for one in shown
            ]  # fmt: skip
            return Schedules(items=items, next=shown[-1].id if len(found) > query.limit else None)


def _obstacle(forecast: Forecast, schedule: Schedule, due_at: datetime.datetime | None) -> str | None:
    """Return why the next occurrence would not be broadcast as things are."""
    if due_at is None:
        return None
    wall = due_at.astimezone(zone_named(schedule.timezone)).replace(tzinfo=None)
    reason = forecast.obstacle(schedule, Moment(due_at, wall))
    return None if reason is None else sentence(reason_message(reason))
