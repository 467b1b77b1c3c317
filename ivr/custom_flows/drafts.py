"""Drafts of flows: one draft per flow, protected against concurrent changes.

Each change names the text that it is based on, by its mark; a different current text raises FlowChangedMeanwhile.
"""

import datetime
import hashlib

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu import audit
from ivr.custom_flows.errors import FlowChangedMeanwhile, NoDraft
from ivr.custom_flows.models import FlowDraft
from ivr.custom_flows.numbers import current_definition, current_number
from ivr.custom_flows.sketch import read_sketch


def find_draft(session: Session, flow: str) -> FlowDraft | None:
    return session.get(FlowDraft, flow)


def at_work(session: Session, flow: str) -> str:
    """Return the definition to edit: the draft, else the version in use. Raises NoSuchFlow."""
    draft = find_draft(session, flow)
    return draft.definition if draft else current_definition(session, flow)


def mark_of(definition: str) -> str:
    """Return a short mark that identifies a definition."""
    return hashlib.sha256(definition.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def save(session: Session, flow: str, definition: str, seen: str, who: str, at: datetime.datetime) -> FlowDraft:
    """Store a definition as the draft, when `seen` is the mark of the current text.

    It may have mistakes as long as it can be shown as steps. Raises FlowMistakes, FlowChangedMeanwhile or NoSuchFlow.
    """
    text = read_sketch(definition).text
    draft = session.get(FlowDraft, flow, with_for_update=True)
    if seen != mark_of(draft.definition if draft else current_definition(session, flow)):
        raise FlowChangedMeanwhile(flow)
    if draft is None:
        begun_on = current_number(session, flow)
        draft = FlowDraft(flow=flow, definition=text, edition=1, begun_on=begun_on, changed_by=who, changed_at=at)
        try:
            with session.begin_nested():
                session.add(draft)
        except sa.exc.IntegrityError as problem:  # begun by another in this very moment
            raise FlowChangedMeanwhile(flow) from problem
    else:
        draft.definition, draft.edition, draft.changed_by, draft.changed_at = text, draft.edition + 1, who, at
    audit.record(session, who, "flow.draft", f"flow:{flow}", edition=draft.edition)
    return draft


def discard(session: Session, flow: str, seen: str, who: str) -> None:
    """Delete the draft. Raises FlowChangedMeanwhile or NoDraft."""
    draft = require_draft(session, flow, seen)
    audit.record(session, who, "flow.discard", f"flow:{flow}", edition=draft.edition)
    session.delete(draft)


def require_draft(session: Session, flow: str, seen: str) -> FlowDraft:
    """Return the draft, locked, when `seen` is its mark. Raises FlowChangedMeanwhile or NoDraft."""
    draft = session.get(FlowDraft, flow, with_for_update=True)
    if draft is None:
        raise NoDraft(flow)
    if mark_of(draft.definition) != seen:
        raise FlowChangedMeanwhile(flow)
    return draft
