"""The bar at the top of every page while something is on air in the visitor's units, and what needs the visitor."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, render_template, request, url_for
from sqlalchemy.orm import Session

from admin.access.permissions import needs
from admin.access.visitors import visitor, visitor_or_none
from admin.now.attention import Attention, attention
from admin.now.board import BEGUN, OnAir, on_air
from admin.panel import Panel
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast
from haichieu.account_rights import Action

_PRESSING = {Priority.EMERGENCY: 0, Priority.PRIORITY: 1}


def register_on_air_bar(app: Flask, panel: Panel) -> None:
    """Give templates `on_air_now` and `attention_now`, and add the route that a page asks again while it is open."""

    @app.template_global("on_air_now")
    def on_air_now() -> Sequence[OnAir]:
        """Return what is on air, the most pressing first. The overview and the wallboard show it themselves."""
        found = visitor_or_none()
        if found is None or not found.may(Action.VIEW) or _shows_it_itself():
            return ()
        with panel.database.reading() as session:
            if not _is_any(session):
                return ()
            return sorted(on_air(session, visitor()), key=lambda one: _PRESSING.get(Priority(one.priority), 2))

    @app.template_global("attention_now")
    def attention_now() -> Attention:
        """Return what needs the visitor."""
        found = visitor_or_none()
        if found is None or not found.may(Action.VIEW):
            return Attention()
        with panel.database.reading() as session:
            return attention(session, found)

    @app.get("/on-air")
    @needs(Action.VIEW, in_background=True)
    def on_air_bar() -> str:
        """Return the bar alone with what needs the visitor, for a page to refresh."""
        return render_template("now/on_air.html")


def _shows_it_itself() -> bool:
    """Return whether the page that asks, or the page around the bar, is the overview or the wallboard."""
    asked_by = urlsplit(request.headers.get("HX-Current-URL", "")).path if request.endpoint == "on_air_bar" else ""
    return (asked_by or request.path) in (url_for("now"), url_for("wallboard"))


def _is_any(session: Session) -> bool:
    """Return whether anything is on air anywhere: usually nothing is, and this costs one look at an index."""
    begun = sa.select(Broadcast.id).where(Broadcast.state.in_(BEGUN)).limit(1)
    return session.scalar(begun) is not None
