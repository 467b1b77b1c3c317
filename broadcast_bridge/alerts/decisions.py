"""Decisions about received alerts: broadcast, replace or stop an earlier one, or ignore, each with a reason.

Messages may arrive in any order and more than once; the result is the same. The row of an alert is the order to the
studio: `alerts.broadcasting` selects the alerts that are due and the broadcasts that must stop.
"""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.announcement import all_clear, text_to_speak
from broadcast_bridge.alerts.authenticity import Proof
from broadcast_bridge.alerts.cap import Alert, Info, MessageType, Scope, Status
from broadcast_bridge.alerts.cap_reader import parse_alert
from broadcast_bridge.alerts.errors import (
    AlertExpired,
    AlertForged,
    AlertRefused,
    AlertTooLarge,
    ElementWrong,
    NotCap,
    SentInFuture,
    SourceSwitchedOff,
)
from broadcast_bridge.alerts.geography import speakers_concerned
from broadcast_bridge.alerts.hostile_xml import without_resources
from broadcast_bridge.alerts.models import AlertReference, AlertSource, AlertText, CapAlert, DecisionKind
from broadcast_bridge.alerts.priorities import highest_of
from broadcast_bridge.alerts.sources import sends, source_claimed_by
from broadcast_bridge.alerts.states import ALERT, AlertEvent, AlertState
from broadcast_bridge.alerts.thread import replaced_in, thread_of
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Speaker
from haichieu import audit
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import Message, message, render

WORTH_HEARING = datetime.timedelta(hours=24)
"""How long after it was sent an alert without an expiry time is broadcast."""
CLOCKS_DIFFER = datetime.timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours."""

_EXERCISES = frozenset({Status.EXERCISE, Status.TEST})
_ASCENDING = [str(priority) for priority in Priority]


@dataclass(frozen=True)
class Decision:
    """What is to be done. `stops` are broadcasts that must end now, for every kind.

    `alert` is the stored row, or None when nothing was stored because nothing was proven. A refusal is returned, not
    raised, so that its audit entry is committed; a caller that must answer the sender can raise it afterwards.
    """

    kind: DecisionKind
    alert: CapAlert | None
    reason: Message | None = None
    refusal: AlertRefused | None = None
    stops: tuple[int, ...] = ()

    @property
    def speakers(self) -> tuple[Speaker, ...]:
        return tuple(self.alert.speakers) if self.alert else ()

    @property
    def texts(self) -> dict[str, str]:
        """The texts to be spoken, by language."""
        return {text.language: text.text for text in self.alert.texts} if self.alert else {}

    @property
    def priority(self) -> Priority:
        return Priority(self.alert.priority) if self.alert else Priority.NORMAL


def receive_from_anyone(session: Session, received: bytes, proof: Proof, at: datetime.datetime) -> Decision:
    """Decide about an alert from an unknown source, such as an uploaded file; its `sender` selects the source."""
    try:
        source = source_claimed_by(session, received)
    except AlertRefused as refusal:
        return _refuse(session, "unknown", hashlib.sha256(received).hexdigest(), refusal)
    return receive(session, source, received, proof, at)


def receive(session: Session, source: AlertSource, received: bytes, proof: Proof, at: datetime.datetime) -> Decision:
    """Authenticate one message, store it, and decide. Of an unproven message only the digest is stored."""
    digest = hashlib.sha256(received).hexdigest()
    # One message of a source at a time: an alert and its cancel that arrive together must see each other.
    session.execute(sa.select(AlertSource.id).where(AlertSource.id == source.id).with_for_update())
    try:
        document = _proven(source, received, proof, at)
        alert = parse_alert(document)
        _require_own_sender(source, alert)
        _require_past(alert, at)
    except AlertRefused as refusal:
        return _refuse(session, source.code, digest, refusal)
    row = _row(source, alert, document, digest, proof, at)
    known = _known(session, row)
    if known is not None:
        return _duplicate(session, known, row)
    session.add(row)
    session.flush()
    decision = _decide(session, source, alert, row, at)
    row.decision = decision.kind
    row.reason = decision.reason
    if alert.faults and _why_not_for_the_air(source, alert) is None:
        text = message("alert.defective", identifier=alert.identifier, faults=Message.lines(alert.faults))
        raise_alarm(session, AlarmKind.ALERT_DEFECTIVE, f"cap-alert:{row.id}", text)
    session.flush()
    audit.record(
        session,
        f"alert-source:{source.code}",
        f"alert.{decision.kind}",
        f"cap-alert:{row.id}",
        identifier=alert.identifier,
        sha256=digest,
        proof=proof.name,
        reason=_in_english(decision.reason),
        speakers=len(row.speakers),
    )
    return decision


def expiry_of(alert: Alert, info: Info) -> datetime.datetime:
    """Return the time from which an info is no longer worth hearing."""
    return info.expires or alert.sent + WORTH_HEARING


def _decide(session: Session, source: AlertSource, alert: Alert, row: CapAlert, at: datetime.datetime) -> Decision:
    reason = _why_not_for_the_air(source, alert)
    if reason is not None:
        row.state = ALERT.after(AlertState(row.state), AlertEvent.REFUSE)
        return Decision(DecisionKind.IGNORE, row, reason)
    if any(name.sender != alert.sender for name in alert.references):
        row.state = ALERT.after(AlertState(row.state), AlertEvent.REFUSE)
        reason = message("alert.reason.other_sender", sender=alert.sender)
        raise_alarm(session, AlarmKind.ALERT_FORGED, f"alert-source:{source.code}", reason)
        return Decision(DecisionKind.IGNORE, row, reason)
    replaced = replaced_in([row, *thread_of(session, row)])
    heard = [earlier for earlier, _later in replaced if earlier.state in (AlertState.AIRING, AlertState.AIRED)]
    stops = tuple(e.broadcast_id for e in heard if e.state == AlertState.AIRING and e.broadcast_id is not None)
    for earlier, later in replaced:
        event = AlertEvent.CANCEL if later.message_type == MessageType.CANCEL else AlertEvent.SUPERSEDE
        earlier.state = ALERT.after(AlertState(earlier.state), event)
        earlier.reason = message("alert.reason.replaced", identifier=later.identifier)
    if row.state != ALERT.initial:
        return Decision(DecisionKind.IGNORE, row, row.reason, stops=stops)
    if alert.message_type is MessageType.CANCEL:
        return _cancel(source, alert, row, heard, stops, any_known=bool(replaced))
    return _air(session, source, alert, row, at, stops)


def _cancel(
    source: AlertSource,
    alert: Alert,
    row: CapAlert,
    heard: Sequence[CapAlert],
    stops: tuple[int, ...],
    *,
    any_known: bool,
) -> Decision:
    """Broadcast the all-clear where the alert was heard; do nothing where it was not."""
    row.expires_at = row.received_at + WORTH_HEARING
    speakers = {speaker.id: speaker for earlier in heard for speaker in earlier.speakers if not speaker.removed_at}
    if not speakers:
        row.state = ALERT.after(AlertState(row.state), AlertEvent.NOTE)
        reason = message("alert.reason.not_aired_yet" if any_known else "alert.reason.cancels_unknown")
        return Decision(DecisionKind.CANCEL, row, reason, stops=stops)
    languages = dict.fromkeys(text.language for earlier in heard for text in earlier.texts)
    row.speakers = list(speakers.values())
    row.texts = [AlertText(language=spoken, text=all_clear(alert, spoken, source.name)) for spoken in languages]
    row.areas = ", ".join(dict.fromkeys(earlier.areas for earlier in heard if earlier.areas))
    row.priority = min(Priority.PRIORITY, Priority(source.highest_priority), key=_ASCENDING.index)
    return Decision(DecisionKind.CANCEL, row, stops=stops)


def _air(
    session: Session, source: AlertSource, alert: Alert, row: CapAlert, at: datetime.datetime, stops: tuple[int, ...]
) -> Decision:
    infos = [info for info in alert.infos if expiry_of(alert, info) > at]
    if not infos:
        row.state = ALERT.after(AlertState(row.state), AlertEvent.EXPIRE)
        refusal = AlertExpired("alert.expired", identifier=alert.identifier, at=row.expires_at)
        return Decision(DecisionKind.REFUSE, row, refusal.message, refusal, stops)
    coverage = speakers_concerned(session, [area for info in infos for area in info.areas], source.zones)
    if not coverage.speakers:
        row.state = ALERT.after(AlertState(row.state), AlertEvent.NOTE)
        areas = ", ".join(dict.fromkeys(area.description for info in infos for area in info.areas))[:200]
        reason = message("alert.reason.nowhere", areas=areas)
        text = message("alert.nowhere", identifier=alert.identifier, reason=reason)
        raise_alarm(session, AlarmKind.ALERT_NOWHERE, f"cap-alert:{row.id}", text)
        return Decision(DecisionKind.IGNORE, row, reason, stops=stops)
    limit = Priority.NORMAL if alert.status in _EXERCISES else Priority(source.highest_priority)
    texts = {
        spoken: text_to_speak(alert, spoken, source.name, infos, limit)
        for spoken in dict.fromkeys(info.language for info in infos)
    }
    row.speakers = list(coverage.speakers)
    row.areas = coverage.words
    row.texts = [AlertText(language=spoken, text=text) for spoken, text in texts.items() if text]
    row.priority = highest_of(infos, limit)
    row.not_before = max(at, min(info.effective or at for info in infos))
    kind = DecisionKind.UPDATE if alert.message_type is MessageType.UPDATE else DecisionKind.AIR
    return Decision(kind, row, stops=stops)


def _why_not_for_the_air(source: AlertSource, alert: Alert) -> Message | None:
    if alert.message_type in (MessageType.ACK, MessageType.ERROR):
        return message("alert.reason.for_machines", type=str(alert.message_type))
    if alert.status in (Status.SYSTEM, Status.DRAFT):
        return message("alert.reason.status_never_aired", status=str(alert.status))
    if alert.status in _EXERCISES and not source.speaks_exercises:
        return message("alert.reason.status_not_aired_by_source", status=str(alert.status))
    if alert.scope is not Scope.PUBLIC:
        return message("alert.reason.scope", scope=str(alert.scope))
    return None


def _proven(source: AlertSource, received: bytes, proof: Proof, at: datetime.datetime) -> bytes:
    if not source.enabled:
        raise SourceSwitchedOff("alert.source.disabled", source=source.code)
    return proof.proven(source, received, at)


def _require_own_sender(source: AlertSource, alert: Alert) -> None:
    if not sends(source, alert.sender):
        raise AlertForged("alert.forged.sender", sender=alert.sender, source=source.code)


def _require_past(alert: Alert, at: datetime.datetime) -> None:
    if alert.sent > at + CLOCKS_DIFFER:
        raise SentInFuture("alert.sent_in_future", at=alert.sent)


def _refuse(session: Session, source: str, digest: str, refusal: AlertRefused) -> Decision:
    audit.record(
        session,
        f"unproven:{source}",
        "alert.refused",
        f"alert-source:{source}",
        sha256=digest,
        error=type(refusal).__name__,
        reason=str(refusal)[:1000],
    )
    if isinstance(refusal, AlertForged):
        raise_alarm(session, AlarmKind.ALERT_FORGED, f"alert-source:{source}", refusal.message)
    if isinstance(refusal, (NotCap, ElementWrong, AlertTooLarge)):
        text = message("alert.unusable", problem=refusal.message)
        raise_alarm(session, AlarmKind.ALERT_DEFECTIVE, f"alert-source:{source}", text)
    return Decision(DecisionKind.REFUSE, None, refusal.message, refusal)


def _in_english(reason: Message | None) -> str:
    """Return a reason as the audit trail stores it."""
    return "" if reason is None else render(reason, "en")


def _row(
    source: AlertSource, alert: Alert, document: bytes, digest: str, proof: Proof, at: datetime.datetime
) -> CapAlert:
    """Return the row of a message before any decision."""
    return CapAlert(
        source=source,
        sender=alert.sender,
        identifier=alert.identifier,
        sent=alert.sent,
        status=alert.status,
        message_type=alert.message_type,
        digest=digest,
        document=without_resources(document).decode(),
        proof=proof.name,
        received_at=at,
        state=ALERT.initial,
        decision=DecisionKind.IGNORE,
        not_before=at,
        expires_at=max(expiry_of(alert, info) for info in alert.infos) if alert.infos else at + WORTH_HEARING,
        references=[
            AlertReference(sender=name.sender, identifier=name.identifier, sent=name.sent)
            for name in dict.fromkeys(alert.references)
        ],
    )


def _known(session: Session, row: CapAlert) -> CapAlert | None:
    return session.scalar(
        sa.select(CapAlert).where(
            CapAlert.source_id == row.source.id,
            CapAlert.sender == row.sender,
            CapAlert.identifier == row.identifier,
            CapAlert.sent == row.sent,
        )
    )


def _duplicate(session: Session, known: CapAlert, row: CapAlert) -> Decision:
    same = known.document == row.document
    reason = message("alert.reason.duplicate" if same else "alert.reason.duplicate_differs")
    audit.record(
        session,
        f"alert-source:{known.source.code}",
        "alert.duplicate",
        f"cap-alert:{known.id}",
        sha256=row.digest,
        reason=_in_english(reason),
    )
    return Decision(DecisionKind.DUPLICATE, known, reason)
