"""The list of accounts, and ending the logins or the second factor of one: for a lost laptop or a lost phone."""

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
from admin.layout.language import say
from admin.layout.pages import page
from admin.panel import Panel
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.people import Account


def unit_of_account(session: Session, number: int) -> Iterable[int]:
    """The unit of an account. Raises NotFound."""
    account = session.get(Account, number)
    if account is None:
        raise NotFound
    return [account.unit_id]


def register_accounts(app: Flask, panel: Panel) -> None:
    """Add the pages of accounts."""

    @app.get("/accounts")
    @needs(Action.MANAGE_ACCOUNTS)
    def accounts() -> Response:
        """The accounts in the visitor's units, with their last use."""
        with panel.database.session() as session:
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
        return page("accounts.html", accounts=found, seen=seen, codes=codes, tokens=tokens)

    @app.post("/accounts/<int:number>/end-logins")
    @needs(Action.MANAGE_ACCOUNTS, where=unit_of_account)
    def end_logins(number: int) -> Response:
        """End every login of an account."""
        with panel.database.session() as session:
            besides = visitor().login_id if number == visitor().account.id else None
            ended = sessions.end_all(session, number, visitor().actor, now(), besides=besides)
        flash(say("accounts.ended", count=ended))
        return redirect(url_for("accounts"), 303)

    @app.post("/accounts/<int:number>/second-factor/off")
    @needs(Action.MANAGE_ACCOUNTS, where=unit_of_account)
    def reset_second_factor(number: int) -> Response:
        """Ask an account for no more codes: its owner has lost the phone and the recovery codes."""
        with panel.database.session() as session:
            second_factor.switch_off(session, session.get_one(Account, number), visitor().actor)
        flash(say("accounts.second_factor_off"))
        return redirect(url_for("accounts"), 303)
