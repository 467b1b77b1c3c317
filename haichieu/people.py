"""Units of government, the officials who may speak, and the accounts of the web panel."""

import datetime
from collections.abc import Iterable
from enum import StrEnum
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from haichieu.database import Base


class Level(StrEnum):
    """The administrative level of a unit."""

    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"
    VILLAGE = "village"


class Right(StrEnum):
    """Rights of officials by phone."""

    LIVE = "live"
    RECORD = "record"
    SCHEDULE = "schedule"
    EMERGENCY = "emergency"
    APPROVE = "approve"
    REPAIR = "repair"
    """Hear the repairs of speakers, and close them at the pole."""


class Role(StrEnum):
    """Roles of panel accounts."""

    ADMIN = "admin"
    EDITOR = "editor"
    APPROVER = "approver"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Unit(Base):
    """A unit of government: province, district, commune, village. Units form a tree."""

    __tablename__ = "units"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    level: Mapped[str] = mapped_column(sa.String(20))
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"), index=True)
    author_may_approve: Mapped[bool] = mapped_column(default=False)
    """Authors may approve their own programmes: a small commune may have only one person."""
    retired_at: Mapped[datetime.datetime | None]
    """When it was merged into its parent; the row stays for the history under its name."""
    voice: Mapped[str | None] = mapped_column(sa.String(100))
    """The voice that reads the texts of this unit and of the units below; None is that of the unit above."""
    households: Mapped[int | None]
    """The households that live in this unit itself, without those of the units below; None if unknown."""


class Official(Base):
    """A person who may speak on the loudspeakers (cán bộ), identified by phone number or staff code, and PIN."""

    __tablename__ = "officials"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    title: Mapped[str] = mapped_column(sa.String(200), default="")
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    pin_hash: Mapped[str] = mapped_column(sa.String(200))
    may: Mapped[list[str]] = mapped_column(default=list)
    short_pin: Mapped[bool] = mapped_column(default=False)
    """The PIN has so few digits that it needs `call_back`."""
    call_back: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(sa.String(8), default="")

    unit: Mapped[Unit] = relationship()
    phones: Mapped[list["OfficialPhone"]] = relationship(
        back_populates="official", cascade="all, delete-orphan", order_by="OfficialPhone.position"
    )

    def may_do(self, right: Right) -> bool:
        """Return whether this official has a right."""
        return right.value in self.may


class OfficialPhone(Base):
    """A telephone number of an official, in E.164; calls back go to them in order of position."""

    __tablename__ = "official_phones"

    id: Mapped[int] = mapped_column(primary_key=True)
    official_id: Mapped[int] = mapped_column(sa.ForeignKey("officials.id", ondelete="CASCADE"), index=True)
    number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    position: Mapped[int] = mapped_column(default=0)

    official: Mapped[Official] = relationship(back_populates="phones")


class Account(Base):
    """A login of the web panel, limited to a unit and the units below it."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    role: Mapped[str] = mapped_column(sa.String(20))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    language: Mapped[str] = mapped_column(sa.String(8), default="")
    """Of the panel's pages; empty is the station's."""

    unit: Mapped[Unit] = relationship()

    limited_to = cast("frozenset[str] | None", None)
    """Actions that this use of the account is limited to, by the scope of an API token; None is no limit."""


def _units_under() -> sa.Select[tuple[int]]:
    tree = sa.select(Unit.id).where(Unit.id.in_(sa.bindparam("units", expanding=True))).cte("tree", recursive=True)
    tree = tree.union(sa.select(Unit.id).join(tree, Unit.parent_id == tree.c.id))
    return sa.select(tree.c.id)


_UNITS_UNDER = _units_under()
"""Built once: every request of the panel asks it."""


def live_unit(session: Session, unit: Unit) -> Unit:
    """Return the unit itself, or the one that it was merged into."""
    while unit.retired_at is not None and unit.parent_id is not None:
        unit = session.get_one(Unit, unit.parent_id)
    return unit


def unit_coded(session: Session, code: str) -> Unit | None:
    """Return the unit with this code, or the one that it was merged into; None when there is none."""
    found = session.scalar(sa.select(Unit).where(Unit.code == code))
    return None if found is None else live_unit(session, found)


def official_with_phone(session: Session, number: str) -> Official | None:
    """Return the official with this E.164 number, None when there is none."""
    return session.scalar(sa.select(Official).join(OfficialPhone).where(OfficialPhone.number == number))


def highest_unit(session: Session) -> int:
    """Return the id of the unit at the top of the tree: where things belong that name no unit."""
    query = sa.select(Unit.id).order_by(Unit.parent_id.is_not(None), Unit.id).limit(1)
    return session.scalars(query).one()


def units_under(session: Session, unit_ids: Iterable[int]) -> set[int]:
    """Return the ids of the given units and of every unit below them."""
    return set(session.scalars(_UNITS_UNDER, {"units": list(unit_ids)}))


def units_above(session: Session, unit_id: int) -> list[int]:
    """Return the id of a unit and of those above it, the nearest first."""
    found: list[int] = []
    unit = session.get(Unit, unit_id)
    while unit is not None and unit.id not in found:
        found.append(unit.id)
        unit = session.get(Unit, unit.parent_id) if unit.parent_id is not None else None
    return found
