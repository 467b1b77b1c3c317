"""Drafts of flows: one a flow, worked on by whoever may, without losing what another has done to it."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu import audit
from ivr.own_flows.errors import FlowChangedMeanwhile, NoDraft
from ivr.own_flows.models import FlowDraft
from ivr.own_flows.numbers import current_number, find_version
from ivr.own_flows.sketch import read_sketch

NONE_YET = 0
"""The edition of a draft that is not there."""


def find_draft(session: Session, flow: str) -> FlowDraft | None:
    """Return the draft of a flow, None when there is none."""
    return session.get(FlowDraft, flow)


def begin(session: Session, flow: str, of: int, who: str, at: datetime.datetime) -> FlowDraft:
    """Begin a draft with one of the versions. Raises FlowChangedMeanwhile when there is one, or NoSuchVersion."""
    return save(session, flow, find_version(session, flow, of), NONE_YET, who, at)


def save(session: Session, flow: str, definition: str, edition: int, who: str, at: datetime.datetime) -> FlowDraft:
    """Keep a definition as the draft, when the draft is still in this edition; a first one follows `NONE_YET`.

    It may be full of mistakes, as long as it can be shown as steps. Raises FlowMistakes, FlowChangedMeanwhile or
    NoSuchFlow.
    """
    text = read_sketch(definition).text
    current = current_number(session, flow)
    draft = session.get(FlowDraft, flow, with_for_update=True)
    if edition != (draft.edition if draft else NONE_YET):
        raise FlowChangedMeanwhile(flow)
    if draft is None:
        draft = FlowDraft(flow=flow, definition=text, edition=1, begun_on=current, changed_by=who, changed_at=at)
        try:
            with session.begin_nested():
                session.add(draft)
        except sa.exc.IntegrityError as problem:  # begun by another in this very moment
            raise FlowChangedMeanwhile(flow) from problem
    else:
        draft.definition, draft.edition, draft.changed_by, draft.changed_at = text, edition + 1, who, at
    audit.record(session, who, "flow.draft", f"flow:{flow}", edition=draft.edition)
    return draft


def discard(session: Session, flow: str, edition: int, who: str) -> None:
    """Throw the draft away. Raises FlowChangedMeanwhile or NoDraft."""
    session.delete(require_draft(session, flow, edition))
    audit.record(session, who, "flow.discard", f"flow:{flow}", edition=edition)


def require_draft(session: Session, flow: str, edition: int) -> FlowDraft:
    """Return the draft, locked, when it is still in this edition. Raises FlowChangedMeanwhile or NoDraft."""
    draft = session.get(FlowDraft, flow, with_for_update=True)
    if draft is None:
        raise NoDraft(flow)
    if draft.edition != edition:
        raise FlowChangedMeanwhile(flow)
    return draft
