"""SIP accounts other than loudspeakers: phones on the station's network, and carriers' trunks."""

import datetime
from enum import StrEnum

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


class TrunkState(StrEnum):
    """What the switchboard knows of a carrier."""

    REGISTERED = "registered"
    BY_ADDRESS = "by_address"
    """We do not register with it, so nothing tells whether it is there."""
    REFUSED = "refused"
    """It answers, and refuses our registration."""
    SILENT = "silent"
    """It answers neither REGISTER nor OPTIONS."""
    NO_ADDRESS = "no_address"
    """DNS knows no address of its host."""
    UNTRUSTED = "untrusted"
    """Its TLS certificate is not valid, so we do not connect."""
    FAULTY = "faulty"
    """Asterisk cannot use its settings."""


class Trunk(Base):
    """A carrier: calls arrive from it with the caller's number, and leave through it when `outbound`."""

    __tablename__ = "trunks"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    host: Mapped[str] = mapped_column(sa.String(253))
    port: Mapped[int] = mapped_column(default=0)
    """0 is the standard one of the transport."""
    hosts: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    """Further addresses (HOST or HOST:PORT) for calls in both directions, and networks (CIDR) that calls come from."""
    transport: Mapped[str] = mapped_column(sa.String(3), default="udp")
    proxy: Mapped[str] = mapped_column(sa.String(253), default="")
    """Where requests go instead of to `host`: HOST or HOST:PORT."""
    domain: Mapped[str] = mapped_column(sa.String(253), default="")
    """The carrier's domain in our address, if it is not `host`."""
    caller_number: Mapped[str] = mapped_column(sa.String(32), default="")
    """The number that we show, as the carrier writes it; also that of calls which name none. Empty: see `numbering`."""
    withhold_number: Mapped[bool] = mapped_column(default=False)
    register: Mapped[bool] = mapped_column(default=False)
    username: Mapped[str] = mapped_column(sa.String(80), default="")
    password_locked: Mapped[str] = mapped_column(sa.Text, default="")
    outbound: Mapped[bool] = mapped_column(default=False)
    texts: Mapped[bool] = mapped_column(default=False)
    """A GSM gateway that takes and brings text messages as SIP MESSAGE (RFC 3428)."""
    prefix_rules: Mapped[list[list[str]]] = mapped_column(sa.JSON, default=list)
    ca_certificate: Mapped[str] = mapped_column(sa.Text, default="")
    """PEM certificates of authorities that its TLS certificate may come from, beside those of the system."""
    found: Mapped[dict[str, list[str]]] = mapped_column(sa.JSON, default=dict)
    """What DNS last said: addresses (IP or IP:PORT) by name, in the order of SRV records. See `carrier_names`."""
    state: Mapped[str] = mapped_column(sa.String(20), default="")
    """A `TrunkState`; empty until the switchboard has looked."""
    state_since: Mapped[datetime.datetime | None]
