"""Reachability of speakers and its history."""

import datetime
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Reachability, Speaker
from haichieu.nodes import nodes_up

ASTERISK_DOWN = "Asterisk is down"
"""Why every speaker is unreachable while Asterisk is away: it says nothing about the speakers."""

NODE_DOWN = "its node is down"


def note_all(
    session: Session,
    reachable_codes: Collection[str],
    why: str,
    at: datetime.datetime,
    node: str = "",
    registered: Collection[str] = (),
) -> list[str]:
    """Store whether this switchboard (`node`) can reach each SIP speaker, and return those for which that has changed.

    `why` is the source of the information. A speaker that another switchboard reaches is not marked as unreachable, and
    stays with it unless it is among those that have just `registered` here: an old registration may still be valid.
    The history of a speaker begins when it is reached for the first time; multicast groups, which cannot be monitored,
    have none.
    """
    changed, moved = _differences(session, reachable_codes, node, registered)
    news = session.scalars(sa.select(Speaker).where(Speaker.id.in_(changed)).order_by(Speaker.id)).all()
    for speaker in news:
        _begin_period(session, speaker, speaker.code in reachable_codes, why, at)
    for speaker in session.scalars(sa.select(Speaker).where(Speaker.id.in_({*changed, *moved}))):
        speaker.node = node
    return [speaker.code for speaker in news]


def node_lost(session: Session, nodes: Collection[str], at: datetime.datetime) -> None:
    """Mark the speakers of nodes that are down as unreachable, until they register elsewhere."""
    for speaker in session.scalars(
        sa.select(Speaker).where(Speaker.reachable, Speaker.node.in_(nodes)).order_by(Speaker.id)
    ):
        _begin_period(session, speaker, False, NODE_DOWN, at)


def is_something_to_note(
    session: Session, reachable_codes: Collection[str], node: str = "", registered: Collection[str] = ()
) -> bool:
    """Return whether `note_all` would change anything."""
    return any(_differences(session, reachable_codes, node, registered))


def _differences(
    session: Session, reachable_codes: Collection[str], node: str, registered: Collection[str]
) -> tuple[list[int], list[int]]:
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
    elsewhere = [row for row in rows if row.code in reachable_codes and row.node != node]
    if not elsewhere:
        return changed, []
    others = {one.name for one in nodes_up(session)}
    moved = [row.id for row in elsewhere if not row.reachable or row.code in registered or row.node not in others]
    return changed, moved


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
