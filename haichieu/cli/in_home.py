"""What the groups of commands share: the station in a home, opened, and the account that acts."""

from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from sqlalchemy.orm import Session

from haichieu.database import Database, migrate
from haichieu.errors import UsageError
from haichieu.media import MediaStore
from haichieu.people import Unit
from haichieu.settings import load_settings

Home = Annotated[
    Path | None, typer.Option("--home", help="Thư mục của đài / folder of the station [HAICHIEU_HOME, ./var].")
]
By = Annotated[str, typer.Option("--by", help="Tài khoản thực hiện / the account that does it (e-mail).")]


def open_station(home: Path | None) -> tuple[Database, MediaStore]:
    """The migrated database and the media store of the station in `home`."""
    settings = load_settings(home=home)
    migrate(settings.resolved_database_url)
    store = MediaStore(settings.home.absolute() / "media", settings.min_free_megabytes)
    return Database(settings.resolved_database_url), store


def unit_coded(session: Session, code: str) -> Unit:
    """The unit with this code. Raises UsageError."""
    unit = session.scalar(sa.select(Unit).where(Unit.code == code))
    if unit is None:
        raise UsageError(f"Không có đơn vị {code}. / There is no unit {code}.")
    return unit
