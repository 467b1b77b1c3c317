"""SIP accounts other than loudspeakers: phones on the station's network, and carriers' trunks."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from haichieu.database import Base
from haichieu.sip.registered_device import RegisteredDevice


class Phone(RegisteredDevice, Base):
    """An ordinary SIP phone on the station's network; its calls carry `caller_number`, whatever it claims."""

    __tablename__ = "phones"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    password_locked: Mapped[str] = mapped_column(sa.Text)
    caller_number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    encrypted: Mapped[bool] = mapped_column(default=False)
    """Whether its account may use nothing but TLS and SRTP."""


class Trunk(Base):
    """A carrier: calls arrive from it with the caller's number, and leave through it when `outbound`."""

    __tablename__ = "trunks"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    host: Mapped[str] = mapped_column(sa.String(253))
    port: Mapped[int] = mapped_column(default=5060)
    register: Mapped[bool] = mapped_column(default=False)
    username: Mapped[str] = mapped_column(sa.String(80), default="")
    password_locked: Mapped[str] = mapped_column(sa.Text, default="")
    outbound: Mapped[bool] = mapped_column(default=False)
    texts: Mapped[bool] = mapped_column(default=False)
    """A GSM gateway that takes and brings text messages as SIP MESSAGE (RFC 3428)."""
    prefix_rules: Mapped[list[list[str]]] = mapped_column(sa.JSON, default=list)
