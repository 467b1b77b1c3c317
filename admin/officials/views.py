"""The pages of officials."""

from collections.abc import Sequence

import sqlalchemy as sa
from flask import Flask, flash, redirect, request, url_for
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access.confirming import FIELD, confirm_password, not_confirmed
from admin.access.errors import AccessRefused
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.entry_forms import Conflict, form_of, refused, take_form
from admin.entries.scope import require_zones_of_official, units_of_official, units_to_choose, zones_to_choose
from admin.entries.sheet_pages import register_sheet
from admin.layout.addresses import text_asked
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.officials.slips import slips_page
from admin.panel import Panel
from admin.search.matching import Typed
from admin.search.names import officials_named
from broadcast_bridge.broadcasts import call_backs
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.district.entries import OFFICIAL, EntryRefused, texts_of
from haichieu.district.reconcile import retire
from haichieu.locale import message
from haichieu.people import Official, Right
from haichieu.phone_sign_in import lift_locks
from haichieu.pins import new_pin, prepare_pin, reset_pin
from haichieu.prepared_hashes import PreparedHashes
from haichieu.sign_in_counters import official_identity, refused_until
from haichieu.sip.models import Phone

A_PAGE = 50
COLUMNS = "code, name, title, unit, phones, pin, zones, may, call_back"
SAMPLE = "code,name,unit,phones,zones,may,call_back\n1005,Hoàng Văn Páo,CO-BA,0912000005;0263000005,11,live;record,yes"


def register_officials(app: Flask, panel: Panel) -> None:
    """Add the pages of officials."""
    register_sheet(app, panel, "officials", OFFICIAL, new_pin, COLUMNS, SAMPLE)

    @app.get("/officials")
    @needs(Action.CONFIGURE)
    def officials() -> Response:
        """List the officials of the visitor's units, by name, code, title or telephone number."""
        words, after = text_asked("q", 100), request.args.get("after", "")[:20]
        with panel.database.reading() as session:
            query = _of_visitor().where(Official.code > after).limit(A_PAGE + 1)
            if words:
                named = officials_named(session, visitor().units, Typed(words))
                query = query.where(Official.id.in_([row.id for row in named]))
            found = session.scalars(query).unique().all()
        following = found[A_PAGE - 1].code if len(found) > A_PAGE else ""
        return page(
            "people.html", kind="officials", people=found[:A_PAGE], words=words, after=after, following=following
        )

    @app.get("/officials/new")
    @needs(Action.CONFIGURE)
    def new_official() -> Response:
        """Show the form for a new official."""
        return _form_page(panel, form_of(panel, unit=request.args.get("unit", "")))

    @app.post("/officials/new")
    @needs(Action.CONFIGURE, checks_units=True)
    def add_official() -> Response:
        """Add an official (asks for the visitor's password) and show their PIN once."""
        pin, hashes = new_pin(), PreparedHashes()
        hashes.prepare("", pin)
        try:
            confirm_password(panel, sent_form())
            with panel.database.session() as session:
                texts = {**_texts(session, None), "pin": [pin]}
                row = take_form(session, panel, OFFICIAL, texts=texts, hashes=hashes)
                require_zones_of_official(session, row)
                shown = (row, pin)
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, refused(refusal), status=422)
        except AccessRefused as refusal:
            return _form_page(panel, not_confirmed(sent_form(), refusal), status=422)
        return slips_page(panel, [shown])

    @app.get("/officials/<int:number>/edit")
    @needs(Action.CONFIGURE, where=units_of_official)
    def edit_official(number: int) -> Response:
        """Show the form of an official."""
        with panel.database.reading() as session:
            row = _in_use(session, number)
            texts = texts_of(OFFICIAL, row)
        return _form_page(panel, form_of(panel, texts), row)

    @app.post("/officials/<int:number>/edit")
    @needs(Action.CONFIGURE, where=units_of_official, checks_units=True)
    def change_official(number: int) -> Response:
        """Change an official; the PIN stays."""
        try:
            with panel.database.session() as session:
                row = _in_use(session, number)
                take_form(session, panel, OFFICIAL, row, _texts(session, row))
        except (EntryRefused, Conflict) as refusal:
            with panel.database.session() as session:
                row = _in_use(session, number)
            return _form_page(panel, refused(refusal), row, 422)
        flash(say("entry.saved"))
        return redirect(url_for("officials"), 303)

    @app.post("/officials/<int:number>/pin")
    @needs(Action.CONFIGURE, where=units_of_official)
    def reset_official_pin(number: int) -> Response:
        """Reset the PIN (asks for the visitor's password) and show it on a paper slip."""
        try:
            confirm_password(panel, sent_form())
        except AccessRefused as refusal:
            with panel.database.reading() as session:
                row = _in_use(session, number)
                form = form_of(panel, texts_of(OFFICIAL, row))
            return _form_page(panel, not_confirmed(form, refusal), row, 422)
        prepared = prepare_pin(new_pin())
        with panel.database.session() as session:
            row = _in_use(session, number)
            reset_pin(session, panel.vault, row, prepared, visitor().actor)
        return slips_page(panel, [(row, prepared.pin)])

    @app.post("/officials/<int:number>/unlock")
    @needs(Action.CONFIGURE, where=units_of_official)
    def unlock_official(number: int) -> Response:
        """Forget the failed PINs for an official, so that sign-in is possible at once."""
        with panel.database.session() as session:
            row = _in_use(session, number)
            lift_locks(session, panel.vault, row)
            audit.record(session, visitor().actor, "sign_in.unlock", f"official:{row.code}")
        flash(say("entry.unlocked"))
        return redirect(url_for("edit_official", number=number), 303)

    @app.post("/officials/<int:number>/pin/call")
    @needs(Action.CONFIGURE, where=units_of_official)
    def call_for_pin(number: int) -> Response:
        """Have the station call the official's registered phones to choose a new PIN."""
        with panel.database.session() as session:
            row = _in_use(session, number)
            call_backs.request_pin_call(session, row, visitor().actor, now())
            name, phones = row.name, ", ".join(phone.number for phone in row.phones)
        flash(say("officials.pin_call_owed", official=name, phones=phones))
        return redirect(url_for("officials"), 303)

    @app.post("/officials/<int:number>/phones")
    @needs(Action.CONFIGURE, where=units_of_official)
    def encrypt_phones(number: int) -> Response:
        """Require encryption of the official's SIP phones, or no longer."""
        chosen = set(sent_form().values("encrypted"))
        with panel.database.session() as session:
            for phone in _sip_phones(session, _in_use(session, number)):
                if phone.encrypted != (phone.code in chosen):
                    phone.encrypted = not phone.encrypted
                    audit.record(session, visitor().actor, "phone.change", f"phone:{phone.code}", fields="encrypted")
        flash(say("entry.saved"))
        return redirect(url_for("edit_official", number=number), 303)

    @app.post("/officials/<int:number>/retire")
    @needs(Action.CONFIGURE, where=units_of_official)
    def retire_official(number: int) -> Response:
        """Retire an official and remove all rights (requires the confirmation box)."""
        with panel.database.session() as session:
            row = _in_use(session, number)
            texts = texts_of(OFFICIAL, row)
        if not sent_form().chosen("sure", "yes"):
            form = form_of(panel, texts)
            form.problems[""] = say("entry.not_sure")
            return _form_page(panel, form, row, 422)
        with panel.database.session() as session:
            row = _in_use(session, number)
            retire(session, row)
            audit.record(session, visitor().actor, "official.retire", f"official:{row.code}")
        flash(say("entry.retired"))
        return redirect(url_for("officials"), 303)


def _of_visitor() -> sa.Select[Official]:
    return (
        sa.select(Official)
        .where(Official.unit_id.in_(visitor().units), Official.pin_hash != "")
        .options(joinedload(Official.unit), selectinload(Official.phones), selectinload(Official.zones))  # type: ignore[attr-defined]
        .order_by(Official.code)
    )


def _in_use(session: Session, number: int) -> Official:
    row = session.get_one(Official, number)
    if not row.pin_hash:
        raise NotFound
    return row


def _texts(session: Session, row: Official | None) -> dict[str, list[str]]:
    """Return what was typed: one phone per line; zones outside the visitor's units stay and cannot be added."""
    form = sent_form()
    mine = {zone.code for zone in zones_to_choose(session, visitor())}
    kept = {zone.code for zone in row.zones} if row else set()  # type: ignore[attr-defined]
    chosen = set(form.values("zones"))
    if beyond := chosen - mine - kept:
        raise EntryRefused({"zones": message("panel.officials.zones_beyond", zones=tuple(sorted(beyond)))})
    texts = {name: list(values) for name, values in form.fields.items() if name not in ("pin", FIELD)}
    texts["phones"] = form.value("phones").replace(",", "\n").replace(";", "\n").split("\n")
    texts["zones"] = sorted((chosen & mine) | (kept - mine))
    return texts


def _form_page(panel: Panel, form: Form, row: Official | None = None, status: int = 200) -> Response:
    if len(form.values("phones")) > 1:
        form.fields = {**form.fields, "phones": ["\n".join(form.values("phones"))]}
    with panel.database.reading() as session:
        units, zones = units_to_choose(session, visitor()), zones_to_choose(session, visitor())
        locked = row and refused_until(session, panel.vault, official_identity(row.code), now())
        phones = _sip_phones(session, session.get_one(Official, row.id)) if row else ()
    return page(
        "official_form.html", status, form=form, official=row, units=units, zones=zones, rights=list(Right),
        locked_until=locked, sip_phones=phones,
    )  # fmt: skip


def _sip_phones(session: Session, row: Official) -> Sequence[Phone]:
    """Return the station's SIP phones that call with a number of this official."""
    numbers = [phone.number for phone in row.phones]
    return session.scalars(sa.select(Phone).where(Phone.caller_number.in_(numbers)).order_by(Phone.code)).all()
