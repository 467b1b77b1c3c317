"""Pages of accounts: list, add, edit, reset password, end sessions, turn codes off."""

from collections import Counter
from collections.abc import Iterable

import sqlalchemy as sa
from flask import Flask, flash, redirect, url_for
from sqlalchemy.orm import Session, joinedload
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access import second_factor, sessions
from admin.access.confirming import FIELD, confirm_password, not_confirmed
from admin.access.errors import AccessRefused
from admin.access.models import SecondFactor, WebSession
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
from admin.entries.entry_forms import Conflict, form_of, refused, take_form
from admin.entries.scope import units_to_choose
from admin.entries.sheet_pages import register_sheet
from admin.layout.addresses import text_asked
from admin.layout.language import say
from admin.layout.pages import Form, page, page_shown_once, sent_form
from admin.panel import Panel
from admin.search.matching import Typed
from admin.search.names import accounts_named
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.district.entries import ACCOUNT, EntryRefused, Texts, texts_of
from haichieu.people import Account, Role
from haichieu.prepared_hashes import PreparedHashes
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


def register_accounts(app: Flask, panel: Panel) -> None:
    """Add the pages of accounts."""
    register_sheet(app, panel, "accounts", ACCOUNT, new_password, COLUMNS, SAMPLE)

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
            "people.html", kind="accounts", people=found[:A_PAGE], words=words, after=after, following=following,
            seen=seen, codes=codes, tokens=tokens, is_disabled=is_disabled,
        )  # fmt: skip

    @app.get("/accounts/new")
    @needs(Action.MANAGE_ACCOUNTS)
    def new_account() -> Response:
        """Show the form for a new account."""
        return _form_page(panel, form_of(panel))

    @app.post("/accounts/new")
    @needs(Action.MANAGE_ACCOUNTS, checks_units=True)
    def add_account() -> Response:
        """Add an account (asks for the visitor's password) and show its temporary password once."""
        password, hashes = new_password(), PreparedHashes()
        hashes.prepare("", password)
        texts = {**_own_fields(sent_form()), "password": [password]}
        try:
            confirm_password(panel, sent_form())
            with panel.database.session() as session:
                email = take_form(session, panel, ACCOUNT, texts=texts, hashes=hashes).email
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, refused(refusal), status=422)
        except AccessRefused as refusal:
            return _form_page(panel, not_confirmed(sent_form(), refusal), status=422)
        return page_shown_once("password_once.html", given=[(email, password)])

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
        """Change name, role and unit (asks for the visitor's password)."""
        form = sent_form()
        with panel.database.session() as session:
            row = session.get_one(Account, number)
        try:
            confirm_password(panel, form)
            with panel.database.session() as session:
                found = session.get_one(Account, number)
                if form.value("role") != found.role or form.value("unit") != found.unit.code:
                    require_another_administrator(session, found)
                take_form(session, panel, ACCOUNT, found, _own_fields(form))
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, refused(refusal), row, 422)
        except AccessRefused as refusal:
            return _form_page(panel, not_confirmed(form, refusal), row, 422)
        except LastAdministrator as refusal:
            form.problems[""] = refusal.message
            return _form_page(panel, form, row, 409)
        flash(say("entry.saved"))
        return redirect(url_for("accounts"), 303)

    @app.post("/accounts/<int:number>/password")
    @needs(Action.MANAGE_ACCOUNTS, where=unit_of_account)
    def reset_account_password(number: int) -> Response:
        """Reset the password (asks for the visitor's) and show it once; this enables a disabled account."""
        if problem := _problem_of_confirming(panel, number):
            return problem
        password = new_password()
        hashed = hash_secret(password)
        with panel.database.session() as session:
            row = session.get_one(Account, number)
            reset_password(session, panel.vault, row, hashed, visitor().actor, now())
        return page_shown_once("password_once.html", given=[(row.email, password)])

    @app.post("/accounts/<int:number>/unlock")
    @needs(Action.MANAGE_ACCOUNTS, where=unit_of_account)
    def unlock_account(number: int) -> Response:
        """Forget the failed sign-ins of an account, so that sign-in is possible at once."""
        with panel.database.session() as session:
            row = session.get_one(Account, number)
            lift(session, panel.vault, account_identity(row.email))
            audit.record(session, visitor().actor, "sign_in.unlock", f"account:{row.email}")
        flash(say("entry.unlocked"))
        return redirect(url_for("edit_account", number=number), 303)

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
        """Turn codes off for an owner who lost phone and recovery codes (asks for the visitor's password)."""
        if problem := _problem_of_confirming(panel, number):
            return problem
        with panel.database.session() as session:
            second_factor.switch_off(session, session.get_one(Account, number), visitor().actor)
        flash(say("accounts.second_factor_off"))
        return redirect(url_for("accounts"), 303)


def _own_fields(form: Form) -> Texts:
    """Return the fields of the account itself."""
    return {name: values for name, values in form.fields.items() if name != FIELD}


def _problem_of_confirming(panel: Panel, number: int) -> Response | None:
    """Return the page of the account with the problem, if the visitor's password is missing or wrong."""
    try:
        confirm_password(panel, sent_form())
    except AccessRefused as refusal:
        with panel.database.reading() as session:
            row = session.get_one(Account, number)
            form = form_of(panel, texts_of(ACCOUNT, row))
        return _form_page(panel, not_confirmed(form, refusal), row, 422)
    return None


def _form_page(panel: Panel, form: Form, row: Account | None = None, status: int = 200) -> Response:
    with panel.database.reading() as session:
        units = units_to_choose(session, visitor())
        has_codes = row is not None and second_factor.is_on(session, row.id)
        locked = row and refused_until(session, panel.vault, account_identity(row.email), now())
    return page(
        "account_form.html", status, form=form, account=row, units=units, roles=list(Role), has_codes=has_codes,
        locked_until=locked,
    )  # fmt: skip
