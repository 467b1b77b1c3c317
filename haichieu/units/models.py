"""Tables of changes of the unit tree, and of the names that units had before."""

import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from haichieu.database import Base
from haichieu.locale import Message
from haichieu.locale.column import MessageText


class ChangeKind(StrEnum):
    """Kinds of changes of the unit tree."""

    MERGE = "merge"
    RENAME = "rename"
    SPLIT = "split"
    MOVE = "move"


class FormerName(Base):
    """A name that a unit had until a moment; people still use it."""

    __tablename__ = "former_unit_names"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    until: Mapped[datetime.datetime]


class UnitChange(Base):
    """One change of the tree. `journal` lists the changed rows by id, and contains all that is needed to undo it."""

    __tablename__ = "unit_changes"
    __table_args__ = (sa.CheckConstraint(sa.column("kind").in_([str(kind) for kind in ChangeKind]), name="kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(8))
    at: Mapped[datetime.datetime]
    actor: Mapped[str] = mapped_column(sa.String(200))
    units: Mapped[list[int]] = mapped_column(sa.JSON)
    """The ids of all units that it concerns."""
    said: Mapped[Message | None] = mapped_column(MessageText, nullable=False)
    """The change in one sentence, with the names of that time."""
    journal: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    undone_at: Mapped[datetime.datetime | None]
    undone_by: Mapped[str] = mapped_column(sa.String(200), default="")
