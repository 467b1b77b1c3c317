"""Check of a commit message: `area: imperative summary` in at most 72 characters, then a blank line.

Usage: python -m tests.lint.commit_subject FILE     (git calls it with the file of the message: a commit-msg hook)
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

MAX_CHARACTERS = 72
_SUBJECT = re.compile(r"(?P<area>[a-z][a-z0-9_./-]*(, [a-z][a-z0-9_./-]*)*): (?P<summary>\S.*)")
_MADE_BY_GIT = re.compile(r"Merge |Revert \"|Reapply \"|(fixup|squash|amend)! ")
_SCISSORS = "# ------------------------ >8 ------------------------"
_IMPERATIVES = re.compile(r"\w+ss|\w+eed|bring|embed|focus|ping|ring|string|wed")
"""Verbs in the imperative that end like another form."""


def faults_of(message: str) -> list[str]:
    """Return what is wrong with a commit message, one sentence per fault."""
    lines = [line for line in message.split(_SCISSORS)[0].splitlines() if not line.startswith("#")]
    subject = lines[0].rstrip() if lines else ""
    if not subject:
        return ["The first line is empty; write `area: imperative summary`."]
    if _MADE_BY_GIT.match(subject):
        return []
    faults = []
    if len(subject) > MAX_CHARACTERS:
        faults.append(f"The subject has {len(subject)} characters; at most {MAX_CHARACTERS} fit.")
    if len(lines) > 1 and lines[1].strip():
        faults.append("The second line must be blank; the body follows it.")
    parts = _SUBJECT.fullmatch(subject)
    if parts is None:
        return [*faults, "The subject must read `area: imperative summary`, such as `docs: explain quiet hours`."]
    verb = parts["summary"].split()[0].lower()
    if not _IMPERATIVES.fullmatch(verb) and re.search(r"(ed|ing|s)$", verb):
        faults.append(f"“{verb}” does not look imperative; write what the commit does as an order, such as `add`.")
    if parts["summary"].endswith("."):
        faults.append("The subject ends without a full stop.")
    return faults


def main(arguments: Sequence[str]) -> int:
    """Print the faults of the message in a file; return 1 when there are any, 2 for bad usage."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    faults = faults_of(Path(arguments[0]).read_text(encoding="utf-8"))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
