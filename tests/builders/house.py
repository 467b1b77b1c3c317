"""A station with a district, two communes and accounts of every role, and browsers to visit it with."""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from admin.access import sessions, tokens
from admin.web import create_app
from broadcast_bridge.models import Speaker, Zone
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.people import Account, Level, Role, Unit
from haichieu.settings import load_settings
from tests.builders.accounts import PASSWORD, account

PAGE = {"Accept": "text/html"}
CSRF = "wtf-csrf-token"
"""What Flask-WTF signs the tokens of forms with, besides the key of the application."""


class CompiledTemplates(BytecodeCache):
    """The pages as Python code, for all applications of a test process: compiling them takes longer than most tests."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what was compiled of this very text."""
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._code[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()


@dataclass
class House:
    """The station: `district` above `commune` above `village`, and `other`, a commune beside it."""

    database: Database
    app: Flask
    home: Path
    units: dict[str, int] = field(default_factory=dict)

    @property
    def store(self) -> MediaStore:
        """Where its sounds are kept."""
        return MediaStore(self.home / "media", 0)

    def browser(self) -> "Browser":
        """A browser that nobody has signed in at."""
        return Browser(self.app.test_client())

    def signed_in(self, email: str) -> "Browser":
        """A browser at which an account is signed in."""
        browser = self.browser()
        with self.database.session() as session:
            account = session.query(Account).filter_by(email=email).one()
            proof, _ = sessions.begin(session, account, "127.0.0.1", "test", now())
        browser.client.set_cookie("haichieu", proof)
        return browser

    def token(self, email: str) -> dict[str, str]:
        """The header with a token of an account."""
        with self.database.session() as session:
            account = session.query(Account).filter_by(email=email).one()
            return {"Authorization": f"Bearer {tokens.create(session, account, 'test', 'test', now())}"}


@dataclass
class Browser:
    """A client that sends forms as pages do: with the token of the page before."""

    client: FlaskClient

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, headers={**PAGE, **headers})

    def post(
        self, path: str, page: str | None = None, headers: dict[str, str] | None = None, **fields: object
    ) -> TestResponse:
        """Send a form of `page`, or of any page."""
        token = self.form_token(page) if page else self.any_token()
        return self.client.post(path, data={"csrf_token": token, **fields}, headers={**PAGE, **(headers or {})})

    def any_token(self) -> str:
        """The token that all forms carry until another account is signed in, made as the application makes it."""
        with self.client.session_transaction() as session:
            known = session.setdefault("csrf_token", "of this browser")
        return str(URLSafeTimedSerializer(self.client.application.secret_key or "", salt=CSRF).dumps(known))

    def form_token(self, page: str) -> str:
        """The token that the forms of a page carry."""
        found = re.search(
            r'name="csrf_token" value="([^"]+)"', self.client.get(page, headers=PAGE, follow_redirects=True).text
        )
        return found[1] if found else ""

    def sign_in(self, email: str, password: str = PASSWORD, next: str = "/") -> TestResponse:
        """Sign in by password."""
        return self.post("/login", email=email, password=password, next=next)


def build(database: Database, home: Path, **settings: str | int) -> House:
    """Make the station; accounts are `<role>@x.example` of the commune, and `admin@district.example` above all."""
    house = House(database, create_app(database, load_settings(home=home, **settings)), home)
    house.app.jinja_env.bytecode_cache = COMPILED
    furnish(house)
    return house


class SharedApplication:
    """One application for all tests of a process: making one, and loading its templates, costs 100 ms.

    Its home is a link, and its database an object whose engine is exchanged: the parts that the application made of
    them at the start stay valid.
    """

    def __init__(self, folder: Path) -> None:
        first = folder / "first"
        first.mkdir()
        self._home = folder / "home"
        self._home.symlink_to(first)
        self._database = Database(f"sqlite:///{first / 'station.sqlite'}")
        self._app = create_app(self._database, load_settings(home=self._home))
        self._app.jinja_env.bytecode_cache = COMPILED
        self._secrets = first / "secrets"

    def build(self, database: Database, home: Path) -> House:
        """Make the same station as `build`, in the one application."""
        self._database.__dict__ = database.__dict__
        shutil.copytree(self._secrets, home / "secrets")
        link = self._home.with_name("next")
        link.symlink_to(home)
        link.replace(self._home)
        house = House(database, self._app, home)
        furnish(house)
        return house


FURNISHED = ("units", "accounts", "speakers", "zones", "zone_units")


@dataclass(frozen=True)
class Furniture:
    """The rows of a furnished SQLite database: they are copied in a tenth of the time that making them takes."""

    units: dict[str, int]
    rows: dict[str, list[tuple[object, ...]]]

    @classmethod
    def of(cls, house: House) -> "Furniture":
        """Take the rows of a house that was empty before."""
        with house.database.reading() as session:
            ask = session.connection().exec_driver_sql
            return cls(house.units, {name: [tuple(row) for row in ask(f"SELECT * FROM {name}")] for name in FURNISHED})

    def put_into(self, house: House) -> bool:
        """Insert the rows, and return whether the house was empty."""
        with house.database.session() as session:
            if session.query(Unit).first():
                return False
            for name, rows in self.rows.items():
                row = ", ".join("?" * len(rows[0]))
                session.connection().exec_driver_sql(f"INSERT INTO {name} VALUES ({row})", rows)
        house.units = dict(self.units)
        return True


MADE: list[Furniture] = []
"""What was made first in this process."""


def furnish(house: House) -> None:
    """Fill the house's empty database as `build` does."""
    if house.database.is_sqlite and any(one.put_into(house) for one in MADE):
        return
    with house.database.session() as session:
        is_empty = session.query(Unit).first() is None
        house.units = _units(session)
        for role in Role:
            account(session, f"{role}@x.example", role, house.units["commune"], f"Tài khoản {role}")
        for role in Role:
            account(session, f"{role}@district.example", role, house.units["district"], f"Tài khoản {role}")
        for number, (name, unit_id) in enumerate(house.units.items(), 1):
            unit = session.get_one(Unit, unit_id)
            session.add(Speaker(code=f"loa-{name}", name=f"Loa {name}", unit_id=unit_id, reachable=name != "village"))
            session.add(Zone(code=str(10 + number), name=f"Khu {name}", units=[unit]))
    if house.database.is_sqlite and is_empty and not MADE:
        MADE.append(Furniture.of(house))


def _units(session: Session) -> dict[str, int]:
    made: dict[str, int] = {}
    for name, level, above in (
        ("district", Level.DISTRICT, None),
        ("commune", Level.COMMUNE, "district"),
        ("village", Level.VILLAGE, "commune"),
        ("other", Level.COMMUNE, "district"),
    ):
        unit = Unit(code=name.upper(), name=f"Đơn vị {name}", level=level, parent_id=made[above] if above else None)
        session.add(unit)
        session.flush()
        made[name] = unit.id
    return made
