"""Publication duties as a section of the reports and as the list of a quarter."""

import datetime
from collections.abc import Mapping, Sequence

from admin.layout.language import say, sentence, show_day, show_short_day
from admin.reports.sections import Cell, Section, Table
from broadcast_bridge.duties.models import Duty, DutyVillage
from broadcast_bridge.duties.states import DutyState


def duty_section(duties: Sequence[Duty], not_covered: Mapping[int, Sequence[str]]) -> Section:
    """Return how many duties were met, each duty, and each village of each.

    `not_covered` are, by duty, the villages that no speaker belongs to.
    """
    counted = [duty for duty in duties if duty.state != DutyState.CANCELLED]
    met = sum(duty.state == DutyState.MET for duty in counted)
    late = sum(duty.state in (DutyState.MET_LATE, DutyState.OVERDUE, DutyState.MISSED) for duty in counted)
    to_do = len(counted) - met - late
    answer = say("reports.duties_answer", count=len(counted), met=met, late=late, to_do=to_do) if counted else ""
    return Section("duties", answer, None, [_by_duty(duties), _by_village(counted, not_covered)])


def heard_in_words(village: DutyVillage) -> str:
    """Return the days on which a village heard it; of repeats their number."""
    if village.duty.law.every_hours:
        return say("duties.heard_times", count=len(village.heard))
    return ", ".join(show_short_day(datetime.date.fromisoformat(day)) for day in village.heard)


def days_heard(duty: Duty) -> str:
    """Return the days on which at least one village heard it; of repeats the most that one heard."""
    if duty.law.every_hours:
        return say("duties.heard_times", count=max((len(one.heard) for one in duty.villages), default=0))
    days = sorted({day for village in duty.villages for day in village.heard})
    return ", ".join(show_short_day(datetime.date.fromisoformat(day)) for day in days)


def villages_met(duty: Duty) -> int:
    """Return in how many villages it was met, also late."""
    return sum(village.state in (DutyState.MET, DutyState.MET_LATE) for village in duty.villages)


def _by_duty(duties: Sequence[Duty]) -> Table:
    columns = ("duty", "rule", "decision", "decided_on", "deadline", "zones", "heard_on", "state", "met", "villages")
    rows: list[list[Cell]] = [
        [
            duty.title, f"{sentence(duty.law.name)} ({sentence(duty.law.source)})", duty.decision,
            show_day(duty.decided_on), show_day(duty.deadline), ", ".join(zone.name for zone in duty.zones),
            days_heard(duty), say(f"duty_state.{duty.state}"), villages_met(duty), len(duty.villages),
        ]
        for duty in duties
    ]  # fmt: skip
    return Table(say("reports.by_duty"), [say(f"reports.{head}") for head in columns], rows, 8)


def _by_village(duties: Sequence[Duty], not_covered: Mapping[int, Sequence[str]]) -> Table:
    columns = ("unit", "duty", "heard_on", "met_on", "state")
    rows: list[list[Cell]] = []
    for duty in duties:
        rows += [
            [
                village.name, duty.title, heard_in_words(village), show_day(village.met_on) if village.met_on else "",
                say(f"duty_state.{village.state}"),
            ]
            for village in duty.villages
        ]  # fmt: skip
        rows += [[name, duty.title, "", "", say("duties.not_covered")] for name in not_covered[duty.id]]
    return Table(say("reports.by_village"), [say(f"reports.{head}") for head in columns], rows, 5)
