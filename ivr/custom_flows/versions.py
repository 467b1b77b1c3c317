"""Drafts and versions of custom flows: editing, checking, publishing and rolling back.

There is one draft per flow, protected against concurrent changes: each change names the text that it is based on, by
its mark, and a different current text raises FlowChangedMeanwhile. Publishing and rolling back make a new version,
which the next call uses.
"""

import datetime
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu import audit
from haichieu.audit import AuditEntry
from haichieu.people import Unit
from ivr.calls.routing import OF_THE_STATION, units_routed_to
from ivr.custom_flows.errors import AlreadyInUse, FlowChangedMeanwhile, NoDraft, NoReason, NoSuchFlow, NoSuchVersion
from ivr.custom_flows.models import FlowDraft, FlowVersion
from ivr.custom_flows.sketch import read_sketch
from ivr.flows.definition import Flow, delivered_definition, delivered_flows, parse_flow
from ivr.flows.linter import PromptsOnHand, lint
from ivr.flows.mistakes import FlowMistakes, Mistake, MistakeKind, mistake

BUILT_IN = 0
"""The number of the built-in version."""


def require_known(flow: str) -> str:
    if flow not in delivered_flows():
        raise NoSuchFlow(flow)
    return flow


def current_number(session: Session, flow: str) -> int:
    """Return the number of the version in use. Raises NoSuchFlow."""
    newest = sa.select(sa.func.max(FlowVersion.number)).where(FlowVersion.flow == require_known(flow))
    return session.scalar(newest) or BUILT_IN


def find_version(session: Session, flow: str, number: int) -> str:
    """Return the definition of a version. Raises NoSuchFlow or NoSuchVersion."""
    if number == BUILT_IN:
        return delivered_definition(require_known(flow))
    wanted = sa.select(FlowVersion.definition).where(
        FlowVersion.flow == require_known(flow), FlowVersion.number == number
    )
    definition = session.scalar(wanted)
    if definition is None:
        raise NoSuchVersion(flow, number)
    return definition


def current_definition(session: Session, flow: str) -> str:
    """Return the definition in use. Raises NoSuchFlow."""
    return find_version(session, flow, current_number(session, flow))


@dataclass(frozen=True)
class FlowCheck:
    """The linter with the prompts and languages of the station."""

    prompts: PromptsOnHand
    languages: Iterable[str]

    def require_sound(self, name: str, definition: str) -> Flow:
        """Return the flow when it is sound. Raises FlowMistakes with every mistake."""
        flow = parse_flow(definition)
        other_name = [mistake(MistakeKind.OTHER_NAME, "flow", found=flow.flow, name=name)] if flow.flow != name else []
        if mistakes := [*other_name, *lint(flow, self.prompts, self.languages)]:
            raise FlowMistakes(mistakes)
        return flow

    def mistakes(self, name: str, definition: str) -> tuple[Mistake, ...]:
        """Return every mistake."""
        try:
            self.require_sound(name, definition)
        except FlowMistakes as found:
            return found.mistakes
        return ()


def find_draft(session: Session, flow: str) -> FlowDraft | None:
    return session.get(FlowDraft, flow)


def at_work(session: Session, flow: str) -> str:
    """Return the definition to edit: the draft, else the version in use. Raises NoSuchFlow."""
    draft = find_draft(session, flow)
    return draft.definition if draft else current_definition(session, flow)


def mark_of(definition: str) -> str:
    """Return a short mark that identifies a definition."""
    return hashlib.sha256(definition.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def save_draft(session: Session, flow: str, definition: str, seen: str, who: str, at: datetime.datetime) -> FlowDraft:
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


def discard_draft(session: Session, flow: str, seen: str, who: str) -> None:
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


def draft_begun_at(session: Session, flow: str) -> datetime.datetime | None:
    """Return when the present draft was begun, by the audit trail; None without a draft."""
    if find_draft(session, flow) is None:
        return None
    newest = sa.select(AuditEntry.at, AuditEntry.detail).where(
        AuditEntry.subject == f"flow:{flow}", AuditEntry.action == "flow.draft"
    )
    entries = session.execute(newest.order_by(AuditEntry.id.desc()))
    return next((at for at, detail in entries if detail.get("edition") == 1), None)


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


def units_concerned(session: Session, flow: str) -> set[int]:
    """Return the units whose administrator may change a flow; all of them are needed. Raises NoSuchFlow.

    For a flow without a number, and for the station's own, these are the highest units.
    """
    routed = units_routed_to(session, require_known(flow))
    if routed and flow not in OF_THE_STATION:
        return routed
    return set(session.scalars(sa.select(Unit.id).where(Unit.parent_id.is_(None))))
