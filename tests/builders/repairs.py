"""Builders of repairs."""

from sqlalchemy.orm import Session

from broadcast_bridge.repairs.models import Repair
from broadcast_bridge.repairs.reporting import Reported, report
from broadcast_bridge.repairs.states import Fault, Origin
from haichieu.database import now


def repair(session: Session, speaker_id: int, fault: Fault = Fault.SILENT, **more: object) -> Repair:
    """Report a fault of a speaker on the fault line, and return its repair with other columns set."""
    made = report(session, speaker_id, Reported(fault, Origin.FAULT_LINE), now()).repair
    for name, value in more.items():
        setattr(made, name, value)
    session.flush()
    return made
