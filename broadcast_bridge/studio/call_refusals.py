"""Reasons why a loudspeaker did not take a call, from the status of its SIP answer."""

from broadcast_bridge.broadcasts.states import Reason
from haichieu.ari.errors import NotAnswered

_BY_STATUS = {
    **dict.fromkeys((486, 600), Reason.BUSY),
    **dict.fromkeys((401, 403, 407, 603, 607, 608), Reason.REFUSED),
    480: Reason.DO_NOT_DISTURB,
    **dict.fromkeys((415, 488, 606), Reason.NO_COMMON_CODEC),
    **dict.fromkeys((404, 408, 410, 430, 484, 485, 502, 503, 504, 604), Reason.UNREACHABLE),
    **dict.fromkeys((481, 487), Reason.NO_ANSWER),
}
_BY_CAUSE = {
    NotAnswered.BUSY: Reason.BUSY,
    NotAnswered.REJECTED: Reason.REFUSED,
    NotAnswered.REDIRECTED: Reason.FORWARDED,
    NotAnswered.NO_ANSWER: Reason.NO_ANSWER,
    NotAnswered.UNREACHABLE: Reason.NOT_REGISTERED,
    NotAnswered.NO_CODEC: Reason.NO_COMMON_CODEC,
    NotAnswered.NO_LINE: Reason.NO_LINE,
}


def reason_of(refusal: NotAnswered) -> Reason:
    """Return why a speaker did not answer: by its SIP status (RFC 3261 §21), else by the Q.850 cause."""
    status = refusal.sip_status
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return Reason.FORWARDED
    if status >= 400:
        return Reason.DEVICE_ERROR
    return _BY_CAUSE.get(refusal.cause, Reason.NO_ANSWER)
