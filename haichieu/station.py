"""The one row that describes the station itself."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.database import Base


class Station(Base):
    """Name, time zone, languages, quiet hours and the emergency line of this station."""

    __tablename__ = "station"
    __table_args__ = (sa.CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    name: Mapped[str] = mapped_column(sa.String(200), default="Hai Chiều")
    timezone: Mapped[str] = mapped_column(sa.String(60), default="Asia/Ho_Chi_Minh")
    languages: Mapped[list[str]] = mapped_column(default=lambda: ["vi"])
    quiet_hours: Mapped[str] = mapped_column(sa.String(11), default="")
    emergency_number: Mapped[str] = mapped_column(sa.String(20), default="")
    emergency_pin_locked: Mapped[str] = mapped_column(sa.Text, default="")
    reply_hours: Mapped[str] = mapped_column(sa.String(11), default="08:00-20:00")
    """Hours in which citizens may be called or texted."""

    @property
    def language(self) -> str:
        """The default spoken language."""
        return self.languages[0] if self.languages else "vi"


def the_station(session: Session) -> Station:
    """Return the station, with defaults when nothing was applied yet (the defaults are not stored)."""
    if found := session.get(Station, 1):
        session.info[Station] = found  # kept, or the session would forget it and ask again for each row of a page
        return found
    return Station(
        id=1,
        name="Hai Chiều",
        timezone="Asia/Ho_Chi_Minh",
        languages=["vi"],
        quiet_hours="",
        emergency_number="",
        emergency_pin_locked="",
        reply_hours="08:00-20:00",
    )
