"""Delivery reports from Twilio. The state of a text only moves forward: late reports change nothing."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.answers.replies import advance
from feedback.models import Reply
from feedback.states import ReplyEvent, ReplyState, Way
from feedback.texts.outbox import HandedOver, adopt
from feedback.texts.twilio_line import NAME
from haichieu.locale import message
from haichieu.state_machine import IllegalTransition

_DELIVERED = ("delivered", "read")
_FAILED = ("failed", "undelivered", "canceled")
_REASONS = {
    "30003": "phone_off",
    "30004": "phone_blocks",
    "30005": "no_such_number",
    "30006": "landline",
    "30007": "filtered",
    "30008": "not_reached",
}
"""Twilio's error codes of deliveries, by the last part of their key in the catalogue."""


def note_status(
    session: Session, provider_id: str, reply_id: int | None, status: str, code: str, at: datetime.datetime
) -> bool:
    """Apply one delivery report; return whether it changed anything.

    `reply_id` is the id that we gave Twilio with the text. It identifies a text whose worker died before storing
    Twilio's id.
    """
    reply = session.scalar(sa.select(Reply).where(Reply.provider_id == provider_id).with_for_update())
    if reply is None and reply_id is not None:
        lost = session.get(Reply, reply_id, with_for_update=True)
        if lost and lost.provider == NAME and lost.way == Way.TEXT and lost.provider_id is None:
            reply = lost
    if reply is None:
        return False
    before = reply.state
    if reply.state == ReplyState.UNDER_WAY:
        adopt(session, reply, HandedOver(provider_id), at)
    event, reason = None, None
    if status in _DELIVERED:
        event = ReplyEvent.DELIVER
    elif status in _FAILED:
        event, reason = ReplyEvent.FAIL, message(f"text.delivery.{_REASONS.get(code, 'failed')}", code=code)
    try:
        if event is not None:
            advance(session, reply, event, at, reason)
    except IllegalTransition:
        return False
    return reply.state != before
