"""The command line of the benchmarks: what is printed, written and refused, with groups that measure nothing real."""

import asyncio
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.bench import Run
from tests.benchmarks.command import main
from tests.benchmarks.groups import GROUPS, Group, Options, Tell
from tests.benchmarks.table import Row, all_rows, what_matters, whole_table

ROOT = Path(__file__).parent.parent.parent


def group(name: str, figure: str = "1") -> Group:
    def measure(_: Options, tell: Tell) -> None:
        tell((f"{name}: one", figure, "", "", ""))

    return Group(name, f"about {name}", name, measure)


def rows(file: Path) -> list[str]:
    return all_rows(file.read_text())


def test_a_group_may_run_a_loop_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    async def figure() -> str:
        return "7"

    def measure(_: Options, tell: Tell) -> None:
        tell(("looping: one", asyncio.run(figure()), "", "", ""))

    assert main([], [Group("looping", "a loop", "looping", measure), group("next")]) == 0
    assert capsys.readouterr().out == "| looping: one | 7 |  |  |  |\n| next: one | 1 |  |  |  |\n"


def test_a_group_that_fails_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:  # fmt: skip
    def fail(_: Options, tell: Tell) -> None:
        tell(("broken: one", "1", "", "", ""))
        raise RuntimeError("no such thing")

    file = tmp_path / "table.md"
    assert main(["--write", str(file)], [Group("broken", "it", "broken", fail), group("next")]) == 1
    printed = capsys.readouterr()
    assert "no such thing" in printed.err
    assert "[2/2] next: about next" in printed.err
    assert rows(file) == ["| broken: one | 1 |  |  |  |", "| next: one | 1 |  |  |  |"]


def test_only_measures_and_replaces_the_rows_of_one_group(tmp_path: Path) -> None:
    file = tmp_path / "table.md"
    assert main(["--write", str(file)], [group("a"), group("b"), group("c")]) == 0
    assert main(["--only", "b", "--write", str(file)], [group("a", "5"), group("b", "5"), group("c", "5")]) == 0
    assert rows(file) == ["| a: one | 1 |  |  |  |", "| b: one | 5 |  |  |  |", "| c: one | 1 |  |  |  |"]


def test_help_lists_the_groups_and_an_unknown_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as help_wanted:
        main(["--help"])
    assert help_wanted.value.code == 0
    printed = capsys.readouterr().out
    assert all(f"  {known.name} " in printed for known in GROUPS)
    with pytest.raises(SystemExit) as refused:
        main(["--only", "nothing"])
    assert refused.value.code == 2
    assert "'transcription'" in capsys.readouterr().err


def test_an_interrupted_run_has_printed_and_writes_what_it_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe))
    printed: list[str] = []

    def is_interrupted(_: Options, tell: Tell) -> None:
        tell(("second: one", "2", "", "", ""))
        printed.extend(pipe.getvalue().decode().splitlines())
        raise KeyboardInterrupt

    file = tmp_path / "table.md"
    groups = [group("first"), Group("second", "it", "second", is_interrupted), group("third")]
    assert main(["--write", str(file)], groups) == 130
    assert printed == ["| first: one | 1 |  |  |  |", "| second: one | 2 |  |  |  |"]
    assert rows(file) == printed


def test_interrupted_comparison_shows_the_runs_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third run of the second size is interrupted, or fails."""

    class Interrupted:
        runs = 0

        async def broadcast(self, _: int, *, ahead: bool = True) -> Run:
            self.runs += ahead
            if self.runs > 6:
                raise KeyboardInterrupt
            return Run(0.1, 5, 0.2, 0.1, 0.0)

        async def page(self, _: int) -> Run:
            return Run(0.2, 5, 0.4, 0.0, 0.0)

    for name in ("live", "fan-out"):
        rows: list[Row] = []
        bench = Interrupted()

        async def with_bench(_: Path, __: list[int], work: Any, bench: Any = bench, **___: bool) -> None:
            await work(bench)

        monkeypatch.setattr("tests.benchmarks.groups.with_bench", with_bench)
        group = next(one for one in GROUPS if one.name == name)
        with pytest.raises(KeyboardInterrupt):
            group.measure(Options((20, 100), 3), rows.append)
        assert {row[0].split()[0] for row in rows} == {"20", "100"}


def test_every_row_of_the_published_table_belongs_to_one_group() -> None:
    for row in rows(ROOT / "docs" / "benchmarks.md"):
        label = row[2:]
        assert [known.name for known in GROUPS if known.owns(label)] in [[known.name] for known in GROUPS], label


def test_what_matters_comes_first_and_names_the_slowest_of_many() -> None:
    measured: list[Row] = [
        ("a: first sound (s)", "0.1", "", "", "≤ 1"),
        ("a: reached", "3", "", "", ""),
        ("pages: inbox, p95 (ms)", "9 (processor 8)", "", "", "≤ 100"),
        ("pages: the log, p95 (ms)", "31 (processor 22)", "", "", "≤ 100"),
        ("pages: map, p95 (ms)", "20 (processor 8)", "", "", "≤ 100"),
    ]
    page = whole_table(measured, 3)
    assert len(all_rows(page)) == len(measured)
    short = what_matters(all_rows(page))
    assert short == [
        "| a: first sound (s) | 0.1 |  |  | ≤ 1 |",
        "| pages: slowest of all, the log, p95 (ms) | 31 (processor 22) |  |  | ≤ 100 |",
    ]
    assert all(page.index(row) < page.index("## All figures") for row in short)
