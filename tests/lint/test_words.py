"""The check of the project's words."""

import pytest

from tests.lint.words import CATALOGUE, faults_of, rules

BANNED = rules()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.py", '"""Whether a caller may speak."""\n'),
        ("a.py", '"""Calls."""\n\n\ndef play() -> None:\n    """Play it anew."""\n'),
        ("a.py", '"""Calls."""\n\nWAIT = 3  # whoever calls waits\n'),
        ("a.py", '"""Calls."""\n\n\ndef test_caller_is_told_why() -> None:\n    pass\n'),
        ("a.py", f'"""Calls."""\n\n\ndef test_{"x" * 80}() -> None:\n    pass\n'),
        ("docs/a.md", "| a cell | The job is in hand. |\n"),
        (CATALOGUE, 'msgid "panel.note"\nmsgstr "It goes on."\n'),
    ],
)
def test_dialect_is_found(name: str, content: str) -> None:
    assert len(faults_of(name, content, BANNED)) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.py", '"""Calls in and out."""\n\nWAIT = 3  # RFC 4733 section 2.5\n'),
        ("a.py", '"""Calls."""\n\nSPOKEN = "somebody calls anew"\n'),
        ("docs/a.md", "The table `debts` is a queue of pending calls; who may stop one? An operator.\n"),
        ("docs/a.md", "The emergency goes on air at once.\n"),
        (CATALOGUE, 'msgid "panel.anew"\nmsgstr "Try again"\n'),
    ],
)
def test_plain_english_and_program_text_pass(name: str, content: str) -> None:
    assert faults_of(name, content, BANNED) == []


def test_a_fault_names_its_place_and_what_to_write() -> None:
    assert faults_of("a.py", '"""Calls."""\n\nX = 1  # anew\n', BANNED) == ["a.py:3: “anew”: write again"]
