"""Search of a station's files for words that must not be on the disk.

The files are read by a child process: SQLite's locks belong to a process and are lost when that process opens and
closes the database file itself (https://sqlite.org/howtocorrupt.html §2.2), and the tests have it open.
"""

import subprocess
from pathlib import Path


def files_with(folder: Path, *words: str) -> list[str]:
    """Return the names of the files below `folder` that contain one of the words, or are named after one."""
    arguments = [argument for word in words for argument in ("-e", word)]
    search = ["grep", "--recursive", "--text", "--fixed-strings", "--files-with-matches", "--no-messages", *arguments]
    finished = subprocess.run([*search, "."], cwd=folder, capture_output=True, text=True, check=False)
    named = [path.name for path in folder.rglob("*") if any(word in path.name for word in words)]
    return sorted({Path(line).name for line in finished.stdout.splitlines()} | set(named))
