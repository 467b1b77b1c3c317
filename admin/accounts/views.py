"""Pages of accounts: list, add, edit, reset password, end sessions, turn codes off."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from flask import Flask, flash, redirect, url_for
from sqlalchemy.orm import Session, joinedload
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access import second_factor, sessions
from admin.access.confirming import FIELD, confirm_password
from admin.access.errors import AccessRefused
from admin.access.models import SecondFactor, WebSession
from admin.access.page_steps import Step
from admin.access.permissions import needs
from admin.access.tokens import tokens_of
from admin.access.visitors import visitor
from admin.accounts.changing import (
    LastAdministrator,
    disable,
    is_disabled,
    new_password,
    require_another_administrator,
    reset_password,
)
from admin.entries.entry_fields import Act, Control, Field, unlocking
from admin.entries.entry_pages import EntryPages
from admin.entries.scope import named_units
from admin.entries.sheet_pages import passwords_page, register_sheet
from admin.layout.addresses import text_asked
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from admin.search.matching import Typed
from admin.search.names import accounts_named
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.district.entries import ACCOUNT, Texts
from haichieu.people import Account, Role
from haichieu.sign_in_counters import account_identity, lift, refused_until
from haichieu.vault import hash_secret

A_PAGE = 50
COLUMNS = "email, name, role, unit"
SAMPLE = "email,name,role,unit\nlan@coba.example,Nông Thị Lan,operator,CO-BA"


def unit_of_account(session: Session, number: int) -> Iterable[int]:
    """Return the unit of an account. Raises NotFound."""
    account = session.get(Account, number)
    if account is None:
        raise NotFound
    return [account.unit_id]


FIELDS = (
    Field("email", label="login.email", required=True, most=254, type="email", is_key=True),
    Field("name", label="officials.name", required=True),
    Field(
        "role",
        Control.CHOICE,
        label="accounts.role",
        hint="accounts.role_hint",
        choices=tuple(map(str, Role)),
        texts="role",
    ),
    Field("unit", Control.CHOICE, label="speakers.unit", hint="accounts.unit_hint", rows="units"),
)


class AccountPages(EntryPages):
    """The form of an account, its password and its sessions."""

    name, kind, action, retiring = "accounts", ACCOUNT, Action.MANAGE_ACCOUNTS, ""
    start = ()
    refusals = (LastAdministrator,)

    def units_of(self, session: Session, number: int) -> Iterable[int]:
        """Return the unit of the account."""
        return unit_of_account(session, number)

    def fields(self, row: Account | None, form: Form) -> Sequence[Field]:
        """Return the fields of an account."""
        return FIELDS

    def context(self, session: Session, row: Account | None, form: Form) -> Mapping[str, object]:
        """Return the units to choose."""
        note = say("accounts.password_comes") if row is None else ""
        return {"choices": {"units": named_units(session, visitor())}, "note": note}

    def acts(self, session: Session, row: Account) -> Sequence[Act]:
        """Return the acts on an account."""
        locked = refused_until(session, self.panel.vault, account_identity(row.email), now())
        codes = Act("second-factor-off", "accounts.reset_codes", asks_password=True, is_grave=True)
        end = Act("disable", "accounts.disable", sure=say("accounts.disable_sure"), is_grave=True)
        return [
            *unlocking(locked),
            Act("password", "accounts.reset_password", asks_password=True),
            *([codes] if second_factor.is_on(session, row.id) else []),
            *([] if is_disabled(row) else [end]),
        ]

    def steps(self) -> Mapping[str, Step]:
        """Return the acts on an account."""
        acts = {
            "password": self.reset_password, "unlock": self.unlock, "disable": self.disable,
            "end-logins": self.end_logins, "second-factor-off": self.turn_codes_off,
        }  # fmt: skip
        return {name: Step(Action.MANAGE_ACCOUNTS, act) for name, act in acts.items()}

    def secret(self) -> str:
        """Return a temporary password."""
        return new_password()

    def asks_password(self, *, is_new: bool) -> bool:
        """Return that every change asks for it."""
        return True

    def texts(self, session: Session, row: Account | None, form: Form) -> Texts:
        """Return the fields of the account itself."""
        return {name: values for name, values in form.fields.items() if name != FIELD}

    def before(self, session: Session, row: Account, form: Form) -> None:
        """Raise LastAdministrator if no administrator would be left."""
        if form.value("role") != row.role or form.value("unit") != row.unit.code:
            require_another_administrator(session, row)

    def saved(self, row: Account, secret: str, *, is_new: bool) -> Response:
        """Show the temporary password of a new account once."""
        return passwords_page([(row.email, secret)]) if secret else super().saved(row, secret, is_new=is_new)

    def reset_password(self, number: int) -> Response:
        """Reset the password (asks for the visitor's) and show it once; this enables a disabled account."""
        if problem := self._problem_of_confirming(number):
            return problem
        password = new_password()
        hashed = hash_secret(password)
        with self.panel.database.session() as session:
            row = session.get_one(Account, number)
            reset_password(session, self.panel.vault, row, hashed, visitor().actor, now())
        return passwords_page([(row.email, password)])

    def unlock(self, number: int) -> Response:
        """Forget the failed sign-ins of an account, so that sign-in is possible at once."""
        with self.panel.database.session() as session:
            row = session.get_one(Account, number)
            lift(session, self.panel.vault, account_identity(row.email))
            audit.record(session, visitor().actor, "sign_in.unlock", f"account:{row.email}")
        flash(say("entry.unlocked"))
        return redirect(self.address(number), 303)

    def disable(self, number: int) -> Response:
        """Disable the account (requires the confirmation box); its sessions and tokens end."""
        if not sent_form().chosen("sure", "yes"):
            return self.again(number, say("entry.not_sure"))
        try:
            with self.panel.database.session() as session:
                disable(session, session.get_one(Account, number), visitor().actor, now())
        except LastAdministrator as refusal:
            return self.again(number, refusal.message, status=409)
        flash(say("accounts.disabled_now"))
        return redirect(url_for("accounts"), 303)

    def end_logins(self, number: int) -> Response:
        """End every session of an account."""
        with self.panel.database.session() as session:
            besides = visitor().login_id if number == visitor().account.id else None
            ended = sessions.end_all(session, number, visitor().actor, now(), besides=besides)
        flash(say("accounts.ended", count=ended))
        return redirect(url_for("accounts"), 303)

    def turn_codes_off(self, number: int) -> Response:
        """Turn codes off for an owner who lost phone and recovery codes (asks for the visitor's password)."""
        if problem := self._problem_of_confirming(number):
            return problem
        with self.panel.database.session() as session:
            second_factor.switch_off(session, session.get_one(Account, number), visitor().actor)
        flash(say("accounts.second_factor_off"))
        return redirect(url_for("accounts"), 303)

    def _problem_of_confirming(self, number: int) -> Response | None:
        """Return the page of the account with the problem, if the visitor's password is missing or wrong."""
        try:
            confirm_password(self.panel, sent_form())
        except AccessRefused as refusal:
            return self.again(number, refusal.message, FIELD)
        return None


def register_accounts(app: Flask, panel: Panel) -> None:
    """Add the pages of accounts."""
    register_sheet(app, panel, "accounts", ACCOUNT, new_password, COLUMNS, SAMPLE)
    AccountPages(panel).register(app)

    @app.get("/accounts")
    @needs(Action.MANAGE_ACCOUNTS)
    def accounts() -> Response:
        """List the accounts of the visitor's units by name or e-mail address, with their last use."""
        words, after = text_asked("q", 100), text_asked("after", 254)
        with panel.database.reading() as session:
            query = sa.select(Account).where(Account.unit_id.in_(visitor().units), Account.email > after)
            if words:
                named = accounts_named(session, visitor().units, Typed(words))
                query = query.where(Account.id.in_([row.id for row in named]))
            query = query.options(joinedload(Account.unit)).order_by(Account.email).limit(A_PAGE + 1)
            found = session.scalars(query).all()
            shown = [one.id for one in found]
            seen = dict(
                session.execute(
                    sa.select(WebSession.account_id, sa.func.max(WebSession.seen_at))
                    .where(WebSession.account_id.in_(shown))
                    .group_by(WebSession.account_id)
                ).all()
            )
            confirmed = (SecondFactor.account_id.in_(shown), SecondFactor.confirmed_at.is_not(None))
            codes = set(session.scalars(sa.select(SecondFactor.account_id).where(*confirmed)))
            tokens = Counter(token.account_id for token in tokens_of(session, now()))
        following = found[A_PAGE - 1].email if len(found) > A_PAGE else ""
        return page(
            "officials/people.html", kind="accounts", people=found[:A_PAGE], words=words, after=after,
            following=following,
            seen=seen, codes=codes, tokens=tokens, is_disabled=is_disabled,
        )  # fmt: skip
