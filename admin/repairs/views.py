"""The pages of repairs, the one form of their actions, and the slips of poles."""

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Flask, flash, redirect, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.entries.entry_forms import MARK
from admin.entries.qr_codes import qr_code
from admin.entries.scope import units_to_choose
from admin.layout.addresses import file_asked, number_asked, text_asked
from admin.layout.csv_files import csv_answer
from admin.layout.language import say, show_figure, show_moment
from admin.layout.pages import Form, page, sent_form
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from admin.repairs.queries import (
    filter_asked,
    find_repairs,
    pole_slips,
    repair_with_reports,
    speaker_named,
    speakers_to_choose,
    units_of_repair,
)
from admin.reports.sections import Section, Table
from admin.reports.workbook import workbook_answer
from broadcast_bridge.models import Speaker
from broadcast_bridge.repairs import repair_steps
from broadcast_bridge.repairs.days_lost import days_lost
from broadcast_bridge.repairs.errors import PoleElsewhere, PoleRetired, RepairMistakes
from broadcast_bridge.repairs.models import Repair
from broadcast_bridge.repairs.pole_codes import grouped, pole_code
from broadcast_bridge.repairs.reporting import LONGEST_TEXT, Reported, report
from broadcast_bridge.repairs.states import KEYED, Fault, Origin, Outcome, RepairState
from broadcast_bridge.station_book.typed_values import shown_money
from haichieu.account_rights import Action
from haichieu.actor_names import names_of_actors
from haichieu.database import now
from haichieu.district.entries import mark_of
from haichieu.errors import HaiChieuError, NotAllowed, NotFound, UsageError
from haichieu.locale import message
from haichieu.spreadsheet_cells import Cell
from haichieu.station import the_station
from haichieu.unit_names import unit_names
from ivr.calls.routing import EMERGENCY_FLOW, numbers_above

COLUMNS = (
    *("number", "code", "speaker", "unit", "fault", "state", "opened", "closed", "outcome", "in_charge"),
    *("days", "cost", "parts", "work", "reports"),
)
ROWS_AT_ONCE = 500
FILE = "so-sua-chua"


def register_repairs(app: Flask, panel: Panel) -> None:
    """Add the pages."""
    app.jinja_env.filters["pole_code"] = lambda speaker: grouped(pole_code(speaker.id))

    @app.get("/repairs")
    @needs(Action.VIEW)
    def repairs() -> Response:
        """List the repairs that match the filter, also as a file (`as=xlsx`, `as=csv`), and offer to open one."""
        if kind := file_asked():
            heads = [say(f"repair_column.{name}") for name in COLUMNS]
            if kind == "csv":
                return csv_answer(FILE, heads, _rows(panel))
            table = Table(say("nav.repairs"), heads, list(_rows(panel)), names=COLUMNS.index("days"))
            with panel.database.reading() as session:
                return workbook_answer(FILE, [Section("book_repairs", "", None, [table])], the_station(session).name)
        return _list(panel, Form(take_kept(panel)))

    @app.post("/repairs")
    @needs(Action.REPAIR, checks_units=True)
    def change_repair() -> Response:
        """Open a repair, or note, close or reopen one (`do`)."""
        form, action, status = sent_form(), sent_form().value("do"), 422
        number = form.row_id("repair")
        try:
            with panel.database.session() as session:
                number = _act(session, number, action, form)
        except (PoleRetired, PoleElsewhere) as refusal:
            form.problems["speaker"] = refusal.message
            status = 403 if isinstance(refusal, PoleElsewhere) else status
        except (NotAllowed, NotFound):
            raise
        except RepairMistakes as mistakes:
            form.problems.update(mistakes.problems)
        except HaiChieuError as refusal:
            form.problems["speaker" if action == "open" else ""] = refusal_message(refusal)
        if form.problems:
            return _list(panel, form, status) if action == "open" or not number else _page(panel, number, form, status)
        flash(say(f"repairs.done_{action}"))
        return redirect(url_for("repair", number=number), 303)

    @app.get("/repairs/<int:number>")
    @needs(Action.VIEW, where=units_of_repair)
    def repair(number: int) -> Response:
        """Show one repair with its reports, work and proof."""
        return _page(panel, number, Form(take_kept(panel)))

    @app.get("/speakers/slips")
    @needs(Action.VIEW)
    def speaker_slips() -> Response:
        """Show the slips for the poles of a unit (`unit`) or of one speaker (`speaker`), printable."""
        with panel.database.reading() as session:
            slips, more = pole_slips(session, visitor(), text_asked("unit", 100))
            units = units_to_choose(session, visitor())
            asks_language = len(the_station(session).languages) > 1
        images: dict[str, Markup] = {}
        for one in slips:
            if one.line is not None and one.line.number not in images:
                images[one.line.number] = qr_code(f"tel:{one.line.number}")
        keys = {fault: key for key, fault in KEYED.items()}
        return page(
            "repairs/pole_slips.html", slips=slips, more=more, images=images, units=units, keys=keys,
            asks_language=asks_language, unit=text_asked("unit", 100),
        )  # fmt: skip


def _act(session: Session, number: int, action: str, form: Form) -> int:
    """Do what the form asks for, and return the repair."""
    who, at = visitor().actor, now()
    if action == "open":
        speaker = speaker_named(session, form.value("speaker"))
        if speaker.unit_id not in visitor().units:
            raise PoleElsewhere(speaker.unit_id)
        require_in(session, Action.REPAIR, [speaker.unit_id])
        if form.value("fault") not in list(Fault):
            raise RepairMistakes({"fault": message("panel.repairs.choose_fault")})
        text = form.value("text").replace("\x00", "").strip()
        if len(text) > LONGEST_TEXT:
            raise RepairMistakes({"text": message("repair.too_long", most=LONGEST_TEXT)})
        what = Reported(Fault(form.value("fault")), Origin.PANEL, who, text)
        return report(session, speaker.id, what, at).repair_id
    found = repair_steps.find(session, number)
    require_in(session, Action.REPAIR, [session.get_one(Speaker, found.speaker_id).unit_id])
    match action:
        case "save" | "close":
            if form.value(MARK) != mark_of(_texts(found)):
                raise UsageError("panel.entry.changed_meanwhile")
            fields = {name: form.value(name) for name in ("in_charge", "work", "parts", "cost", "days_lost")}
            repair_steps.note(session, found, fields, who)
            if action == "close":
                repair_steps.close(session, found, Outcome.DONE, who, at)
        case "reopen":
            repair_steps.reopen(session, found, who)
        case _:
            raise UsageError("panel.repairs.no_action")
    return found.id


def _texts(repair: Repair) -> dict[str, list[str]]:
    """Return the fields of the form as they are, without the empty ones."""
    numbers = {"cost": repair.cost, "days_lost": repair.days_lost_stated}
    texts = {"in_charge": repair.in_charge, "work": repair.work, "parts": repair.parts}
    texts |= {name: str(value) for name, value in numbers.items() if value is not None}
    return {name: [text] for name, text in texts.items() if text}


def _numbers_for_people(repair: Repair) -> dict[str, list[str]]:
    """Return the numbers of the form as people write them, for those that there are."""
    cost, days = repair.cost, repair.days_lost_stated
    shown: dict[str, list[str]] = {} if cost is None else {"cost": [shown_money(cost)]}
    if days is not None:
        shown["days_lost"] = [f"{days:.0f}" if days == int(days) else show_figure(days, 1)]
    return shown


def _list(panel: Panel, form: Form, status: int = 200) -> Response:
    wanted, before = filter_asked(), number_asked("before")
    with panel.database.reading() as session:
        found, following = find_repairs(session, visitor(), wanted, before)
        lost = days_lost(session, found, now())
        units = units_to_choose(session, visitor())
        if not form.was_sent and (chosen := number_asked("speaker")) is not None:
            speaker = session.get(Speaker, chosen)
            if speaker is not None and speaker.unit_id in visitor().units:
                form = Form({"speaker": [speaker.code]})
        speakers = speakers_to_choose(session, visitor()) if visitor().may(Action.REPAIR) else ()
    return page(
        "repairs/repairs.html", status, form=form, repairs=found, lost=lost, wanted=wanted, before=before,
        following=following, speakers=speakers,
        units=units, states=list(RepairState), faults=[(str(one), say(f"fault.{one}")) for one in KEYED.values()],
        longest=LONGEST_TEXT, away_hours=panel.settings.speaker_away_hours,
    )  # fmt: skip


def _page(panel: Panel, number: int, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        found = repair_with_reports(session, number)
        lost = days_lost(session, [found], now())[found.id]
        names = names_of_actors(session, {found.closed_by, *(one.reported_by for one in found.reports)})
        line = numbers_above(session, EMERGENCY_FLOW)(found.speaker.unit_id) if found.is_open else None
    texts = _texts(found)
    if not form.was_sent:
        form = Form({**texts, **_numbers_for_people(found), MARK: [mark_of(texts)]})
    elif form.problems:
        form = Form({**form.fields, MARK: [mark_of(texts)]}, form.problems)
    returned = found.is_open and found.fault == Fault.AWAY and found.speaker.reachable
    return page(
        "repairs/repair.html", status, form=form, repair=found, lost=lost, names=names, returned=returned,
        longest=LONGEST_TEXT, line=line,
    )  # fmt: skip


def _rows(panel: Panel) -> Iterator[Sequence[Cell]]:
    wanted, who = filter_asked(), visitor()
    before: int | None = None
    with panel.database.reading() as session:
        names, timezone = unit_names(session), the_station(session).timezone
    while True:
        with panel.database.reading() as session:
            found, before = find_repairs(session, who, wanted, before, ROWS_AT_ONCE)
            lost = days_lost(session, found, now())
        for one in found:
            yield _cells(one, str(names[one.speaker.unit_id]), lost[one.id], timezone)
        if before is None:
            return


def _cells(repair: Repair, unit: str, lost: float | None, timezone: str) -> list[Any]:
    return [
        repair.id, repair.speaker.code, repair.speaker.name, unit, say(f"fault.{repair.fault}"),
        say(f"repair_state.{repair.state}"), show_moment(repair.opened_at, timezone).striptags(),
        show_moment(repair.closed_at, timezone).striptags(),
        say(f"repair_outcome.{repair.outcome}") if repair.outcome else "",
        repair.in_charge if visitor().may(Action.REPAIR) else "", "" if lost is None else round(lost, 1),
        "" if repair.cost is None else repair.cost, repair.parts, repair.work, len(repair.reports),
    ]  # fmt: skip
