"""What Twilio tells of a text after it took it. A text's state only moves forward: old news changes nothing."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.answers.replies import changes
from feedback.models import Reply
from feedback.states import ReplyEvent, ReplyState, Way
from feedback.texts.outbox import HandedOver, adopt
from feedback.texts.twilio_line import NAME
from haichieu.state_machine import IllegalTransition

_DELIVERED = ("delivered", "read")
_FAILED = ("failed", "undelivered", "canceled")
_REASONS = {
    "30003": "Máy nhận tắt hoặc ngoài vùng phủ sóng. / The phone is off or out of reach.",
    "30004": "Máy nhận chặn tin nhắn. / The phone blocks texts.",
    "30005": "Số nhận không tồn tại. / The number does not exist.",
    "30006": "Số cố định, không nhận được tin nhắn. / A landline, which takes no texts.",
    "30007": "Nhà mạng lọc tin nhắn này. / The carrier filtered this text.",
    "30008": "Không tới được máy nhận. / It did not reach the phone.",
}


def note_status(
    session: Session, provider_id: str, reply_id: int | None, status: str, code: str, at: datetime.datetime
) -> bool:
    """Take one status of a text; say whether it changed anything.

    `reply_id` is what we gave Twilio along with the text: it tells us of one that was handed over by a process that
    died before it could write so down.
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
    event, reason = None, ""
    if status in _DELIVERED:
        event = ReplyEvent.DELIVER
    elif status in _FAILED:
        event, reason = (
            ReplyEvent.FAIL,
            _REASONS.get(code, f"Nhà mạng không giao được (Twilio {code}). / Not delivered."),
        )
    try:
        if event is not None:
            changes(session, reply, event, at, reason)
    except IllegalTransition:
        return False
    return reply.state != before
