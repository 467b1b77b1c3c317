"""The page of the province's bulletins, and the one form of its actions."""

import datetime
from functools import partial

import sqlalchemy as sa
from flask import Flask, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.announce.drafting import start_time
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from broadcast_bridge.models import Broadcast
from broadcast_bridge.source_system import device_commands, offered, report_queue
from broadcast_bridge.source_system.bulletin_fields import field_name
from broadcast_bridge.source_system.models import Bulletin, Source
from broadcast_bridge.source_system.offered import LONGEST_REASON
from haichieu.account_rights import Action
from haichieu.actor_names import names_of_actors
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed, NotFound, UsageError
from haichieu.people import units_above

MOST_BULLETINS = 100
MOST_COMMANDS = 10


def has_sources(session: Session) -> bool:
    """Return whether the station has, or had, a source system."""
    return session.scalar(sa.select(Source.id).limit(1)) is not None


def register_bulletins(app: Flask, panel: Panel) -> None:
    """Add the page."""

    @app.get("/bulletins")
    @needs(Action.VIEW)
    def bulletins() -> Response:
        """List the bulletins of the visitor's units, those that wait for a decision first."""
        return _list(panel, Form(take_kept(panel)))

    @app.post("/bulletins")
    @needs(Action.SCHEDULE, checks_units=True)
    def decide_bulletin() -> Response:
        """Choose, air, schedule or decline one bulletin, cancel an airing, or decide which of two is first (`do`)."""
        form, action = sent_form(), sent_form().value("do")
        try:
            with panel.database.session() as session:
                bulletin = offered.find(session, form.row_id("bulletin"))
                require_in(session, Action.SCHEDULE, [bulletin.unit_id])
                done = _act(session, bulletin, action, form, now())
        except (NotAllowed, NotFound):
            raise
        except HaiChieuError as refusal:
            form.problems[""] = refusal_message(refusal)
            return _list(panel, form, 422)
        flash(done or say(f"bulletins.done_{action}"))
        return redirect(url_for("bulletins"), 303)


def _act(session: Session, bulletin: Bulletin, action: str, form: Form, at: datetime.datetime) -> str:
    """Do what the form asks for; return what there is to say about it beside the usual."""
    who = visitor().actor
    match action:
        case "accept":
            offered.accept(session, bulletin, who, at)
        case "air":
            made = session.get_one(Broadcast, offered.schedule(session, bulletin, None, who, at))
            return say("bulletins.on_air_now", count=len(made.speaker_codes))
        case "schedule":
            start = start_time(session, Form({"then": ["later"], "at": [form.value("at")]}))
            is_second = bool(offered.planned(bulletin))
            made = session.get_one(Broadcast, offered.schedule(session, bulletin, start, who, at))
            said = "bulletins.scheduled_again" if is_second else "bulletins.scheduled"
            return say(said, at=made.due_at or at, count=len(made.speaker_codes))
        case "cancel":
            offered.cancel(session, bulletin, form.row_id("airing"), who, at)
        case "decline":
            offered.decline(session, bulletin, offered.reason_in_words(form.value("reason")), who, at)
        case "first_source" | "first_commune":
            airing_id = form.row_id("airing") if form.value("airing") else None
            offered.decide(session, bulletin, action.removeprefix("first_"), who, at, airing_id)
        case _:
            raise UsageError("panel.bulletins.no_action")
    return ""


def _list(panel: Panel, form: Form, status: int = 200) -> Response:
    who, at = visitor(), now()
    with panel.database.reading() as session:
        found = offered.listed(session, who.units, MOST_BULLETINS)
        sources = session.scalars(
            sa.select(Source)
            .where(Source.unit_id.in_(who.units | set(units_above(session, who.account.unit_id))))
            .where(Source.removed_at.is_(None))
            .order_by(Source.name)
        ).all()
        own = [source.id for source in sources if source.unit_id in who.units]
        unsent = report_queue.unsent(session, [source.id for source in sources])
        logs_sent = report_queue.logs_sent(session, [one.id for one in found])
        reach = offered.reach_of(session, found)
        names = names_of_actors(session, {airing.decided_by for one in found for airing in one.airings})
        commands = device_commands.latest(session, own, MOST_COMMANDS)
    return page(
        "bulletins/bulletins.html", status, form=form, bulletins=[(one, offered.to_decide(one, at)) for one in found],
        sources=sources, commands=commands, longest_reason=LONGEST_REASON, starts_of=_starts, field_name=field_name,
        planned_of=offered.planned, reach=reach,
        names=names,
        may_change_order=partial(offered.may_change_order, at=at), unsent=unsent, logs_sent=logs_sent,
        may_cancel=offered.may_cancel,
    )  # fmt: skip


def _starts(bulletin: Bulletin) -> list[datetime.datetime]:
    return [datetime.datetime.fromisoformat(start) for start in bulletin.starts]
