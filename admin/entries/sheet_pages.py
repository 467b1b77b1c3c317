"""Import of a pasted or uploaded table: checked first with every wrong line listed, then imported."""

from collections.abc import Sequence

from flask import Flask, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from admin.access.confirming import confirm_password
from admin.access.errors import AccessRefused
from admin.access.kept_forms import take_kept
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.entries.scope import require_to_configure, require_zones_of_official
from admin.layout.language import say, sentence
from admin.layout.pages import Form, page, page_shown_once, sent_form
from admin.officials.slips import slips_page
from admin.panel import Panel
from haichieu.account_rights import Action
from haichieu.district.entries import ACCOUNT, OFFICIAL, Allow, Kind
from haichieu.district.sheets import MakeSecret, take_sheet
from haichieu.district.table_files import table_text
from haichieu.errors import UsageError
from haichieu.locale import message


def register_sheet(
    app: Flask, panel: Panel, where: str, kind: Kind, make: MakeSecret, columns: str, sample: str
) -> None:
    """Add `/WHERE/import`. New PINs are shown once as paper slips, passwords in a list.

    Tables of accounts and officials ask for the visitor's password. A table of accounts only adds; roles and passwords
    of existing accounts are changed on their pages.
    """

    allow: Allow = require_zones_of_official if kind is OFFICIAL else require_to_configure
    action = Action.MANAGE_ACCOUNTS if kind is ACCOUNT else Action.CONFIGURE

    def show(form: Form, status: int = 200, **more: object) -> Response:
        head, _, line = sample.partition("\n")
        return page(
            "entries/sheet.html", status, form=form, title=say(f"sheet.title_{where}"), back=url_for(where),
            keys=columns,
            columns=_in_words(columns), sample=f"{_in_words(head)}\n{line}", **{"sheet": None, **more},
            asks_password=kind in (ACCOUNT, OFFICIAL), confirm=say("sheet.confirm"),
        )  # fmt: skip

    @app.get(f"/{where}/import", endpoint=f"import_{where}")
    @needs(action)
    def begin() -> Response:
        """Show the empty page."""
        return show(Form(take_kept(panel)))

    @app.post(f"/{where}/import", endpoint=f"take_{where}")
    @needs(action, checks_units=True)
    def take() -> Response:
        """Check the table and show the result; with `confirmed`, import it."""
        form = sent_form()
        try:
            text = uploaded_table() or form.value("table")
            form.fields = {**form.fields, "table": [text]}
            if not text.strip():
                raise UsageError("panel.sheet.empty")
            with panel.database.session() as session:
                require_in(session, action, ())
            dry_run = form.value("confirmed") != "yes"
            if kind in (ACCOUNT, OFFICIAL) and not dry_run:
                confirm_password(panel, form)
            sheet = take_sheet(
                panel.database, panel.vault, kind, text, visitor().actor, allow, make,
                dry_run=dry_run, only_adds=kind is ACCOUNT,
            )  # fmt: skip
        except (UsageError, AccessRefused) as refusal:
            form.problems[""] = refusal.message
            return show(form, 422)
        if sheet.wrong:
            return show(form, 422, sheet=sheet)
        if dry_run:
            return show(form, sheet=sheet)
        if sheet.secrets and kind is OFFICIAL:
            return slips_page(panel, sheet.secrets)
        if sheet.secrets and kind is ACCOUNT:
            return passwords_page([(row.email, secret) for row, secret in sheet.secrets])
        flash(say("sheet.done", added=len(sheet.added), changed=len(sheet.changed), same=len(sheet.same)))
        return redirect(url_for(where), 303)


def passwords_page(given: Sequence[tuple[str, str]]) -> Response:
    """Show the temporary passwords of accounts by their e-mail address, once."""
    return page_shown_once("entries/shown_once.html", about="password", secrets=given, back="accounts")


def uploaded_table() -> str:
    """Return the text of the uploaded file, if any. Raises UsageError."""
    file = request.files.get("file")
    return table_text(file.read()) if file is not None and file.filename else ""


def _in_words(keys: str) -> str:
    """Return names of columns in the language of the page."""
    return ", ".join(sentence(message(f"district.column.{key.strip()}")) for key in keys.split(","))
