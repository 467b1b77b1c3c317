"""Pages of cases: inbox, conversation, attached files, export."""

import io
import tempfile

from flask import Flask, Response, request, send_file
from werkzeug.wrappers import Response as AnyResponse

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.cases.answering import register_answering
from admin.cases.case_page import show_case
from admin.cases.filters import choices, read_filters, read_place, wanted, write_place
from admin.cases.inbox import rows
from admin.cases.scope import case_for_visitor, unit_of_case, unit_of_file
from admin.cases.steps import register_steps
from admin.layout.language import know_timezone
from admin.layout.pages import Form, page
from admin.panel import Panel
from feedback.cases import case_search, table
from feedback.cases.case_lifecycle import NoSuchCase
from feedback.models import Attachment, Message
from haichieu.account_rights import Action
from haichieu.database import now

_PAGE_OF_A_CASE = ("", "/answer", "/notes", "/transcript")
"""The address of each form opens the case, because a form that was restored after sign-in is shown there."""


def register_case_pages(app: Flask, panel: Panel) -> None:
    """Add all pages of cases."""

    @app.get("/cases")
    @needs(Action.READ_CASES)
    def cases() -> Response:
        """List the cases that match the filters in the address, the newest first."""
        moment = now()
        with panel.database.reading() as session:
            know_timezone(session)
            offered = choices(session, visitor())
            filters = read_filters(request.args, offered)
            looked_for = wanted(filters, offered, visitor(), moment)
            found = case_search.find(session, looked_for, read_place(request.args.get("after", "")))
            return page(
                "cases.html",
                filters=filters,
                offered=offered,
                rows=rows(session, found.cases, moment),
                waiting=case_search.waiting(session, moment, looked_for.unit_ids),
                older=write_place(found.after),
                begun="after" in request.args,
            )

    @app.get("/cases/export")
    @needs(Action.READ_CASES)
    def export_cases() -> AnyResponse:
        """Return the filtered list as CSV for statistics, without citizens' numbers and words."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        with panel.database.reading() as session:
            offered = choices(session, visitor())
            looked_for = wanted(read_filters(request.args, offered), offered, visitor(), now())
            table.write(session, looked_for, text)
        text.detach().seek(0)
        return send_file(file, "text/csv", as_attachment=True, download_name=f"phan-anh-{now():%Y-%m-%d}.csv")

    @needs(Action.READ_CASES, where=unit_of_case)
    def case_page(number: str) -> Response:
        """Show one case with its messages and actions."""
        return show_case(panel, number, Form(take_kept(panel)))

    for ending in _PAGE_OF_A_CASE:
        name = f"case_page{ending.replace('/', '_')}"
        app.add_url_rule(f"/cases/<number>{ending}", name, case_page, methods=["GET"])

    @app.get("/cases/<number>/files/<int:file>")
    @needs(Action.READ_CASES, where=unit_of_file)
    def case_file(number: str, file: int) -> AnyResponse:
        """Return an attached file as a download, never as a page of the panel."""
        with panel.database.reading() as session:
            case = case_for_visitor(session, number)
            found = session.get(Attachment, file) if file < 2**31 else None
            if found is None or session.get_one(Message, found.message_id).case_id != case.id:
                raise NoSuchCase(case.number)
            path, kind, name = panel.store.path(found.media), found.content_type, found.name
        if not path.is_file():
            raise NoSuchCase(number)
        return send_file(path, kind, as_attachment=True, download_name=name)

    register_steps(app, panel)
    register_answering(app, panel)
