"""States of a publication duty, as a whole and in one village."""

from enum import StrEnum


class DutyState(StrEnum):
    """State of a duty. A village has the same states, except that only a whole duty is cancelled."""

    OPEN = "open"
    """It can still be met in time."""
    OVERDUE = "overdue"
    """It can no longer be met in time, and is still to be done."""
    MET = "met"
    MET_LATE = "met_late"
    MISSED = "missed"
    """Its event is over, or hours of a repeated warning have passed without it."""
    CANCELLED = "cancelled"


ACTIVE = (DutyState.OPEN, DutyState.OVERDUE)
"""States in which runs still count."""
CERTIFIED = (DutyState.MET, DutyState.MET_LATE)
"""States of a village for which a certificate can be issued."""


def state_of_all(states: list[DutyState]) -> DutyState:
    """Return the state of a duty from those of its villages."""
    for state in (DutyState.OVERDUE, DutyState.OPEN, DutyState.MISSED, DutyState.MET_LATE):
        if state in states:
            return state
    return DutyState.MET if states else DutyState.OPEN
