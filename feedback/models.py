"""The tables of casework: who answers for what."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from haichieu.database import Base


class Department(Base):
    """An office that answers cases."""

    __tablename__ = "departments"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    email: Mapped[str] = mapped_column(sa.String(254), default="")


class Category(Base):
    """What a case is about; it decides who answers and by when (working days)."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(4), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("departments.id"))
    answer_within_days: Mapped[int]
    keywords: Mapped[list[str]] = mapped_column(default=list)
