"""Processes of other people's telephone programs."""

import asyncio
from pathlib import Path

from haichieu.process_control import end_with_parent, run_in_real_time


async def started(
    *command: str, cwd: Path | None = None, output: int = asyncio.subprocess.DEVNULL
) -> asyncio.subprocess.Process:
    """Start a program, which has its turn as soon as a device with a processor of its own would have it."""
    return await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=_as_a_device
    )


def _as_a_device() -> None:
    end_with_parent()
    run_in_real_time()
