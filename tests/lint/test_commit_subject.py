"""The rule for commit subjects."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lint.commit_subject import faults_of, main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "message",
    [
        "docs: explain quiet hours",
        "ivr/verbs: play the answer twice\n\nCallers write it down.\n",
        "make, docker: download a Python 3.12 when the system has none",
        "jobs: process two rows at once",
        "area: " + "x" * 66,
        "docs: explain quiet hours\n# Please enter the commit message\n# On branch main\n",
        "docs: explain hours\n# ------------------------ >8 ------------------------\ndiff --git a/x b/x\n",
        "Merge branch 'main' into panel",
        'Revert "docs: explain quiet hours"',
        "fixup! docs: explain quiet hours",
    ],
)
def test_a_subject_that_follows_the_rule_has_no_fault(message: str) -> None:
    assert faults_of(message) == []


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("", "first line is empty"),
        ("# only a comment\n", "first line is empty"),
        ("A citizen is told once", "`area: imperative summary`"),
        ("Docs: explain quiet hours", "`area: imperative summary`"),
        ("docs:explain quiet hours", "`area: imperative summary`"),
        ("docs: explained quiet hours", "“explained” does not look imperative"),
        ("docs: explaining quiet hours", "“explaining” does not look imperative"),
        ("docs: explains quiet hours", "“explains” does not look imperative"),
        ("docs: explain quiet hours.", "without a full stop"),
        ("area: " + "x" * 67, "73 characters"),
        ("docs: explain quiet hours\nand why", "second line must be blank"),
    ],
)
def test_each_fault_is_named(message: str, fault: str) -> None:
    (found,) = faults_of(message)
    assert fault in found


def test_several_faults_are_named_together() -> None:
    assert len(faults_of("docs: explained " + "x" * 70 + ".\nmore")) == 4


def test_git_reads_the_result_from_the_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "COMMIT_EDITMSG"
    file.write_text("docs: explain quiet hours\n")
    assert main([str(file)]) == 0
    file.write_text("Docs.\n")
    assert main([str(file)]) == 1
    assert "imperative summary" in capsys.readouterr().err
    assert main([]) == 2


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    file = tmp_path / "COMMIT_EDITMSG"
    file.write_text("A citizen is told once\n")
    command = [sys.executable, "-m", "tests.lint.commit_subject", str(file)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1
