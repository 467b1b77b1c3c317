"""Files what citizens said who hung up, or whom we lost: see `feedback.intake.voice_messages`."""

import asyncio
import contextlib

import sqlalchemy as sa
import structlog

from feedback.intake.voice_messages import NothingSaid, VoiceMessages
from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError
from haichieu.errors import HaiChieuError

log = structlog.get_logger()

LOOK_SECONDS = 3.0
FORGET_EVERY = 100
"""Looks between two searches for drafts that came to nothing."""


async def file_left_behind(client: AriClient, messages: VoiceMessages) -> None:
    """Look for recordings that no call has in hand, and file them, until cancelled."""
    looks = 0
    while True:
        await client.connected.wait()
        for name in await asyncio.to_thread(messages.left_behind):
            with contextlib.suppress(AriError):  # most are over; one may go on whose switchboard died
                await client.request(operations.STOP_RECORDING, recordingName=name)
            if messages.is_still(name):
                await asyncio.to_thread(_file, messages, name)
        if looks % FORGET_EVERY == 0:
            await asyncio.to_thread(messages.forget_abandoned)
        looks += 1
        await asyncio.sleep(LOOK_SECONDS)


def _file(messages: VoiceMessages, name: str) -> None:
    try:
        log.info("message.filed", case=messages.keep(name))
    except NothingSaid:
        log.info("message.empty", name=name)
    except (HaiChieuError, OSError, sa.exc.SQLAlchemyError) as problem:
        log.warning("message.not_filed", name=name, problem=str(problem))
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            messages.not_kept(name, problem)
