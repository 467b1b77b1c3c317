"""Heartbeats of the processes in the database, from which each can report the state of the others."""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.database import Base, now

BEAT_SECONDS = 5.0
ALIVE_SECONDS = 15.0
"""A component that has not been heard of for this long counts as down; three beats missed."""


class Heartbeat(Base):
    """The last heartbeat of one component, with details about itself."""

    __tablename__ = "heartbeats"

    component: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    at: Mapped[datetime.datetime]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)

    def alive(self, at: datetime.datetime) -> bool:
        """Return whether the last heartbeat is recent."""
        return (at - self.at).total_seconds() < ALIVE_SECONDS


def beat(session: Session, component: str, **detail: str | int | bool) -> None:
    """Write a heartbeat."""
    session.merge(Heartbeat(component=component, at=now(), detail=detail))


def latest(session: Session) -> dict[str, Heartbeat]:
    """Return the last sign of life of every component."""
    return {heartbeat.component: heartbeat for heartbeat in session.scalars(sa.select(Heartbeat))}
