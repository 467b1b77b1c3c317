"""The pages of officials."""

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from flask import Flask, flash, redirect, request, url_for
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access.confirming import FIELD, confirm_password
from admin.access.errors import AccessRefused
from admin.access.page_steps import Step
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.entry_fields import Act, Control, Field, unlocking
from admin.entries.entry_pages import EntryPages
from admin.entries.scope import named_units, require_zones_of_official, units_of_official, zones_to_choose
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
from haichieu.district.entries import OFFICIAL, EntryRefused, Texts
from haichieu.locale import message
from haichieu.people import Official, Right
from haichieu.phone_sign_in import lift_locks
from haichieu.pins import new_pin, prepare_pin, reset_pin
from haichieu.sign_in_counters import official_identity, refused_until
from haichieu.sip.models import Phone

A_PAGE = 50
COLUMNS = "code, name, title, unit, phones, pin, zones, may, call_back"
SAMPLE = "code,name,unit,phones,zones,may,call_back\n1005,Hoàng Văn Páo,CO-BA,0912000005;0263000005,11,live;record,yes"


FIELDS = (
    Field(
        "code", label="officials.code", hint="officials.code_hint", required=True, most=12, inputmode="numeric",
        is_key=True,
    ),
    Field("name", label="officials.name", required=True),
    Field("title", label="officials.title"),
    Field("unit", Control.CHOICE, label="speakers.unit", rows="units"),
    Field("phones", Control.LINES, label="officials.phones", hint="officials.phones_hint", inputmode="tel"),
    Field("zones", Control.BOXES, label="officials.zones", rows="zones"),
    Field("may", Control.BOXES, label="officials.may", choices=tuple(map(str, Right)), texts="right"),
    Field("call_back", Control.BOXES, label="officials.safety", rows="call_back"),
)  # fmt: skip
SIP_PHONES = Field(
    "encrypted", Control.BOXES, label="officials.sip_phones", hint="officials.encrypted_hint", rows="sip_phones"
)


class OfficialPages(EntryPages):
    """The form of an official, PIN and phones."""

    name, kind = "officials", OFFICIAL

    def units_of(self, session: Session, number: int) -> Iterable[int]:
        """Return the unit of the official."""
        return units_of_official(session, number)

    def find(self, session: Session, number: int) -> Official:
        """Return an official in service. Raises NotFound."""
        row: Official = super().find(session, number)
        if not row.pin_hash:
            raise NotFound
        return row

    def fields(self, row: Official | None, form: Form) -> Sequence[Field]:
        """Return the fields of an official."""
        return FIELDS

    def context(self, session: Session, row: Official | None, form: Form) -> Mapping[str, object]:
        """Return the choices of the form."""
        phones = _sip_phones(session, row) if row is not None else ()
        zones = zones_to_choose(session, visitor())
        words = [(one, say("officials.encrypted_phone", phone=one.name, number=one.caller_number)) for one in phones]
        if phones and "encrypted" not in form.fields:
            form.fields = {**form.fields, "encrypted": [one.code for one in phones if one.encrypted]}
        return {
            "choices": {
                "units": named_units(session, visitor()),
                "zones": [(zone.code, f"{zone.name} ({zone.code})") for zone in zones],
                "call_back": [("yes", say("officials.call_back_long"))],
                "sip_phones": [(one.code, said) for one, said in words],
            },
            "note": "" if row is not None else say("officials.pin_comes"),
        }

    def acts(self, session: Session, row: Official) -> Sequence[Act]:
        """Return the acts on an official."""
        locked = refused_until(session, self.panel.vault, official_identity(row.code), now())
        return [
            *unlocking(locked),
            Act("pin", "officials.reset_pin", asks_password=True),
            *([Act("phones", "entry.save", fields=[SIP_PHONES])] if _sip_phones(session, row) else []),
            Act("retire", "entry.retire", sure=say("officials.retire_sure"), is_grave=True),
        ]

    def steps(self) -> Mapping[str, Step]:
        """Return the acts on an official."""
        acts = {"pin": self.reset_pin, "unlock": self.unlock, "call": self.call_for_pin, "phones": self.encrypt_phones}
        return {name: Step(Action.CONFIGURE, act) for name, act in acts.items()}

    def secret(self) -> str:
        """Return a new PIN."""
        return new_pin()

    def asks_password(self, *, is_new: bool) -> bool:
        """Return whether it is a new official, who gets a PIN."""
        return is_new

    def texts(self, session: Session, row: Official | None, form: Form) -> Texts:
        """Return what was typed: one phone per line; zones outside the visitor's units stay and cannot be added."""
        mine = {zone.code for zone in zones_to_choose(session, visitor())}
        kept = {zone.code for zone in row.zones} if row else set()  # type: ignore[attr-defined]
        chosen = set(form.values("zones"))
        if beyond := chosen - mine - kept:
            raise EntryRefused({"zones": message("panel.officials.zones_beyond", zones=tuple(sorted(beyond)))})
        texts = {name: list(values) for name, values in form.fields.items() if name not in ("pin", FIELD)}
        texts["phones"] = form.value("phones").replace(",", "\n").replace(";", "\n").split("\n")
        texts["zones"] = sorted((chosen & mine) | (kept - mine))
        return texts

    def after(self, session: Session, row: Official, *, is_new: bool) -> None:
        """Raise NotAllowed unless the visitor may give a new official these zones."""
        if is_new:
            require_zones_of_official(session, row)

    def saved(self, row: Official, secret: str, *, is_new: bool) -> Response:
        """Show the PIN of a new official once, on a slip."""
        return slips_page(self.panel, [(row, secret)]) if secret else super().saved(row, secret, is_new=is_new)

    def reset_pin(self, number: int) -> Response:
        """Reset the PIN (asks for the visitor's password) and show it on a paper slip."""
        try:
            confirm_password(self.panel, sent_form())
        except AccessRefused as refusal:
            return self.again(number, refusal.message, FIELD)
        prepared = prepare_pin(new_pin())
        with self.panel.database.session() as session:
            row = self.find(session, number)
            reset_pin(session, self.panel.vault, row, prepared, visitor().actor)
        return slips_page(self.panel, [(row, prepared.pin)])

    def unlock(self, number: int) -> Response:
        """Forget the failed PINs for an official, so that sign-in is possible at once."""
        with self.panel.database.session() as session:
            row = self.find(session, number)
            lift_locks(session, self.panel.vault, row)
            audit.record(session, visitor().actor, "sign_in.unlock", f"official:{row.code}")
        flash(say("entry.unlocked"))
        return redirect(self.address(number), 303)

    def call_for_pin(self, number: int) -> Response:
        """Have the station call the official's registered phones to choose a new PIN."""
        with self.panel.database.session() as session:
            row = self.find(session, number)
            call_backs.request_pin_call(session, row, visitor().actor, now())
            name, phones = row.name, ", ".join(phone.number for phone in row.phones)
        flash(say("officials.pin_call_owed", official=name, phones=phones))
        return redirect(url_for("officials"), 303)

    def encrypt_phones(self, number: int) -> Response:
        """Require encryption of the official's SIP phones, or no longer."""
        chosen = set(sent_form().values("encrypted"))
        with self.panel.database.session() as session:
            for phone in _sip_phones(session, self.find(session, number)):
                if phone.encrypted != (phone.code in chosen):
                    phone.encrypted = not phone.encrypted
                    audit.record(session, visitor().actor, "phone.change", f"phone:{phone.code}", fields="encrypted")
        flash(say("entry.saved"))
        return redirect(self.address(number), 303)


def register_officials(app: Flask, panel: Panel) -> None:
    """Add the pages of officials."""
    register_sheet(app, panel, "officials", OFFICIAL, new_pin, COLUMNS, SAMPLE)
    OfficialPages(panel).register(app)

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
            "officials/people.html",
            kind="officials",
            people=found[:A_PAGE],
            words=words,
            after=after,
            following=following,
        )


def _of_visitor() -> sa.Select[Official]:
    return (
        sa.select(Official)
        .where(Official.unit_id.in_(visitor().units), Official.pin_hash != "")
        .options(joinedload(Official.unit), selectinload(Official.phones), selectinload(Official.zones))  # type: ignore[attr-defined]
        .order_by(Official.code)
    )


def _sip_phones(session: Session, row: Official) -> Sequence[Phone]:
    """Return the station's SIP phones that call with a number of this official."""
    numbers = [phone.number for phone in row.phones]
    return session.scalars(sa.select(Phone).where(Phone.caller_number.in_(numbers)).order_by(Phone.code)).all()
