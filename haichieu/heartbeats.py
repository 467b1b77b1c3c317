"""Heartbeats of the processes in the database, from which each can report the state of the others."""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.database import SILENTLY, Base, now

MAIN = "main"
"""The name of a node that was given no other; see the setting `node`."""
BEAT_SECONDS = 5.0
ALIVE_SECONDS = 15.0
"""A component that has not been heard of for this long counts as down; three beats missed."""


class Heartbeat(Base):
    """The last heartbeat of one component, with details about itself."""

    __tablename__ = "heartbeats"

    node: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    component: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    at: Mapped[datetime.datetime]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)

    def alive(self, at: datetime.datetime) -> bool:
        """Return whether the last heartbeat is recent."""
        return (at - self.at).total_seconds() < ALIVE_SECONDS


def beat(session: Session, component: str, node: str = MAIN, **detail: str | int | bool) -> None:
    """Write a heartbeat of a component of a node. One that says nothing new wakes nobody."""
    at = now()
    known = session.get(Heartbeat, (node, component))
    if known is not None and known.detail == detail and known.alive(at):
        same = sa.update(Heartbeat).where(Heartbeat.node == node, Heartbeat.component == component)
        options = {**SILENTLY, "synchronize_session": False}
        session.execute(same.values(at=at), execution_options=options)
    else:
        session.merge(Heartbeat(node=node, component=component, at=at, detail=detail))


def latest(session: Session, node: str = MAIN) -> dict[str, Heartbeat]:
    """Return the last sign of life of every component of a node."""
    beats = session.scalars(sa.select(Heartbeat).where(Heartbeat.node == node))
    return {heartbeat.component: heartbeat for heartbeat in beats}


def is_anything_alive(session: Session, at: datetime.datetime, component: str | None = None) -> bool:
    """Return whether any node has given a sign of life recently, or this component of any node."""
    beats = session.scalars(sa.select(Heartbeat))
    return any(one.alive(at) for one in beats if component in (None, one.component))
