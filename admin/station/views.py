"""The station's settings: one page with all of its entries, and the form of every kind."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Flask, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access.page_steps import NEW, Step, add_steps
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.cases.answer_templates import answer_templates
from admin.entries.account_sheet import account_sheet, new_password
from admin.entries.entry_fields import Act, Field
from admin.entries.entry_pages import EntryPages
from admin.entries.scope import every_unit
from admin.layout.language import say
from admin.layout.pages import Form, page, page_shown_once, sent_form
from admin.panel import Panel
from admin.station.fields import CONFIDENTIAL, DEFAULTS, FORMS, refused_at_secret, texts_from
from admin.station.queries import choices_of, entries_of, entry_of
from haichieu.account_rights import Action
from haichieu.district.apply_report import Action as Outcome
from haichieu.district.entries import Texts
from haichieu.district.reconcile import remove
from haichieu.district.station_kinds import ANSWER_TEMPLATE, PHONE, SOURCE, STATION, TRUNK
from haichieu.errors import UsageError
from haichieu.sip.models import Phone
from haichieu.station import the_station


class StillInUse(UsageError):
    """Others refer to the entry."""


class StationPages(EntryPages):
    """The form of one kind of entries; one with a secret asks for the visitor's password."""

    retiring, refusals = "remove", (StillInUse,)

    def __init__(self, panel: Panel, name: str) -> None:
        super().__init__(panel)
        self.name = name
        self.kind, self._fields = FORMS[name]
        self._is_own = self.kind is STATION

    def find(self, session: Session, number: int) -> Any:
        """Return the entry. Raises NotFound."""
        return entry_of(session, self.kind, number)

    def fields(self, row: Any, form: Form) -> Sequence[Field]:
        """Return the fields of the kind."""
        return self._fields

    def begin(self, session: Session) -> Mapping[str, str]:
        """Return usual values; of an answer template, the built-in one with the `code` of the address."""
        start = dict(DEFAULTS.get(self.name, {}))
        given = answer_templates(session) if self.kind is ANSWER_TEMPLATE else ()
        for one in given:
            if one.code == request.args.get("code", ""):
                start |= {"code": one.code, "name": one.name, "text": one.text}
        return start

    def context(self, session: Session, row: Any, form: Form) -> Mapping[str, object]:
        """Return the choices of the form, and what such an entry is."""
        what = "" if self._is_own else say(f"station_what.{self.name}")
        hints = {CONFIDENTIAL: say("station_hint.password_new")} if row is None and self.kind in (SOURCE, TRUNK) else {}
        return {"choices": choices_of(session), "what": what, "hints": hints}

    def acts(self, session: Session, row: Any) -> Sequence[Act]:
        """Return the act that removes an entry; the station itself stays."""
        removal = f"station_remove.{self.name}"
        return [] if self._is_own else [Act("remove", "entry.retire", sure=say(removal), is_grave=True)]

    def heading(self, row: Any) -> str:
        """Return the heading of the form."""
        if self._is_own:
            return say("station.own")
        return say(f"station_edit.{self.name}" if row is not None else f"station_new.{self.name}")

    def asks_password(self, *, is_new: bool) -> bool:
        """Return whether the entry has a secret."""
        return bool(self.kind.secret)

    def texts(self, session: Session, row: Any, form: Form) -> Texts:
        """Return what was typed; a new phone gets a password."""
        texts = texts_from(self.kind, self._fields, form)
        if self.kind is PHONE and row is None and not form.value(CONFIDENTIAL).strip():
            texts[self.kind.secret] = [new_password()]
        return texts

    def at_fields(self, form: Form) -> Form:
        """Return the form with a problem of the secret at its field."""
        return refused_at_secret(self.kind, form)

    def saved(self, row: Any, secret: str, *, is_new: bool) -> Response:
        """Show a new password of a phone once."""
        if self.kind is not PHONE or not (is_new or sent_form().value(CONFIDENTIAL)):
            return super().saved(row, secret, is_new=is_new)
        panel, host = self.panel, request.host.rpartition(":")[0] or request.host
        with panel.database.session() as session:
            phone = session.get_one(Phone, row.id)
            sheet = account_sheet(session, panel.vault, panel.settings, phone, host, visitor().actor)
        return page_shown_once("speakers/speaker_account.html", device=phone, sheet=sheet, back=url_for("station"))

    def take_out(self, session: Session, row: Any) -> None:
        """Remove an entry. Raises StillInUse."""
        if remove(session, row) is Outcome.IN_USE:
            raise StillInUse("panel.station.in_use")

    def listed(self) -> str:
        """Return the address of the kind on the page of the station."""
        return url_for("station", _anchor=self.name)

    def step(self, number: int, step: str) -> str:
        """Return the address of a step."""
        return url_for("station_step", name=self.name, number=number, step=step)


def register_station(app: Flask, panel: Panel) -> None:
    """Add the pages. They concern the whole station and need rights over all its units."""
    kinds = {name: StationPages(panel, name) for name in FORMS}

    def whole_station(session: Session, name: str, number: int) -> Iterable[int]:
        """Return every unit. Raises NotFound for an entry that there is not."""
        if name not in kinds or (number == NEW and kinds[name].kind is STATION):
            raise NotFound
        return every_unit(session) if number == NEW else kinds[name].units_of(session, number)

    def an_entry(session: Session, name: str, number: int) -> Iterable[int]:
        """Return every unit. Raises NotFound for what cannot be removed."""
        if number == NEW or kinds.get(name, kinds["station"]).kind is STATION:
            raise NotFound
        return whole_station(session, name, number)

    add_steps(
        app, "/station/<name>/<int:number>/<step>", "station_step",
        lambda name, number: kinds[name].address(number),
        {
            "edit": Step(
                Action.CONFIGURE, lambda name, number: kinds[name].save(number),
                lambda name, number: kinds[name].show(number), whole_station,
            ),
            "remove": Step(Action.CONFIGURE, lambda name, number: kinds[name].retire(number), where=an_entry),
        },
    )  # fmt: skip

    @app.get("/station")
    @needs(Action.CONFIGURE, where=every_unit)
    def station() -> Response:
        """Show the station's own settings, and list its entries of every kind."""
        with panel.database.reading() as session:
            own, entries = the_station(session), entries_of(session)
        return page("station/station.html", station=own, entries=entries)
