"""Recording a prompt by phone: the station calls an official, and the page shows the progress."""

import datetime
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from flask import Response, redirect, url_for
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response as AnyResponse

from admin.access.visitors import visitor
from admin.layout.pages import Form, sent_form
from admin.panel import Panel
from haichieu.database import now
from haichieu.people import Official, OfficialPhone
from ivr.prompts import calls, custom
from ivr.prompts.calls import CallState, PromptCall
from ivr.prompts.custom import PromptRefused
from ivr.prompts.store import PromptStore

SHOWN_FOR = datetime.timedelta(minutes=10)
UNDER_WAY = (CallState.OWED, CallState.CALLING)


def recording_call(
    panel: Panel,
    store_with: Callable[[str, str], PromptStore],
    show: Callable[[str, str, Form, int], Response],
) -> Callable[[str, str], AnyResponse]:
    """Return the step; `store_with` returns the prompts, `show` renders the page of one."""

    def call_for_prompt(language: str, key: str) -> AnyResponse:
        """Have the station call an official to record the prompt."""
        found, form = store_with(key, language), sent_form()
        try:
            custom.require_recordable(found.texts, key)
            with panel.database.session() as session:
                calls.request(session, key, language, form.value("phone"), visitor().actor, now())
        except PromptRefused as refusal:
            form.problems["phone"] = refusal.message
            return show(language, key, form, 422)
        return redirect(url_for("prompt", language=language, key=key, _anchor="phone"), 303)

    return call_for_prompt


def newest_call(session: Session, key: str, language: str) -> PromptCall | None:
    """Return the newest call about a prompt, while it is recent."""
    return calls.newest(session, key, language, now() - SHOWN_FOR)


def goes_on(call: PromptCall | None) -> bool:
    """Return whether a call is pending or in progress."""
    return call is not None and call.state in UNDER_WAY


def phones_to_call(session: Session) -> Sequence[OfficialPhone]:
    """Return the registered phones of active officials, by name."""
    return session.scalars(
        sa.select(OfficialPhone)
        .join(Official)
        .where(Official.pin_hash != "")
        .options(joinedload(OfficialPhone.official))
        .order_by(Official.name, OfficialPhone.id)
    ).all()
