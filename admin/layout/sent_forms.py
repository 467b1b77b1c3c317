"""Idempotent forms: a double click, a reload or going back does nothing twice.

Every form carries a random name, `once`. The digest of name, account, path and content identifies a submission; the
same submission again redirects to the first result, or to the form where the result was a secret that is shown once.
Another content is another form, and a refused form may be sent again. A form is marked as done in the transaction that
does what it asks for: when the process dies before it has answered, the same submission leads to the page of the form
and does nothing again.
"""

import datetime
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, Response, flash, g, redirect, request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from admin.access.models import SentForm
from admin.access.paths import HOME, path_within
from admin.access.proofs import new_proof
from admin.access.visitors import visitor_or_none
from admin.layout.language import say
from admin.panel import Panel
from haichieu.database import ALONG_WITH_CHANGES, now
from haichieu.errors import HaiChieuError

NAME = "once"
KEPT = datetime.timedelta(days=1)
GIVEN_UP_AFTER = datetime.timedelta(minutes=2)
"""After this time, a form in progress belonged to a process that died."""
WAIT_SECONDS = 10.0
_LOOK_EVERY = 0.1
_UNNAMED = (NAME, "csrf_token")


class StillBeingDone(HaiChieuError):
    """The same form was sent a moment ago and is still in progress."""

    def __init__(self) -> None:
        super().__init__("panel.frame.in_progress")


def register_sent_forms(app: Flask, panel: Panel) -> None:
    """Add the check after the access gate; templates name their forms with `once()`."""
    app.jinja_env.globals["once"] = new_proof

    @app.before_request
    def once_only() -> AnyResponse | None:
        who = visitor_or_none()
        if request.method != "POST" or who is None or who.login_id is None or not request.form.get(NAME):
            return None
        digest = _digest(who.account.id)
        where = _take(panel, digest, who.account.id)
        if where is None:
            g.sent_form = digest
            g.form_is_marked_by = ALONG_WITH_CHANGES.set(partial(_mark_as_done, digest))
            return None
        g.units_were_checked = True  # by the first submission
        flash(say("frame.done_already"))
        return redirect(where, 303)

    @app.after_request
    def remember(response: Response) -> Response:
        digest = g.pop("sent_form", None)
        if digest is None:
            return response
        with not_part_of_the_form(), panel.database.session() as session:
            this_form = SentForm.digest == digest
            if 300 <= response.status_code < 400 and response.location:
                session.execute(sa.update(SentForm).where(this_form).values(led_to=response.location))
            elif response.status_code < 300 and g.pop("shown_once", False):
                session.execute(sa.update(SentForm).where(this_form).values(led_to=_page_of_form()))
            elif response.status_code < 500:
                session.execute(sa.delete(SentForm).where(this_form))
            else:
                session.execute(sa.update(SentForm).where(this_form, SentForm.done).values(led_to=_page_of_form()))
                session.execute(sa.delete(SentForm).where(this_form, ~SentForm.done))
        return response

    @app.teardown_request
    def mark_no_longer(_error: BaseException | None) -> None:
        if (token := g.pop("form_is_marked_by", None)) is not None:
            ALONG_WITH_CHANGES.reset(token)


@contextmanager
def not_part_of_the_form() -> Iterator[None]:
    """Let transactions of this block, such as the check of a password, leave the form as one that is not done yet."""
    token = ALONG_WITH_CHANGES.set(None)
    try:
        yield
    finally:
        ALONG_WITH_CHANGES.reset(token)


def forget(session: Session, at: datetime.datetime) -> None:
    """Delete forms that are too old to be sent again."""
    session.execute(sa.delete(SentForm).where(SentForm.sent_at < at - KEPT))


def _take(panel: Panel, digest: str, account_id: int) -> str | None:
    """Claim the form (None), or return the redirect of its first submission. Raises StillBeingDone."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with panel.database.session() as session:
                moment, known = now(), session.get(SentForm, digest)
                if known is None:
                    session.add(SentForm(digest=digest, account_id=account_id, sent_at=moment))
                    return None
                if known.led_to:
                    return known.led_to
                if known.sent_at < moment - GIVEN_UP_AFTER:
                    if known.done:
                        return _page_of_form()
                    known.sent_at = moment
                    return None
        except IntegrityError:  # on PostgreSQL: a concurrent request has just inserted it
            continue
        if time.monotonic() > until:
            if known is not None and known.done:
                return _page_of_form()
            raise StillBeingDone
        time.sleep(_LOOK_EVERY)


def _mark_as_done(digest: str, session: Session) -> None:
    session.execute(sa.update(SentForm).where(SentForm.digest == digest).values(done=True))


def _page_of_form() -> str:
    return path_within(urlsplit(request.referrer or "").path or HOME)


def _digest(account_id: int) -> str:
    digest = hashlib.sha256(f"{account_id}\0{request.path}\0{request.form[NAME]}".encode())
    for name in sorted(request.form):
        if name not in _UNNAMED:
            digest.update(repr((name, request.form.getlist(name))).encode())
    for name in sorted(request.files):
        for file in request.files.getlist(name):
            digest.update(repr((name, file.filename)).encode())
            digest.update(hashlib.file_digest(file.stream, "sha256").digest())  # type: ignore[arg-type]
            file.stream.seek(0)
    return digest.hexdigest()
