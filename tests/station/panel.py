"""The panel of a running station, as an administrator's browser talks to it: cookies, tokens of forms, uploads."""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import sqlalchemy as sa
from yarl import URL

from admin.access import sessions
from haichieu.database import now
from haichieu.demo.trial_station import TrialStation
from haichieu.people import Account, Level, Role, Unit


@dataclass
class Panel:
    """A signed-in visitor."""

    browser: aiohttp.ClientSession

    async def get(self, path: str) -> str:
        """Open a page."""
        async with self.browser.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def post(self, path: str, page: str, **fields: object) -> None:
        """Send the form of a page; a field may have several values."""
        held = dict(
            re.findall(r'name="(csrf_token|began_with|edition|seen|over)" value="([^"]*)"', await self.get(page))
        )
        typed = {**held, **fields}.items()
        body = [(name, str(one)) for name, value in typed for one in (value if isinstance(value, list) else [value])]
        async with self.browser.post(path, data=body, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()

    async def upload(self, path: str, page: str, sound: bytes, name: str) -> None:
        """Send a sound as the script of a page does."""
        held = dict(re.findall(r'name="(csrf_token|edition)" value="([^"]*)"', await self.get(page)))
        headers = {"X-CSRFToken": held["csrf_token"], "Content-Type": "application/octet-stream"}
        query = {"name": name, "edition": held["edition"]}
        async with self.browser.post(path, params=query, data=sound, headers=headers) as answer:
            assert answer.status == 201, await answer.text()


@contextlib.asynccontextmanager
async def panel(station: TrialStation) -> AsyncIterator[Panel]:
    """An administrator above every unit, who is gone afterwards with the unit that was made for them."""
    with station.database.session() as session:
        above = Unit(code="TREN", name="Cấp trên", level=Level.DISTRICT)
        session.add(above)
        session.flush()
        session.execute(sa.update(Unit).where(Unit.parent_id.is_(None), Unit.id != above.id).values(parent_id=above.id))
        account = Account(email="a@x.example", name="A", password_hash="x", role=Role.ADMIN, unit_id=above.id)
        session.add(account)
        session.flush()
        proof, _ = sessions.begin(session, account, "127.0.0.1", "test", now())
    jar = aiohttp.CookieJar(unsafe=True)  # which keeps cookies of addresses in figures too
    address = f"http://127.0.0.1:{station.settings.web_port}"
    headers = {"Accept": "text/html"}
    try:
        async with aiohttp.ClientSession(address, cookie_jar=jar, headers=headers) as browser:
            jar.update_cookies({"haichieu": proof}, URL(address))
            yield Panel(browser)
    finally:
        with station.database.session() as session:
            session.execute(sa.delete(Account).where(Account.email == "a@x.example"))
            session.execute(sa.update(Unit).where(Unit.parent_id == above.id).values(parent_id=None))
            session.execute(sa.delete(Unit).where(Unit.id == above.id))
