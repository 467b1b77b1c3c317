"""The station's settings: one page with all of its entries, and one form for every kind."""

from collections.abc import Iterable

from flask import Flask, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access.confirming import confirm_password, not_confirmed
from admin.access.errors import AccessRefused
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.cases.answer_templates import answer_templates
from admin.entries.account_sheet import AccountSheet, account_sheet, new_password
from admin.entries.entry_fields import Act
from admin.entries.entry_forms import Conflict, form_of, refused, take_form
from admin.entries.scope import every_unit
from admin.layout.language import say
from admin.layout.pages import Form, page, page_shown_once, sent_form
from admin.panel import Panel
from admin.station.fields import CONFIDENTIAL, DEFAULTS, refused_at_secret, texts_from
from admin.station.queries import choices_of, entries_of, entry_of, form_named
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.district.apply_report import Action as Outcome
from haichieu.district.entries import EntryRefused, texts_of
from haichieu.district.reconcile import remove
from haichieu.district.station_kinds import ANSWER_TEMPLATE, PHONE, STATION
from haichieu.sip.models import Phone
from haichieu.station import the_station


def register_station(app: Flask, panel: Panel) -> None:
    """Add the pages. They concern the whole station and need rights over all its units."""

    @app.get("/station")
    @needs(Action.CONFIGURE, where=every_unit)
    def station() -> Response:
        """Show the station's own settings, and list its entries of every kind."""
        with panel.database.reading() as session:
            own, entries = the_station(session), entries_of(session)
        return page("station.html", station=own, entries=entries)

    @app.get("/station/<name>/<int:number>")
    @needs(Action.CONFIGURE, where=_whole_station)
    def station_entry(name: str, number: int) -> Response:
        """Show the form of an entry, or of a new one."""
        kind, _ = form_named(name)
        with panel.database.reading() as session:
            row = entry_of(session, kind, number)
            texts = texts_of(kind, row) if row is not None else None
            code = request.args.get("code", "")
            start = dict(DEFAULTS.get(name, {}))
            if kind is ANSWER_TEMPLATE:
                given = (one for one in answer_templates(session) if one.code == code)
                start |= next(({"code": one.code, "name": one.name, "text": one.text} for one in given), {})
        return _form_page(panel, name, number, form_of(panel, texts, **start))

    @app.post("/station/<name>/<int:number>")
    @needs(Action.CONFIGURE, where=_whole_station)
    def save_station_entry(name: str, number: int) -> Response:
        """Save an entry; one with a secret asks for the visitor's password. A new password of a phone is shown once."""
        kind, fields = form_named(name)
        form = sent_form()
        texts = texts_from(kind, fields, form)
        if kind is PHONE and number == 0 and not form.value(CONFIDENTIAL).strip():
            texts[kind.secret] = [new_password()]
        try:
            if kind.secret:
                confirm_password(panel, form)
            with panel.database.session() as session:
                row = take_form(session, panel, kind, entry_of(session, kind, number), texts)
                slip = (
                    _slip(panel, session, row) if kind is PHONE and (number == 0 or form.value(CONFIDENTIAL)) else None
                )
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, name, number, refused_at_secret(kind, refused(refusal)), 422)
        except AccessRefused as refusal:
            return _form_page(panel, name, number, not_confirmed(form, refusal), 422)
        if slip is not None:
            return page_shown_once("speaker_account.html", device=row, sheet=slip, back=url_for("station"))
        flash(say("entry.saved"))
        return redirect(url_for("station", _anchor=name), 303)

    @app.post("/station/<name>/<int:number>/remove")
    @needs(Action.CONFIGURE, where=_whole_station)
    def remove_station_entry(name: str, number: int) -> Response:
        """Remove an entry (requires the confirmation box); one that others refer to stays."""
        kind, _ = form_named(name)
        if kind is STATION or number == 0:
            raise NotFound
        problem = "" if sent_form().chosen("sure", "yes") else say("entry.not_sure")
        with panel.database.session() as session:
            row = entry_of(session, kind, number)
            texts, code = texts_of(kind, row), row.code
            if not problem and remove(session, row) is Outcome.IN_USE:
                problem = say("station.in_use")
            elif not problem:
                audit.record(session, visitor().actor, f"{kind.name}.remove", f"{kind.name}:{code}")
        if problem:
            form = form_of(panel, texts)
            form.problems[""] = problem
            return _form_page(panel, name, number, form, 422)
        flash(say("entry.retired"))
        return redirect(url_for("station", _anchor=name), 303)


def _whole_station(session: Session, name: str, number: int) -> Iterable[int]:
    """Return every unit. Raises NotFound for an entry that there is not."""
    kind, _ = form_named(name)
    entry_of(session, kind, number)
    return every_unit(session)


def _slip(panel: Panel, session: Session, row: Phone) -> AccountSheet:
    host = request.host.rpartition(":")[0] or request.host
    return account_sheet(session, panel.vault, panel.settings, row, host, visitor().actor)


def _form_page(panel: Panel, name: str, number: int, form: Form, status: int = 200) -> Response:
    kind, fields = form_named(name)
    with panel.database.reading() as session:
        choices = choices_of(session)
    is_own, is_new = kind is STATION, number == 0
    edit, new = say("station.own") if is_own else say(f"station_edit.{name}"), f"station_new.{name}"
    removal = Act("remove", "entry.retire", sure="" if is_own else say(f"station_remove.{name}"), is_grave=True)
    return page(
        "entry_form.html", status, heading=say(new) if is_new and not is_own else edit,
        what="" if is_own else say(f"station_what.{name}"), form=form, fields=fields, choices=choices, hints={},
        note="", is_new=is_new, asks_password=bool(kind.secret), back=url_for("station", _anchor=name),
        address=url_for("save_station_entry", name=name, number=number),
        acts=[] if is_own or is_new else [(removal, url_for("remove_station_entry", name=name, number=number))],
    )  # fmt: skip
