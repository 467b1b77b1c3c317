"""Reachability of speakers and its history."""

import datetime
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Reachability, Speaker


def note_all(
    session: Session, reachable_codes: Collection[str], why: str, at: datetime.datetime, node: str = ""
) -> list[str]:
    """Store whether this switchboard (`node`) can reach each SIP speaker, and return those for which that has changed.

    `why` is the source of the information. A speaker that another switchboard reaches is not marked as unreachable.
    The history of a speaker begins when it is reached for the first time; multicast groups, which cannot be monitored,
    have none.
    """
    speakers = session.scalars(sa.select(Speaker).where(Speaker.removed_at.is_(None), Speaker.multicast == ""))
    news = [
        speaker
        for speaker in speakers
        if (not speaker.reachable and speaker.code in reachable_codes)
        or (speaker.reachable and speaker.code not in reachable_codes and speaker.node == node)
    ]
    for speaker in news:
        _begin_period(session, speaker, speaker.code in reachable_codes, why, at)
        speaker.node = node
    session.execute(
        sa.update(Speaker)
        .where(Speaker.code.in_(reachable_codes), Speaker.node != node)
        .values(node=node)
        .execution_options(synchronize_session="fetch")
    )
    return [speaker.code for speaker in news]


def reachable_of(session: Session, codes: Collection[str]) -> list[str]:
    """Return those of these SIP speakers that can be reached."""
    return list(session.scalars(sa.select(Speaker.code).where(Speaker.code.in_(codes), Speaker.reachable)))


def _begin_period(session: Session, speaker: Speaker, reachable: bool, why: str, at: datetime.datetime) -> None:
    session.execute(
        sa.update(Reachability)
        .where(Reachability.speaker_id == speaker.id, Reachability.until.is_(None))
        .values(until=at)
    )
    session.add(Reachability(speaker_id=speaker.id, reachable=reachable, since=at, why=why))
    speaker.reachable = reachable
    speaker.reachable_since = at


def history(session: Session, speaker: Speaker, limit: int = 50) -> list[Reachability]:
    """Return the speaker's periods, the newest first."""
    return list(
        session.scalars(
            sa.select(Reachability)
            .where(Reachability.speaker_id == speaker.id)
            .order_by(Reachability.id.desc())
            .limit(limit)
        )
    )
