"""The processes below one, to be found and killed."""

import contextlib
import os
import signal
from pathlib import Path


def descendants(pid: int) -> dict[int, str]:
    """Return the processes below one, with their command lines."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            commands[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    below: dict[int, str] = {}
    fresh = {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh}
        below |= {child: commands[child] for child in fresh}
    return below


def kill_tree(pid: int) -> None:
    """Kill a process and all below it at once, as a power cut does."""
    for one in (pid, *descendants(pid)):  # a supervisor first, or it would start the others again
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
