"""Pages of cases: list, conversation, attached files, export."""

import io
import tempfile

from flask import Flask, Response, request, send_file
from werkzeug.wrappers import Response as AnyResponse

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.cases.answering import register_answering
from admin.cases.bulk import register_bulk
from admin.cases.case_page import show_case
from admin.cases.filters import listing
from admin.cases.inbox import show_list
from admin.cases.scope import case_for_visitor, unit_of_case, unit_of_file
from admin.cases.steps import register_steps
from admin.layout.pages import Form, is_live_part
from admin.panel import Panel
from feedback.cases import table
from feedback.cases.case_lifecycle import NoSuchCase
from feedback.models import Attachment, Message
from haichieu.account_rights import Action
from haichieu.database import now


def register_case_pages(app: Flask, panel: Panel) -> None:
    """Add all pages of cases."""

    @app.get("/cases")
    @needs(Action.READ_CASES)
    def cases() -> Response:
        """List the cases of the tab and the filters in the address."""
        return show_list(panel, Form() if is_live_part() else Form(take_kept(panel)))

    @app.get("/cases/export")
    @needs(Action.READ_CASES)
    def export_cases() -> AnyResponse:
        """Return the filtered list as CSV for statistics, without citizens' numbers and words."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        with panel.database.reading() as session:
            chosen = listing(session, panel.citizens, visitor(), request.args, now())
            table.write(session, chosen.wanted, text)
        text.detach().seek(0)
        return send_file(file, "text/csv", as_attachment=True, download_name=f"phan-anh-{now():%Y-%m-%d}.csv")

    @app.get("/cases/<number>")
    @needs(Action.READ_CASES, where=unit_of_case)
    def case_page(number: str) -> Response:
        """Show one case with its messages and actions."""
        return show_case(panel, number, Form(take_kept(panel)))

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
    register_bulk(app, panel)
