"""The overview, its live part, the wallboard, and acknowledging alarms."""

from flask import Flask, abort, redirect, request, url_for
from flask import Response as FlaskResponse
from markupsafe import Markup
from werkzeug.wrappers import Response

from admin.access import sessions
from admin.access.gate import cookie_name
from admin.access.permissions import for_anyone_signed_in, needs
from admin.access.visitors import visitor
from admin.layout.language import say
from admin.layout.pages import is_live_part, page
from admin.now.alarm_scope import units_of_alarm
from admin.now.attention import attention
from admin.now.board import Board, board, on_air_for
from admin.now.level_events import LevelEvents, meter
from admin.now.on_air_bar import register_on_air_bar
from admin.now.pulse import Pulse, TooManyStreams
from admin.panel import Panel
from broadcast_bridge.studio.levels import Levels
from haichieu.account_rights import Action
from haichieu.alarms import clear_alarm
from haichieu.database import now as present_moment
from haichieu.station import the_station


def register_now(app: Flask, panel: Panel) -> None:
    """Add the overview and its actions."""
    pulse = Pulse(panel.database)
    levels = Levels(panel.settings.home.absolute())
    register_on_air_bar(app, panel)

    @app.template_global("level_of")
    def level_of(number: int) -> Markup:
        return meter(levels.of(number), say("now.level"), say("now.silence"))

    @app.get("/")
    @needs(Action.VIEW)
    def now() -> Response:
        """Show what is on air, upcoming broadcasts, what waits for the visitor, speakers, cases and alarms."""
        return page("now/now_board.html" if is_live_part() else "now/now.html", board=_look(panel))

    @app.get("/wallboard")
    @needs(Action.VIEW)
    def wallboard() -> Response:
        """Show the state of the visitor's units in large letters, for a screen on the wall: nothing about a citizen."""
        with panel.database.reading() as session:
            shown = board(session, visitor(), present_moment(), panel.settings.node)
            needed = attention(session, visitor())
            name = the_station(session).name
        return page("now/wallboard.html", board=shown, needed=needed, station_name=name)

    @app.get("/now/events")
    @for_anyone_signed_in
    def now_events() -> Response:
        """Send server-sent events: `changed` when live pages should reload, and levels on air."""
        who, proof = visitor(), request.cookies.get(cookie_name(panel), "")

        def still_in() -> bool:
            with panel.database.reading() as session:
                return sessions.find(session, proof, present_moment()) is not None

        def sounding() -> list[int]:
            with panel.database.reading() as session:
                return on_air_for(session, who) if who.may(Action.VIEW) else []

        shown = LevelEvents(levels, sounding, say("now.level"), say("now.silence"))
        try:
            stream = pulse.open_stream(who.account.id)
        except TooManyStreams:
            abort(503)
        response = FlaskResponse(pulse.events(stream, still_in, shown), content_type="text/event-stream")
        response.call_on_close(lambda: pulse.close_stream(stream))
        response.headers["X-Accel-Buffering"] = "no"
        return response

    @app.post("/alarms/<int:number>/clear")
    @needs(Action.CLEAR_ALARMS, where=units_of_alarm)
    def clear(number: int) -> Response:
        """Acknowledge an alarm."""
        with panel.database.session() as session:
            clear_alarm(session, number, visitor().actor, present_moment())
        return redirect(url_for("now"), 303)


def _look(panel: Panel) -> Board:
    """Return the content; the page is rendered after the transaction, which would block others on SQLite."""
    with panel.database.reading() as session:
        return board(session, visitor(), present_moment(), panel.settings.node)
