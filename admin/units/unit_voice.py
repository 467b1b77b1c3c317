"""The form for the voice of a unit."""

from flask import flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.permissions import require_in
from admin.access.visitors import visitor
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from admin.sounds.voice_choices import voice_choices, voice_from
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.errors import HaiChieuError
from haichieu.people import Unit
from haichieu.speech.voice_choice import wanted_voices


def show_voice(panel: Panel, number: int, form: Form, status: int = 200) -> Response:
    """Show the voices to choose from, and which voices read the texts of the unit now."""
    with panel.database.reading() as session:
        unit = session.get_one(Unit, number)
        now_read_by = panel.synthesiser.preferring(wanted_voices(session, number)).spoken_by()
        return page(
            "units/unit_form.html", status, kind="voice", unit=unit, form=form, now_read_by=now_read_by,
            voice_choices=voice_choices(panel, form.value("voice", unit.voice or "")),
        )  # fmt: skip


def save_voice(panel: Panel, number: int) -> Response:
    """Store the voice of a unit; what is spoken already stays as it is."""
    form = sent_form()
    try:
        with panel.database.session() as session:
            require_in(session, Action.CONFIGURE, [number])
            set_voice(session, session.get_one(Unit, number), voice_from(form.value("voice")), visitor().actor)
    except HaiChieuError as refusal:
        form.problems["voice"] = refusal_message(refusal)
        return show_voice(panel, number, form, 422)
    flash(say("units.voice_done"))
    return redirect(url_for("units"), 303)


def set_voice(session: Session, unit: Unit, voice: str | None, actor: str) -> None:
    """Set or remove the voice of a unit, with an entry in the audit trail."""
    if unit.voice != voice:
        unit.voice = voice
        audit.record(session, actor, "unit.change", f"unit:{unit.code}", fields="voice", voice=voice or "")
