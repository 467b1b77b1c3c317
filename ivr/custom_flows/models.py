"""The tables of custom flows."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from haichieu.database import Base


class FlowDraft(Base):
    """The draft of a flow. `edition` counts its changes, `begun_on` is the version it started from."""

    __tablename__ = "flow_drafts"

    flow: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    definition: Mapped[str] = mapped_column(sa.Text)
    edition: Mapped[int] = mapped_column(default=1)
    begun_on: Mapped[int]
    changed_by: Mapped[str] = mapped_column(sa.String(200))
    changed_at: Mapped[datetime.datetime]


class FlowVersion(Base):
    """A published definition, in use from `published_at` until the next one; never changed."""

    __tablename__ = "flow_versions"
    __table_args__ = (sa.UniqueConstraint("flow", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    flow: Mapped[str] = mapped_column(sa.String(60))
    number: Mapped[int]
    definition: Mapped[str] = mapped_column(sa.Text)
    published_by: Mapped[str] = mapped_column(sa.String(200))
    published_at: Mapped[datetime.datetime]
    because: Mapped[str] = mapped_column(sa.String(500))
    restores: Mapped[int | None]
    """The number of the version that was published again."""
