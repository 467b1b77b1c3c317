"""Emergency pages: message and zones, preview, confirmation."""

from flask import Flask, flash, redirect, url_for
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.broadcasts.announcing import LANGUAGE, Wish, put_on_air, voices_for
from admin.broadcasts.zone_choices import zones_for
from admin.emergency.sounding import TIMES, sounding
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from broadcast_bridge.broadcasts.states import Priority
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed


def register_emergency(app: Flask, panel: Panel) -> None:
    """Add the emergency pages."""

    @app.get("/emergency")
    @needs(Action.EMERGENCY)
    def emergency() -> Response:
        """Show the form for message and zones."""
        return _first_step(panel, Form(take_kept(panel)))

    @app.post("/emergency")
    @needs(Action.EMERGENCY, checks_units=True)
    def emergency_confirm() -> Response:
        """Show the preview; after confirmation, start the broadcast."""
        form = sent_form()
        try:
            with panel.database.reading() as session:
                shown = sounding(
                    session, form.values("zone"), form.value("text"),
                    siren=form.chosen("siren", "yes"), times=_times(form.value("times", "2")),
                )  # fmt: skip
            if form.value("confirmed") != shown.mark:
                # Loaded by the time that the user has read the preview.
                voices_for(panel, form.values("zone")).prepare(LANGUAGE)
                return page("emergency/emergency_confirm.html", sounding=shown, changed=bool(form.value("confirmed")))
            wish = Wish(
                [zone.code for zone in shown.zones], shown.text,
                priority=Priority.EMERGENCY, siren=shown.siren, times=shown.times,
            )  # fmt: skip
            number = put_on_air(panel, visitor(), wish, now())
        except NotAllowed:
            raise
        except HaiChieuError as refusal:
            form.problems[""] = refusal.message
            return _first_step(panel, form, 422)
        flash(say("emergency.done", number=number))
        return redirect(url_for("now"), 303)


def _first_step(panel: Panel, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        zones = zones_for(session, visitor())
    return page("emergency/emergency.html", status=status, form=form, zones=zones, times=TIMES)


def _times(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 3 else 0
