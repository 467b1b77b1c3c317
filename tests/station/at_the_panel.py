"""An administrator at the panel of a running station: forms over HTTP, as a browser sends them."""

import re
from typing import Self

import aiohttp

from haichieu.cli.trial_station import TrialStation
from haichieu.people import Account, Level, Role, Unit
from haichieu.vault import hash_secret

EMAIL, PASSWORD = "quan-tri@huyen.example", "ba-con-ech-xanh"


class AtThePanel:
    """Somebody above all units, signed in."""

    def __init__(self, station: TrialStation) -> None:
        self._station = station
        self._web = aiohttp.ClientSession(
            f"http://{station.settings.bind}:{station.settings.web_port}",
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers={"Accept": "text/html"},
        )

    async def __aenter__(self) -> Self:
        with self._station.database.session() as session:
            above = Unit(code="HUYEN", name="Huyện", level=Level.DISTRICT)
            session.add(above)
            session.flush()
            for unit in session.query(Unit).filter(Unit.parent_id.is_(None), Unit.id != above.id):
                unit.parent_id = above.id
            password = hash_secret(PASSWORD)
            session.add(Account(email=EMAIL, name="A", password_hash=password, role=Role.ADMIN, unit_id=above.id))
        assert await self.send("/login", "/login", email=EMAIL, password=PASSWORD, next="/") == 303
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._web.close()

    async def send(self, path: str, page: str, **fields: str) -> int:
        """Send a form that stands on a page, with what is hidden in it; return the status of the answer."""
        async with self._web.get(page) as shown:
            text = await shown.text()
            assert shown.status == 200, text
        hidden = dict(re.findall(r'<input type="hidden" name="(csrf_token|seen|over)" value="([^"]*)"', text))
        async with self._web.post(path, data={**hidden, **fields}, allow_redirects=False) as answer:
            return answer.status
