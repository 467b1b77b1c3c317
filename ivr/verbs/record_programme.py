"""The verb `record-programme`."""

from typing import ClassVar, Literal

from pydantic import Field

from broadcast_bridge.programmes.phone_recordings import RecordNotAllowed
from haichieu.audio.ingest import UnusableSound
from haichieu.media import DiskFull
from ivr.flows.dialogue import Ending
from ivr.flows.node import Node
from ivr.flows.review import KEEP, review
from ivr.flows.session import Line, Session, ZoneSeen
from ivr.verbs.choose_zone import ZONE_SENTENCES, ask_zone


class RecordProgramme(Node):
    """Records a programme: the caller speaks, reviews it, keeps it, and names its zone.

    It becomes a draft, or is submitted for approval when the official may schedule. Hanging up after the tone also
    leaves a draft, unless the caller chose to record again.

    {"id": "record", "verb": "record-programme", "max_minutes": 15, "exits": {"done": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    waits_for_caller: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = (
        "record-instructions",
        "record-menu",
        "record-not-allowed",
        "record-failed",
        "recording-silent",
        "programme-kept",
        "programme-submitted",
        "disk-full",
        *ZONE_SENTENCES,
    )

    verb: Literal["record-programme"]
    max_minutes: int = Field(15, ge=1, le=120)
    silence_seconds: int = Field(10, ge=3, le=60)

    async def run(self, session: Session) -> str | None:
        try:
            name = await session.desk.begin_recording(session.require_official().id)
        except RecordNotAllowed:
            await session.say("record-not-allowed")
            return "done"
        except DiskFull:
            await session.say("disk-full")
            return "done"
        try:
            return await self._record(session, name)
        finally:
            session.desk.release_recording(name)

    async def _record(self, session: Session, name: str) -> str | None:
        while True:
            await session.say("record-instructions")
            if not await session.call.record(
                name, max_seconds=self.max_minutes * 60, silence_seconds=self.silence_seconds
            ):
                await session.say("record-failed")
                return "done"
            key = await review(session, Line("record-menu"), session.desk.recording_sound(name))
            if key is None:
                return None
            if key == KEEP:
                return await self._keep(session, name)
            session.desk.discard_recording(name)

    async def _keep(self, session: Session, name: str) -> str | None:
        zone = await ask_zone(session, must_be_reachable=False)
        try:
            kept = await session.desk.keep_recording(name, zone.keys if isinstance(zone, ZoneSeen) else "")
        except UnusableSound:
            await session.say("recording-silent")
        else:
            prompt = "programme-submitted" if kept.submitted else "programme-kept"
            await session.say(prompt, number=kept.number, seconds=round(kept.seconds))
        return None if isinstance(zone, Ending) else "done"
