"""State machine of repairs, and the codes that go with them."""

from enum import StrEnum

from haichieu.state_machine import StateMachine


class Fault(StrEnum):
    """What is wrong with a speaker, the gravest first: a repair shows the gravest of its reports."""

    UNSAFE = "unsafe"
    """It, its pole or its wires may fall."""
    AWAY = "away"
    """It has not been connected for longer than its limit."""
    SILENT = "silent"
    NOISY = "noisy"
    LOUD = "loud"
    OTHER = "other"

    @property
    def silences(self) -> bool:
        """Return whether the village hears nothing meanwhile."""
        return self in (Fault.AWAY, Fault.SILENT)


KEYED: dict[str, Fault] = {
    "1": Fault.SILENT,
    "2": Fault.LOUD,
    "3": Fault.UNSAFE,
    "4": Fault.NOISY,
    "5": Fault.OTHER,
}
"""Faults by the key that reports them on the telephone."""


class Origin(StrEnum):
    """Who or what reported a fault."""

    SUPERVISION = "supervision"
    FAULT_LINE = "fault_line"
    PHONE = "phone"
    """An official by telephone."""
    PANEL = "panel"


class Outcome(StrEnum):
    """How a repair was closed; empty while it is open."""

    OPEN = ""
    TESTED = "tested"
    """The test tone played, and the technician at the pole heard it."""
    DONE = "done"
    """A user of the panel says so."""
    RETURNED = "returned"
    """The speaker is connected again, and nobody had done or said anything."""
    RETIRED = "retired"
    """The speaker was taken out of use."""


class RepairState(StrEnum):
    """States of a repair."""

    OPEN = "open"
    CLOSED = "closed"


class RepairEvent(StrEnum):
    """Events of a repair."""

    CLOSE = "close"
    REOPEN = "reopen"


REPAIR = StateMachine(
    "repair",
    RepairState.OPEN,
    {
        (RepairState.OPEN, RepairEvent.CLOSE): RepairState.CLOSED,
        (RepairState.CLOSED, RepairEvent.REOPEN): RepairState.OPEN,
    },
)
