"""The map of speakers, and the outline that an administrator brings for it."""

from flask import Flask, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.scope import every_unit, units_to_choose
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from admin.speakers.map_drawing import box_of, draw
from admin.speakers.map_outline import keep_outline, kept_outline, read_outline
from admin.speakers.queries import Standing, count_speakers, filter_asked, speakers_with_position
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.errors import UsageError


def register_map(app: Flask, panel: Panel) -> None:
    """Add the map."""

    @app.get("/speakers/map")
    @needs(Action.VIEW)
    def speakers_map() -> Response:
        """Show the listed speakers on a map, those that are close as one group, and an area (`box`) of it larger."""
        return _map(panel, Form())

    @app.post("/speakers/map")
    @needs(Action.CONFIGURE, where=every_unit)
    def take_outline() -> AnyResponse:
        """Store the outline of a GeoJSON file (at most 900 kB), or remove it with `remove`."""
        form, file = sent_form(), request.files.get("file")
        try:
            rings = [] if form.chosen("remove", "yes") else read_outline(file.read() if file else b"")
        except UsageError as refusal:
            form.problems["file"] = refusal.message
            return _map(panel, form, 422)
        with panel.database.session() as session:
            audit.record(session, visitor().actor, "map.outline", "station", lines=len(rings))
        keep_outline(panel.settings.home, rings)
        flash(say("entry.saved"))
        return redirect(url_for("speakers_map"), 303)


def _map(panel: Panel, form: Form, status: int = 200) -> Response:
    wanted, box, outline = filter_asked(), box_of(request.args.get("box", "")), kept_outline(panel.settings.home)
    with panel.database.reading() as session:
        found = speakers_with_position(session, visitor(), wanted)
        total, units = count_speakers(session, visitor(), wanted), units_to_choose(session, visitor())
        may_change = visitor().may(Action.CONFIGURE) and visitor().units >= set(every_unit(session))
    return page(
        "speakers/speakers_map.html", status, drawing=draw(found, outline, box), placed=len(found), total=total,
        box=box,
        wanted=wanted, states=list(Standing), units=units, form=form, may_change=may_change, outline=bool(outline),
    )  # fmt: skip
