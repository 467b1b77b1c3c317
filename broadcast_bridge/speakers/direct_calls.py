"""Check of speakers for direct calls: a device that answers anyone on its network plays what a stranger says.

The station calls the device's address from another port, on demand and some minutes after it has registered at an
address for the first time, and raises an alarm when the device answers or rings.
"""

import asyncio
import datetime
import re
import uuid
from collections.abc import Mapping

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Mapped, Session, mapped_column

from broadcast_bridge.broadcasts.states import DeliveryState
from broadcast_bridge.models import Delivery, Speaker
from haichieu import audit, jobs
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.ari import operations
from haichieu.ari.call import Call
from haichieu.ari.client import APPLICATION, AriClient
from haichieu.ari.errors import AriRefused, NotAnswered
from haichieu.database import Base, Database, now
from haichieu.errors import EnvironmentProblem, HaiChieuError
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, JobState
from haichieu.locale import message
from haichieu.sip.address import SIP_PORT, SocketAddress
from haichieu.sip.direct_invite import DirectAnswer, call_directly

log = structlog.get_logger()

KIND = "direct-call"
AFTER_REGISTERING = datetime.timedelta(minutes=5)
"""The installer is still at work, and the first broadcasts of a new device should not find it busy."""
AGAIN = datetime.timedelta(minutes=2)
STARTED_SECONDS = 5.0

_CONNECTED = re.compile(r";transport=(tcp|tls)\b", re.IGNORECASE)
_CONTACT = re.compile(r"sips?:(?:[^@;&/]*@)?([0-9.]+)(?::([0-9]+))?")


class CannotCheck(HaiChieuError):
    """The speaker cannot be called now."""


class DirectCallCheck(Base):
    """The last check of one speaker, at the address (without port) that it had."""

    __tablename__ = "direct_call_checks"

    speaker_id: Mapped[int] = mapped_column(sa.ForeignKey("speakers.id", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str] = mapped_column(sa.String(60))
    result: Mapped[str] = mapped_column(sa.String(10))
    checked_at: Mapped[datetime.datetime]

    @property
    def is_open(self) -> bool:
        """Whether the device answered or rang."""
        return DirectAnswer(self.result).is_open


def request(session: Session, speaker: Speaker, who: str, at: datetime.datetime) -> None:
    """Check a speaker now. Raises CannotCheck."""
    if speaker.is_multicast:
        raise CannotCheck("speaker.direct_call.multicast", name=speaker.name)
    if not speaker.reachable or speaker.removed_at is not None:
        raise CannotCheck("speaker.unreachable", name=speaker.name)
    jobs.renew(session, KIND, speaker.id, at)
    audit.record(session, who, "speaker.direct_call", f"speaker:{speaker.code}")


def seen_at(session: Session, addresses: Mapping[str, str], at: datetime.datetime) -> None:
    """Plan the check of those speakers (by code) that have not been checked at this address yet."""
    known = sa.select(Speaker, DirectCallCheck).outerjoin(DirectCallCheck, DirectCallCheck.speaker_id == Speaker.id)
    for speaker, check in session.execute(known.where(Speaker.code.in_(addresses), Speaker.multicast == "")):
        planned = jobs.find(session, KIND, speaker.id)
        is_planned = planned is not None and planned.state in (JobState.WAITING, JobState.RUNNING)
        if not is_planned and (check is None or check.address != addresses[speaker.code]):
            jobs.renew(session, KIND, speaker.id, at + AFTER_REGISTERING)


def address_of(contact: str) -> SocketAddress | None:
    """Return the address to call in a contact URI; None without a numeric one.

    The port of a TCP or TLS contact is that of the device's connection; such a device listens at the usual port.
    """
    first = contact.partition("&")[0]
    found = _CONTACT.search(first)
    if found is None:
        return None
    port = found[2] if found[2] and not _CONNECTED.search(first) else SIP_PORT
    return SocketAddress(found[1], int(port))


async def registered_address(client: AriClient, code: str) -> SocketAddress | None:
    """Return where a device is registered; None when it is not.

    Only a channel knows it: one is made, and hung up without having dialled.
    """
    async with Call(client, f"check-{code}-{uuid.uuid4().hex[:12]}", None, code) as call:
        try:
            await client.request(
                operations.CREATE_CHANNEL,
                channelId=call.id,
                endpoint=f"PJSIP/{code}",
                app=APPLICATION,
                appArgs="check",
                body={"variables": {}},
            )
            async with asyncio.timeout(STARTED_SECONDS):
                await call.started()  # before that its events would belong to nobody
            found = await client.request(
                operations.CHANNEL_VARIABLE, channelId=call.id, variable=f"PJSIP_DIAL_CONTACTS({code})"
            )
        except (AriRefused, NotAnswered):
            return None
    return address_of(found["value"])


class DirectCallChecks(JobRunner):
    """Checks the speakers that are registered at one Asterisk."""

    kinds = (KIND,)
    lease = datetime.timedelta(minutes=1)
    at_once = 4

    def __init__(self, client: AriClient, database: Database, node: str) -> None:
        super().__init__(database)
        self._client = client
        self._node = node

    async def ready(self) -> None:
        """Wait for Asterisk."""
        await self._client.connected.wait()

    async def handle(self, claim: Claim) -> None:
        """Check one speaker, unless it is in a broadcast."""
        code = await self._database.run(lambda session: self._begin(session, claim))
        if code is None:
            return
        address = await registered_address(self._client, code)
        if address is None:
            await self._database.run(lambda session: jobs.done(session, claim, now()))
            return
        try:
            answer = await call_directly(address, code)
        except (OSError, EnvironmentProblem) as problem:
            log.warning("direct_call.not_placed", speaker=code, problem=type(problem).__name__)
            answer = DirectAnswer.SILENT
        await self._database.run(lambda session: _settle(session, claim, address, answer))

    def _begin(self, session: Session, claim: Claim) -> str | None:
        speaker = session.get(Speaker, claim.subject_id)
        if speaker is None or speaker.removed_at is not None or speaker.is_multicast or not speaker.reachable:
            jobs.done(session, claim, now())
            return None
        playing = sa.select(Delivery.id).where(
            Delivery.speaker_id == speaker.id, Delivery.state.in_([DeliveryState.RINGING, DeliveryState.PLAYING])
        )
        if speaker.node != self._node or session.scalar(playing.limit(1)) is not None:
            jobs.put_off(session, claim, now() + AGAIN, None, counts=False)
            return None
        return speaker.code


def _settle(session: Session, claim: Claim, address: SocketAddress, answer: DirectAnswer) -> None:
    jobs.done(session, claim, now())
    speaker = session.get_one(Speaker, claim.subject_id)
    log.info("direct_call.checked", speaker=speaker.code, answer=str(answer))
    session.merge(DirectCallCheck(speaker_id=speaker.id, address=address.ip, result=answer, checked_at=now()))
    subject = f"speaker:{speaker.code}"
    if answer.is_open:
        text = message("speaker.direct_call.alarm", name=speaker.name, address=str(address))
        raise_alarm(session, AlarmKind.SPEAKER_OPEN, subject, text)
    else:
        alarm_is_over(session, AlarmKind.SPEAKER_OPEN, subject)
