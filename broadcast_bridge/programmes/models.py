"""The table of programmes, as far as a schedule needs it."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broadcast_bridge.states import Priority
from haichieu.database import Base


class Programme(Base):
    """What is said; `seconds` is empty while its sound is not made."""

    __tablename__ = "programmes"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    priority: Mapped[str] = mapped_column(sa.String(12), default=Priority.NORMAL)
    seconds: Mapped[float | None]
