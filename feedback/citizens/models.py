"""The tables of consents and of requests about personal data."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models import Case, Citizen
from feedback.states import BY_HAND, DATA_REQUEST, Channel, ConsentForm, DataRight, Purpose
from haichieu.database import Base
from haichieu.media import Media
from haichieu.people import Unit


def _one_of(column: str, values: object) -> sa.CheckConstraint:
    return sa.CheckConstraint(sa.column(column).in_([str(value) for value in values]), name=column)  # type: ignore[attr-defined]


class Consent(Base):
    """A citizen's consent to one purpose in one case, with its proof: a recording, or the text that gave it.

    One that was given orally or on paper has none in the station, and names the official who took it (`taken_by`).
    """

    __tablename__ = "consents"
    __table_args__ = (
        _one_of("purpose", Purpose),
        _one_of("form", ConsentForm),
        sa.CheckConstraint(
            sa.or_(
                sa.column("sound_id").is_not(None),
                sa.column("message_id").is_not(None),
                sa.and_(sa.column("form").in_([str(one) for one in BY_HAND]), sa.column("taken_by") != ""),
            ),
            name="has_proof",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(sa.String(8))
    form: Mapped[str] = mapped_column(sa.String(8))
    taken_by: Mapped[str] = mapped_column(sa.String(200), default="")
    """The actor who entered it; empty where the citizen gave it to the station itself."""
    sound_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(sa.ForeignKey("messages.id"), index=True)
    recording: Mapped[str | None] = mapped_column(sa.String(100), unique=True)
    """The name of the recording in Asterisk's spool, so that it is stored once."""
    given_at: Mapped[datetime.datetime]
    withdrawn_at: Mapped[datetime.datetime | None]
    withdrawn_by: Mapped[str] = mapped_column(sa.String(200), default="")

    sound: Mapped[Media | None] = relationship()


class DataRequest(Base):
    """A citizen's request about personal data, with its statutory due date.

    It concerns one case, or everything of the citizen when `case_id` is None. After an erasure the row remains as proof
    and names no citizen.
    """

    __tablename__ = "data_requests"
    __table_args__ = (
        _one_of("kind", DataRight),
        _one_of("purpose", ["", *Purpose]),
        _one_of("channel", Channel),
        _one_of("state", DATA_REQUEST.states),
        sa.Index("ix_data_requests_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(12))
    purpose: Mapped[str] = mapped_column(sa.String(8), default="")
    """What consent to withdraw; empty is all of them, and every other kind of request."""
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id", ondelete="SET NULL"), index=True)
    citizen_id: Mapped[int | None] = mapped_column(sa.ForeignKey("citizens.id", ondelete="SET NULL"), index=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    channel: Mapped[str] = mapped_column(sa.String(8))
    state: Mapped[str] = mapped_column(sa.String(8), default=DATA_REQUEST.initial)
    asked_at: Mapped[datetime.datetime] = mapped_column(index=True)
    due_at: Mapped[datetime.datetime]
    settled_at: Mapped[datetime.datetime | None]
    settled_by: Mapped[str] = mapped_column(sa.String(200), default="")
    reason: Mapped[str] = mapped_column(sa.String(300), default="")
    """Why it was refused."""
    alarmed_at: Mapped[datetime.datetime | None]

    case: Mapped[Case | None] = relationship()
    citizen: Mapped[Citizen | None] = relationship()
    unit: Mapped[Unit] = relationship()
