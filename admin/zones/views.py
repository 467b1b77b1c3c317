"""Pages of zones."""

import datetime
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from flask import Flask, flash, redirect, url_for
from sqlalchemy.orm import Session, selectinload
from werkzeug.wrappers import Response

from admin.access.page_steps import Step
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.entry_fields import Act, Control, Field
from admin.entries.entry_pages import EntryPages
from admin.entries.scope import named_units, units_of_zone_numbered, units_reached
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.speakers.quiet_hours import silence, unsilence
from broadcast_bridge.speakers.zones import reach_of
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.district.entries import ZONE
from haichieu.errors import HaiChieuError
from haichieu.locale import Message
from haichieu.station import the_station

HOURS = (1, 4, 12, 24, 72, 168)


FIELDS = (
    Field("code", label="zones.code", hint="zones.code_hint", required=True, most=12, inputmode="numeric", is_key=True),
    Field("name", label="zones.name", hint="zones.name_hint", required=True),
    Field("units", Control.BOXES, label="zones.units", hint="zones.units_hint", rows="units"),
    Field("speakers", Control.BOXES, label="zones.by_hand", rows="speakers"),
    Field("quiet_hours", label="zones.quiet_hours", most=11, sample="21:30-05:00"),
)


class ZonePages(EntryPages):
    """The form of a zone, and muting."""

    name, kind, start = "zones", ZONE, ("units",)

    def units_of(self, session: Session, number: int) -> Iterable[int]:
        """Return all units that the zone reaches."""
        return units_of_zone_numbered(session, number)

    def fields(self, row: Zone | None, form: Form) -> Sequence[Field]:
        """Return the fields of a zone."""
        return FIELDS

    def context(self, session: Session, row: Zone | None, form: Form) -> Mapping[str, object]:
        """Return the visitor's units and speakers, and the quiet hours of the station."""
        mine = (Speaker.removed_at.is_(None), Speaker.unit_id.in_(visitor().units))
        speakers = session.scalars(sa.select(Speaker).where(*mine).order_by(Speaker.code))
        return {
            "choices": {
                "units": named_units(session, visitor()),
                "speakers": [(one.code, f"{one.name} ({one.code})") for one in speakers],
            },
            "hints": {"quiet_hours": say("zones.quiet_hint", hours=the_station(session).quiet_hours or "—")},
        }

    def acts(self, session: Session, row: Zone) -> Sequence[Act]:
        """Return the act that retires the zone."""
        return [Act("retire", "entry.retire", sure=say("zones.retire_sure"), is_grave=True)]

    def steps(self) -> Mapping[str, Step]:
        """Return the muting."""
        return {"silence": Step(Action.AIR, self.silence)}

    def silence(self, number: int) -> Response:
        """Mute a zone except for emergencies for some hours; none ends the muting."""
        hours, moment = sent_form().value("hours"), now()
        try:
            with self.panel.database.session() as session:
                if hours in map(str, HOURS):
                    until = moment + datetime.timedelta(hours=int(hours))
                    silence(session, number, until, visitor().actor, moment)
                    done = say("zones.is_silenced", zone=session.get_one(Zone, number).name, until=until)
                else:
                    unsilence(session, number, visitor().actor)
                    done = say("zones.is_not_silenced", zone=session.get_one(Zone, number).name)
        except HaiChieuError as refusal:
            return _list(self.panel, refusal.message, 422)
        flash(done)
        return redirect(url_for("zones"), 303)


def register_zones(app: Flask, panel: Panel) -> None:
    """Add the pages of zones."""
    ZonePages(panel).register(app)

    @app.get("/zones")
    @needs(Action.VIEW)
    def zones() -> Response:
        """List the zones that reach into the visitor's units, with their speakers."""
        return _list(panel)


def _list(panel: Panel, problem: str | Message = "", status: int = 200) -> Response:
    mine, moment = visitor().units, now()
    with panel.database.reading() as session:
        shown = []
        query = sa.select(Zone).where(Zone.removed_at.is_(None)).order_by(Zone.code)
        zones = session.scalars(query.options(selectinload(Zone.units), selectinload(Zone.speakers))).all()
        reach = reach_of(session, [zone.id for zone in zones])
        speakers = {one.id: one for one in session.scalars(sa.select(Speaker).where(Speaker.removed_at.is_(None)))}
        for zone in zones:
            units = units_reached(zone, reach[zone.id])
            if not units or units & mine:
                shown.append((zone, [speakers[one.id] for one in reach[zone.id].speakers], units <= mine))
        hours = the_station(session).quiet_hours
    return page(
        "zones/zones.html", status, zones=shown, problem=problem, station_hours=hours, hours=HOURS, moment=moment
    )  # fmt: skip
