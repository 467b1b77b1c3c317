"""Drafts of broadcasts: what a user has put together on the panel and is shown before it is aired.

A draft is aired once; it belongs to the account that made it, and is deleted after a day.
"""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, contains_eager, mapped_column, relationship

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes.models import Programme
from haichieu.database import Base
from haichieu.errors import HaiChieuError, NotFound
from haichieu.jobs import Job
from haichieu.locale import Message
from haichieu.locale.column import MessageText
from haichieu.media import Media

KEPT = datetime.timedelta(days=1)
CONVERT_DRAFT = "convert_draft"
"""The kind of the jobs about the files of drafts."""


class NoSuchDraft(NotFound):
    """There is no draft with this id, or it belongs to another account."""

    def __init__(self) -> None:
        super().__init__("broadcast.no_such_draft")


class AlreadyAired(HaiChieuError):
    """The draft was aired before, as broadcast `broadcast_id`."""

    def __init__(self, broadcast_id: int) -> None:
        super().__init__("broadcast.draft_aired", number=broadcast_id)
        self.broadcast_id = broadcast_id


class BroadcastDraft(Base):
    """A text, a programme, or a sound that was recorded or uploaded, with the zones for it.

    `sound_id` of a text is its spoken beginning, once the user has listened to it: what was heard goes on air.
    """

    __tablename__ = "broadcast_drafts"

    id: Mapped[int] = mapped_column(primary_key=True)
    made_by: Mapped[str] = mapped_column(sa.String(260))
    created_at: Mapped[datetime.datetime] = mapped_column(index=True)
    zone_codes: Mapped[list[str]] = mapped_column()
    priority: Mapped[str] = mapped_column(sa.String(12), default=Priority.NORMAL)
    title: Mapped[str] = mapped_column(sa.String(200), default="")
    text: Mapped[str] = mapped_column(sa.Text, default="")
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programmes.id"), index=True)
    sound_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"), index=True)
    broadcast_id: Mapped[int | None] = mapped_column(sa.ForeignKey("broadcasts.id"), index=True)

    programme: Mapped[Programme | None] = relationship()
    sound: Mapped[Media | None] = relationship()
    in_making: Mapped["DraftSound | None"] = relationship(back_populates="draft", cascade="all, delete-orphan")


class DraftSound(Base):
    """The large file of a draft, until its sound is ready; `share` (0 to 1) is done, `problem` says why it failed."""

    __tablename__ = "draft_sounds"

    draft_id: Mapped[int] = mapped_column(
        sa.ForeignKey("broadcast_drafts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    original_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"), index=True)
    file_name: Mapped[str] = mapped_column(sa.String(200), default="")
    share: Mapped[float] = mapped_column(default=0.0)
    problem: Mapped[Message | None] = mapped_column(MessageText, nullable=False)

    draft: Mapped[BroadcastDraft] = relationship(back_populates="in_making")
    original: Mapped[Media | None] = relationship()


def find(session: Session, draft_id: int, who: str) -> BroadcastDraft:
    """Return a draft of an account, given as actor. Raises NoSuchDraft."""
    found = session.get(BroadcastDraft, draft_id)
    if found is None or found.made_by != who:
        raise NoSuchDraft
    return found


def mark_as_aired(session: Session, draft_id: int, broadcast_id: int) -> None:
    """Note the broadcast that airs a draft, in the transaction that requests it. Raises AlreadyAired."""
    marked = session.execute(
        sa.update(BroadcastDraft)
        .where(BroadcastDraft.id == draft_id, BroadcastDraft.broadcast_id.is_(None))
        .values(broadcast_id=broadcast_id)
        .returning(BroadcastDraft.id)
    ).scalar()
    if marked is None:
        aired = session.scalar(sa.select(BroadcastDraft.broadcast_id).where(BroadcastDraft.id == draft_id))
        raise AlreadyAired(aired or 0)


def with_files(session: Session, who: str) -> Sequence[BroadcastDraft]:
    """Return the drafts of an account whose large file is being converted or could not be, the newest first."""
    return session.scalars(
        sa.select(BroadcastDraft)
        .join(BroadcastDraft.in_making)
        .where(BroadcastDraft.made_by == who)
        .options(contains_eager(BroadcastDraft.in_making))
        .order_by(BroadcastDraft.id.desc())
    ).all()


def forget(session: Session, at: datetime.datetime) -> None:
    """Delete the drafts that are older than a day, with what is stored about their files."""
    old = sa.select(BroadcastDraft.id).where(BroadcastDraft.created_at < at - KEPT)
    session.execute(sa.delete(Job).where(Job.kind == CONVERT_DRAFT, Job.subject_id.in_(old)))
    session.execute(sa.delete(DraftSound).where(DraftSound.draft_id.in_(old)))
    session.execute(sa.delete(BroadcastDraft).where(BroadcastDraft.created_at < at - KEPT))
