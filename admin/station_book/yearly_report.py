"""The yearly report of the station book in the page's language, for page and workbook.

It has the figures that the plan asks each unit for: stations as they are, inspections, new, upgraded and converted
stations, training, and money by source.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from admin.layout.language import say, sentence, show_day, show_figure
from admin.reports.sections import Cell, Section, Table
from broadcast_bridge.station_book.book_tables import choice_words
from broadcast_bridge.station_book.states import (
    Attended,
    Audience,
    Condition,
    DeviceKind,
    Finding,
    Fund,
    PlanKind,
    PlanState,
    Purpose,
    Technology,
)
from broadcast_bridge.station_book.yearly_figures import Equipment, Money, YearlyFigures

PLAN = ("book_stations", "book_inspections", "book_plans", "book_training", "book_repairs", "book_budget")
"""The sections of the plan for grassroots information, in its order: what there is, what is to be done, the money."""
IN_USE = (Condition.GOOD, Condition.WORN, Condition.BROKEN)


def yearly_sections(found: YearlyFigures) -> list[Section]:
    """Return all sections of the report, in order."""
    return [section(found) for section in SECTIONS]


def _stations(found: YearlyFigures) -> Section:
    total = sum(one.total for one in found.stations)
    connected = sum(one.connected for one in found.stations)
    broken = sum(one.by_condition.get(Condition.BROKEN, 0) for one in found.stations)
    figures = {"communes": found.communes, "without": len(found.without_station), "broken": broken}
    answer = say("reports.book_stations_answer", count=total, connected=connected, **figures)
    stations = [[_words(Technology, one.kind), *_conditions(one), one.connected] for one in found.stations]
    devices = [[_words(DeviceKind, one.kind), *_conditions(one)] for one in found.devices]
    heads = [say("book.kind"), say("book.total"), *(_words(Condition, one) for one in IN_USE)]
    missing = [[str(found.names[unit])] for unit in found.without_station]
    return Section(
        "book_stations", answer if total or found.communes or devices else "", None,
        [
            _table(say("book.stations"), [*heads, say("book.connected")], stations),
            _table(say("book.devices"), heads, devices),
            _table(say("book.without_station"), [say("book.commune")], missing),
        ],
        say("reports.book_stations_on", day=found.counted_on),
    )  # fmt: skip


def _inspections(found: YearlyFigures) -> Section:
    count = sum(found.findings.values())
    devices = sum(one.total for one in found.devices)
    answer = say("reports.book_inspections_answer", count=count, inspected=found.inspected, devices=devices)
    rows = _counted(Finding, found.findings)
    table = _table(say("book.findings"), [say("book.finding"), say("book.number")], rows)
    return Section("book_inspections", answer if count else "", None, [table])


def _repairs(found: YearlyFigures) -> Section:
    opened, closed = sum(one.opened for one in found.repairs), sum(one.closed for one in found.repairs)
    cost = sum(one.cost for one in found.repairs)
    answer = say("reports.book_repairs_answer", count=opened, closed=closed, cost=show_figure(cost))
    rows: list[list[Cell]] = [
        [say(f"fault.{one.fault}"), one.opened, one.closed, round(one.days, 1), one.cost] for one in found.repairs
    ]
    heads = [
        say("repair_column.fault"), say("book.opened"), say("book.closed"), say("repair_column.days"),
        say("repair_column.cost"),
    ]  # fmt: skip
    parts: list[list[Cell]] = [
        [one.speaker.name, str(found.names[one.speaker.unit_id]), str(one.id), one.parts, one.cost]
        for one in found.with_parts
    ]
    of_parts = [say(f"repair_column.{name}") for name in ("speaker", "unit", "number", "parts", "cost")]
    tables = [_table(say("nav.repairs"), heads, rows), _table(say("repair_column.parts"), of_parts, parts, names=4)]
    return Section("book_repairs", answer if rows else "", None, tables, note=say("reports.book_repairs_note"))


def _plans(found: YearlyFigures) -> Section:
    done = sum(one.plan_state == PlanState.DONE for one in found.plans)
    cost = sum(one.cost or 0 for one in found.plans)
    answer = say("reports.book_plans_answer", count=len(found.plans), done=done, cost=show_figure(cost))
    rows: list[list[Cell]] = []
    for kind in PlanKind:
        of_kind = [one for one in found.plans if one.plan_kind == kind]
        states = [sum(one.plan_state == state for one in of_kind) for state in PlanState]
        rows.append([_words(PlanKind, kind), len(of_kind), *states, sum(one.cost or 0 for one in of_kind)])
    each: list[list[Cell]] = [
        [
            one.work, str(found.names[one.unit_id]), _words(PlanKind, one.plan_kind),
            _words(PlanState, one.plan_state), _words(Fund, one.fund) if one.fund else "", one.cost,
        ]
        for one in found.plans
    ]  # fmt: skip
    heads = [say("book.kind"), say("book.total"), *(_words(PlanState, one) for one in PlanState), say("book.cost")]
    named = [
        say("book.work"), say("book.unit"), say("book.kind"), say("book.state"), say("book.fund"), say("book.cost"),
    ]  # fmt: skip
    return Section(
        "book_plans", answer if each else "", None,
        [_table(say("book.plan_figures"), heads, rows), _table(say("book.plan_entries"), named, each, names=5)],
    )  # fmt: skip


def _training(found: YearlyFigures) -> Section:
    results = [Attended.REGISTERED, Attended.PRESENT, Attended.CERTIFIED, Attended.ABSENT]
    needed = sum(found.needs.values())
    trained = sum(one.by_result.get(result, 0) for one in found.courses for result in results[1:3])
    courses: list[list[Cell]] = [
        [one.name, show_day(one.starts_on), *(one.by_result.get(result, 0) for result in results)]
        for one in found.courses
    ]
    answer = say("reports.book_training_answer", count=len(courses), needed=needed, trained=trained)
    heads = [say("book.course"), say("book.begins"), *(_words(Attended, one) for one in results)]
    return Section(
        "book_training", answer if courses or needed else "", None,
        [
            _table(say("book.needs"), [say("book.audience"), say("book.people")], _counted(Audience, found.needs)),
            _table(say("book.courses"), heads, courses, names=2),
        ],
    )  # fmt: skip


def _budget(found: YearlyFigures) -> Section:
    planned, allocated, spent = _sums(found.by_fund)
    sums = {"planned": planned, "allocated": allocated, "spent": spent}
    answer = say("reports.book_budget_answer", **{name: show_figure(amount) for name, amount in sums.items()})
    return Section(
        "book_budget", answer if found.by_fund else "", None,
        [
            _money(say("book.by_fund"), say("book.fund"), Fund, found.by_fund),
            _money(say("book.by_purpose"), say("book.purpose"), Purpose, found.by_purpose),
        ],
    )  # fmt: skip


SECTIONS: Sequence[Callable[[YearlyFigures], Section]] = (
    _stations,
    _inspections,
    _repairs,
    _plans,
    _training,
    _budget,
)


def _money(title: str, first: str, choices: type[StrEnum], lines: Iterable[Money]) -> Table:
    def row(name: str, planned: int, allocated: int, spent: int) -> list[Cell]:
        share = round(100 * spent / allocated, 1) if allocated else None
        return [name, planned, allocated, spent, allocated - spent, share]

    rows = [row(_words(choices, one.name), one.planned, one.allocated, one.spent) for one in lines]
    heads = [
        first, say("book.planned"), say("book.allocated"), say("book.spent"), say("book.left"), say("book.share"),
    ]  # fmt: skip
    total = row(say("reports.total"), *_sums(lines)) if len(rows) > 1 else None
    return Table(title, heads, rows, total=total)


def _sums(lines: Iterable[Money]) -> tuple[int, int, int]:
    every = list(lines)
    return sum(one.planned for one in every), sum(one.allocated for one in every), sum(one.spent for one in every)


def _conditions(one: Equipment) -> list[Cell]:
    return [one.total, *(one.by_condition.get(condition, 0) for condition in IN_USE)]


def _counted(choices: type[StrEnum], counts: Mapping[str, int]) -> list[list[Cell]]:
    return [[_words(choices, one), counts[one.value]] for one in choices if one.value in counts]


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]], names: int = 1) -> Table:
    """Return a table with a row of sums, if it has figures and several rows."""
    total: list[Cell] | None = None
    if len(rows) > 1 and len(heads) > names:
        sums = [_sum([row[column] for row in rows]) for column in range(names, len(heads))]
        total = [say("reports.total"), *[""] * (names - 1), *sums]
    return Table(title, heads, rows, names, total)


def _sum(cells: Iterable[Cell]) -> Cell:
    """Return the sum of the figures in a column; an integer unless one of them has decimals."""
    return round(sum(cell for cell in cells if isinstance(cell, int | float)), 1)


def _words(choices: type[StrEnum], value: str) -> str:
    return sentence(choice_words(choices(value)))
