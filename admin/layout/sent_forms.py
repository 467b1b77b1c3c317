"""Idempotent forms: a double click, a reload or going back does nothing twice.

Every form carries a random name, `once`. The digest of name, account, path and content identifies a submission; the
same submission again redirects to the first result. Another content is another form, and a refused form may be sent
again.
"""

import datetime
import hashlib
import time

import sqlalchemy as sa
from flask import Flask, Response, flash, g, redirect, request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from admin.access.models import SentForm
from admin.access.proofs import new_proof
from admin.access.visitors import visitor_or_none
from admin.layout.language import say
from admin.panel import Panel
from haichieu.database import now
from haichieu.errors import HaiChieuError

NAME = "once"
KEPT = datetime.timedelta(hours=12)
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
            return None
        g.units_were_checked = True  # by the first submission
        flash(say("frame.done_already"))
        return redirect(where, 303)

    @app.after_request
    def remember(response: Response) -> Response:
        digest = g.pop("sent_form", None)
        if digest is not None:
            with panel.database.session() as session:
                if 300 <= response.status_code < 400 and response.location:
                    done = sa.update(SentForm).where(SentForm.digest == digest)
                    session.execute(done.values(led_to=response.location))
                else:
                    session.execute(sa.delete(SentForm).where(SentForm.digest == digest))
        return response


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
                    known.sent_at = moment
                    return None
        except IntegrityError:  # on PostgreSQL: a concurrent request has just inserted it
            continue
        if time.monotonic() > until:
            raise StillBeingDone
        time.sleep(_LOOK_EVERY)


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
