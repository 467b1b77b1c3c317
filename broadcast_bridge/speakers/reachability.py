"""Reachability of speakers and its history."""

import datetime
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Reachability, Speaker

ASTERISK_DOWN = "Asterisk is down"
"""Why every speaker is unreachable while Asterisk is away: it says nothing about the speakers."""


def note_all(
    session: Session, reachable_codes: Collection[str], why: str, at: datetime.datetime, node: str = ""
) -> list[str]:
    """Store whether this switchboard (`node`) can reach each SIP speaker, and return those for which that has changed.

    `why` is the source of the information. A speaker that another switchboard reaches is not marked as unreachable.
    The history of a speaker begins when it is reached for the first time; multicast groups, which cannot be monitored,
    have none.
    """
    changed, moved = _differences(session, reachable_codes, node)
    news = session.scalars(sa.select(Speaker).where(Speaker.id.in_(changed)).order_by(Speaker.id)).all()
    for speaker in news:
        _begin_period(session, speaker, speaker.code in reachable_codes, why, at)
    for speaker in session.scalars(sa.select(Speaker).where(Speaker.id.in_({*changed, *moved}))):
        speaker.node = node
    return [speaker.code for speaker in news]


def is_something_to_note(session: Session, reachable_codes: Collection[str], node: str = "") -> bool:
    """Return whether `note_all` would change anything."""
    return any(_differences(session, reachable_codes, node))


def _differences(session: Session, reachable_codes: Collection[str], node: str) -> tuple[list[int], list[int]]:
    """Return the ids of the speakers whose reachability has changed, and of those that another switchboard had."""
    rows = session.execute(
        sa.select(Speaker.id, Speaker.code, Speaker.reachable, Speaker.node, Speaker.multicast).where(
            Speaker.removed_at.is_(None)
        )
    ).all()
    changed = [
        row.id
        for row in rows
        if not row.multicast
        and row.reachable != (row.code in reachable_codes)
        and (row.node == node or not row.reachable)
    ]
    return changed, [row.id for row in rows if row.code in reachable_codes and row.node != node]


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
