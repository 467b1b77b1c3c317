"""Pages of one kind of entry: `/<name>/<number>/edit`, number 0 for a new one, and a step for each act on it."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Flask, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access.confirming import confirm_password, not_confirmed
from admin.access.errors import AccessRefused
from admin.access.page_steps import NEW, Step, add_steps, or_new
from admin.access.visitors import visitor
from admin.entries.entry_fields import Act, Field
from admin.entries.entry_forms import Conflict, form_of, refused, take_form
from admin.entries.scope import every_unit
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.district.entries import EntryRefused, Kind, Texts, texts_of
from haichieu.district.reconcile import retire
from haichieu.errors import HaiChieuError
from haichieu.prepared_hashes import PreparedHashes


class EntryPages(ABC):
    """What every kind of entry has in common; a kind overrides what differs.

    A page of the entry itself is the endpoint `page_of`; a kind without one has its form instead.
    """

    name: str
    """The first part of the address and the endpoint of the list; `<name>.new`, `<name>.edit` are headings."""
    kind: Kind
    action = Action.CONFIGURE
    page_of = ""
    retiring = "retire"
    """The step that takes an entry out of use, also in the audit trail; a kind that is never retired has none."""
    start: Sequence[str] = ("unit",)
    """The fields that a link to the form of a new entry may fill in."""
    added = "entry.saved"
    """The text after a new entry is saved."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel

    def units_of(self, session: Session, number: int) -> Iterable[int]:
        """Return the units of an entry: all of them, unless the kind says which. Raises NotFound."""
        self.find(session, number)
        return every_unit(session)

    @abstractmethod
    def fields(self, row: Any, form: Form) -> Sequence[Field]:
        """Return the fields of the form; `row` is None for a new entry."""

    def begin(self, session: Session) -> Mapping[str, str]:
        """Return what the form of a new entry begins with."""
        return {name: request.args.get(name, "")[:200] for name in self.start}

    def context(self, session: Session, row: Any, form: Form) -> Mapping[str, object]:
        """Return `choices`, `hints` by field, `what` above and `note` below the fields, and more of the template."""
        return {}

    def acts(self, session: Session, row: Any) -> Sequence[Act]:
        """Return the acts below the form of an entry."""
        return ()

    def steps(self) -> Mapping[str, Step]:
        """Return the steps that only this kind has."""
        return {}

    def texts(self, session: Session, row: Any, form: Form) -> Texts:
        """Return what was typed, by the names of the district file."""
        return form.fields

    def secret(self) -> str:
        """Return a PIN or password for a new entry, if the station makes one that it stores as a hash."""
        return ""

    def asks_password(self, *, is_new: bool) -> bool:
        """Return whether saving asks for the visitor's password."""
        return False

    def before(self, session: Session, row: Any, form: Form) -> None:  # noqa: B027 (most kinds check nothing)
        """Raise an error of `refusals` unless the entry may be changed like this."""

    def after(self, session: Session, row: Any, *, is_new: bool) -> None:  # noqa: B027 (most kinds check nothing)
        """Raise NotAllowed unless the entry may be left like this."""

    refusals: tuple[type[HaiChieuError], ...] = ()
    """Conflicts of a change with the rest of the station, shown above the form."""

    def saved(self, row: Any, secret: str, *, is_new: bool) -> Response:
        """Return what follows; `secret` is that of a new entry."""
        flash(say(self.added if is_new else "entry.saved"))
        return redirect(self.address(row.id) if self.page_of else self.listed(), 303)

    def at_fields(self, form: Form) -> Form:
        """Return a refused form with each problem at the field that the form has for it."""
        return form

    def take_out(self, session: Session, row: Any) -> None:
        """Take an entry out of use. Raises an error of `refusals`."""
        retire(session, row)

    def find(self, session: Session, number: int) -> Any:
        """Return an entry that is in use. Raises NotFound."""
        row = session.get(self.kind.model, number)
        if row is None:
            raise NotFound
        return row

    def register(self, app: Flask) -> None:
        """Add the steps of the kind."""
        acts = {**({self.retiring: Step(self.action, self.retire)} if self.retiring else {}), **self.steps()}
        steps = {name: dataclasses.replace(one, where=self.units_of) for name, one in acts.items()}
        steps["edit"] = Step(self.action, self.save, self.show, or_new(self.units_of), checks_units=True)
        add_steps(app, f"/{self.name}/<int:number>/<step>", f"{self.kind.name}_step", self.address, steps)

    def address(self, number: int) -> str:
        """Return the page of an entry, or its form."""
        return url_for(self.page_of, number=number) if self.page_of and number != NEW else self.step(number, "edit")

    def listed(self) -> str:
        """Return the address of the list."""
        return url_for(self.name)

    def step(self, number: int, step: str) -> str:
        """Return the address of a step."""
        return url_for(f"{self.kind.name}_step", number=number, step=step)

    def show(self, number: int) -> Response:
        """Show the form of an entry, or of a new one."""
        with self.panel.database.reading() as session:
            row = self._row(session, number)
            texts = texts_of(self.kind, row) if row is not None else None
            start = self.begin(session) if row is None else {}
        return self.form_page(form_of(self.panel, texts, **start), number)

    def save(self, number: int) -> Response:
        """Add or change an entry."""
        form, hashes = sent_form(), PreparedHashes()
        if secret := self.secret() if number == NEW else "":
            hashes.prepare("", secret)
        try:
            if self.asks_password(is_new=number == NEW):
                confirm_password(self.panel, form)
            with self.panel.database.session() as session:
                row = self._row(session, number)
                if row is not None:
                    self.before(session, row, form)
                texts = dict(self.texts(session, row, form))
                if secret:
                    texts[self.kind.secret] = [secret]
                saved = take_form(session, self.panel, self.kind, row, texts, hashes)
                self.after(session, saved, is_new=row is None)
        except (EntryRefused, Conflict) as refusal:
            return self.form_page(self.at_fields(refused(refusal)), number, 422)
        except AccessRefused as refusal:
            return self.form_page(not_confirmed(form, refusal), number, 422)
        except self.refusals as refusal:
            form.problems[""] = refusal.message
            return self.form_page(form, number, 409)
        return self.saved(saved, secret, is_new=row is None)

    def retire(self, number: int) -> Response:
        """Retire an entry (requires the confirmation box)."""
        if not sent_form().chosen("sure", "yes"):
            return self.again(number, say("entry.not_sure"))
        try:
            with self.panel.database.session() as session:
                row = self.find(session, number)
                subject = f"{self.kind.name}:{getattr(row, self.kind.key)}"
                self.take_out(session, row)
                audit.record(session, visitor().actor, f"{self.kind.name}.{self.retiring}", subject)
        except self.refusals as refusal:
            return self.again(number, refusal.message)
        flash(say("entry.retired"))
        return redirect(self.listed(), 303)

    def again(self, number: int, problem: Any, field: str = "", status: int = 422) -> Response:
        """Show the form of an entry as it is, with the problem of one of its acts."""
        with self.panel.database.reading() as session:
            form = form_of(self.panel, texts_of(self.kind, self.find(session, number)))
        form.problems[field] = problem
        return self.form_page(form, number, status)

    def form_page(self, form: Form, number: int, status: int = 200) -> Response:
        """Show the form."""
        with self.panel.database.reading() as session:
            row = self._row(session, number)
            context = {"choices": {}, "hints": {}, "what": "", "note": "", **self.context(session, row, form)}
            acts = [(act, self.step(number, act.step)) for act in self.acts(session, row)] if row is not None else []
            heading = self.heading(row)
            fields = self.fields(row, form)
        return page(
            "entries/entry_form.html", status, heading=heading, address=self.step(number, "edit"), form=form,
            fields=fields, is_new=row is None, asks_password=self.asks_password(is_new=row is None), acts=acts,
            back=self.address(number) if self.page_of and row is not None else self.listed(), **context,
        )  # fmt: skip

    def heading(self, row: Any) -> str:
        """Return the heading of the form."""
        return say(f"{self.name}.edit" if row is not None else f"{self.name}.new")

    def _row(self, session: Session, number: int) -> Any:
        return None if number == NEW else self.find(session, number)
