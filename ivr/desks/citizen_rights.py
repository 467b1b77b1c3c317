"""Rights of a caller in the cases of this telephone: implements `RightsDesk` over casework.

A caller without a number, and one who keys in another citizen's case, gets nothing.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from feedback.cases.case_lifecycle import NoSuchCase
from feedback.cases.case_numbers import WrongCheckDigit
from feedback.citizens import consents, data_requests
from feedback.citizens.consent_recordings import ConsentRecordings
from feedback.citizens.registry import CitizenBook
from feedback.models import Case
from feedback.states import Channel, DataRight, Purpose
from haichieu.database import Database, now
from haichieu.station import the_station
from ivr.desks.protocols import RequestSeen

T = TypeVar("T")


class PhoneRightsDesk:
    """The rights of one caller; `number` is None when it is withheld."""

    def __init__(
        self, database: Database, book: CitizenBook, recordings: ConsentRecordings, number: str | None
    ) -> None:
        self._database = database
        self._book = book
        self._recordings = recordings
        self._number = number

    async def consents(self, case_number: str) -> frozenset[Purpose] | None:
        """Return what the caller consents to in a case; None when it is not the caller's."""
        return await self._database.look(
            lambda session: self._with_own(session, case_number, lambda case: consents.valid_purposes(session, case))
        )

    async def begin_consent(self, case_number: str, purpose: Purpose) -> str | None:
        """Return the name to record to, None when it is not the caller's case. Raises DiskFull."""
        case_id = await self._database.look(
            lambda session: self._with_own(session, case_number, lambda case: case.id)
        )  # fmt: skip
        return None if case_id is None else await asyncio.to_thread(self._recordings.begin, case_id, purpose)

    async def keep_consent(self, name: str) -> bool:
        """Record it, even when the caller hangs up meanwhile; return whether the caller said anything."""
        return await asyncio.shield(asyncio.to_thread(self._recordings.keep, name))

    def release_consent(self, name: str) -> None:
        self._recordings.let_go(name)

    async def ask(self, case_number: str, kind: DataRight) -> RequestSeen | None:
        """File a request about the caller's own case; None for another's. Raises RequestRefused."""

        def work(session: Session) -> RequestSeen | None:
            def file(case: Case) -> RequestSeen:
                session.refresh(case, with_for_update=True)
                asked = data_requests.ask(session, kind, case, Channel.CALL, "citizen", now())
                local = asked.request.due_at.astimezone(ZoneInfo(the_station(session).timezone))
                return RequestSeen(asked.is_new, local)

            return self._with_own(session, case_number, file)

        return await self._database.run(work)

    def _with_own(self, session: Session, case_number: str, work: Callable[[Case], T]) -> T | None:
        try:
            case = data_requests.own_case(session, self._book, self._number, case_number)
        except (NoSuchCase, WrongCheckDigit):
            return None
        return work(case)
