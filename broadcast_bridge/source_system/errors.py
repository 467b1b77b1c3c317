"""Errors of the link to a source system, one class per cause.

SourceProblem
├── SourceUnreachable    no answer, or HTTP says that there will be none now
├── LoginRefused         the name or the password is wrong
├── AnswerNotUnderstood  the answer is not what the dialect says
├── RequestRefused       the source refuses this request, and perhaps no other
└── SoundMissing         there is no sound at the link of a bulletin, and there will be none
BulletinRefused          the bulletin cannot be used
StepRefused              a person cannot do this with the bulletin now
NoSuchBulletin           there is no bulletin of this number
DecisionNotAllowed       the official may not decide about the bulletin
"""

from haichieu.errors import HaiChieuError, NotAllowed, NotFound


class SourceProblem(HaiChieuError):
    """The exchange with a source failed; it is tried again later."""


class SourceUnreachable(SourceProblem):
    """The source does not answer, or answers with an error."""


class LoginRefused(SourceProblem):
    """The source does not accept the name and the password."""


class AnswerNotUnderstood(SourceProblem):
    """The answer is not what the dialect says."""


class RequestRefused(SourceProblem):
    """The source refuses this request; it may accept others."""


class SoundMissing(SourceProblem):
    """There is no sound at the link, and asking again would not help."""


class BulletinRefused(HaiChieuError):
    """The bulletin cannot be used; the message is reported to its source."""


class StepRefused(HaiChieuError):
    """The step is not possible with this bulletin now."""


class NoSuchBulletin(NotFound):
    """There is no bulletin of this number."""


class DecisionNotAllowed(NotAllowed):
    """The official has no right to decide about this bulletin."""
