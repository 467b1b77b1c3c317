"""Reports as titled tables with charts in the page's language, for page and workbook."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from admin.layout.language import say
from admin.reports.figures import Figures
from admin.reports.plots import Plot, plot
from broadcast_bridge.broadcasts.broadcast_reports import AiredOfCategory, Counts
from broadcast_bridge.broadcasts.states import Kind
from feedback.cases.case_reports import Handled

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """A table; its first `names` columns contain words, the others figures."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    names: int = 1
    plot: Plot | None = None


@dataclass(frozen=True)
class Section:
    """One report; `name` is the prefix of its texts."""

    name: str
    tables: Sequence[Table]


def sections(found: Figures) -> list[Section]:
    """Return all reports in the language of the page."""
    return [_broadcasts(found), _availability(found), _cases(found), _survey(found)]


def _broadcasts(found: Figures) -> Section:
    columns = ("count", "synthetic", "deliveries", "heard", "unconfirmed", "minutes", "reach")
    by_unit = [[one.unit.name, *_counts(one)] for one in found.by_unit]
    by_category = [[_category(one), *_counts(one)] for one in found.by_category]
    return Section(
        "broadcasts",
        [
            Table(
                say("reports.by_unit"), _heads("unit", *columns), by_unit,
                plot=plot(say("reports.minutes"), [(one.unit.name, one.seconds / 60) for one in found.by_unit]),
            ),
            Table(
                say("reports.by_category"), _heads("category", *columns), by_category,
                plot=plot(say("reports.minutes"), [(_category(one), one.seconds / 60) for one in found.by_category]),
            ),
        ],
    )  # fmt: skip


def _availability(found: Figures) -> Section:
    rows = [
        [one.speaker.name, one.speaker.unit.name, _percent(one.share), round(one.known_seconds / 3600, 1), one.losses]
        for one in found.availability
    ]
    worst = plot(say("reports.share"), [(one.speaker.name, _percent(one.share)) for one in found.availability], 100)
    heads = _heads("speaker", "unit", "share", "known_hours", "losses")
    return Section("availability", [Table(say("reports.availability"), heads, rows, 2, worst)])


def _cases(found: Figures) -> Section:
    columns = (
        "opened", "answered", "waiting", "overdue", "late", "median_hours", "within_a_day", "within_a_week"
    )  # fmt: skip

    def table(first: str, handled: Iterable[Handled]) -> Table:
        named = [(one.name or say("reports.no_category"), one) for one in handled]
        return Table(
            say(f"reports.by_{first}"), _heads(first, *columns), [[name, *_handled(one)] for name, one in named],
            plot=plot(say("reports.opened"), [(name, one.opened) for name, one in named]),
        )  # fmt: skip

    return Section("cases", [table("unit", found.cases.by_unit), table("category", found.cases.by_category)])


def _survey(found: Figures) -> Section:
    rows = [
        [one.title, one.unit, one.useful, one.not_useful, _percent(one.useful / (one.useful + one.not_useful))]
        for one in found.survey
    ]
    drawn = plot(say("reports.useful_share"), [(str(row[0]), _number(row[-1])) for row in rows], 100)
    heads = _heads("programme", "unit", "useful", "not_useful", "useful_share")
    return Section("survey", [Table(say("reports.survey"), heads, rows, 2, drawn)])


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


def _category(one: AiredOfCategory) -> str:
    return say("reports.live") if one.kind is Kind.LIVE else one.category or say("reports.no_category")


def _percent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 1)


def _number(cell: Cell) -> float | None:
    return cell if isinstance(cell, int | float) else None
