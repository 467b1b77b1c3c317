"""Pages of zones."""

import datetime

import sqlalchemy as sa
from flask import Flask, flash, redirect, request, url_for
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.entry_forms import Conflict, form_of, refused, take_form
from admin.entries.scope import units_of_zone_numbered, units_reached, units_to_choose
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.speakers.quiet_hours import silence, unsilence
from broadcast_bridge.speakers.zones import reach_of
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.district.entries import ZONE, EntryRefused, texts_of
from haichieu.district.reconcile import retire
from haichieu.errors import HaiChieuError
from haichieu.locale import Message
from haichieu.station import the_station

HOURS = (1, 4, 12, 24, 72, 168)


def register_zones(app: Flask, panel: Panel) -> None:
    """Add the pages of zones."""

    @app.get("/zones")
    @needs(Action.VIEW)
    def zones() -> Response:
        """List the zones that reach into the visitor's units, with their speakers."""
        return _list(panel)

    @app.get("/zones/new")
    @needs(Action.CONFIGURE)
    def new_zone() -> Response:
        """Show the form for a new zone."""
        return _form_page(panel, form_of(panel, units=request.args.get("unit", "")))

    @app.post("/zones/new")
    @needs(Action.CONFIGURE, checks_units=True)
    def add_zone() -> Response:
        """Add a zone."""
        try:
            with panel.database.session() as session:
                take_form(session, panel, ZONE)
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, refused(refusal), status=422)
        flash(say("entry.saved"))
        return redirect(url_for("zones"), 303)

    @app.get("/zones/<int:number>/edit")
    @needs(Action.CONFIGURE, where=units_of_zone_numbered)
    def edit_zone(number: int) -> Response:
        """Show the form of a zone."""
        with panel.database.reading() as session:
            row = session.get_one(Zone, number)
            texts = texts_of(ZONE, row)
        return _form_page(panel, form_of(panel, texts), row)

    @app.post("/zones/<int:number>/edit")
    @needs(Action.CONFIGURE, where=units_of_zone_numbered, checks_units=True)
    def change_zone(number: int) -> Response:
        """Change a zone."""
        with panel.database.session() as session:
            row = session.get_one(Zone, number)
        try:
            with panel.database.session() as session:
                take_form(session, panel, ZONE, session.get_one(Zone, number))
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, refused(refusal), row, 422)
        flash(say("entry.saved"))
        return redirect(url_for("zones"), 303)

    @app.post("/zones/<int:number>/retire")
    @needs(Action.CONFIGURE, where=units_of_zone_numbered)
    def retire_zone(number: int) -> Response:
        """Retire a zone (requires the confirmation box)."""
        if not sent_form().chosen("sure", "yes"):
            return _list(panel, say("entry.not_sure"), 422)
        with panel.database.session() as session:
            row = session.get_one(Zone, number)
            retire(session, row)
            audit.record(session, visitor().actor, "zone.retire", f"zone:{row.code}")
        flash(say("entry.retired"))
        return redirect(url_for("zones"), 303)

    @app.post("/zones/<int:number>/silence")
    @needs(Action.AIR, where=units_of_zone_numbered)
    def silence_zone(number: int) -> Response:
        """Mute a zone except for emergencies for some hours; none ends the muting."""
        hours, moment = sent_form().value("hours"), now()
        try:
            with panel.database.session() as session:
                if hours in map(str, HOURS):
                    until = moment + datetime.timedelta(hours=int(hours))
                    silence(session, number, until, visitor().actor, moment)
                else:
                    unsilence(session, number, visitor().actor)
        except HaiChieuError as refusal:
            return _list(panel, refusal.message, 422)
        return redirect(url_for("zones"), 303)


def _list(panel: Panel, problem: str | Message = "", status: int = 200) -> Response:
    mine, moment = visitor().units, now()
    with panel.database.reading() as session:
        shown = []
        query = sa.select(Zone).where(Zone.removed_at.is_(None)).order_by(Zone.code)
        zones = session.scalars(query.options(selectinload(Zone.units), selectinload(Zone.speakers))).all()
        reach = reach_of(session, zones)
        for zone in zones:
            units = units_reached(zone, reach[zone.id])
            if not units or units & mine:
                shown.append((zone, reach[zone.id].speakers, units <= mine))
        hours = the_station(session).quiet_hours
    return page(
        "zones.html", status, zones=shown, problem=problem, station_hours=hours, hours=HOURS, moment=moment
    )  # fmt: skip


def _form_page(panel: Panel, form: Form, row: Zone | None = None, status: int = 200) -> Response:
    with panel.database.reading() as session:
        units = units_to_choose(session, visitor())
        speakers = session.scalars(
            sa.select(Speaker)
            .where(Speaker.removed_at.is_(None), Speaker.unit_id.in_(visitor().units))
            .order_by(Speaker.code)
        ).all()
        hours = the_station(session).quiet_hours
    return page(
        "zone_form.html", status, form=form, zone=row, units=units, speakers=speakers, station_hours=hours
    )  # fmt: skip
