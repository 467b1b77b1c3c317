"""The tables of programmes, and of those that are being made."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes.states import PROGRAMME, Origin
from haichieu.database import Base
from haichieu.locale import Message
from haichieu.locale.column import MessageText
from haichieu.media import Media
from haichieu.people import Unit


class Programme(Base):
    """A programme. It is withdrawn, never deleted, while the log of broadcasts refers to it.

    `author` is an actor of the audit trail (`official:1001`, `account:…`). `sound` is what is played, in both telephone
    forms; `original` is the uploaded file. `search_text` is the folded title, text, category and tags.
    """

    __tablename__ = "programmes"
    __table_args__ = (
        sa.CheckConstraint(sa.column("state").in_([str(state) for state in PROGRAMME.states]), name="state"),
        sa.CheckConstraint(sa.column("origin").in_([str(origin) for origin in Origin]), name="origin"),
        sa.CheckConstraint(sa.column("priority").in_([str(priority) for priority in Priority]), name="priority"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    origin: Mapped[str] = mapped_column(sa.String(12))
    text: Mapped[str] = mapped_column(sa.Text, default="")
    category: Mapped[str] = mapped_column(sa.String(80), default="", index=True)
    language: Mapped[str] = mapped_column(sa.String(8), default="vi")
    voice: Mapped[str | None] = mapped_column(sa.String(100))
    """The voice that is to read its text; None is that of its unit."""
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    author: Mapped[str] = mapped_column(sa.String(200))
    author_name: Mapped[str] = mapped_column(sa.String(200))
    priority: Mapped[str] = mapped_column(sa.String(12), default=Priority.NORMAL)
    valid_until: Mapped[datetime.datetime | None]
    tags: Mapped[list[str]] = mapped_column(default=list)
    zone_codes: Mapped[list[str]] = mapped_column(default=list)
    """The zones that its author wants; a schedule decides."""
    state: Mapped[str] = mapped_column(sa.String(12), default=PROGRAMME.initial, index=True)
    returned_because: Mapped[str] = mapped_column(sa.Text, default="")
    original_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"), index=True)
    sound_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"), index=True)
    seconds: Mapped[float | None]
    search_text: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[datetime.datetime]
    updated_at: Mapped[datetime.datetime]
    last_aired_at: Mapped[datetime.datetime | None]

    unit: Mapped[Unit] = relationship()
    original: Mapped[Media | None] = relationship(foreign_keys=[original_id])
    sound: Mapped[Media | None] = relationship(foreign_keys=[sound_id])


class ProgrammeInMaking(Base):
    """A long text or a large file that becomes a programme in the background; `share` (0 to 1) is done.

    It is over with `done_at`; `problem` then says why it failed.
    """

    __tablename__ = "programmes_in_making"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    author: Mapped[str] = mapped_column(sa.String(200))
    author_name: Mapped[str] = mapped_column(sa.String(200))
    category: Mapped[str] = mapped_column(sa.String(80), default="")
    language: Mapped[str] = mapped_column(sa.String(8), default="vi")
    voice: Mapped[str | None] = mapped_column(sa.String(100))
    valid_until: Mapped[datetime.datetime | None]
    text: Mapped[str] = mapped_column(sa.Text, default="")
    original_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"), index=True)
    file_name: Mapped[str] = mapped_column(sa.String(200), default="")
    submit: Mapped[bool] = mapped_column(default=False)
    share: Mapped[float] = mapped_column(default=0.0)
    problem: Mapped[Message | None] = mapped_column(MessageText, nullable=False)
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programmes.id"), index=True)
    """The programme that was made; from the beginning, that whose text is replaced."""
    based_on: Mapped[datetime.datetime | None]
    """The edition of the programme whose text is replaced."""
    created_at: Mapped[datetime.datetime]
    done_at: Mapped[datetime.datetime | None] = mapped_column(index=True)

    unit: Mapped[Unit] = relationship()
    original: Mapped[Media | None] = relationship()
