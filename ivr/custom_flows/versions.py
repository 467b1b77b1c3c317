"""Publishing and rolling back: each makes a new version, which the next call uses."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu import audit
from ivr.custom_flows.checking import FlowCheck
from ivr.custom_flows.drafts import require_draft
from ivr.custom_flows.errors import AlreadyInUse, FlowChangedMeanwhile, NoReason
from ivr.custom_flows.models import FlowVersion
from ivr.custom_flows.numbers import current_number, find_version

LONGEST_REASON = 500


def history(session: Session, flow: str) -> Sequence[FlowVersion]:
    """Return the published versions, newest first, without the built-in one."""
    return session.scalars(
        sa.select(FlowVersion).where(FlowVersion.flow == flow).order_by(FlowVersion.number.desc())
    ).all()


def publish(
    session: Session, flow: str, *, seen: str, over: int, because: str, who: str, at: datetime.datetime,
    check: FlowCheck,
) -> FlowVersion:  # fmt: skip
    """Publish the draft, when `seen` is its mark, as the next version and delete it.

    `over` is the version in use. Raises FlowMistakes, FlowChangedMeanwhile, NoDraft or NoReason.
    """
    draft = require_draft(session, flow, seen)
    made = _add(session, flow, draft.definition, over=over, because=because, who=who, at=at, check=check)
    session.delete(draft)
    audit.record(session, who, "flow.publish", f"flow:{flow}", version=made.number, because=made.because)
    return made


def roll_back(
    session: Session, flow: str, number: int, *, over: int, because: str, who: str, at: datetime.datetime,
    check: FlowCheck,
) -> FlowVersion:  # fmt: skip
    """Publish an earlier version again; the draft does not change.

    Raises FlowMistakes, FlowChangedMeanwhile, NoReason, NoSuchVersion or AlreadyInUse.
    """
    definition = find_version(session, flow, number)
    made = _add(session, flow, definition, over=over, because=because, who=who, at=at, check=check, restores=number)
    audit.record(
        session, who, "flow.roll_back", f"flow:{flow}", version=made.number, restores=number, because=made.because
    )
    return made


def _add(
    session: Session, flow: str, definition: str, *, over: int, because: str, who: str, at: datetime.datetime,
    check: FlowCheck, restores: int | None = None,
) -> FlowVersion:  # fmt: skip
    if not (reason := because.strip()):
        raise NoReason
    if current_number(session, flow) != over:
        raise FlowChangedMeanwhile(flow)
    if restores == over:
        raise AlreadyInUse(flow, over)
    check.require_sound(flow, definition)
    made = FlowVersion(
        flow=flow, number=over + 1, definition=definition, published_by=who, published_at=at,
        because=reason[:LONGEST_REASON], restores=restores,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(made)
    except sa.exc.IntegrityError as problem:  # published by another in this very moment
        raise FlowChangedMeanwhile(flow) from problem
    return made
