"""Programmes that wait for approval, by phone: implements `ProgrammeDesk`."""

import asyncio
from functools import partial

from sqlalchemy.orm import Session

from broadcast_bridge.programmes import phone_approval
from broadcast_bridge.programmes.models import Programme
from haichieu.database import Database, now
from haichieu.media import MediaStore
from ivr.desks.programme_protocols import ProgrammeSeen


class OfficialProgrammes:
    """The desk of every call. An approval is committed even when the caller hangs up meanwhile."""

    def __init__(self, database: Database, store: MediaStore) -> None:
        self._database = database
        self._store = store

    async def waiting(self, official_id: int) -> list[int]:
        return await self._database.look(lambda session: phone_approval.waiting_for(session, official_id))

    async def open(self, official_id: int, programme_id: int) -> ProgrammeSeen | None:
        def look(session: Session) -> ProgrammeSeen | None:
            if programme_id not in phone_approval.waiting_for(session, official_id):
                return None
            one = session.get_one(Programme, programme_id)
            if one.sound is None:
                return None
            path = str(self._store.path(one.sound).with_suffix(""))
            may_approve = phone_approval.may_approve(session, official_id, one)
            return ProgrammeSeen(
                one.id, one.title, one.author_name, round(one.sound.seconds), path, one.updated_at, may_approve
            )

        return await self._database.look(look)

    async def approve(self, official_id: int, programme: ProgrammeSeen, *, called_back: bool) -> None:
        work = partial(
            phone_approval.approve, official_id=official_id, number=programme.id, edition=programme.edition, at=now(),
            called_back=called_back,
        )  # fmt: skip
        await asyncio.shield(self._database.run(work))
