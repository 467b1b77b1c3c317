"""Progress bar of a download, on standard error."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn


@contextlib.contextmanager
def download_bar(name: str, size: int) -> Iterator[Callable[[int], None]]:
    """Show a bar, and give the function that moves it to a number of bytes; a size of 0 shows none."""
    if not size:
        yield lambda count: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=size)
        yield lambda count: bar.update(task, completed=count)
