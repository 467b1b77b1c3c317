"""Repeating a past broadcast: a recorded one is aired again, a live recording becomes a programme."""

from pathlib import Path

import sqlalchemy as sa
from flask import Flask, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.broadcasts.scope import find_broadcast, units_of_broadcast
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from broadcast_bridge.models import Broadcast, Speaker, Zone
from broadcast_bridge.programmes import intake, rebroadcast
from broadcast_bridge.programmes.intake import About
from broadcast_bridge.speakers.zones import speakers_in
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed


def register_airing_again(app: Flask, panel: Panel) -> None:
    """Add the pages."""

    @app.get("/broadcasts/<int:number>/again")
    @needs(Action.AIR, where=units_of_broadcast)
    def ask_again(number: int) -> Response:
        """Show which speakers will play it, for confirmation."""
        with panel.database.reading() as session:
            broadcast = find_broadcast(session, visitor(), number)
            rebroadcast.what_again(session, broadcast, now())
            speakers = _speakers_now(session, broadcast)
            reachable = sum(speaker.counts_as_reachable for speaker in speakers)
        return page("broadcast_again.html", broadcast=broadcast, speakers=speakers, reachable=reachable)

    @app.post("/broadcasts/<int:number>/again")
    @needs(Action.AIR, where=units_of_broadcast, checks_units=True)
    def air_again(number: int) -> Response:
        """Repeat the broadcast now."""
        with panel.database.session() as session:
            broadcast = find_broadcast(session, visitor(), number)
            units = {speaker.unit_id for speaker in _speakers_now(session, broadcast)}
            again = rebroadcast.what_again(session, broadcast, now())
            require_in(session, Action.AIR if again.was_approved else Action.ANNOUNCE, units)
            aired = rebroadcast.air_again(session, broadcast, visitor().actor, now())
        flash(say("log.aired_again", number=aired.id))
        return redirect(url_for("broadcast_page", number=aired.id), 303)

    @app.get("/broadcasts/<int:number>/programme")
    @needs(Action.EDIT, where=units_of_broadcast)
    def ask_programme(number: int) -> Response:
        """Ask for the title of the programme made from a recording."""
        with panel.database.reading() as session:
            broadcast = find_broadcast(session, visitor(), number)
            rebroadcast.recording_of(broadcast)
        return page("broadcast_programme.html", broadcast=broadcast, form=Form(take_kept(panel)))

    @app.post("/broadcasts/<int:number>/programme")
    @needs(Action.EDIT, where=units_of_broadcast)
    def keep_programme(number: int) -> Response:
        """Save the recording as a programme of the visitor's unit and submit it for approval."""
        form, who = sent_form(), visitor()
        with panel.database.reading() as session:
            broadcast = find_broadcast(session, who, number)
            recording = panel.store.path(rebroadcast.recording_of(broadcast))
        about = About(form.value("title"), who.account.unit_id, who.actor, who.account.name)
        try:
            with panel.store.scratch() as folder:
                placed = intake.put(panel.store, rebroadcast.ready_again(recording, Path(folder)))
                with panel.database.session() as session:
                    kept = rebroadcast.keep_as_programme(session, panel.store, about, placed, now()).id
        except NotAllowed:
            raise
        except HaiChieuError as refusal:
            form.problems[""] = refusal.message
            return page("broadcast_programme.html", 422, broadcast=broadcast, form=form)
        flash(say("log.kept", number=kept))
        return redirect(url_for("broadcast_page", number=number), 303)


def _speakers_now(session: Session, broadcast: Broadcast) -> list[Speaker]:
    """Return the speakers that would play it now."""
    zones = session.scalars(sa.select(Zone.id).where(Zone.code.in_(broadcast.zone_codes), Zone.removed_at.is_(None)))
    singles = session.scalars(
        sa.select(Speaker).where(Speaker.code.in_(broadcast.speaker_codes), Speaker.removed_at.is_(None))
    )
    found = {speaker.code: speaker for speaker in (*speakers_in(session, zones), *singles)}
    return [found[code] for code in sorted(found)]
