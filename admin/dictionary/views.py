"""The page of the pronunciation dictionary: entries, and a text as it will be read."""

import sqlalchemy as sa
from flask import Flask, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.scope import every_unit
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.speech.pronunciations import (
    LONGEST_SAID,
    LONGEST_WRITTEN,
    Pronunciation,
    PronunciationRefused,
    teach,
)


def register_pronunciations(app: Flask, panel: Panel) -> None:
    """Add the pages of the dictionary. It belongs to the whole station and needs rights over all its units."""

    @app.get("/pronunciations")
    @needs(Action.CONFIGURE, where=every_unit)
    def pronunciations() -> Response:
        """List the dictionary, with a form for a new entry."""
        return _list(panel, Form(take_kept(panel)))

    @app.post("/pronunciations")
    @needs(Action.CONFIGURE, where=every_unit)
    def change_pronunciations() -> Response:
        """Add an entry, or change the one that is written alike; with `remove`, remove the one that it names."""
        form = sent_form()
        try:
            with panel.database.session() as session:
                if gone := form.value("remove"):
                    _remove(session, gone)
                else:
                    entry = teach(session, form.value("written"), form.value("said"))
                    audit.record(session, visitor().actor, "pronunciation.teach", f"pronunciation:{entry.written}")
        except PronunciationRefused as refusal:
            form.problems[""] = refusal.message
            return _list(panel, form, 422)
        flash(say("entry.saved"))
        return redirect(url_for("pronunciations"), 303)


def _remove(session: Session, written: str) -> None:
    entry = session.scalar(sa.select(Pronunciation).where(Pronunciation.written == written))
    if entry is not None:
        audit.record(session, visitor().actor, "pronunciation.remove", f"pronunciation:{written}")
        session.delete(entry)


def _list(panel: Panel, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        entries = list(session.scalars(sa.select(Pronunciation).order_by(Pronunciation.written)))
    return page(
        "dictionary/pronunciations.html", status, entries=entries, form=form, longest_written=LONGEST_WRITTEN,
        longest_said=LONGEST_SAID,
    )  # fmt: skip
