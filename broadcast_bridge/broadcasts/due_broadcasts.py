"""Beginning of the recorded broadcasts that are due, each by itself: one that fails does not delay the others."""

import datetime
from functools import partial

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_lifecycle, starting
from broadcast_bridge.broadcasts.starting import Taken
from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from haichieu.set_aside import or_set_aside


def begin_due(session: Session, node: str, at: datetime.datetime) -> list[tuple[int, Taken]]:
    """Begin every recorded broadcast that is due; one that cannot begin is closed as failed, with an alarm."""
    begun = [
        (
            broadcast_id,
            or_set_aside(
                session,
                f"broadcast:{broadcast_id}",
                partial(starting.begin, session, broadcast_id, node, at),
                partial(
                    broadcast_lifecycle.finish, session, broadcast_id, BroadcastEvent.FAIL, at, Reason.INTERNAL_ERROR
                ),
            ),
        )
        for broadcast_id in starting.due(session, at, node)
    ]
    return [(broadcast_id, taken) for broadcast_id, taken in begun if taken is not None]
