"""A weather service's web server with a feed of alerts, and what the station heard of it."""

import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer

from broadcast_bridge.alerts.models import CapAlert
from haichieu.database import Database
from tests.broadcast_bridge.alerts.messages import Signer, place, source

SIGNER = Signer()
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>'


def atom(*links: str) -> bytes:
    entries = (
        f'<entry><id>{link}</id><link type="application/cap+xml" href="{link}"/></entry>' for link in reversed(links)
    )
    return ATOM.format("".join(entries)).encode()


class Station:
    """A weather service's web server, with what it answers and what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []
        self.etag = ""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self.server = TestServer(app)

    def url(self, path: str = "/feed") -> str:
        return str(self.server.make_url(path))

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path == "/feed" and self.etag and request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304)
        if request.path in self.redirects:
            raise web.HTTPFound(self.redirects[request.path])
        if request.path not in self.pages:
            raise web.HTTPNotFound
        return web.Response(body=self.pages[request.path], headers={"ETag": self.etag} if self.etag else {})


def listen_to(database: Database, url: str) -> int:
    with database.session() as session:
        place(session)
        return source(session, secret="", certificate=SIGNER.certificate, feed_url=url).id


def heard(database: Database) -> list[str]:
    with database.session() as session:
        return list(session.scalars(sa.select(CapAlert.identifier).order_by(CapAlert.id)))
