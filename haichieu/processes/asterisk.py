"""`haichieu asterisk`: find or fetch an Asterisk, write its configuration, and become it."""

import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from dialplans.configuration import check_asterisk_ports, write_configuration
from dialplans.fetch import fetch_asterisk
from dialplans.installation import Installation, cache_folder, find_installation
from haichieu.home import enter_home
from haichieu.locale import render
from haichieu.process_control import (
    MOST_OPEN_FILES,
    READY,
    be_killed_with_parent,
    open_many_files,
    run_ahead_of_other_work,
)
from haichieu.settings import Settings


def run_asterisk(settings: Settings) -> None:
    """Replace this process by Asterisk in the foreground, under the same supervisor."""
    lock = enter_home(settings.home.absolute())
    check_asterisk_ports(settings)
    installation = find_or_fetch(settings)
    configuration = write_configuration(settings, installation, files=open_many_files())
    # The switchboard waits until ARI answers.
    print(READY, flush=True)
    argv = (*installation.argv, "-f", "-C", str(configuration))
    be_killed_with_parent()  # in its first second Asterisk ignores SIGTERM and would keep the ports
    run_ahead_of_other_work()
    lock.keep_in_programs()
    os.execv(argv[0], argv)  # noqa: S606 (no shell)


def render_configuration(settings: Settings, modules: Path, data: Path) -> None:
    """Write the configuration for an Asterisk in another place, such as a container."""
    enter_home(settings.home.absolute())
    write_configuration(settings, Installation((), "", modules, data), files=MOST_OPEN_FILES)


def find_or_fetch(settings: Settings) -> Installation:
    """Return an Asterisk to run, showing progress on standard error while one is fetched."""
    if found := find_installation(settings):
        return found
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task("Asterisk", total=None)
        return fetch_asterisk(
            cache_folder(settings),
            lambda done, total, what: bar.update(
                task, completed=done, total=total or None, description=render(what, settings.ui_language)
            ),
        )


def report_installation(settings: Settings) -> None:
    """Find or fetch an Asterisk, and print its version and path."""
    installation = find_or_fetch(settings)
    print(f"Asterisk {installation.version}: {installation.argv[-1]}", file=sys.stderr)
