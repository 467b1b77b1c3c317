"""The report on effectiveness: reach of households by village, satisfaction of citizens, and the order of all parts."""

from collections import Counter

from admin.layout.language import say, show_figure
from admin.reports.duty_section import duty_section
from admin.reports.figures import Figures
from admin.reports.plots import plot
from admin.reports.sections import Cell, Section, Table, sections


def all_sections(found: Figures) -> list[Section]:
    """Return every section of the reports, in the language of the page."""
    broadcasts, availability, cases, survey = sections(found)
    return [
        broadcasts, reach_section(found), availability, cases, satisfaction_section(found), survey,
        duty_section(found.duties, found.not_covered),
    ]  # fmt: skip


def reach_section(found: Figures) -> Section:
    """Return how many households were reached, by village: those of a unit are reached if one of its speakers played.

    The share of a village is that of its broadcasts; of all together, each broadcast counts by the households of the
    villages that it was meant for.
    """
    aired = {one.unit.id: one for one in found.by_unit}
    units = sorted({*aired, *found.households}, key=lambda number: str(found.names[number]))
    columns = ("households", "count", "reached", "reached_share", "households_reached")
    rows: list[list[Cell]] = []
    meant = reached = 0
    for number in units:
        one, households = aired.get(number), found.households.get(number)
        share = one.reached / one.broadcasts if one and one.broadcasts else None
        if one and households:
            meant += households * one.broadcasts
            reached += households * one.reached
        rows.append(
            [
                str(found.names[number]), households, one.broadcasts if one else 0, one.reached if one else 0,
                None if share is None else round(100 * share, 1),
                None if share is None or households is None else round(households * share),
            ]
        )  # fmt: skip
    drawn = sorted(
        ((str(found.names[number]), one.reached, one.broadcasts) for number, one in aired.items()),
        key=lambda bar: (bar[1] / bar[2] if bar[2] else 2.0, bar[0]),
    )
    return Section(
        "reach", _reach_answer(found, meant, reached) if rows else "",
        plot(say("reports.reach_plot"), drawn, percent=True),
        [Table(say("reports.by_unit"), [say("reports.unit"), *(say(f"reports.{one}") for one in columns)], rows)],
    )  # fmt: skip


def satisfaction_section(found: Figures) -> Section:
    """Return what citizens keyed in after answers by call, by commune and unit."""
    columns = ("satisfied", "not_satisfied", "satisfied_share")
    by_commune: dict[str, Counter[str]] = {}
    for one in found.satisfaction:
        opinions = by_commune.setdefault(found.commune_of(one.unit_id), Counter())
        opinions.update(satisfied=one.satisfied, not_satisfied=one.not_satisfied)
    satisfied = sum(one.satisfied for one in found.satisfaction)
    count = satisfied + sum(one.not_satisfied for one in found.satisfaction)
    heads = [say(f"reports.{one}") for one in columns]
    communes = [_opinions(name, one["satisfied"], one["not_satisfied"]) for name, one in sorted(by_commune.items())]
    units = [_opinions(str(found.names[one.unit_id]), one.satisfied, one.not_satisfied) for one in found.satisfaction]
    return Section(
        "satisfaction",
        say("reports.satisfaction_answer", satisfied=satisfied, count=count) if count else "",
        plot(
            say("reports.satisfaction_plot"),
            [(name, one["satisfied"], one.total()) for name, one in sorted(by_commune.items())],
        ),
        [
            Table(say("reports.by_commune"), [say("reports.commune"), *heads], communes),
            Table(say("reports.by_unit"), [say("reports.unit"), *heads], units),
        ],
    )


def _reach_answer(found: Figures, meant: int, reached: int) -> str:
    households = sum(found.households.values())
    if not households:
        return say("reports.reach_unknown")
    covered = sum(number for unit, number in found.households.items() if unit in found.with_speaker)
    answers = [say("reports.reach_covered", covered=show_figure(covered), count=households)]
    if meant:
        answers.append(say("reports.reach_answer", share=round(100 * reached / meant, 1)))
    if unknown := sum(found.names[one].is_village and one not in found.households for one in found.with_speaker):
        answers.append(say("reports.reach_left_out", count=unknown))
    return " ".join(answers)


def _opinions(name: str, satisfied: int, not_satisfied: int) -> list[Cell]:
    return [name, satisfied, not_satisfied, round(100 * satisfied / (satisfied + not_satisfied), 1)]
