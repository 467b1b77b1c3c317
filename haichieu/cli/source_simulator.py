"""`haichieu source-simulator`: the stand-in for a province's source system, as a server."""

import asyncio
import json
from functools import partial
from pathlib import Path

from aiohttp import web

from broadcast_bridge.source_system.province import PASSWORD, USERNAME, Province
from haichieu.background import until_terminated
from haichieu.command_language import say
from haichieu.errors import EnvironmentProblem, UsageError


def run_source_simulator(bind: str, port: int, issue: Path | None) -> None:
    """Serve until SIGTERM. Raises UsageError, or EnvironmentProblem when the port is in use."""
    province = Province()
    if issue is not None:
        province.issue(*_messages(issue))
    asyncio.run(until_terminated(partial(_serve, province, bind, port)))


async def _serve(province: Province, bind: str, port: int) -> None:
    url = f"http://{bind}:{port}"
    runner = web.AppRunner(province.app)
    await runner.setup()
    try:
        await web.TCPSite(runner, bind, port).start()
    except OSError as problem:
        await runner.cleanup()
        why = problem.strerror or str(problem)
        raise EnvironmentProblem("cli.source_simulator.cannot_listen", url=url, why=why) from problem
    print(say("cli.source_simulator.serving", url=url, username=USERNAME, password=PASSWORD), flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _messages(file: Path) -> list[dict[str, object]]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise UsageError("cli.source_simulator.not_a_list", file=file)
    return found
