"""Reports in the page's language, for page and workbook: per question an answer, a chart and tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from admin.layout.language import say
from admin.reports.figures import Figures
from admin.reports.plots import Plot, plot
from broadcast_bridge.broadcasts.broadcast_reports import Aired, AiredOfCategory, Availability, Counts, counts_of_all
from broadcast_bridge.broadcasts.states import Kind
from feedback.cases.case_reports import Handled

LOW = 0.9
"""The share of reachable time below which a speaker needs attention."""

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """A table; its first `names` columns contain words, the others figures. `total` is a row below all others."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    names: int = 1
    total: Sequence[Cell] | None = None


@dataclass(frozen=True)
class Section:
    """One question; `name` is the prefix of its texts. Without an answer there is nothing to report."""

    name: str
    answer: str
    plot: Plot | None
    tables: Sequence[Table]
    heading: str = ""
    """The heading, where it has more than the name in words."""
    note: str = ""
    """What is not to be read out of the figures."""


def sections(found: Figures) -> list[Section]:
    """Return all reports in the language of the page."""
    return [_broadcasts(found), _availability(found), _cases(found), _survey(found)]


def _broadcasts(found: Figures) -> Section:
    columns = ("count", "synthetic", "deliveries", "heard", "unconfirmed", "minutes", "coverage")
    total = counts_of_all(found.by_category)
    sum_of_all = [say("reports.total"), *_counts(total)]

    def table(first: str, named: Iterable[tuple[str, Counts]]) -> Table:
        rows = [[name, *_counts(one)] for name, one in named]
        return Table(say(f"reports.by_{first}"), _heads(first, *columns), rows, total=_of_several(rows, sum_of_all))

    def place(one: Aired) -> str:
        return str(found.names[one.unit.id])

    drawn = found.by_commune if len(found.by_commune) > 1 else found.by_unit
    least = sorted(drawn, key=lambda one: (2.0 if one.reach is None else one.reach, one.unit.code))
    played = {"heard": total.heard, "deliveries": total.deliveries, "share": _percent(total.reach) or 0.0}
    answer = say("reports.broadcasts_answer", count=total.broadcasts, **played)
    return Section(
        "broadcasts", answer if total.deliveries else "",
        plot(say("reports.broadcasts_plot"), [(place(one), one.heard, one.deliveries) for one in least], percent=True),
        [
            table("commune", [(place(one), one) for one in found.by_commune]),
            table("unit", [(place(one), one) for one in found.by_unit]),
            table("category", [(_category(one), one) for one in found.by_category]),
        ],
    )  # fmt: skip


def _availability(found: Figures) -> Section:
    by_commune: dict[str, list[Availability]] = {}
    for one in found.availability:
        by_commune.setdefault(found.commune_of(one.speaker.unit_id), []).append(one)
    share, known = _together(found.availability)
    communes = [(name, *_together(those), sum(one.losses for one in those)) for name, those in by_commune.items()]
    rows = [
        [
            one.speaker.name, str(found.names[one.speaker.unit_id]), _percent(one.share),
            round(one.known_seconds / 3600, 1), one.losses,
        ]
        for one in found.availability
    ]  # fmt: skip
    drawn = [(name, of_all or 0.0, float(of_all is not None)) for name, of_all, _, _ in communes]
    if len(drawn) == 1:
        drawn = [(one.speaker.name, one.seconds, one.known_seconds) for one in found.availability]
    low = sum(one.share is not None and one.share < LOW for one in found.availability)
    never = sum(one.share is None and one.speaker.reachable_since is None for one in found.availability)
    answer = say("reports.availability_answer", share=_percent(share) or 0.0, count=low)
    if never:
        answer += "; " + say("reports.never_connected", count=never)
    columns = ("share", "known_hours", "losses")
    of_communes = [[name, _percent(of_all), hours, losses] for name, of_all, hours, losses in sorted(communes)]
    total = [say("reports.total"), _percent(share), known, sum(one.losses for one in found.availability)]
    return Section(
        "availability", answer if share is not None else "",
        plot(say("reports.availability_plot"), sorted(drawn, key=_least), percent=True),
        [
            Table(
                say("reports.by_commune"), _heads("commune", *columns), of_communes,
                total=_of_several(of_communes, total),
            ),
            Table(say("reports.by_speaker"), _heads("speaker", "unit", *columns), rows, 2),
        ],
    )  # fmt: skip


def _cases(found: Figures) -> Section:
    columns = (
        "opened", "answered", "waiting", "overdue", "late", "median_hours", "within_a_day", "within_a_week"
    )  # fmt: skip
    total = found.cases.total

    def table(first: str, handled: Iterable[Handled]) -> Table:
        rows = [[one.name or say("reports.no_category"), *_handled(one)] for one in handled]
        sum_of_all = [say("reports.total"), *_handled(total)]
        return Table(say(f"reports.by_{first}"), _heads(first, *columns), rows, total=_of_several(rows, sum_of_all))

    drawn = found.cases.by_commune if len(found.cases.by_commune) > 1 else found.cases.by_unit
    open_first = sorted(drawn, key=lambda one: (one.answered - one.opened, one.code))
    answer = say("reports.cases_answer", count=total.opened, answered=total.answered, overdue=total.overdue)
    return Section(
        "cases", answer if total.opened else "",
        plot(say("reports.cases_plot"), [(one.name, one.answered, one.opened) for one in open_first]),
        [
            table("commune", found.cases.by_commune),
            table("unit", found.cases.by_unit),
            table("category", found.cases.by_category),
            table("channel", [replace(one, name=say(f"channel.{one.code}")) for one in found.cases.by_channel]),
        ],
    )  # fmt: skip


def _survey(found: Figures) -> Section:
    by_programme: dict[int, tuple[str, int, int]] = {}
    for one in found.survey:
        _, useful, all_answers = by_programme.get(one.programme_id, ("", 0, 0))
        useful, all_answers = useful + one.useful, all_answers + one.useful + one.not_useful
        by_programme[one.programme_id] = one.title, useful, all_answers
    rows = [
        [one.title, one.unit, one.useful, one.not_useful, _percent(one.useful / (one.useful + one.not_useful))]
        for one in found.survey
    ]
    count = sum(one.useful + one.not_useful for one in found.survey)
    answer = say("reports.survey_answer", useful=sum(one.useful for one in found.survey), count=count)
    heads = _heads("programme", "unit", "useful", "not_useful", "useful_share")
    drawn = plot(say("reports.survey_plot"), by_programme.values())
    return Section("survey", answer if count else "", drawn, [Table(say("reports.by_programme"), heads, rows, 2)])


def _heads(*names: str) -> list[str]:
    return [say(f"reports.{name}") for name in names]


def _counts(one: Counts) -> list[Cell]:
    counts = one.broadcasts, one.synthetic, one.deliveries, one.heard, one.unconfirmed
    return [*counts, round(one.seconds / 60, 1), _percent(one.reach)]


def _handled(one: Handled) -> list[Cell]:
    return [
        one.opened, one.answered, one.waiting, one.overdue, one.late, one.median_hours, one.within_a_day,
        one.within_a_week,
    ]  # fmt: skip


def _together(several: Iterable[Availability]) -> tuple[float | None, float]:
    """Return the share of reachable time of several speakers, and their hours monitored."""
    every = list(several)
    known = sum(one.known_seconds for one in every)
    return (sum(one.seconds for one in every) / known if known else None), round(known / 3600, 1)


def _of_several(rows: Sequence[Sequence[Cell]], total: Sequence[Cell]) -> Sequence[Cell] | None:
    return total if len(rows) > 1 else None


def _least(row: tuple[str, float, float]) -> tuple[float, str]:
    return (row[1] / row[2] if row[2] else 2.0), row[0]


def _category(one: AiredOfCategory) -> str:
    return say("reports.live") if one.kind is Kind.LIVE else one.category or say("reports.no_category")


def _percent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 1)
