"""State machine of programmes."""

from enum import StrEnum

from haichieu.state_machine import StateMachine


class Origin(StrEnum):
    """Origin of a programme."""

    UPLOAD = "upload"
    TEXT = "text"
    PHONE = "phone"
    LIVE = "live"


class ProgrammeState(StrEnum):
    """States of a programme."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class ProgrammeEvent(StrEnum):
    """Events of a programme."""

    SUBMIT = "submit"
    APPROVE = "approve"
    RETURN = "return"
    EDIT = "edit"
    WITHDRAW = "withdraw"


_S, _E = ProgrammeState, ProgrammeEvent
PROGRAMME = StateMachine(
    "programme",
    _S.DRAFT,
    {
        (_S.DRAFT, _E.EDIT): _S.DRAFT,
        (_S.DRAFT, _E.SUBMIT): _S.SUBMITTED,
        (_S.DRAFT, _E.WITHDRAW): _S.WITHDRAWN,
        (_S.SUBMITTED, _E.APPROVE): _S.APPROVED,
        (_S.SUBMITTED, _E.RETURN): _S.RETURNED,
        (_S.SUBMITTED, _E.EDIT): _S.DRAFT,
        (_S.SUBMITTED, _E.WITHDRAW): _S.WITHDRAWN,
        # The approver approved what they heard: a change needs approval again.
        (_S.APPROVED, _E.EDIT): _S.DRAFT,
        (_S.APPROVED, _E.WITHDRAW): _S.WITHDRAWN,
        (_S.RETURNED, _E.EDIT): _S.DRAFT,
        (_S.RETURNED, _E.SUBMIT): _S.SUBMITTED,
        (_S.RETURNED, _E.WITHDRAW): _S.WITHDRAWN,
    },
)
