"""The web process's part that finds news and sends it; the rules of who sees what are those of the pages."""

import asyncio
from functools import partial
from pathlib import Path

from admin.notices.notice_watch import watch_for_news
from admin.notices.push_encryption import station_key
from admin.notices.push_jobs import PushJobs
from admin.notices.push_service import PublicPushService, PushService
from haichieu.background import kept_going
from haichieu.database import Database


def send_notices(database: Database, home: Path, public_url: str) -> None:
    """Watch and send until the process ends; in a thread of its own, beside the pages."""
    asyncio.run(_send(database, home, public_url, PublicPushService()))


async def _send(database: Database, home: Path, public_url: str, service: PushService) -> None:
    pushes = PushJobs(database, partial(station_key, home), public_url, service)
    async with kept_going(partial(watch_for_news, database)):
        await pushes.run()
