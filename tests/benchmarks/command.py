"""The command line of the benchmarks."""

import argparse
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.groups import GROUPS, QUICK_SIZE, Group, Options
from tests.benchmarks.table import Row, line, whole_table, with_rows
from tests.every_table import load_every_table

INTERRUPTED = 130
"""As a shell reports an end by SIGINT."""

SIZES, LARGE = (20, 100, 300), (1000, 3000)

Measured = list[tuple[Group, list[Row]]]


def main(arguments: Sequence[str], groups: Sequence[Group] = GROUPS) -> int:
    """Measure, print and write; return the exit status: 1 if a group failed, 130 after SIGINT."""
    given = _parser(groups).parse_args(arguments)
    chosen = [group for group in groups if not given.only or group.name in given.only]
    options = _options(given)
    load_every_table()
    measured: Measured = []
    status = 0
    try:
        for number, group in enumerate(chosen, 1):
            print(f"[{number}/{len(chosen)}] {group.name}: {group.about}", file=sys.stderr, flush=True)
            rows: list[Row] = []
            measured.append((group, rows))

            def tell(row: Row, rows: list[Row] = rows) -> None:
                rows.append(row)
                print(line(row), flush=True)

            try:
                group.measure(options, tell)
            except Exception:
                status = 1
                traceback.print_exc()
                print(f"{group.name} failed; the others go on", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        status = INTERRUPTED
        print("interrupted", file=sys.stderr, flush=True)
    if given.write:
        whole = status == 0 and len(chosen) == len(groups)
        given.write.write_text(_page(given.write, measured, options.runs, whole=whole))
        print(f"written to {given.write}", file=sys.stderr, flush=True)
    return status


def _page(file: Path, measured: Measured, runs: int, *, whole: bool) -> str:
    """Return a new page if everything was measured, otherwise the present page with the measured rows replaced."""
    if whole or not file.exists():
        return whole_table([row for _, rows in measured for row in rows], runs)
    page = file.read_text("utf-8")
    for group, rows in measured:
        if rows:
            page = with_rows(page, group.owns, rows)
    return page


def _parser(groups: Sequence[Group]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="groups:\n" + "\n".join(f"  {group.name:<14} {group.about}" for group in groups),
    )
    parser.add_argument("--quick", action="store_true", help="five speakers, one run: whether it works at all")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--sizes", type=_sizes, help="speakers at once, as 20,100,300 (the default; the fan-out has 1000 and 3000, too)"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the table to this Markdown file")
    parser.add_argument(
        "--only", action="append", choices=[group.name for group in groups], metavar="GROUP",
        help="measure this group alone, and replace no other rows; may be given several times",
    )  # fmt: skip
    return parser


def _options(given: argparse.Namespace) -> Options:
    if given.quick:
        return Options((QUICK_SIZE,), 1)
    return Options(given.sizes, given.runs) if given.sizes else Options(SIZES, given.runs, LARGE)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))
