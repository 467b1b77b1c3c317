"""Pages of accounts: list, add, edit, reset password, end sessions, turn codes off."""

from collections.abc import Iterable

import sqlalchemy as sa
from flask import Flask, flash, redirect, url_for
from sqlalchemy.orm import Session, joinedload
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access import second_factor, sessions
from admin.access.models import ApiToken, SecondFactor, WebSession
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.accounts.changing import (
    LastAdministrator,
    disable,
    is_disabled,
    new_password,
    require_another_administrator,
    reset_password,
)
from admin.entries.entry_forms import Conflict, form_of, refused, take_form
from admin.entries.scope import units_to_choose
from admin.entries.sheet_pages import register_sheet
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.district.entries import ACCOUNT, EntryRefused, texts_of
from haichieu.people import Account, Role

COLUMNS = "email, name, role, unit"
SAMPLE = "email,name,role,unit\nlan@coba.example,Nông Thị Lan,operator,CO-BA"


def unit_of_account(session: Session, number: int) -> Iterable[int]:
    """Return the unit of an account. Raises NotFound."""
    account = session.get(Account, number)
    if account is None:
        raise NotFound
    return [account.unit_id]


def register_accounts(app: Flask, panel: Panel) -> None:
    """Add the pages of accounts."""
    register_sheet(app, panel, "accounts", ACCOUNT, new_password, COLUMNS, SAMPLE)

    @app.get("/accounts")
    @needs(Action.MANAGE_ACCOUNTS)
    def accounts() -> Response:
        """List the accounts in the visitor's units, with their last use."""
        with panel.database.reading() as session:
            found = session.scalars(
                sa.select(Account)
                .where(Account.unit_id.in_(visitor().units))
                .options(joinedload(Account.unit))
                .order_by(Account.email)
            ).all()
            seen = dict(
                session.execute(
                    sa.select(WebSession.account_id, sa.func.max(WebSession.seen_at)).group_by(WebSession.account_id)
                ).all()
            )
            codes = set(
                session.scalars(sa.select(SecondFactor.account_id).where(SecondFactor.confirmed_at.is_not(None)))
            )
            tokens = dict(
                session.execute(
                    sa.select(ApiToken.account_id, sa.func.count())
                    .where(ApiToken.revoked_at.is_(None))
                    .group_by(ApiToken.account_id)
                ).all()
            )
        return page("accounts.html", accounts=found, seen=seen, codes=codes, tokens=tokens, is_disabled=is_disabled)

    @app.get("/accounts/new")
    @needs(Action.MANAGE_ACCOUNTS)
    def new_account() -> Response:
        """Show the form for a new account."""
        return _form_page(panel, form_of(panel))

    @app.post("/accounts/new")
    @needs(Action.MANAGE_ACCOUNTS, checks_units=True)
    def add_account() -> Response:
        """Add an account and show its temporary password once."""
        password = new_password()
        texts = {**sent_form().fields, "password": [password]}
        try:
            with panel.database.session() as session:
                email = take_form(session, panel, ACCOUNT, texts=texts).email
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, refused(refusal), status=422)
        return page("password_once.html", given=[(email, password)])

    @app.get("/accounts/<int:number>/edit")
    @needs(Action.MANAGE_ACCOUNTS, where=unit_of_account)
    def edit_account(number: int) -> Response:
        """Show the form of an account."""
        with panel.database.reading() as session:
            row = session.get_one(Account, number)
            texts = texts_of(ACCOUNT, row)
        return _form_page(panel, form_of(panel, texts), row)

    @app.post("/accounts/<int:number>/edit")
    @needs(Action.MANAGE_ACCOUNTS, where=unit_of_account, checks_units=True)
    def change_account(number: int) -> Response:
        """Change name, role and unit."""
        form = sent_form()
        with panel.database.session() as session:
            row = session.get_one(Account, number)
        try:
            with panel.database.session() as session:
                found = session.get_one(Account, number)
                if form.value("role") != found.role or form.value("unit") != found.unit.code:
                    require_another_administrator(session, found)
                texts = {name: values for name, values in form.fields.items() if name != "password"}
                take_form(session, panel, ACCOUNT, found, texts)
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, refused(refusal), row, 422)
        except LastAdministrator as refusal:
            form.problems[""] = refusal.message
            return _form_page(panel, form, row, 409)
        flash(say("entry.saved"))
        return redirect(url_for("accounts"), 303)

    @app.post("/accounts/<int:number>/password")
    @needs(Action.MANAGE_ACCOUNTS, where=unit_of_account)
    def reset_account_password(number: int) -> Response:
        """Reset the password and show it once; this enables a disabled account."""
        with panel.database.session() as session:
            row = session.get_one(Account, number)
            password = reset_password(session, row, visitor().actor, now())
        return page("password_once.html", given=[(row.email, password)])

    @app.post("/accounts/<int:number>/disable")
    @needs(Action.MANAGE_ACCOUNTS, where=unit_of_account)
    def disable_account(number: int) -> Response:
        """Disable the account (requires the confirmation box); its sessions and tokens end."""
        with panel.database.session() as session:
            row = session.get_one(Account, number)
            texts = texts_of(ACCOUNT, row)
        form = form_of(panel, texts)
        try:
            if not sent_form().chosen("sure", "yes"):
                form.problems[""] = say("entry.not_sure")
                return _form_page(panel, form, row, 422)
            with panel.database.session() as session:
                disable(session, session.get_one(Account, number), visitor().actor, now())
        except LastAdministrator as refusal:
            form.problems[""] = refusal.message
            return _form_page(panel, form, row, 409)
        flash(say("accounts.disabled_now"))
        return redirect(url_for("accounts"), 303)

    @app.post("/accounts/<int:number>/end-logins")
    @needs(Action.MANAGE_ACCOUNTS, where=unit_of_account)
    def end_logins(number: int) -> Response:
        """End every session of an account."""
        with panel.database.session() as session:
            besides = visitor().login_id if number == visitor().account.id else None
            ended = sessions.end_all(session, number, visitor().actor, now(), besides=besides)
        flash(say("accounts.ended", count=ended))
        return redirect(url_for("accounts"), 303)

    @app.post("/accounts/<int:number>/second-factor/off")
    @needs(Action.MANAGE_ACCOUNTS, where=unit_of_account)
    def reset_second_factor(number: int) -> Response:
        """Turn confirmation codes off for an owner who lost the phone and the recovery codes."""
        with panel.database.session() as session:
            second_factor.switch_off(session, session.get_one(Account, number), visitor().actor)
        flash(say("accounts.second_factor_off"))
        return redirect(url_for("accounts"), 303)


def _form_page(panel: Panel, form: Form, row: Account | None = None, status: int = 200) -> Response:
    with panel.database.reading() as session:
        units = units_to_choose(session, visitor())
    return page("account_form.html", status, form=form, account=row, units=units, roles=list(Role))
