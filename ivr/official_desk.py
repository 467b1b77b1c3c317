"""What the station does for an official who is on the phone: the flows' `OfficialDesk` over the domain."""

import datetime
import zoneinfo
from collections.abc import Callable

from sqlalchemy.orm import Session

from broadcast_bridge import call_backs
from broadcast_bridge.broadcasts import last_broadcast_of, outcome_of
from broadcast_bridge.states import Priority
from broadcast_bridge.studio import Studio, WhenPlanned
from broadcast_bridge.zones import find_zone
from haichieu.ari.call import Call
from haichieu.database import Database, now
from haichieu.people import Official, official_with_phone
from haichieu.sign_in import SignInRefused, attempt_sign_in
from haichieu.station import the_station
from ivr.session import CallBackOwed, LastReport, LiveResult, OfficialSeen, ZoneSeen


class PhoneDesk:
    """The desk for one call, whose voice goes on air. `flow` is where a call back would take up again."""

    def __init__(self, database: Database, studio: Studio, call_back_delay: float, call: Call, flow: str) -> None:
        self._database = database
        self._studio = studio
        self._call_back_delay = call_back_delay
        self._call = call
        self._flow = flow
        self._owed: int | None = None
        self.when_planned: WhenPlanned | None = None
        """Told of the broadcast that this call becomes, in the transaction that plans it."""

    async def knows_caller(self, caller_number: str | None) -> bool:
        """Say whether an official calls from this number."""
        if not caller_number:
            return False
        return await self._database.run(lambda session: official_with_phone(session, caller_number) is not None)

    async def sign_in(self, caller_number: str | None, code: str | None, pin: str) -> OfficialSeen:
        """Check a PIN; refused tries are on record before the caller hears of them."""
        answer = await self._database.run(lambda session: attempt_sign_in(session, caller_number, code, pin))
        if isinstance(answer, SignInRefused):
            raise answer
        return OfficialSeen(answer.id, answer.name)

    async def find_zone(self, official_id: int, keys: str) -> ZoneSeen:
        """Find the zone keyed in."""

        def look(session: Session) -> ZoneSeen:
            zone = find_zone(session, session.get_one(Official, official_id), keys)
            return ZoneSeen(zone.keys, zone.name, zone.reachable, zone.total)

        return await self._database.run(look)

    async def go_live(self, official_id: int, zone: ZoneSeen, priority: Priority, *, called_back: bool) -> LiveResult:
        """Put the call on air, unless the official must be called back first."""
        if not called_back:
            self._owed = await self._database.run(self._owes_call_back(official_id, zone.keys, priority))
            if self._owed is not None:
                raise CallBackOwed("call-back verification is on for this official")
        outcome = await self._studio.go_live(
            self._call, official_id, zone.keys, priority, when_planned=self.when_planned
        )
        return LiveResult(outcome.heard, outcome.total, outcome.reason)

    async def last_report(self, official_id: int) -> LastReport | None:
        """Return the report of the official's last broadcast."""

        def look(session: Session) -> LastReport | None:
            broadcast = last_broadcast_of(session, official_id)
            if broadcast is None:
                return None
            outcome = outcome_of(broadcast.deliveries)
            clock = zoneinfo.ZoneInfo(the_station(session).timezone)
            when = (broadcast.on_air_at or broadcast.created_at).astimezone(clock)
            return LastReport(broadcast.zone_names, when, outcome.heard, outcome.total, outcome.missed)

        return await self._database.run(look)

    async def call_over(self) -> None:
        """The caller is gone: a call that is owed to them falls due."""
        if (owed := self._owed) is not None:
            due = now() + datetime.timedelta(seconds=self._call_back_delay)
            await self._database.run(lambda session: call_backs.fall_due(session, owed, due))

    def _owes_call_back(self, official_id: int, zone_keys: str, priority: Priority) -> Callable[[Session], int | None]:
        def owe(session: Session) -> int | None:
            official = session.get_one(Official, official_id)
            if not official.call_back:
                return None
            return call_backs.owe(session, official, zone_keys, priority, self._flow, now()).id

        return owe
