"""Pages of the station book: the yearly report, and for every table a list, a form and an import."""

from collections.abc import Sequence
from typing import Any

from flask import Flask, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.entries.entry_forms import MARK, Conflict, form_of, with_news
from admin.entries.scope import units_to_choose
from admin.entries.sheet_pages import uploaded_table
from admin.layout.addresses import LARGEST_NUMBER, file_asked, number_asked, text_asked
from admin.layout.csv_files import csv_answer
from admin.layout.language import say, sentence
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from admin.reports.sections import Section, Table
from admin.reports.workbook import workbook_answer
from admin.station_book.book_help import entry_title, file_name, hint, how_to_write
from admin.station_book.book_import import take_book_sheet
from admin.station_book.queries import (
    A_PAGE,
    NEWEST,
    BookFilter,
    Cell,
    cell,
    codes_to_choose,
    columns_for,
    counts_of_tables,
    filter_asked,
    inspections_of,
    rows_found,
    words_of_row,
)
from admin.station_book.scope import NEW, row_numbered, table_named, units_of_book_row
from admin.station_book.yearly_report import PLAN, yearly_sections
from broadcast_bridge.station_book.book_entries import (
    BookRefused,
    Reach,
    StillReferred,
    read_row,
    remove,
    save,
    texts_of,
)
from broadcast_bridge.station_book.book_tables import TABLES, BookTable, Column, ValueType, choice_words
from broadcast_bridge.station_book.expiry_alarms import today_at
from broadcast_bridge.station_book.models import BookDevice
from broadcast_bridge.station_book.typed_values import FIRST_YEAR, LAST_YEAR
from broadcast_bridge.station_book.yearly_figures import yearly_figures, years_of_book
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.district.cells import cleaned
from haichieu.district.entries import mark_of
from haichieu.errors import UsageError
from haichieu.locale import message
from haichieu.people import Unit, units_under
from haichieu.station import the_station
from haichieu.unit_names import unit_names

MOST_CODES = 300
REFERRING = {"stations": "devices", "devices": "inspections", "courses": "attendance"}
"""Tables whose rows are added next, from the row that they refer to."""
KEEP = Action.KEEP_BOOK


def register_station_book(app: Flask, panel: Panel) -> None:
    """Add the pages, and give templates the filter `book_words`, of a row and the name of a choice."""
    app.jinja_env.filters["book_words"] = words_of_row

    @app.get("/book")
    @needs(Action.VIEW)
    def book() -> AnyResponse:
        """Show the report of a year and unit, by default this year in all the visitor's units.

        With `as=xlsx` it is a workbook, with `as=plan` the plan as a form to print.
        """
        unit = text_asked("unit", 40)
        with panel.database.reading() as session:
            today = today_at(session)
            asked = number_asked("year") or today.year
            year = min(max(asked, FIRST_YEAR), LAST_YEAR)
            found = yearly_figures(session, _units(session, unit), year)
            units, station = units_to_choose(session, visitor()), the_station(session)
            own = session.get_one(Unit, visitor().account.unit_id)
            place = next((one for one in units if one.code == unit), own).name
            counts, years = counts_of_tables(session, visitor().units), years_of_book(session, visitor().units, today)
        sections = yearly_sections(found)
        if file_asked() == "xlsx":
            return workbook_answer(f"so-dai-{year}", sections, say("book.year_heading", year=str(year)))
        if request.args.get("as") == "plan":
            in_order = sorted(sections, key=lambda one: PLAN.index(one.name))
            return page("station_book/book_plan.html", sections=in_order, year=year, unit=unit, place=place)
        return page(
            "station_book/book.html", sections=sections, year=year, years=sorted({*years, year}, reverse=True),
            unit=unit,
            units=units, station=station, printed_at=now(), tables=TABLES.values(), counts=counts, table=None,
        )  # fmt: skip

    @app.get("/book/<table>")
    @needs(Action.VIEW)
    def book_list(table: str) -> AnyResponse:
        """List rows of a table in the visitor's units by words, unit, year, choices; with `as`, as XLSX or CSV."""
        kept, wanted = table_named(table), filter_asked(table_named(table))
        form = file_asked()
        return _file(panel, kept, wanted, form) if form else _list(panel, kept, wanted)

    @app.get("/book/<table>/import")
    @needs(KEEP)
    def import_book(table: str) -> AnyResponse:
        """Show the import page of a table; with `as=xlsx`, return a workbook with the heads of its columns only."""
        kept = table_named(table)
        if file_asked() == "xlsx":
            return _workbook(f"{file_name(kept)}-mau", kept, kept.columns, [], say("book.template_heading"))
        return _sheet_page(kept, Form(take_kept(panel)))

    @app.post("/book/<table>/import")
    @needs(KEEP, checks_units=True)
    def take_book(table: str) -> AnyResponse:
        """Check a table and show the result; with `confirmed`, import it."""
        kept, form = table_named(table), sent_form()
        dry_run = form.value("confirmed") != "yes"
        try:
            text = uploaded_table() or form.value("table")
            form.fields = {**form.fields, "table": [text]}
            if not text.strip():
                raise UsageError("panel.sheet.empty")
            with panel.database.reading() as session:
                require_in(session, KEEP, ())
            sheet = take_book_sheet(
                panel.database, kept, text, visitor().actor, visitor().units, _require_to_keep, dry_run=dry_run
            )
        except UsageError as refusal:
            form.problems[""] = refusal.message
            return _sheet_page(kept, form, 422)
        if sheet.wrong or dry_run:
            return _sheet_page(kept, form, 422 if sheet.wrong else 200, sheet=sheet)
        flash(say("sheet.done", added=len(sheet.added), changed=len(sheet.changed), same=len(sheet.same)))
        return redirect(url_for("book_list", table=table), 303)

    @app.get("/book/<table>/<int:number>")
    @needs(Action.VIEW, where=units_of_book_row)
    def book_row(table: str, number: int) -> AnyResponse:
        """Show the form of a row, or of a new one (number 0); without the right to keep the book, its values."""
        kept = table_named(table)
        with panel.database.reading() as session:
            row = row_numbered(session, kept, number)
            if row is None:
                require_in(session, KEEP, ())
            texts = texts_of(kept, row) if row is not None else None
            start = {one.name: text_asked(one.name) for one in kept.columns}
            start |= {"year": start["year"] or str(today_at(session).year)} if "year" in start else {}
        return _row_page(panel, kept, number, form_of(panel, texts and _as_lists(texts), **start))

    @app.post("/book/<table>/<int:number>")
    @needs(KEEP, where=units_of_book_row, checks_units=True)
    def keep_book(table: str, number: int) -> AnyResponse:
        """Add or change a row; with `do=delete` and the confirmation box, delete it."""
        kept, form = table_named(table), sent_form()
        try:
            with panel.database.session() as session:
                row = row_numbered(session, kept, number)
                require_in(session, KEEP, () if row is None else [row.unit_id])
                if form.value("do") == "delete":
                    _delete(session, kept, row, form)
                else:
                    _save(session, kept, row, form)
        except BookRefused as refusal:
            form.problems.update(refusal.problems)
            return _row_page(panel, kept, number, form, 422)
        except Conflict as conflict:
            return _row_page(panel, kept, number, conflict.form, 409)
        except (StillReferred, UsageError) as refusal:
            form.problems[""] = refusal.message
            return _row_page(panel, kept, number, form, 422)
        if form.value("do") == "delete":
            panel.database.forget([kept.model.__tablename__])
        flash(say("book.deleted" if form.value("do") == "delete" else "entry.saved"))
        return redirect(url_for("book_list", table=table), 303)


def _save(session: Session, table: BookTable, row: Any, form: Form) -> None:
    typed = {one.name: cleaned(form.value(one.name)) for one in table.columns}
    if row is not None:
        present = _as_lists(texts_of(table, row))
        if form.value(MARK) != mark_of(present):
            news = with_news(form, form.fields, present)
            names = unit_names(session)
            for one in table.columns:
                if one.name in news.problems:
                    now_there = cell(one, row, names)
                    news.problems[one.name] = message(
                        "panel.entry.now_there", value="—" if now_there is None else now_there
                    )
            raise Conflict(news)
    values = read_row(table, typed, Reach(session, visitor().units))
    saved = save(session, table, values, visitor().actor, today_at(session), row)
    _require_to_keep(session, saved)


def _delete(session: Session, table: BookTable, row: Any, form: Form) -> None:
    if row is None or not form.chosen("sure", "yes"):
        raise UsageError("panel.entry.not_sure")
    remove(session, table, row, visitor().actor)


def _require_to_keep(session: Session, row: Any) -> None:
    require_in(session, KEEP, [row.unit_id])


def _as_lists(texts: dict[str, str]) -> dict[str, list[str]]:
    return {name: [text] if text else [] for name, text in texts.items()}


def _units(session: Session, code: str) -> set[int]:
    """Return the requested unit with those below it, as far as they are the visitor's; else all of the visitor's."""
    unit = Unit.__table__
    found = session.execute(unit.select().where(unit.c.code == code)).first() if code else None
    return units_under(session, [found.id]) & visitor().units if found else set(visitor().units)


def _list(panel: Panel, table: BookTable, wanted: BookFilter) -> AnyResponse:
    who, after = visitor(), min(max(request.args.get("after", 0, type=int), 0), LARGEST_NUMBER)
    with panel.database.reading() as session:
        rows, total = rows_found(session, who, table, wanted, after)
        units, names = units_to_choose(session, who), unit_names(session)
        counts = counts_of_tables(session, who.units)
    listed = [one for one in columns_for(who, table) if one.listed]
    return page(
        "station_book/book_list.html", table=table, tables=TABLES.values(), counts=counts, columns=listed, total=total,
        wanted=wanted, rows=[(row, [cell(one, row, names) for one in listed]) for row in rows], units=units,
        after=after, following=after + A_PAGE if after + A_PAGE < total else 0, choice_words=choice_words,
        filters=[one for one in table.columns if one.choices], has_year=hasattr(table.model, "year"),
    )  # fmt: skip


def _file(panel: Panel, table: BookTable, wanted: BookFilter, form: str) -> AnyResponse:
    who = visitor()
    columns = columns_for(who, table)
    with panel.database.reading() as session:
        rows, _ = rows_found(session, who, table, wanted, most=None)
        names, station = unit_names(session), the_station(session)
        # Without courses of other units, the file can be imported again.
        own = [row for row in rows if row.unit_id in who.units]
        cells = [[cell(one, row, names, for_file=True) for one in columns] for row in own]
    if form == "csv":
        return csv_answer(file_name(table), [sentence(one.title) for one in columns], cells)
    return _workbook(file_name(table), table, columns, cells, station.name)


def _workbook(
    name: str, table: BookTable, columns: Sequence[Column], cells: Sequence[Sequence[Cell]], heading: str
) -> AnyResponse:
    heads = [sentence(one.title) for one in columns]
    found = Table(sentence(table.title), heads, cells, sum(one.is_word for one in columns))
    return workbook_answer(name, [Section("book", "", None, [found])], heading)


def _row_page(panel: Panel, table: BookTable, number: int, form: Form, status: int = 200) -> AnyResponse:
    who = visitor()
    with panel.database.reading() as session:
        row, names = row_numbered(session, table, number), unit_names(session)
        columns = columns_for(who, table)
        shown = [] if row is None else [(one, cell(one, row, names)) for one in columns]
        speaker, inspections = None, []
        if isinstance(row, BookDevice):
            speaker = row.speaker if row.speaker is not None and row.speaker.unit_id in who.units else None
            inspections = list(inspections_of(session, who, [row.id]))[:NEWEST]
        units = units_to_choose(session, who)
        codes = {
            one.name: codes_to_choose(session, who, one, MOST_CODES)
            for one in columns
            if one.value_type is ValueType.ROW and who.may(KEEP)
        }
    following = TABLES.get(REFERRING.get(table.name, "")) if row is not None else None
    heading = entry_title(table, dict(shown)) if row is not None else say("book.add", entry=sentence(table.entry))
    return page(
        "station_book/book_form.html", status, heading=heading, speaker=speaker, inspections=inspections,
        table=table, number=number, form=form, columns=columns, shown=shown, units=units,
        codes=codes, types=ValueType, choice_words=choice_words, is_new=number == NEW,
        hints={one.name: hint(table, one) for one in columns}, following=following,
        reference={column.name: row.code for column in following.columns if column.refers is table.model}
        if following
        else {},
    )  # fmt: skip


def _sheet_page(table: BookTable, form: Form, status: int = 200, **more: object) -> AnyResponse:
    key = ", ".join(sentence(table.column(one).title) for one in table.key)
    return page(
        "entries/sheet.html", status, form=form,
        heads_file=f"{url_for('import_book', table=table.name)}?as=xlsx",
        title=say("book.import_title", table=sentence(table.title)), table=table,
        back=url_for("book_list", table=table.name), key=key,
        columns=[(one, how_to_write(table, one)) for one in table.columns], confirm=say("book.import_confirm"),
        asks_password=False, **{"sheet": None, **more},
    )  # fmt: skip
